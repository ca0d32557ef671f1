"""Readers unlike those the weights were fitted on: what a door cannot know it holds, and does not err."""

import random
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from edge_agent.filters.passage import Passage
from edge_agent.filters.site import Portal
from edge_agent.readers.raw_read import RawRead, Seen
from tests.unit.filters.radio_stories import (
    EPC,
    INWARD,
    NOON_US,
    ONE_PLANE,
    OUTWARD,
    TWO_SIDED,
    Way,
    beams,
    decide,
    merged,
    one_plane,
    two_sided,
)

POST_AT = TWO_SIDED.post_at
SEEDS = range(5)
STORIES: dict[str, tuple[Way, str | None]] = {
    "in": (INWARD, "in"),
    "out": (OUTWARD, "out"),
    "slowly in": (((0.0, -4.0), (14.0, 4.0)), "in"),
    "waits and goes in": (((0.0, -4.0), (3.5, 0.0), (9.0, 0.0), (12.5, 4.0)), "in"),
    "turns back": (((0.0, -4.0), (3.5, 0.0), (9.0, 0.0), (12.5, -4.0)), None),
    "turns back inside": (((0.0, 4.0), (3.5, 0.2), (6.0, 0.2), (9.5, 4.0)), None),
    "stands inside": (((0.0, 2.0), (20.0, 2.0)), None),
    "stands near": (((0.0, 0.8), (12.0, 0.8)), None),
}
Shift = Callable[[Sequence[RawRead], random.Random], list[RawRead]]


def louder(by_db: float, *antennas: int) -> Shift:
    return lambda reads, _rng: [
        read._replace(rssi_dbm=read.rssi_dbm + by_db) if read.antenna in antennas else read for read in reads
    ]


def heard_by(*antennas: int) -> Shift:
    return lambda reads, _rng: [read for read in reads if read.antenna in antennas]


def thinned(share: float) -> Shift:
    return lambda reads, rng: [read for read in reads if rng.random() < share]


def whole_dbm(reads: Sequence[RawRead], _rng: random.Random) -> list[RawRead]:
    return [read._replace(rssi_dbm=float(round(read.rssi_dbm))) for read in reads]


def by_the_second(reads: Sequence[RawRead], _rng: random.Random) -> list[RawRead]:
    return [read._replace(seen_us=read.seen_us // 1_000_000 * 1_000_000) for read in reads]


def noisy(reads: Sequence[RawRead], rng: random.Random) -> list[RawRead]:
    return [read._replace(rssi_dbm=read.rssi_dbm + rng.gauss(0.0, 6.0)) for read in reads]


def without_level(reads: Sequence[RawRead], _rng: random.Random) -> list[RawRead]:
    return [read._replace(rssi_dbm=float("nan")) for read in reads]


def with_a_hole(reads: Sequence[RawRead], rng: random.Random) -> list[RawRead]:
    from_us = rng.choice(reads).seen_us
    return [read for read in reads if not from_us < read.seen_us < from_us + 2_000_000]


def stepped_forward(reads: Sequence[RawRead], _rng: random.Random) -> list[RawRead]:
    half = len(reads) // 2
    return [*reads[:half], *(read._replace(seen_us=read.seen_us + 3_600_000_000) for read in reads[half:])]


def stepped_back(reads: Sequence[RawRead], _rng: random.Random) -> list[RawRead]:
    half = len(reads) // 2
    return [*reads[:half], *(read._replace(seen_us=read.seen_us - 3_600_000_000) for read in reads[half:])]


def once(reads: Sequence[RawRead], rng: random.Random) -> list[RawRead]:
    return [rng.choice(reads)]


ALL = (1, 2, 3, 4)
SHIFTS: dict[str, Shift] = {
    "as fitted": lambda reads, _rng: list(reads),
    "whole dBm": whole_dbm,
    "two antennas": heard_by(1, 3),
    "one antenna dead": heard_by(2, 3, 4),
    "inside dead": heard_by(3, 4),
    "outside dead": heard_by(1, 2),
    "12 dB less power": louder(-12.0, *ALL),
    "12 dB more power": louder(12.0, *ALL),
    "inside 10 dB down": louder(-10.0, 1, 2),
    "fading of 6 dB": noisy,
    "a third of the reads": thinned(0.3),
    "a tenth of the reads": thinned(0.1),
    "one read": once,
    "times in whole seconds": by_the_second,
    "no level": without_level,
    "2 s of silence": with_a_hole,
    "a clock that steps forward": stepped_forward,
    "a clock that steps back": stepped_back,
}


def posts(passages: Sequence[Passage]) -> list[str]:
    return [
        str(each.direction)
        for each in passages
        if each.direction in {"in", "out"} and each.confidence >= POST_AT
    ]


@pytest.mark.parametrize("shift", SHIFTS)
def test_what_is_strange_is_held_or_told_right_and_never_posted_wrong(shift: str) -> None:
    outcome: Counter[str] = Counter()
    for story, (way, truly) in STORIES.items():
        for seed in SEEDS:
            reads = [each for each in two_sided(way, seed=seed) if isinstance(each, RawRead)]
            strange: list[Seen] = list(SHIFTS[shift](reads, random.Random(seed)))
            posted = posts(decide(strange))
            if posted and posted != [truly]:
                outcome[f"wrong: {story}"] += 1
    assert outcome.total() == 0, outcome


@pytest.mark.parametrize(
    "shift", ["as fitted", "whole dBm", "two antennas", "12 dB less power", "times in whole seconds"]
)
def test_plain_walks_are_told_through_whatever_reader(shift: str) -> None:
    for story in ("in", "out", "slowly in"):
        way, truly = STORIES[story]
        told = 0
        for seed in SEEDS:
            reads = [each for each in two_sided(way, seed=seed) if isinstance(each, RawRead)]
            told += posts(decide(list(SHIFTS[shift](reads, random.Random(seed))))) == [truly]
        assert told >= len(SEEDS) - 1, story


@pytest.mark.parametrize(
    "shift", ["as fitted", "whole dBm", "a third of the reads", "12 dB less power", "no level"]
)
def test_beams_and_a_strange_reader_post_nothing_wrong(shift: str) -> None:
    for story, (way, truly) in STORIES.items():
        for seed in SEEDS:
            reads = [each for each in one_plane(way, seed=seed) if isinstance(each, RawRead)]
            strange: list[Seen] = list(SHIFTS[shift](reads, random.Random(seed)))
            posted = posts(decide(merged(strange, beams(way)), ONE_PLANE))
            assert posted in ([], [truly]), (story, seed)


def test_one_plane_without_beams_posts_nothing_however_loud() -> None:
    blind = Portal.model_validate(ONE_PLANE.model_dump() | {"beams": ()})
    directions: Counter[str] = Counter()
    for way, _ in STORIES.values():
        for seed in SEEDS:
            passages = decide(merged(one_plane(way, seed=seed), beams(way)), blind)
            directions.update(str(each.direction) for each in passages)
            assert all(each.confidence <= 0.80 for each in passages if each.direction == "undecided")
    assert set(directions) <= {"undecided", "stray"}
    assert directions["undecided"] >= 4 * len(SEEDS)


def test_all_reads_at_one_instant_say_nothing() -> None:
    reads: list[Seen] = [RawRead(NOON_US, "r1", 1 + n % 4, EPC, -45.0) for n in range(200)]
    assert posts(decide(reads)) == []
