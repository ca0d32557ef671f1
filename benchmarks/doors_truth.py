"""What the filter weighed, beside what truly happened: simulated docks in, labelled numbers out."""

import pickle
import random
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks.doors import directory_of
from edge_agent.config.site_file import load_portals
from edge_agent.filters import one_plane, scales, verdict
from edge_agent.filters.field import Field
from edge_agent.filters.network import Network
from edge_agent.filters.passage import Passage
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.profile import CELL_US
from edge_agent.filters.verdict import Picture, numbers
from edge_agent.filters.weights_of_planes import ONE_PLANE
from edge_agent.filters.weights_of_sides import TWO_SIDED
from edge_agent.readers.capture import Fault
from edge_agent.readers.llrp.recording import read_recording
from edge_agent.readers.raw_read import RawRead, Seen
from simulators.warehouse.dock.doors import Door
from simulators.warehouse.dock.papers import SITE, write_papers
from simulators.warehouse.dock.paths import Load
from simulators.warehouse.dock.recording import write_recording
from simulators.warehouse.dock.scenes import plan_scene
from simulators.warehouse.dock.score import SCORED_GATEWAY, SCORED_SITE, START_AT
from simulators.warehouse.dock.world import World

_SEEN: Final = "seen.pickle"
_TOGETHER: Final = 200
"""Reads that are taken at once, as replay does."""
_LANE_M: Final = 1.6
_EARLY_S: Final = 2.0
_LATE_S: Final = 6.0
"""A tag that fell silent so long before the plane of the door did cross."""
_BESIDE_S: Final = 0.5
_START_S: Final = START_AT.timestamp()
_SHARES_READ: Final = (0.03, 0.6)
"""Of the reads of a topmost unit's tag, where a crowd takes the reader's time: from least to most."""
_SHARE_READ: Final = 0.35
"""Of those of all other tags."""
_TAGS_A_LOAD: Final = 8.0
"""So many of the tags inside a unit are fitted on: there are far more of them than of topmost ones."""


class Named(NamedTuple):
    """A world, by what makes it."""

    scene: str
    crossings: int
    seed: int

    def under(self, directory: Path) -> Path:
        """Name its directory."""
        return directory_of(directory, self.scene, self.seed, self.crossings)


class Weights(NamedTuple):
    """What the filter weighs with."""

    two_sided: Network
    one_plane: Network


def _unbiased(like: Network) -> Network:
    inputs, outputs = len(like.hidden[0]), len(like.out)
    return Network(((0.0,) * inputs,), (0.0,), ((0.0,),) * outputs, (0.0,) * outputs)


UNBIASED: Final = Weights(_unbiased(TWO_SIDED), _unbiased(ONE_PLANE))
"""Whatever was heard, in, out and neither are alike to them: the filter waits for as long as it can."""


@dataclass(slots=True)
class Weighed:
    """One passage with all that was weighed for it, and the truth."""

    passage: Passage
    picture: Picture | None = None
    passes: list[tuple[float, float, list[float]]] = field(default_factory=list)
    """Begin and end of each pass in seconds of the world, with its numbers."""
    is_top: bool = False
    """A topmost unit's tag."""
    tags: int = 1
    """Of what moves together."""
    crossed: int = 0
    """+1 in, -1 out."""
    at_s: float = 0.0
    """When, if it crossed."""
    is_doubtful: bool = False
    """Another passage of the tag is nearer to the crossing: this one says neither yes nor no."""


def world_of(named: Named, directory: Path) -> tuple[World, list[Seen]]:
    """Make a world's papers and reads, or take those that are there.

    Args:
        named: Which world.
        directory: Where the reads of worlds are kept.

    Returns:
        The world, and what its readers said, in time order.
    """
    world, kept = plan_scene(named.scene, named.seed, named.crossings), named.under(directory)
    if not (kept / _SEEN).exists():
        write_papers(world, kept, START_AT, site=SCORED_SITE, gateway=SCORED_GATEWAY)
        write_recording(world, kept / "recording.llrp", START_AT)
        found = read_recording((kept / "recording.llrp").read_bytes())
        (kept / _SEEN).write_bytes(pickle.dumps([each for each in found if not isinstance(each, Fault)]))
        (kept / "recording.llrp").unlink()
    seen: list[Seen] = pickle.loads((kept / _SEEN).read_bytes())  # noqa: S301  we wrote it
    return world, sorted(seen, key=lambda each: each.seen_us)


def thinned(seen: list[Seen], tops: Collection[str], rng: random.Random) -> list[Seen]:
    """Leave out reads, as a reader does that is busy with a crowd.

    Args:
        seen: What readers said, in time order.
        tops: Tags of topmost units: each is left another share of its reads.
        rng: Chooses.

    Returns:
        What is left.
    """
    least, most = _SHARES_READ
    shares: dict[str, float] = {}
    left = []
    for each in seen:
        if isinstance(each, RawRead):
            epc = each.epc.upper()
            if epc in tops and epc not in shares:
                shares[epc] = least * (most / least) ** rng.random()
            if rng.random() >= shares.get(epc, _SHARE_READ):
                continue
        left.append(each)
    return left


@contextmanager
def weighing_with(weights: Weights) -> Iterator[None]:
    """Let the filter weigh with other weights than its own.

    Args:
        weights: Those.

    Yields:
        Nothing.
    """
    _take_up(weights)
    try:
        yield
    finally:
        _take_up(Weights(TWO_SIDED, ONE_PLANE))


def _take_up(weights: Weights) -> None:
    for module, name, stand_in in (
        (verdict, "TWO_SIDED", weights.two_sided),
        (one_plane, "ONE_PLANE", weights.one_plane),
    ):
        setattr(module, name, stand_in)


@contextmanager
def watching() -> Iterator[dict[int, Weighed]]:
    """Look over the filter's shoulder.

    Yields:
        All that was weighed, by the identity of the passage that came of it; passages stay referenced.
    """
    found: dict[int, Weighed] = {}
    pictures: list[Picture] = []
    spans: list[tuple[float, float, list[float]]] = []
    real_odds, real_numbers = (getattr(scales, name) for name in ("odds", "plane_numbers"))
    real_weighed, real_passage = Field._weighed, Field._passage  # noqa: SLF001  what this is about

    def odds(picture: Picture) -> Any:
        pictures.append(picture)
        return real_odds(picture)

    def plane_numbers(own: Any, group: Any, rivals: Any, span: Any, **counts: int) -> list[float]:
        given: list[float] = real_numbers(own, group, rivals, span, **counts)
        spans.append((span.begin, span.end, given))
        return given

    def weigh(self: Any, track: Any) -> Any:
        pictures.clear()
        spans.clear()
        return real_weighed(self, track)

    def passage(self: Any, track: Any, weighed: Any) -> Passage:
        told = real_passage(self, track, weighed)
        began_s = self._scales.zero_us * 1e-6 - _START_S
        cell_s = CELL_US * 1e-6
        passes = [(began_s + begin * cell_s, began_s + end * cell_s, given) for begin, end, given in spans]
        found[id(told)] = Weighed(told, pictures[-1] if pictures else None, passes)
        return told

    replaced = (
        (scales, "odds", odds, real_odds),
        (scales, "plane_numbers", plane_numbers, real_numbers),
        (Field, "_weighed", weigh, real_weighed),
        (Field, "_passage", passage, real_passage),
    )
    for owner, name, stand_in, _ in replaced:
        setattr(owner, name, stand_in)
    try:
        yield found
    finally:
        for owner, name, _, real in replaced:
            setattr(owner, name, real)


def passages_of(seen: list[Seen], door: PortalFilter) -> Iterator[tuple[list[Passage], int]]:
    """Stream reads through a filter, as replay does.

    Args:
        seen: In time order.
        door: The filter.

    Yields:
        What was decided, and up to when everything is known; at the end what was open.
    """
    for begin in range(0, len(seen), _TOGETHER):
        part = seen[begin : begin + _TOGETHER]
        decided, open_us = door.take_many(part), door.open_since_us
        newest_us = part[-1].seen_us
        yield decided, newest_us if open_us is None else min(newest_us, open_us)
    yield door.flush(), seen[-1].seen_us + 60_000_000


def labelled(named: Named, directory: Path, *, is_thinned: bool = False) -> list[Weighed]:
    """Run a world through the filter and tell what truly happened.

    Args:
        named: Which world.
        directory: Where the reads of worlds are kept.
        is_thinned: Whether most of its reads are left out.

    Returns:
        Every passage of goods of which something was weighed.
    """
    world, seen = world_of(named, directory)
    tops = {seen_there.unit.epc.hex().upper() for seen_there in world.appearances}
    if is_thinned:
        seen = thinned(seen, tops, random.Random(7 * named.seed + 1))
    door = PortalFilter(load_portals(named.under(directory) / SITE))
    with watching() as weighed:
        told = [weighed[id(each)] for decided, _ in passages_of(seen, door) for each in decided]
    loads: dict[str, list[Load]] = defaultdict(list)
    for load in world.loads:
        for epc in load.goods.epcs:
            loads[epc.hex().upper()].append(load)
    doors = {each.portal: each for each in world.doors}
    claims: dict[tuple[str, str, float], list[Weighed]] = defaultdict(list)
    kept = []
    for each in told:
        near = [load for load in loads.get(each.passage.epc, []) if _was_there(load, each.passage)]
        if not near or not (each.picture or each.passes) or near[0].goods.name == "person":
            continue
        each.is_top, each.tags = each.passage.epc in tops, len(near[0].goods.epcs)
        for load in near:
            _label(each, load, doors[each.passage.portal])
        if each.crossed:
            claims[each.passage.epc, each.passage.portal, each.at_s].append(each)
        kept.append(each)
    for (_, _, at_s), claiming in claims.items():
        nearest = min(claiming, key=lambda each: _apart_s(each.passage, at_s))
        for each in claiming:
            each.is_doubtful = each is not nearest
    return kept


def _was_there(load: Load, passage: Passage) -> bool:
    begin_s, end_s = _seconds(passage)
    return load.way.begin_s - 1 <= end_s and load.way.end_s + 1 >= begin_s


def _label(weighed: Weighed, load: Load, door: Door) -> None:
    ys = load.way.ys
    is_through = (ys[0] < door.plane_y) != (ys[-1] < door.plane_y) and (ys[0] < 0) != (ys[-1] < 0)
    if not is_through:
        return
    at_s = load.way.crosses_at(door.plane_y)
    begin_s, end_s = _seconds(weighed.passage)
    x = float(np.interp(at_s, load.way.seconds, load.way.xs))
    if abs(x - door.x) < _LANE_M and begin_s - _EARLY_S <= at_s <= end_s + _LATE_S:
        weighed.crossed, weighed.at_s = (1 if ys[-1] > ys[0] else -1), at_s


def _seconds(passage: Passage) -> tuple[float, float]:
    return passage.first_seen_us * 1e-6 - _START_S, passage.last_seen_us * 1e-6 - _START_S


def _apart_s(passage: Passage, at_s: float) -> float:
    begin_s, end_s = _seconds(passage)
    return max(begin_s - at_s, at_s - end_s, 0.0)


def rows_of(weighed: list[Weighed], rng: random.Random) -> tuple[list[Any], list[Any]]:
    """Write what the two functions are fitted on.

    Args:
        weighed: Of one world.
        rng: Chooses among tags inside units.

    Returns:
        For two sides: numbers, swapped numbers, label, weight. For one plane: numbers, label, weight.
    """
    two_sided, planes = [], []
    for each in weighed:
        is_settled = each.passage.neighbour is None and not each.is_doubtful
        if not is_settled or not (each.is_top or rng.random() < _TAGS_A_LOAD / each.tags):
            continue
        weight = 3.0 if each.is_top else 1.0
        if each.picture is not None:
            two_sided.append((*numbers(each.picture), each.crossed, weight))
        for begin_s, end_s, given in each.passes:
            is_on = bool(each.crossed) and begin_s - _BESIDE_S <= each.at_s <= end_s + _BESIDE_S
            planes.append((given, float(is_on), weight))
    return two_sided, planes
