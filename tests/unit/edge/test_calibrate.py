"""``edge-agent calibrate``: a walk corrects antennas where that judges it better; there is a way back."""

import io
import json
import random
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from edge_agent.calibrate.command import calibrate_command
from edge_agent.cli import build_parser
from edge_agent.config.site_file import load_portals, load_zones
from edge_agent.readers.raw_read import RawRead, Seen
from tests.unit.filters.radio_stories import EPC, INWARD, NOON_US, OUTWARD, two_sided
from tests.unit.filters.test_replay import SITE, as_line

ZONES = """
[[zone]]   # by the cold store
id = "aisle-a"
location = "A"
antennas = ["r9:1"]

[[zone]]
id = "aisle-b"
location = "B"
antennas = ["r9:2"]
scale_db = 3.0
"""
DOOR_WALK = ("--at", "dock-1=in@0-8", "--at", "dock-1=out@14-23", "--at", "dock-1=in@29-44")
AISLE_WALK = ("--at", "aisle-a@50-80", "--at", "aisle-b@85-115")


def through_the_door(inside_db: float) -> list[Seen]:
    waits = ((0.0, -4.0), (3.5, 0.0), (9.0, 0.0), (12.5, 4.0))
    reads = two_sided(INWARD, seed=3)
    reads += two_sided(OUTWARD, seed=4, start_us=NOON_US + 15_000_000)
    reads += two_sided(waits, seed=5, start_us=NOON_US + 30_000_000)
    return [
        read._replace(rssi_dbm=read.rssi_dbm + inside_db)
        if isinstance(read, RawRead) and read.antenna <= 2
        else read
        for read in reads
    ]


def along_the_aisles(second_db: float) -> list[Seen]:
    rng = random.Random(1)
    reads: list[Seen] = []
    for home, begin_s in ((1, 50.0), (2, 85.0)):
        for n in range(300):
            antenna = rng.randint(1, 2)
            dbm = (-50 if antenna == home else -60) + (second_db if antenna == 2 else 0) + rng.gauss(0, 4)
            reads.append(RawRead(NOON_US + round((begin_s + n / 10) * 1e6), "r9", antenna, EPC, dbm))
    return reads


class Desk:
    """A folder with a site file and a walk."""

    def __init__(self, folder: Path, seen: list[Seen], site: str = SITE + ZONES) -> None:
        self.site, self.walk = folder / "site.toml", folder / "walk.jsonl"
        self.site.write_text(site, "utf-8")
        self.walk.write_text("".join(f"{as_line(each)}\n" for each in seen), "utf-8")

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run calibrate."""
        out, errors = io.StringIO(), io.StringIO()
        options = build_parser().parse_args(["calibrate", "--site", str(self.site), *words])
        return calibrate_command(options, out, errors), out.getvalue(), errors.getvalue()

    def told(self, *words: str) -> dict[str, dict[str, Any]]:
        """Run calibrate --json."""
        code, out, errors = self.run(str(self.walk), "--json", *words)
        assert (code, errors) == (0, "")
        return {told["id"]: told for told in map(json.loads, out.splitlines())}


def test_a_door_whose_inside_hears_less_is_corrected_and_then_tells_the_walk(tmp_path: Path) -> None:
    told = Desk(tmp_path, through_the_door(-18)).told(*DOOR_WALK)["dock-1"]
    offsets = told["settings"]["offsets_db"]
    assert min(offsets["r1:1"], offsets["r1:2"]) - max(offsets["r1:3"], offsets["r1:4"]) == pytest.approx(
        18, abs=2
    )
    assert min(each["chance_before"] for each in told["walked"]) < 0.6
    assert min(each["chance_after"] for each in told["walked"]) > 0.95


def test_a_door_that_is_well_stays_as_it_is(tmp_path: Path) -> None:
    desk = Desk(tmp_path, through_the_door(0))
    assert desk.told(*DOOR_WALK)["dock-1"]["settings"] == {}
    before = desk.site.read_bytes()
    code, out, _ = desk.run(str(desk.walk), *DOOR_WALK, "--write")
    assert code == 0
    assert "nothing judges this walk better" in out
    assert desk.site.read_bytes() == before


def test_read_zones_are_made_to_hear_alike_and_their_scale_is_found(tmp_path: Path) -> None:
    told = Desk(tmp_path, along_the_aisles(-8)).told("--at", "aisle-a@0-30", "--at", "aisle-b@35-65")
    difference = (
        told["aisle-b"]["settings"]["offsets_db"]["r9:2"] - told["aisle-a"]["settings"]["offsets_db"]["r9:1"]
    )
    assert difference == pytest.approx(8, abs=2)
    assert told["aisle-b"]["walked"][0]["chance_after"] > told["aisle-b"]["walked"][0]["chance_before"] + 0.2


def test_the_file_is_changed_in_its_tables_only_and_put_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [*through_the_door(-14), *along_the_aisles(-8)])
    before = desk.site.read_text("utf-8")
    svg = tmp_path / "walk.svg"
    desk.site.chmod(0o600)
    code, out, errors = desk.run(str(desk.walk), *DOOR_WALK, *AISLE_WALK, "--write", "--svg", str(svg))
    assert {path.stat().st_mode & 0o777 for path in desk.site.parent.glob(f"{desk.site.name}*")} == {0o600}
    assert (code, errors) == (0, "")
    assert "offsets_db = {" in out
    assert "before" in "".join(ET.fromstring(svg.read_text("utf-8")).itertext())  # noqa: S314  our own drawing
    after = desk.site.read_text("utf-8")
    removed = [line for line in before.splitlines() if line not in after.splitlines()]
    assert removed == ["scale_db = 3.0"]
    assert "# by the cold store" in after
    assert load_portals(desk.site)[0].offsets_db["r1:1"] > 0
    assert load_portals(desk.site)[1].offsets_db == {}
    assert load_zones(desk.site)[1].offsets_db["r9:2"] > 0
    assert desk.run("--undo")[0] == 0
    assert desk.site.read_text("utf-8") == before
    code, _, errors = desk.run("--undo")
    assert code == 1
    assert "nothing to undo" in errors


def test_calibrating_again_changes_lines_instead_of_adding_some(tmp_path: Path) -> None:
    desk = Desk(tmp_path, through_the_door(-14))
    desk.run(str(desk.walk), *DOOR_WALK, "--write")
    once = desk.site.read_text("utf-8")
    assert desk.told(*DOOR_WALK)["dock-1"]["settings"] == {}
    desk.site.write_text(once.replace('"r1:1" = 6', '"r1:1" = -9'), "utf-8")
    desk.run(str(desk.walk), *DOOR_WALK, "--write")
    assert desk.site.read_text("utf-8").count("offsets_db") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--at", "dock-1=in"), "expected PLACE@FROM-TO or DOOR=in@FROM-TO"),
        (("--at", "dock-1=in@9-3"), "ends at 3 s, expected after 9 s"),
        (("--at", "dock-1@0-3"), "expected in or out for a portal, got None"),
        (("--at", "aisle-a=in@0-3"), "expected no way for a read zone, got 'in'"),
        (("--at", "attic@0-3"), "no such place, expected one of ['dock-1', 'dock-3', 'aisle-a', 'aisle-b']"),
        ((), "expected at least one --at"),
        (("--at", "aisle-a@0-3", "--epc", "ABCD"), "tag ABCD was not read; 1 others were"),
    ],
)
def test_a_walk_that_cannot_be_is_refused_with_what_was_expected(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    desk = Desk(tmp_path, through_the_door(0))
    code, out, errors = desk.run(str(desk.walk), *words)
    assert (code, out) == (2, "")
    assert said in errors


def test_several_tags_need_one_to_be_named_and_deaf_antennas_are_told(tmp_path: Path) -> None:
    other = [read._replace(epc="AA") for read in through_the_door(0) if isinstance(read, RawRead)]
    mine = [read for read in through_the_door(0) if isinstance(read, RawRead) and read.antenna != 2]
    desk = Desk(tmp_path, [*mine, *other])
    assert "the capture has 2 tags, expected --epc" in desk.run(str(desk.walk), *DOOR_WALK)[2]
    _, out, _ = desk.run(str(desk.walk), *DOOR_WALK, "--epc", EPC)
    assert "r1:2  never heard the tag" in out


def test_tables_that_are_written_otherwise_are_left_to_people(tmp_path: Path) -> None:
    inline = SITE.replace('id = "dock-1"', '"id" = "dock-1"')
    desk = Desk(tmp_path, through_the_door(-14), inline)
    code, out, errors = desk.run(str(desk.walk), *DOOR_WALK, "--write")
    assert code == 1
    assert "paste the lines yourself" in errors
    assert 'id = "dock-1"\noffsets_db' in out
    assert desk.site.read_text("utf-8") == inline
