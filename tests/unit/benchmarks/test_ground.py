"""A benchmark leaves nothing behind, also one that was killed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from benchmarks.ground import own_folder
from cloud.local import home

_HOLDING = """
import sys
from benchmarks.ground import own_folder
with own_folder() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def holding(directory: Path) -> tuple[subprocess.Popen[str], Path]:
    """Let a process of its own be a benchmark in a directory."""
    process = subprocess.Popen(
        (sys.executable, "-c", _HOLDING),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(directory)},
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_benchmark_left_goes_when_another_begins_and_what_a_living_one_has_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(home, "SYSTEM_DIR", tmp_path / "lib")
    database = tmp_path / "lib" / "dockledger-1-postgres"
    database.mkdir(parents=True)
    (dead, left), (living, kept) = holding(tmp_path), holding(tmp_path)
    with dead, living:
        (left / "stage").mkdir()
        (left / "stage" / "instance").write_text("1", "ascii")
        (left / "stage" / "postgres").symlink_to(database)
        dead.kill()
        dead.wait()
        assert database.exists()
        with own_folder() as own:
            assert [path.exists() for path in (own, kept, left, database)] == [True, True, False, False]
        assert not own.exists()
        living.communicate("")
        assert not kept.exists()
