"""``edge-agent replay``: lines in, decisions out; what is unusable is named and never ends in a traceback."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from contracts.vocabulary import CrossingDirection
from edge_agent.cli import build_parser, main
from edge_agent.readers.capture import CaptureError, parse_line, written_at
from edge_agent.readers.raw_read import GpiChange, RawRead, Seen
from edge_agent.replay import replay
from tests.unit.filters.radio_stories import INWARD, NOON_US, ONE_PLANE, beams, merged, one_plane, two_sided

SITE = """
[[portal]]
id = "dock-1"
kind = "two_sided"
inside = ["r1:1", "r1:2"]
outside = ["r1:3", "r1:4"]
inside_location = "STAGE-1"
outside_location = "@clearing/dock-1"

[[portal]]
id = "dock-3"
kind = "one_plane"
antennas = ["r3:1", "r3:2"]
beams = [1, 2]
inside_location = "STAGE-3"
outside_location = "@clearing/dock-3"
"""


def as_line(seen: Seen) -> str:
    at = written_at(seen.seen_us)
    if isinstance(seen, GpiChange):
        return json.dumps({"seen_at": at, "reader": seen.reader, "gpi": seen.port, "level": seen.is_high})
    fields = {"seen_at": at, "reader": seen.reader, "antenna": seen.antenna, "epc": seen.epc.lower()}
    return json.dumps(
        {**fields, "rssi_dbm": seen.rssi_dbm, "phase_deg": None, "doppler_hz": None, "count": 1}
    )


def replayed(folder: Path, lines: list[str], *words: str) -> tuple[int, list[dict[str, Any]], str]:
    site, capture = folder / "site.toml", folder / "capture.jsonl"
    site.write_text(SITE, encoding="utf-8")
    capture.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    options = build_parser().parse_args(["replay", str(capture), "--site", str(site), "--json", *words])
    out, errors = io.StringIO(), io.StringIO()
    code = replay(options, out, errors)
    return code, [json.loads(line) for line in out.getvalue().splitlines()], errors.getvalue()


def test_each_decision_is_a_line_and_the_last_line_sums_up(tmp_path: Path) -> None:
    capture = merged(two_sided(INWARD), one_plane(INWARD, epc="AB" * 12), beams(INWARD))
    code, decided, errors = replayed(tmp_path, [as_line(seen) for seen in capture])
    assert (code, errors) == (0, "")
    *crossings, summary = decided
    assert {line["portal"]: line["direction"] for line in crossings} == {"dock-1": "in", "dock-3": "in"}
    assert {line["epc"] for line in crossings} == {"3034257bf7194e4000001a85", "ab" * 12}
    for line in crossings:
        assert line["kind"] == "crossing"
        assert line["first_seen_at"] <= line["occurred_at"]
        assert line["occurred_at"].endswith("Z")
        assert 0.75 <= line["confidence"] < 1
    assert summary["kind"] == "summary"
    assert summary["reads"] == sum(isinstance(seen, RawRead) for seen in capture)
    assert summary["crossings"][CrossingDirection.IN] == 2
    assert summary["tags"] == 2


def test_a_replay_repeats_byte_for_byte(tmp_path: Path) -> None:
    lines = [as_line(seen) for seen in two_sided(INWARD)]
    assert replayed(tmp_path, lines) == replayed(tmp_path, lines)


def test_an_unusable_line_is_named_with_its_place_and_the_rest_is_decided(tmp_path: Path) -> None:
    lines = [as_line(seen) for seen in two_sided(INWARD)]
    code, decided, errors = replayed(tmp_path, ['{"seen_at": "yesterday"}', *lines, "{"])
    assert code == 1
    assert "line 1: " in errors
    assert "'yesterday': expected RFC 3339" in errors
    assert f"line {len(lines) + 2}: " in errors
    assert [line["direction"] for line in decided[:-1]] == ["in"]
    assert decided[-1]["faults"] == 2


def test_unusable_lines_may_be_counted_only(tmp_path: Path) -> None:
    code, decided, _ = replayed(tmp_path, ["nonsense"], "--skip-bad")
    assert (code, decided[-1]["faults"]) == (0, 1)


def test_an_empty_capture_sums_up_to_nothing(tmp_path: Path) -> None:
    code, decided, errors = replayed(tmp_path, [])
    assert (code, len(decided), errors) == (0, 1, "")
    assert decided[0]["reads"] == 0


def test_people_get_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replayed(tmp_path, [as_line(seen) for seen in two_sided(INWARD)])
    assert main(["replay", str(tmp_path / "capture.jsonl"), "--site", str(tmp_path / "site.toml")]) == 0
    shown = capsys.readouterr().out
    assert "dock-1" in shown
    assert "█" in shown


@pytest.mark.parametrize("name", ["capture.jsonl", "site.toml"])
def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    replayed(tmp_path, [])
    (tmp_path / name).unlink()
    assert main(["replay", str(tmp_path / "capture.jsonl"), "--site", str(tmp_path / "site.toml")]) in {1, 2}
    assert name in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seen_at": "2026-03-02T06:00:00"}, "seen_at"),
        ({"seen_at": None}, "seen_at = None"),
        ({"reader": ""}, "reader = ''"),
        ({"antenna": 0}, "antenna = 0"),
        ({"antenna": True}, "antenna = True"),
        ({"epc": "30G4"}, "epc = '30G4'"),
        ({"epc": "303"}, "epc = '303'"),
        ({"rssi_dbm": "loud"}, "rssi_dbm = 'loud'"),
        ({"count": 0}, "count = 0"),
        ({"colour": 1}, "unknown key 'colour'"),
        ({"gpi": 1}, "unknown key"),
    ],
)
def test_a_wrong_field_is_named_with_its_value(change: dict[str, Any], message: str) -> None:
    [line] = [json.loads(as_line(two_sided(INWARD)[0]))]
    with pytest.raises(CaptureError, match=message):
        parse_line(json.dumps(line | change).encode())


def test_a_beam_line_is_a_change_of_an_input() -> None:
    change = beams(INWARD)[0]
    assert parse_line(as_line(change).encode()) == change
    assert ONE_PLANE.beam_ports == ("r3:1", "r3:2")


def test_read_zones_are_told_beside_doors_and_alone(tmp_path: Path) -> None:
    zone = '[[zone]]\nid = "aisle-a"\nlocation = "A"\nantennas = ["r9:1"]\n'
    capture = [as_line(RawRead(NOON_US + n * 100_000, "r9", 1, "AB" * 12, -50.0)) for n in range(4)]
    site = tmp_path / "zones.toml"
    site.write_text(zone, encoding="utf-8")
    code, told, _ = replayed(tmp_path, capture, "--site", str(site))
    assert code == 0
    assert told[0] == {
        "kind": "zone",
        "event": "arrived",
        "zone": "aisle-a",
        "before": None,
        "epc": "ab" * 12,
        "confidence": 0.75,
        "occurred_at": "2026-03-02T12:00:00.100000Z",
        "reads": 2,
    }
    assert told[-1]["zones"] == {"arrived": 1, "moved": 0, "departed": 0}
    site.write_text(SITE + zone, encoding="utf-8")
    both = [*map(as_line, two_sided(INWARD)), *capture]
    _, told, _ = replayed(tmp_path, both, "--site", str(site))
    assert sorted(line["kind"] for line in told) == ["crossing", "summary", "zone"]
    assert "zones" not in replayed(tmp_path, both)[1][-1]
