"""A conveyor through the wall: cases one behind the other, belts that halt, people beside them; seeded."""

from typing import Final

import numpy as np

from simulators.warehouse.dock.doors import Door
from simulators.warehouse.dock.goods import Factory, Goods
from simulators.warehouse.dock.paths import INWARD, OUTWARD, Load, Way
from simulators.warehouse.dock.radio import Conditions
from simulators.warehouse.dock.stories import Direction
from simulators.warehouse.dock.world import Appearance, Happening, PlannedVisit, World

Generator = np.random.Generator

BELT: Final = Conditions(transmit_dbm=15.0)
"""Antennas stand half a metre from the belt, and are not to hear what goes beside it."""
_BEGIN_M: Final = -4.0
_END_M: Final = 7.0
_SPEED_M_PER_S: Final = (0.3, 1.0)
_GAP_M: Final = (0.35, 2.5)
_CASES: Final = (6, 25)
"""Of one run of a belt in one direction."""
_HALT_PER_CASE: Final = 0.15
_HALT_S: Final = (2.0, 25.0)
_BESIDE_PER_CASE: Final = 0.12
"""Carts that are pushed along the belt."""
_STANDING_PER_CASE: Final = 0.04
_BESIDE_M: Final = (1.4, 3.0)
_LENGTH_M: Final = 0.8
_TURN_S: Final = 20.0


def plan_belts(seed: int, crossings: int, doors: tuple[Door, ...]) -> World:
    """Plan runs of belts, until exactly so many cases crossed.

    Args:
        seed: Any number >= 0; the same seed gives the same world.
        crossings: >= 1.
        doors: Conveyors.

    Returns:
        The world.
    """
    return _Belts(seed, doors).fill(crossings)


class _Belts:
    def __init__(self, seed: int, doors: tuple[Door, ...]) -> None:
        self._seed = seed
        self._rng = np.random.default_rng([seed, 4])
        self._doors = doors
        self._factory = Factory(self._rng)
        self._free_s = dict.fromkeys(doors, 3.0)
        self._loads: list[Load] = []
        self._appearances: list[Appearance] = []
        self._visits: list[PlannedVisit] = []

    def fill(self, crossings: int) -> World:
        left = crossings
        while left:
            door = min(self._doors, key=lambda each: self._free_s[each])
            cases = min(left, int(self._rng.integers(*_CASES)))
            self._run(door, cases)
            left -= cases
        return World(
            self._seed,
            self._doors,
            self._factory.items,
            tuple(self._visits),
            tuple(sorted(self._loads, key=lambda load: load.way.begin_s)),
            tuple(sorted(self._appearances, key=lambda seen: (seen.begin_s, seen.unit.epc))),
            BELT,
        )

    def _run(self, door: Door, cases: int) -> None:
        direction: Direction = "in" if self._rng.random() < 0.5 else "out"  # noqa: PLR2004  either way
        number = len(self._visits) + 1
        name = f"V-{self._seed}-{number:03d}"
        begin_s = self._free_s[door]
        goods = [self._factory.cart(1) for _ in range(cases)]
        end_s = begin_s
        for each, way in zip(goods, self._ways(door, cases, direction, begin_s), strict=True):
            self._add(
                Load(each, way, INWARD if direction == "in" else OUTWARD, "none", ()),
                "crossing",
                door,
                direction,
                name,
            )
            end_s = max(end_s, way.end_s)
        self._bystanders(door, cases, begin_s, end_s)
        kind = "ASN" if direction == "in" else "ORD"
        self._visits.append(
            PlannedVisit(
                name,
                door,
                direction,
                begin_s - 1.0,
                end_s + 1.0,
                f"{kind}-{self._seed}-{number:03d}",
                (),
                tuple(unit for each in goods for unit in each.units),
            )
        )
        self._free_s[door] = end_s + _TURN_S

    def _ways(self, door: Door, cases: int, direction: Direction, begin_s: float) -> list[Way]:
        """Let one belt carry all of them: when it halts, they all stand."""
        speed = self._draw(_SPEED_M_PER_S)
        lags = np.cumsum([0.0, *(self._draw(_GAP_M) + _LENGTH_M for _ in range(cases - 1))])
        whole = float(lags[-1]) + _END_M - _BEGIN_M
        halts = sorted(
            (float(self._rng.uniform(0.0, whole)), self._draw(_HALT_S))
            for _ in range(int(self._rng.binomial(cases, _HALT_PER_CASE)))
        )
        seconds, run = [begin_s], [0.0]
        for at_m, halt_s in [*halts, (whole, 0.0)]:
            seconds.append(seconds[-1] + (at_m - run[-1]) / speed)
            run.append(at_m)
            if halt_s:
                seconds.append(seconds[-1] + halt_s)
                run.append(at_m)
        start, sign = (_BEGIN_M, 1.0) if direction == "in" else (_END_M, -1.0)
        x = door.x + float(self._rng.uniform(-0.1, 0.1))
        ways = []
        for lag in lags:
            inner = [n for n, at_m in enumerate(run) if lag < at_m < lag + _END_M - _BEGIN_M]
            places = [float(lag), *(run[n] for n in inner), float(lag) + _END_M - _BEGIN_M]
            times = [
                float(np.interp(places[0], run, seconds)),
                *(seconds[n] for n in inner),
                float(np.interp(places[-1], run, seconds)),
            ]
            ways.append(
                Way(
                    tuple(times),
                    (x,) * len(places),
                    tuple(start + sign * (at_m - float(lag)) for at_m in places),
                )
            )
        return ways

    def _bystanders(self, door: Door, cases: int, begin_s: float, end_s: float) -> None:
        """Push carts along the belt inside, and leave some standing there."""
        for _ in range(int(self._rng.binomial(cases, _BESIDE_PER_CASE))):
            x = door.x + self._aside()
            way = Way.begin(self._between(begin_s, end_s), x, 9.0).to(x, 0.8, self._draw((0.6, 1.5)))
            way = way.wait(self._draw((1.0, 10.0))).to(x, 9.0, self._draw((0.6, 1.5)))
            self._add(self._by_person(way), "passing", door)
        for _ in range(int(self._rng.binomial(cases, _STANDING_PER_CASE))):
            x, y = door.x + self._aside(), self._draw((1.0, 3.5))
            way = Way.begin(self._between(begin_s, end_s), x, 9.0).to(x, y, 1.2)
            way = way.wait(self._draw((30.0, 90.0))).to(x, 9.0, 1.2)
            self._add(self._by_person(way), "parked", door)

    def _by_person(self, way: Way) -> Load:
        goods: Goods = self._factory.cart(int(self._rng.integers(1, 5)))
        return Load(goods, way, OUTWARD, "person", ((way.begin_s, way.end_s),))

    def _add(
        self,
        load: Load,
        happening: Happening,
        door: Door,
        direction: Direction | None = None,
        visit: str | None = None,
    ) -> None:
        self._loads.append(load)
        at_s = load.way.crosses_at(door.plane_y) if happening == "crossing" else None
        portal = None if happening == "passing" else door.portal
        self._appearances.extend(
            Appearance(unit, happening, load.way.begin_s, load.way.end_s, portal, direction, at_s, visit)
            for unit in load.goods.units
        )

    def _aside(self) -> float:
        return self._draw(_BESIDE_M) * float(self._rng.choice([-1.0, 1.0]))

    def _between(self, begin_s: float, end_s: float) -> float:
        return float(self._rng.uniform(max(begin_s - 10.0, 0.5), end_s))

    def _draw(self, limits: tuple[float, float]) -> float:
        return float(self._rng.uniform(*limits))
