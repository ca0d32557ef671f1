"""Read zones: a tag arrives, moves and departs by the smoothing rule; it is said how sure that is."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.config.site_file import SiteFileError, load_zones
from edge_agent.filters.read_zone import ReadZone
from edge_agent.filters.whereabouts import Whereabouts, ZoneEvent
from edge_agent.readers.raw_read import GpiChange, RawRead, Seen
from tests.unit.filters.radio_stories import EPC, NOON_US

ZONES = tuple(
    ReadZone(id=name, location=name.upper(), antennas=(f"r1:{n}",), departed_after_s=60.0)
    for n, name in enumerate(("aisle-a", "aisle-b", "aisle-c"), start=1)
)

ONE_ANTENNA = 'id = "{}"\nlocation = "A"\nantennas = ["r1:1"]'


def read(at_s: float, antenna: int, dbm: float, epc: str = EPC) -> RawRead:
    return RawRead(NOON_US + round(at_s * 1e6), "r1", antenna, epc, dbm)


def heard(events: list[ZoneEvent]) -> list[tuple[str, str, str | None]]:
    return [(event.kind, event.zone, event.before) for event in events]


def test_two_reads_are_an_arrival_and_one_is_none() -> None:
    places = Whereabouts(ZONES)
    assert places.take_many([read(0, 1, -50)]) == []
    (arrived,) = places.take_many([read(1, 1, -50)])
    assert (arrived.kind, arrived.zone, arrived.before, arrived.confidence) == (
        "arrived",
        "aisle-a",
        None,
        0.75,
    )


def test_a_louder_zone_takes_over_only_by_the_margin() -> None:
    places = Whereabouts(ZONES)
    reads = [read(n / 10, 1, -55) for n in range(10)]
    nearly = [read(1 + n / 10, antenna, dbm) for n in range(10) for antenna, dbm in ((1, -55), (2, -50))]
    assert heard(places.take_many([*reads, *nearly])) == [("arrived", "aisle-a", None)]
    louder = [read(2 + n / 10, antenna, dbm) for n in range(60) for antenna, dbm in ((1, -55), (2, -46))]
    (moved,) = places.take_many(louder)
    assert (moved.kind, moved.zone, moved.before) == ("moved", "aisle-b", "aisle-a")
    assert moved.confidence > 0.85


def test_who_fell_silent_there_moves_though_the_new_zone_is_fainter() -> None:
    places = Whereabouts(ZONES)
    events = places.take_many([read(n / 10, 1, -45) for n in range(10)])
    events += places.take_many([read(2.0 + n / 10, 2, -52) for n in range(20)])
    assert heard(events) == [("arrived", "aisle-a", None), ("moved", "aisle-b", "aisle-a")]
    assert events[-1].occurred_us > NOON_US + 2_000_000


def test_a_silent_tag_departs_and_is_forgotten_and_comes_again_as_new() -> None:
    places = Whereabouts(ZONES)
    places.take_many([read(n / 2, 1, -50) for n in range(8)])
    assert places.advance(NOON_US + 63_000_000) == []
    (gone,) = places.advance(NOON_US + 63_500_000)
    assert (gone.kind, gone.zone, gone.occurred_us) == ("departed", "aisle-a", NOON_US + 3_500_000)
    assert gone.confidence > 0.98
    assert places.tags == 0
    again = places.take_many([read(100, 1, -50), read(100.1, 1, -50)])
    assert heard(again) == [("arrived", "aisle-a", None)]


def test_a_tag_that_is_often_silent_departs_less_surely() -> None:
    steady, patchy = Whereabouts(ZONES), Whereabouts(ZONES)
    steady.take_many([read(n, 1, -50) for n in range(100)])
    patchy.take_many([read(n * 49.5, 1, -50) for n in range(3)])
    (sure,), (unsure,) = (places.advance(NOON_US + 160_000_000) for places in (steady, patchy))
    assert unsure.confidence < 0.6 < sure.confidence


def test_a_clock_that_steps_back_ends_what_was_known() -> None:
    places = Whereabouts(ZONES)
    places.take_many([read(100 + n, 1, -50) for n in range(3)])
    events = places.take_many([read(n / 10, 2, -50) for n in range(3)])
    assert heard(events) == [("departed", "aisle-a", None), ("arrived", "aisle-b", None)]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 600), max_size=5))
def test_how_a_capture_is_cut_and_ordered_says_nothing(seed: int, cuts: list[int]) -> None:
    rng = random.Random(seed)
    reads: list[Seen] = [
        read(n / 4, rng.randint(1, 3), rng.uniform(-75, -40), rng.choice("ABC")) for n in range(600)
    ]
    whole = Whereabouts(ZONES).take_many(rng.sample(reads, len(reads)))
    places = Whereabouts(ZONES)
    parts = [0, *sorted(cuts), len(reads)]
    assert [event for a, b in pairwise(parts) for event in places.take_many(reads[a:b])] == whole


def test_memory_holds_those_in_range_and_no_more() -> None:
    places = Whereabouts(ZONES, most_tags=500)
    gone = 0
    for n in range(5_000):
        gone += len(places.take_many([read(n / 1e3, 1, -50, f"{n:X}"), read(n / 1e3, 1, -50, f"{n:X}")])) - 1
        assert places.tags <= 500
    gone += len(places.advance(NOON_US + 100_000_000))
    assert (places.tags, gone) == (0, 5_000)


def test_strange_antennas_inputs_and_levels_do_no_harm() -> None:
    places = Whereabouts(ZONES)
    strange: list[Seen] = [
        read(0, 9, -50),
        GpiChange(NOON_US, "r1", 1, is_high=True),
        read(1, 1, float("nan")),
        read(2, 1, float("inf")),
    ]
    assert heard(places.take_many(strange)) == [("arrived", "aisle-a", None)]


@pytest.mark.parametrize("seed", range(5))
def test_a_confidence_is_worth_what_it_says(seed: int) -> None:
    """A tag stands somewhere, other zones hear it nearly as loud; the rule guesses, and says how well."""
    rng = random.Random(seed)
    zones = tuple(zone.model_copy(update={"scale_db": 2.0}) for zone in ZONES)
    told: list[tuple[float, bool]] = []
    for tag in range(300):
        home, places = rng.randint(1, 3), Whereabouts(zones)
        for n in range(60):
            antenna = rng.randint(1, 3)
            dbm = -55 + (5 if antenna == home else 0) + rng.gauss(0, 5)
            events = places.take_many([read(n / 10, antenna, dbm, f"{tag:X}")])
            told += [(event.confidence, event.zone == ZONES[home - 1].id) for event in events]
    for level in (0.8, 0.9):
        right = [is_right for confidence, is_right in told if confidence >= level]
        assert right
        assert sum(right) / len(right) >= level - 0.02


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('id = "a"\nlocation = "A"\nantennas = []', "zone[0].antennas"),
        ('id = "a"\nlocation = "A"\nantennas = ["r1:1", "r1:1"]', "antenna 'r1:1' is named twice"),
        ('id = "a"\nlocation = "A"\nantennas = ["r1"]', "expected 'reader:port'"),
        (
            'id = "a"\nlocation = "A"\nantennas = ["r1:1"]\noffsets_db = { "r1:2" = 1 }',
            "offsets_db names 'r1:2', expected one of ['r1:1']",
        ),
        ('id = "a"\nlocation = "A"\nantennas = ["r1:1"]\nscale_db = 0', "zone[0].scale_db = 0"),
        (
            ONE_ANTENNA.format("a") + "\n[[zone]]\n" + ONE_ANTENNA.format("b"),
            "antenna 'r1:1' belongs to zones 'a' and 'b'",
        ),
    ],
)
def test_a_zone_that_cannot_be_is_refused_with_what_was_expected(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(f"[[zone]]\n{text}\n", "utf-8")
    with pytest.raises(SiteFileError) as caught:
        load_zones(path)
    assert said in str(caught.value)
