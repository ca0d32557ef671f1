"""Plain walks and glimpses of single tags at two-sided doors of any build: seed in; labelled numbers out.

Docks of one kind teach the habits of their antennas; walks, at slow readers too, keep what is learned true
elsewhere. No dock shows a tag once and loud: glimpses tell what that is.
"""

import math
import random
from typing import Any, Final, Literal

from benchmarks.doors_truth import watching
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.site import Portal
from edge_agent.filters.verdict import numbers
from edge_agent.readers.raw_read import RawRead, Seen
from simulators.warehouse.dock.score import START_AT

Kind = Literal["in", "out", "stands", "stands aside", "turns back", "passes by", "flashes up"]
_KINDS: Final[tuple[Kind, ...]] = (
    "in",
    "out",
    "stands",
    "stands aside",
    "turns back",
    "passes by",
    "flashes up",
)
_SHARES: Final = (0.28, 0.28, 0.08, 0.14, 0.1, 0.08, 0.04)
_CROSSED: Final = {"in": 1, "out": -1}
_STEP_S: Final = 0.05
_SHORTEST: Final = 5
"""So few steps are a moment in which all antennas hear a tag many times."""
_FAINTEST_DBM: Final = -78.0
_GLIMPSES: Final = ((1, 2, 3), (0.7, 0.2, 0.1))
"""How often a tag is read that shows itself for a moment, and the shares of that."""
_GLIMPSE_S: Final = 0.5
_DOOR: Final = Portal(
    id="dock",
    kind="two_sided",
    inside=("r:1", "r:2"),
    outside=("r:3", "r:4"),
    inside_location="STAGE",
    outside_location="@clearing/dock",
)


def rows(count: int, seed: int) -> list[Any]:
    """Walk, and let the filter weigh.

    Args:
        count: How many walks.
        seed: Of the walks.

    Returns:
        Numbers, swapped numbers, label and weight of each walk that was read.
    """
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        kind = rng.choices(_KINDS, _SHARES)[0]
        reads = _reads(rng, _places(rng, kind))
        if reads:
            found += _weighed(reads, _CROSSED.get(kind, 0))
    return found


def glimpses(count: int, seed: int) -> list[Any]:
    """Let tags show themselves for a moment, however loud: that tells no way, so it is no crossing.

    Args:
        count: How many.
        seed: Of the moments.

    Returns:
        As ``rows``.
    """
    rng = random.Random(seed)
    return [row for _ in range(count) for row in _weighed(_glimpse(rng), 0)]


def _weighed(reads: list[Seen], crossed: int) -> list[Any]:
    """Let the filter weigh what was read of one tag."""
    with watching() as weighed:
        door = PortalFilter((_DOOR,))
        told = [*door.take_many(reads), *door.flush()]
    pictures = [weighed[id(each)].picture for each in told]
    if len(pictures) != 1 or pictures[0] is None:
        return []
    return [(*numbers(pictures[0]), crossed, 1.0)]


def _glimpse(rng: random.Random) -> list[Seen]:
    start_us, level = round(START_AT.timestamp() * 1e6), rng.uniform(_FAINTEST_DBM, -32.0)
    return [
        RawRead(
            start_us + round(rng.uniform(0.0, _GLIMPSE_S) * 1e6),
            "r",
            rng.randint(1, 4),
            "A1",
            level + rng.gauss(0.0, 3.0),
        )
        for _ in range(rng.choices(*_GLIMPSES)[0])
    ]


def _places(rng: random.Random, kind: Kind) -> list[tuple[float, float]]:
    """Give metres along the wall and into the building, every 50 ms."""
    speed, reach = min(max(rng.gauss(1.1, 0.3), 0.5), 2.2) * _STEP_S, rng.uniform(2.5, 6.0)
    side = rng.choice((-1.0, 1.0))
    aside = rng.gauss(0.0, 0.3)
    if kind in {"stands", "stands aside"}:
        away = rng.uniform(-0.4, 0.4) if kind == "stands" else side * rng.uniform(0.8, 4.0)
        return [(aside, away)] * round(rng.uniform(3.0, 28.0) / _STEP_S)
    if kind == "flashes up":
        return [(aside, rng.uniform(-0.3, 0.3))] * rng.randint(1, 5)
    if kind == "passes by":
        depth = side * rng.uniform(1.2, 4.0)
        return [(n * speed - reach, depth) for n in range(round(2 * reach / speed))]
    wait = [0] * round((rng.uniform(0.5, 11.0) if rng.random() < 0.35 else 0.0) / _STEP_S)
    if kind == "turns back":
        turn = rng.uniform(-0.6, 0.6)
        forth = [n * speed - reach for n in range(round((turn + reach) / speed))]
        return [(aside, side * y) for y in (*forth, *(turn for _ in wait), *reversed(forth))]
    middle = rng.uniform(-1.0, 1.0)
    before = [n * speed - reach for n in range(round((middle + reach) / speed))]
    after = [middle + n * speed for n in range(round((reach - middle) / speed))]
    sign = 1.0 if kind == "in" else -1.0
    return [(aside, sign * y) for y in (*before, *(middle for _ in wait), *after)]


def _reads(rng: random.Random, places: list[tuple[float, float]]) -> list[Seen]:
    rate = math.exp(rng.uniform(math.log(3.0), math.log(40.0))) * _STEP_S
    most = 1 if len(places) > _SHORTEST else 8
    ports, wide = (rng.choice(((1, 3), (1, 2, 3, 4))), rng.uniform(0.8, 1.8))
    level, slope = rng.uniform(-55.0, -36.0), rng.uniform(26.0, 38.0)
    noise, behind, gap = rng.uniform(1.5, 5.0), rng.uniform(6.0, 18.0), rng.uniform(0.0, 0.8)
    start_us = round(START_AT.timestamp() * 1e6)
    reads: list[Seen] = []
    for n, (x, y) in enumerate(place for place in places for _ in range(most)):
        if most == 1 and rng.random() >= rate:
            continue
        port = rng.choice(ports)
        depth = (y if port <= 2 else -y) - gap / 2
        distance = math.hypot(wide + (x if port % 2 else -x), depth)
        lost = 0.0 if depth > 0 else behind * min(1.0, -depth / 0.8)
        rssi_dbm = level - slope * math.log10(max(distance, 0.4)) - lost + rng.gauss(0.0, noise)
        if rssi_dbm > _FAINTEST_DBM:
            reads.append(
                RawRead(
                    start_us + round((n // most + rng.random()) * _STEP_S * 1e6), "r", port, "A1", rssi_dbm
                )
            )
    return reads
