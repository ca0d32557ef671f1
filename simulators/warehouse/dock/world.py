"""One seeded world of a dock front, planned whole before anything moves: visits, loads, and the truth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil, inf
from typing import Final, Literal

import numpy as np

from simulators.warehouse.dock.doors import Door, dock_front
from simulators.warehouse.dock.goods import Factory, Goods, Item, Unit
from simulators.warehouse.dock.habits import USUAL, Habits
from simulators.warehouse.dock.paths import Load
from simulators.warehouse.dock.radio import ETSI, Conditions
from simulators.warehouse.dock.stories import DEMO, WORKING_DAY, Direction, Pace, Storyteller

Generator = np.random.Generator
Happening = Literal["crossing", "carried_back", "parked", "passing"]

FOREIGN_SHARE: Final = 0.2
"""Of goods parked or passing: another company's, no unit of ours."""
LEAST_STRAY_SHARE: Final = 0.22
"""Of the units' appearances at the doors; more goods pass by until it is reached."""
_FIRST_S: Final = 5.0
"""The first vehicles stand there already; so soon the first goods move."""
_DEMO_LOADS: Final = (3, 7)
DEMO_CROSSINGS_PER_S: Final = 0.27
_EARLY_SHARE: Final = 0.9
_JUDGED_S: Final = 120.0
"""How much of a live world must be busy: over a longer one no seed keeps the pace of its first minutes."""
_DEMO_DRAWS: Final = 100
_LOADS: Final = (5, 13)


@dataclass(frozen=True)
class Appearance:
    """A topmost unit came near a door: it crossed, or it did not."""

    unit: Unit
    happening: Happening
    begin_s: float
    end_s: float
    portal: str | None = None
    """None for goods passing all doors."""
    direction: Direction | None = None
    at_s: float | None = None
    """When it was in the plane of the door, on its last passage."""
    visit: str | None = None


@dataclass(frozen=True)
class PlannedVisit:
    """A vehicle at a door."""

    visit: str
    door: Door
    direction: Direction
    from_s: float
    to_s: float
    document: str
    pallets: tuple[Goods, ...]
    loose: tuple[Unit, ...]


@dataclass(frozen=True)
class World:
    """Everything that will happen, in seconds since the world began."""

    seed: int
    doors: tuple[Door, ...]
    items: tuple[Item, ...]
    visits: tuple[PlannedVisit, ...]
    loads: tuple[Load, ...]
    appearances: tuple[Appearance, ...]
    conditions: Conditions = ETSI

    @property
    def crossings(self) -> list[Appearance]:
        """The true crossings, in the order of time."""
        return sorted(
            (seen for seen in self.appearances if seen.happening == "crossing"),
            key=lambda seen: seen.at_s or 0.0,
        )

    @property
    def stray_share(self) -> float:
        """Share of the units' appearances that are no crossing."""
        return 1 - len(self.crossings) / len(self.appearances)

    @property
    def end_s(self) -> float:
        """When the last goods are gone."""
        return max(load.way.end_s for load in self.loads)


def plan_world(seed: int, crossings: int, doors: int) -> World:
    """Plan a working day of exactly so many crossings of topmost units.

    Args:
        seed: Any number >= 0; the same seed gives the same world.
        crossings: >= 1.
        doors: >= 1.

    Returns:
        The world.
    """
    return _Planner((seed, 0), dock_front(doors), WORKING_DAY, _LOADS).fill(crossings)


def plan_day(
    seed: int, crossings: int, doors: tuple[Door, ...], habits: Habits, conditions: Conditions
) -> World:
    """Plan such a day at other doors, with other habits or another radio.

    Args:
        seed: Any number >= 0.
        crossings: >= 1.
        doors: At least one.
        habits: How people work.
        conditions: Under which readers work.

    Returns:
        The world.
    """
    planned = _Planner((seed, 0), doors, WORKING_DAY, _LOADS, habits=habits).fill(crossings)
    return replace(planned, conditions=conditions)


def plan_live(seed: int, seconds: float, doors: int, edition: datetime) -> World:
    """Plan a busy dock for a while: quick drivers, at two-sided doors one behind the other.

    Args:
        seed: Any number >= 0.
        seconds: By then all goods have come and gone; >= 30.
        doors: >= 1.
        edition: When it begins: names visits, documents and serial numbers, so that the same seed played
            again brings other goods along the same ways.

    Returns:
        The first of the seed's worlds whose beginning is busy enough to look at, in both directions.
    """
    judged_s = min(seconds, _JUDGED_S)
    least = ceil(judged_s * DEMO_CROSSINGS_PER_S)
    for number in range(_DEMO_DRAWS):
        world = _Planner(
            (seed, number), dock_front(doors), DEMO, _DEMO_LOADS, last_s=seconds, edition=edition
        ).fill()
        early = [seen for seen in world.crossings if (seen.at_s or 0.0) <= judged_s * _EARLY_SHARE]
        if len(early) >= least and len({seen.direction for seen in early}) == min(2, doors):
            break
    return world


@dataclass(frozen=True)
class _Docked:
    """A vehicle while it is unloaded or loaded."""

    visit: str
    door: Door
    direction: Direction
    since_s: float


class _Planner:
    """Fills the doors' time from the front, always at the door that is free first."""

    def __init__(
        self,
        seed: tuple[int, int],
        doors: tuple[Door, ...],
        pace: Pace,
        loads: tuple[int, int],
        *,
        last_s: float = inf,
        edition: datetime | None = None,
        habits: Habits = USUAL,
    ) -> None:
        self._seed = seed[0]
        self._name = str(seed[0]) if edition is None else f"{edition:%Y%m%dT%H%M%S}"
        self._rng = np.random.default_rng([seed[0], 1, seed[1]])
        self._doors = doors
        self._habits = habits
        self._factory = Factory(self._rng, edition)
        self._teller = Storyteller(self._rng, pace, habits)
        self._pace = pace
        self._loads_per_visit = loads
        self._last_s = last_s
        self._free_s = dict.fromkeys(self._doors, 0.0)
        self._next_direction: dict[Door, Direction] = {
            door: "in" if door.number % 2 else "out" for door in self._doors
        }
        self.loads: list[Load] = []
        self.appearances: list[Appearance] = []
        self.visits: list[PlannedVisit] = []
        self.crossed = 0

    def fill(self, crossings: int | None = None) -> World:
        while min(self._free_s.values()) < self._last_s and (crossings is None or self.crossed < crossings):
            door = min(self._doors, key=lambda each: self._free_s[each])
            self._visit(door, crossings)
        self._bystanders()
        return World(
            self._seed,
            self._doors,
            self._factory.items,
            tuple(self.visits),
            tuple(sorted(self.loads, key=lambda load: load.way.begin_s)),
            tuple(sorted(self.appearances, key=lambda seen: (seen.begin_s, seen.unit.epc))),
        )

    def _visit(self, door: Door, most: int | None) -> None:
        direction = self._next_direction[door]
        self._next_direction[door] = "out" if direction == "in" else "in"
        number = len(self.visits) + 1
        name = f"V-{self._name}-{number:03d}"
        from_s = self._free_s[door]
        brought: list[Load] = []
        at_s = from_s + (self._pace.docking_s if from_s else _FIRST_S + 2.0 * (door.number - 1))
        for _ in range(int(self._rng.integers(*self._loads_per_visit))):
            if most is not None and self.crossed >= most:
                break
            load, at_s = self._bring(self._goods(most), _Docked(name, door, direction, from_s), at_s)
            if load is None:
                break
            brought.append(load)
        if not brought:
            self._free_s[door] = inf
            return
        last_s = max(load.way.end_s for load in brought)
        to_s = last_s + 1.0
        kind = "ASN" if direction == "in" else "ORD"
        self.visits.append(
            PlannedVisit(
                name,
                door,
                direction,
                from_s,
                to_s,
                f"{kind}-{self._name}-{number:03d}",
                tuple(load.goods for load in brought if load.goods.contents),
                tuple(unit for load in brought if not load.goods.contents for unit in load.goods.units),
            )
        )
        self._free_s[door] = max(at_s, to_s) + self._draw(self._pace.turnaround_s)

    def _goods(self, most: int | None) -> Goods:
        if self._rng.random() < self._habits.pallet_share:
            with_items = bool(self._rng.random() < self._habits.item_tagged_share)
            return self._factory.pallet(with_items=with_items, cases=self._habits.cases_per_pallet)
        cases = int(self._rng.integers(1, 5))
        return self._factory.cart(cases if most is None else min(cases, most - self.crossed))

    def _bring(self, goods: Goods, docked: "_Docked", at_s: float) -> tuple[Load | None, float]:
        """Tell a load's crossing, perhaps after a turn at the door; say when the next may be picked up."""
        door, direction = docked.door, docked.direction
        since_s: float | None = docked.since_s
        if self._rng.random() < self._habits.carried_back_per_load:
            # The same goods and then in earnest, or others that were to go elsewhere.
            is_same = self._rng.random() < 0.5  # noqa: PLR2004  half of them
            side = direction if is_same or self._rng.random() < 0.5 else "out"  # noqa: PLR2004  others come from inside
            turned = goods if is_same else self._goods(None)
            turning = self._teller.carried_back(turned, door, side, at_s, carrier=self._carrier(turned))
            if self._add(turning, "carried_back", door.portal, side):
                at_s = turning.way.end_s + self._draw(self._pace.gap_s)
                since_s = None if is_same else since_s
        is_relayed = self._pace.has_second_truck and door.kind == "two_sided"
        load = self._teller.crossing(
            goods,
            door,
            direction,
            at_s,
            carrier=self._carrier(goods),
            since_s=since_s,
            comes_empty=not is_relayed,
        )
        if not self._add(load, "crossing", door.portal, direction, docked.visit):
            return None, at_s
        self.crossed += len(goods.units)
        crossed_s = load.way.crosses_at(door.plane_y)
        gap_s = self._draw(self._pace.gap_s)
        if is_relayed:
            return load, crossed_s - 1.0 + gap_s
        returns = load.empty is not None and load.empty.begin_s > crossed_s
        returned = load.empty.end_s if load.empty is not None and returns else load.carried[0][1]
        if self._pace.has_second_truck:
            # The next one waits before the door, until this one or its empty carrier has passed it.
            passed_s = (
                load.empty.crosses_at(door.plane_y) if load.empty is not None and returns else crossed_s
            )
            return load, passed_s + 1.0 + gap_s
        if self._rng.random() < self._habits.walks_per_load:
            walk = self._teller.walk(self._factory.badge(), door, returned)
            self._add(walk, "passing", None)
            returned = walk.way.end_s
        return load, returned + gap_s

    def _bystanders(self) -> None:
        """Let goods pass by and stand about as often as loads call for, and more until the share is right."""
        loads = len(self.loads)
        last_s = max(load.way.end_s for load in self.loads)
        for _ in range(int(self._rng.binomial(loads, self._habits.passing_per_load))):
            self._pass_by(last_s)
        for _ in range(int(self._rng.binomial(loads, self._habits.parked_per_load))):
            goods = self._bystander()
            door = self._doors[int(self._rng.integers(len(self._doors)))]
            load = self._teller.parked(goods, door, self._time_until(last_s), carrier=self._carrier(goods))
            self._add(load, "parked", door.portal)
        while len(self.appearances) * (1 - LEAST_STRAY_SHARE) < self.crossed:
            self._pass_by(last_s)

    def _pass_by(self, last_s: float) -> None:
        goods = self._bystander()
        load = self._teller.passing(
            goods, self._doors, self._time_until(last_s), carrier=self._carrier(goods)
        )
        self._add(load, "passing", None)

    def _bystander(self) -> Goods:
        if self._rng.random() < FOREIGN_SHARE:
            return self._factory.pallet(is_foreign=True)
        return self._goods(None)

    def _time_until(self, last_s: float) -> float:
        return float(self._rng.uniform(1.0, max(2.0, last_s - 20.0)))

    @staticmethod
    def _carrier(goods: Goods) -> str:
        return "truck" if goods.contents else "person"

    def _add(
        self,
        load: Load,
        happening: Happening,
        portal: str | None,
        direction: Direction | None = None,
        visit: str | None = None,
    ) -> bool:
        """Add a load with what its units do, unless it would not be gone in time."""
        if load.way.end_s > self._last_s:
            return False
        self.loads.append(load)
        at_s = None
        if happening == "crossing":
            plane_y = next(door.plane_y for door in self._doors if door.portal == portal)
            at_s = load.way.crosses_at(plane_y)
        self.appearances.extend(
            Appearance(unit, happening, load.way.begin_s, load.way.end_s, portal, direction, at_s, visit)
            for unit in load.goods.units
        )
        return True

    def _draw(self, limits: tuple[float, float]) -> float:
        return float(self._rng.uniform(*limits))


def chunks(world: World, seconds: float) -> Iterator[tuple[float, float]]:
    """Cut a world's time into equal pieces.

    Args:
        world: Which.
        seconds: Length of a piece.

    Yields:
        Begin and end of each.
    """
    begin = 0.0
    while begin < world.end_s:
        yield begin, begin + seconds
        begin += seconds
