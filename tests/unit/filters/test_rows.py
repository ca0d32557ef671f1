"""Overhead arrays and conveyors: antennas in order tell the direction, if the site file says they do."""

from pathlib import Path

import pytest

from edge_agent.config.site_file import SiteFileError, load_portals
from edge_agent.filters.site import Portal
from edge_agent.readers.raw_read import RawRead
from tests.unit.filters.radio_stories import (
    INWARD,
    OUTWARD,
    TWO_SIDED,
    beams,
    decide,
    merged,
    mirrored,
    one_plane,
    told,
    two_sided,
)

KINDS = ("overhead_array", "conveyor")
PLACES = {"inside_location": "STAGE-1", "outside_location": "@clearing/dock-1"}
TURNED_BACK = ((0.0, -4.0), (3.5, 0.0), (9.0, 0.0), (12.5, -4.0))


def row(kind: str, *ports: int, **settings: object) -> Portal:
    names = [f"r1:{port}" for port in ports]
    return Portal.model_validate({"id": "dock-1", "kind": kind, "antennas": names, **PLACES, **settings})


@pytest.mark.parametrize("kind", KINDS)
def test_antennas_in_order_say_what_two_sides_say(kind: str) -> None:
    ordered = row(kind, 3, 4, 1, 2, direction_from=["antennas"])
    for way in (INWARD, OUTWARD, TURNED_BACK, ((0.0, 2.0), (20.0, 2.0))):
        reads = two_sided(way, seed=5)
        there = [(each.direction, each.confidence) for each in decide(reads, ordered)]
        assert there == [(each.direction, each.confidence) for each in decide(reads, TWO_SIDED)]


def test_the_other_order_is_the_other_direction() -> None:
    backwards = row("overhead_array", 1, 2, 3, 4, direction_from=["antennas"])
    assert told(two_sided(INWARD, seed=5), backwards) == ["out"]
    assert told(two_sided(mirrored(INWARD), seed=5), backwards) == ["in"]


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_word_about_their_order_they_are_one_plane_and_tell_nothing(kind: str) -> None:
    unordered = row(kind, 3, 4, 1, 2)
    assert not unordered.is_two_sided
    for way in (INWARD, OUTWARD):
        (passage,) = decide(two_sided(way, seed=5), unordered)
        assert (str(passage.direction), passage.is_assignable) == ("undecided", True)
        assert passage.confidence <= 0.80


@pytest.mark.parametrize("kind", KINDS)
def test_light_beams_tell_the_direction_of_a_row_too(kind: str) -> None:
    with_eyes = Portal.model_validate(
        {"id": "dock-3", "kind": kind, "antennas": ["r3:1", "r3:2"], "beams": [1, 2], **PLACES}
    )
    for way, direction in ((INWARD, "in"), (OUTWARD, "out")):
        assert told(merged(one_plane(way), beams(way)), with_eyes) == [direction]


@pytest.mark.parametrize("kind", KINDS)
def test_sides_may_be_named_as_at_any_door(kind: str) -> None:
    settings = {"direction_from": ["antennas"], "inside": ["r1:1", "r1:2"], "outside": ["r1:3", "r1:4"]}
    named = row(kind, **settings)
    assert told(two_sided(OUTWARD, seed=5), named) == ["out"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('kind = "overhead_array"\nantennas = ["r1:1", "r1:2", "r1:3"]', "expected an even number"),
        ('kind = "one_plane"\nantennas = ["r1:1", "r1:2"]', "one plane cannot tell"),
        ('kind = "conveyor"\nantennas = ["r1:1"]', "expected an even number"),
        (
            'kind = "conveyor"\nantennas = ["r1:1", "r1:2"]\nbeams = [1, 2]',
            "expected with antennas in one plane",
        ),
        (
            'kind = "conveyor"\nantennas = ["r1:1", "r1:2"]\noffsets_db = { "r2:1" = 3 }',
            "offsets_db names 'r2:1', expected one of ['r1:1', 'r1:2']",
        ),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_what_was_expected(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(
        f'[[portal]]\nid = "dock-1"\n{line}\ndirection_from = ["antennas"]\n'
        'inside_location = "A"\noutside_location = "B"\n',
        "utf-8",
    )
    with pytest.raises(SiteFileError) as caught:
        load_portals(path)
    assert said in str(caught.value)


def test_an_offset_makes_up_for_an_antenna_that_hears_less() -> None:
    reads = two_sided(((0.0, -4.0), (3.5, 0.0), (9.0, 0.0), (12.5, 4.0)), seed=7)
    weak = [
        read._replace(rssi_dbm=read.rssi_dbm - 12)
        if isinstance(read, RawRead) and read.antenna <= 2
        else read
        for read in reads
    ]
    corrected = TWO_SIDED.model_copy(update={"offsets_db": {"r1:1": 12.0, "r1:2": 12.0}})
    straight, lost, mended = (decide(*each)[0] for each in ((reads,), (weak,), (weak, corrected)))
    assert lost.chances[0] < mended.chances[0]
    assert mended.chances == pytest.approx(straight.chances, abs=0.02)
