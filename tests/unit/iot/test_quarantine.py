"""What nobody understands is kept, as it came, in two files of bounded size."""

import base64
import json
from pathlib import Path

import pytest

from edge_agent.readers.iot import quarantine
from edge_agent.readers.iot.quarantine import Quarantine


def test_the_newest_are_kept_and_the_whole_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MOST_BYTES", 2000)
    kept = Quarantine(tmp_path, "r1")
    for number in range(100):
        kept.keep(b"\xff" + bytes([number]) * 40, "not JSON", number)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["unreadable-r1.jsonl", "unreadable-r1.older.jsonl"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 5000
    last = json.loads((tmp_path / files[0]).read_text("utf-8").splitlines()[-1])
    assert base64.b64decode(last["base64"]) == b"\xff" + bytes([99]) * 40
    assert (last["why"], last["arrived_us"], last["bytes"]) == ("not JSON", 99, 41)


def test_of_something_huge_the_beginning_is_kept_with_its_size(tmp_path: Path) -> None:
    Quarantine(tmp_path, "r1").keep(b"x" * 1_000_000, "not JSON", 1)
    [line] = (tmp_path / "unreadable-r1.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["bytes"] == 1_000_000
    assert len(line) < 100_000


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Quarantine(None, "r1").keep(b"x", "not JSON", 1)
    assert list(tmp_path.iterdir()) == []
