"""Radio stories for tests: where a tag goes at a doorway in, what a reader says out; all of it seeded."""

import math
import random
from collections.abc import Sequence
from itertools import pairwise

from edge_agent.filters.passage import Passage
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.site import Portal
from edge_agent.readers.raw_read import GpiChange, RawRead, Seen

NOON_US = 1_772_452_800_000_000
EPC = "3034257BF7194E4000001A85"
TWO_SIDED = Portal(
    id="dock-1",
    kind="two_sided",
    inside=("r1:1", "r1:2"),
    outside=("r1:3", "r1:4"),
    inside_location="STAGE-1",
    outside_location="@clearing/dock-1",
)
ONE_PLANE = Portal(
    id="dock-3",
    kind="one_plane",
    antennas=("r3:1", "r3:2"),
    beams=(1, 2),
    inside_location="STAGE-3",
    outside_location="@clearing/dock-3",
)
Way = Sequence[tuple[float, float]]
"""(seconds, metres into the building), straight in between."""

INWARD: Way = ((0.0, -4.0), (7.0, 4.0))
OUTWARD: Way = ((0.0, 4.0), (7.0, -4.0))


def mirrored(way: Way) -> Way:
    """Go the same way from the other side."""
    return [(at_s, -y) for at_s, y in way]


def place(way: Way, at_s: float) -> float:
    """Look where a tag is."""
    for (begin_s, begin), (end_s, end) in pairwise(way):
        if begin_s <= at_s <= end_s:
            return begin + (end - begin) * (at_s - begin_s) / (end_s - begin_s)
    return way[-1][1]


def two_sided(
    way: Way,
    *,
    rate_per_s: float = 20.0,
    seed: int = 1,
    epc: str = EPC,
    noise_db: float = 2.0,
    aside_m: float = 0.0,
    start_us: int = NOON_US,
    reader: str = "r1",
    loss_db: float = 0.0,
) -> list[Seen]:
    """Read a tag with two antennas looking in (1, 2) and two looking out (3, 4)."""
    rng = random.Random(seed)
    reads: list[Seen] = []
    at_s = way[0][0]
    while at_s < way[-1][0]:
        at_s += rng.expovariate(rate_per_s)
        antenna = rng.randint(1, 4)
        depth = place(way, at_s) if antenna <= 2 else -place(way, at_s)
        distance = math.hypot(1.2 + aside_m, depth)
        behind_db = 0.0 if depth > 0 else 16.0 * min(1.0, -depth / 0.8)
        rssi_dbm = -40.0 - 32.0 * math.log10(distance) - behind_db - loss_db + rng.gauss(0.0, noise_db)
        if rssi_dbm > -78.0:
            reads.append(RawRead(start_us + round(at_s * 1e6), reader, antenna, epc, round(rssi_dbm, 1)))
    return reads


def one_plane(
    way: Way, *, rate_per_s: float = 20.0, seed: int = 1, epc: str = EPC, start_us: int = NOON_US
) -> list[Seen]:
    """Read a tag with two antennas that look across the doorway."""
    rng = random.Random(seed)
    reads: list[Seen] = []
    at_s = way[0][0]
    while at_s < way[-1][0]:
        at_s += rng.expovariate(rate_per_s)
        rssi_dbm = -38.0 - 34.0 * math.log10(math.hypot(1.0, place(way, at_s))) + rng.gauss(0.0, 2.0)
        if rssi_dbm > -72.0:
            antenna = rng.randint(1, 2)
            reads.append(RawRead(start_us + round(at_s * 1e6), "r3", antenna, epc, round(rssi_dbm, 1)))
    return reads


def beams(way: Way, *, half_length_m: float = 0.6, start_us: int = NOON_US) -> list[Seen]:
    """Break the outer beam at y = -0.3 m and the inner one at 0.3 m while goods stand in them."""
    changes: list[Seen] = []
    broken = {1: False, 2: False}
    for step in range(round(way[-1][0] * 100)):
        for port, y in ((1, -0.3), (2, 0.3)):
            now = abs(place(way, step / 100) - y) <= half_length_m
            if now != broken[port]:
                broken[port] = now
                changes.append(GpiChange(start_us + step * 10_000, "r3", port, now))
    return changes


def merged(*stories: Sequence[Seen]) -> list[Seen]:
    """Let several stories happen at once."""
    return sorted((seen for story in stories for seen in story), key=lambda seen: seen.seen_us)


def decide(seen: Sequence[Seen], *portals: Portal) -> list[Passage]:
    """Run a whole capture."""
    door = PortalFilter(portals or (TWO_SIDED,))
    return [*door.take_many(seen), *door.flush()]


def told(seen: Sequence[Seen], *portals: Portal) -> list[str]:
    """Run a whole capture and keep the directions only."""
    return [str(passage.direction) for passage in decide(seen, *portals)]
