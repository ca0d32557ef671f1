"""A recording decides what the capture of the same reads decides; damage is told with its place."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

import pytest

from contracts.llrp_recording import MAGIC, Entry, encode_entry
from edge_agent.cli import main
from edge_agent.readers.capture import Fault, parse_line
from edge_agent.readers.llrp.recording import read_recording
from edge_agent.readers.raw_read import RawRead
from edge_agent.record import spell
from simulators.llrp_reader.report import Observation, ReportFields, encode_report

NOW_US: Final = 1_772_431_200_000_000
EPC: Final = bytes.fromhex("3614257BF7194E4000001A85")
SITE: Final = """\
[[portal]]
id = "dock-1"
kind = "two_sided"
inside = ["r1:1", "r1:2"]
outside = ["r1:3", "r1:4"]
inside_location = "STAGE-1"
outside_location = "@clearing/dock-1"
"""
LEVEL: Final = ReportFields(last_seen_timestamp=True)


def walk_in() -> list[Entry]:
    """A tag comes in from outside within four seconds, read forty times by each side."""
    entries = []
    for n in range(80):
        at_us = NOW_US + n * 50_000
        inward = (n - 40) / 40
        antenna, side = (1, inward) if n % 2 else (3, -inward)
        seen = Observation(at_us, antenna, EPC, 96, round(-58 + 12 * side - 8 * abs(inward)))
        entries.append(Entry(at_us + 4000 + n % 7 * 900, "r1", encode_report([seen], LEVEL)))
    return entries


def recorded(entries: list[Entry]) -> bytes:
    return MAGIC + b"".join(encode_entry(entry) for entry in entries)


def replayed(capture: Path, site: Path) -> list[dict[str, object]]:
    out = io.StringIO()
    with redirect_stdout(out):
        assert main(["replay", str(capture), "--site", str(site), "--json"]) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_recording_decides_what_its_reads_as_json_lines_decide(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(SITE, "utf-8")
    data = recorded(walk_in())
    (tmp_path / "walk.llrp").write_bytes(data)
    lines = [spell(seen) for seen in read_recording(data) if not isinstance(seen, Fault)]
    (tmp_path / "walk.jsonl").write_bytes(b"".join(lines))
    decided = replayed(tmp_path / "walk.llrp", site)
    assert decided == replayed(tmp_path / "walk.jsonl", site)
    assert decided[-1]["reads"] == 80


def test_a_line_that_was_written_says_what_was_seen() -> None:
    seen = RawRead(NOW_US + 7, "r1", 2, "30AB", -61.25, 359.9, -2.5, 3)
    assert parse_line(spell(seen)) == seen
    unknown = parse_line(spell(seen._replace(rssi_dbm=float("nan"), phase_deg=None, doppler_hz=None)))
    assert isinstance(unknown, RawRead)
    assert unknown.rssi_dbm != unknown.rssi_dbm


def test_readers_of_one_recording_have_clocks_of_their_own() -> None:
    ahead = Observation(NOW_US + 3_600_000_000, 1, EPC, 96, -50)
    right = Observation(NOW_US, 1, EPC, 96, -50)
    entries = [
        Entry(NOW_US + 100, "ahead", encode_report([ahead])),
        Entry(NOW_US + 100, "right", encode_report([right])),
    ]
    seen = [each for each in read_recording(recorded(entries)) if isinstance(each, RawRead)]
    assert [(each.reader, each.seen_us) for each in seen] == [
        ("ahead", NOW_US + 100),
        ("right", NOW_US + 100),
    ]


def test_a_malformed_message_and_a_cut_end_are_told_and_the_rest_is_read() -> None:
    entries = walk_in()[:3]
    short = entries[1].message[:-4]
    broken = entries[1]._replace(message=short[:2] + len(short).to_bytes(4, "big") + short[6:])
    data = recorded([entries[0], broken, entries[2]])[:-1]
    told = list(read_recording(data))
    assert [type(each) for each in told] == [RawRead, Fault, Fault]
    assert [each.place for each in told if isinstance(each, Fault)] == ["message 2 of r1", "message 3"]


@pytest.mark.parametrize("begin", [b"", b"{", b"\n\n\n\n\n\n\n\n\n", b"LLRPREC2"])
def test_what_only_begins_like_a_recording_is_no_recording(begin: bytes, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE, "utf-8")
    capture = tmp_path / "capture"
    capture.write_bytes(begin)
    code = main(["replay", str(capture), "--site", str(tmp_path / "site.toml")])
    assert code == (0 if not begin.strip() else 1)
