"""What happens at the doors: visits, crossings, hesitations, goods carried back, parked and passing by.

Every story is drawn from a seeded generator with the frequencies below; none knows of radio or filters.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from simulators.warehouse.dock.doors import Door
from simulators.warehouse.dock.goods import Goods
from simulators.warehouse.dock.habits import USUAL, Habits
from simulators.warehouse.dock.paths import CARRIER_GAP_M, CARRIER_HALF_M, INWARD, OUTWARD, Load, Way

Generator = np.random.Generator
Direction = Literal["in", "out"]

_GONE_Y_M: Final = 12.0
_DRIVEN_AWAY_Y_M: Final = -14.0
_LANE_FROM_FRAME_M: Final = 1.6
_EMPTY_M_PER_S: Final = 1.5
_SLOW_M: Final = 1.8
"""So near to the door everybody slows down."""


@dataclass(frozen=True)
class Pace:
    """How fast a dock works."""

    speed_m_per_s: tuple[float, float]
    """Median and log-spread of a carrier's speed, held within 0.5 and 3 m/s."""
    gap_s: tuple[float, float]
    """Between a carrier's return and the next load."""
    wait_s: tuple[float, float]
    """Pauses in the doorway."""
    near_s: tuple[float, float]
    """Standing near the door before or after a crossing."""
    parked_s: tuple[float, float]
    """Standing beside a door for another reason."""
    docking_s: float
    """From a vehicle's coming to the first load."""
    turnaround_s: tuple[float, float]
    """From one vehicle to the next."""
    has_second_truck: bool
    """Whether the next load comes before the first carrier is back, at doors without beams."""


WORKING_DAY: Final = Pace(
    speed_m_per_s=(1.4, 0.35),
    gap_s=(1.0, 6.0),
    wait_s=(2.0, 15.0),
    near_s=(8.0, 30.0),
    parked_s=(60.0, 150.0),
    docking_s=10.0,
    turnaround_s=(10.0, 30.0),
    has_second_truck=False,
)
DEMO: Final = Pace(
    speed_m_per_s=(2.0, 0.15),
    gap_s=(0.3, 1.0),
    wait_s=(1.0, 3.0),
    near_s=(2.0, 5.0),
    parked_s=(10.0, 25.0),
    docking_s=2.0,
    turnaround_s=(1.0, 3.0),
    has_second_truck=True,
)


class Storyteller:
    """Draws ways at one dock front."""

    def __init__(self, rng: Generator, pace: Pace, habits: Habits = USUAL) -> None:
        """Take a generator.

        Args:
            rng: Seeded.
            pace: How fast everybody works.
            habits: And how.
        """
        self._rng = rng
        self._pace = pace
        self._habits = habits

    def crossing(
        self,
        goods: Goods,
        door: Door,
        direction: Direction,
        free_s: float,
        *,
        carrier: str,
        since_s: float | None,
        comes_empty: bool,
    ) -> Load:
        """Carry goods through a door, in whatever manner drivers have.

        Forklifts enter a vehicle forwards and leave it backwards: pallets are on its side of them.

        Args:
            goods: What moves.
            door: Where.
            direction: Into the building or out of it.
            free_s: When the lane is free for somebody to come.
            carrier: ``truck`` or ``person``.
            since_s: When the vehicle docked: goods stand nowhere before; None if they come just now.
            comes_empty: Whether a forklift comes through the door to fetch goods from the vehicle.

        Returns:
            The load; its way ends where goods are out of reach or the vehicle leaves.
        """
        sign = 1.0 if direction == "in" else -1.0
        speed = self._speed(carrier)
        x = door.x + self._draw(-0.35, 0.35)
        begin_near, end_near = (bool(near) for near in self._rng.random(2) < self._habits.staged_near)
        begin_near = begin_near and since_s is not None
        inside = self._inside(door, is_near=begin_near if direction == "out" else end_near)
        outside = self._outside(door, is_near=begin_near if direction == "in" else end_near)
        start, goal = (outside, inside) if direction == "in" else (inside, outside)
        at_s, empty = free_s, None
        if carrier == "truck" and direction == "in" and comes_empty:
            empty = self._fetch(goods, door, start, x).starting(free_s)
            at_s = empty.end_s + 1.0
        way = Way.begin(at_s, *start)
        standing = min(self._draw(*self._pace.near_s), at_s - (since_s or 0.0))
        if begin_near and standing > 0:
            way = Way.begin(at_s - standing, *start).wait(standing)
        way = self._through(way.to(x, door.plane_y - _SLOW_M * sign, speed), door, x, sign, speed)
        way = way.to(x, door.plane_y + _SLOW_M * sign, speed * 0.8).to(*goal, speed)
        carried = (at_s - 0.5, way.end_s + 0.5)
        if carrier != "truck" or direction == "out":
            empty = self._back(goods, door, way, carrier, start=start, x=x)
        if end_near:
            way = way.wait(self._draw(*self._pace.near_s))
            way = way.to(goal[0], _GONE_Y_M if direction == "in" else _DRIVEN_AWAY_Y_M, 1.5)
        return Load(goods, way, _heading(carrier, direction), carrier, (carried,), empty)

    def carried_back(self, goods: Goods, door: Door, side: Direction, at_s: float, *, carrier: str) -> Load:
        """Bring goods to the door, stop in the doorway, and take them back where they came from.

        Args:
            goods: What moves.
            door: Where.
            side: The direction in which they seem to go.
            at_s: When somebody picks them up.
            carrier: ``truck`` or ``person``.

        Returns:
            The load.
        """
        sign = 1.0 if side == "in" else -1.0
        speed = self._speed(carrier)
        x = door.x + self._draw(-0.35, 0.35)
        start = self._outside(door, is_near=False) if side == "in" else self._inside(door, is_near=False)
        slow_y, turn_y = door.plane_y - _SLOW_M * sign, door.plane_y + sign * self._draw(-1.2, 0.9)
        way = Way.begin(at_s, *start).to(x, slow_y, speed).to(x, turn_y, speed * 0.7)
        way = way.wait(self._draw(*self._pace.wait_s)).to(x, slow_y, speed * 0.6).to(*start, speed)
        return Load(goods, way, _heading(carrier, side), carrier, ((way.begin_s, way.end_s),))

    def passing(self, goods: Goods, doors: tuple[Door, ...], at_s: float, *, carrier: str) -> Load:
        """Carry goods along the dock front, inside.

        Args:
            goods: What moves.
            doors: All doors.
            at_s: When they come into reach.
            carrier: ``truck`` or ``person``.

        Returns:
            The load.
        """
        near_y = self._draw(2.0, 5.0)
        far_y = self._draw(max(2.0, doors[-1].plane_y + _LANE_FROM_FRAME_M), 5.5)
        ends, ys = [-9.0, doors[-1].x + 9.0], [near_y, far_y]
        heading = (1.0, 0.0)
        if self._rng.random() < 0.5:  # noqa: PLR2004  either way
            ends.reverse()
            ys.reverse()
            heading = (-1.0, 0.0)
        last_x = doors[-1].x - 2.5
        way = Way.begin(at_s, ends[0], ys[0])
        if len(doors) > 1:
            way = way.to(last_x, far_y, self._speed(carrier))
        way = way.to(ends[1], ys[1], self._speed(carrier))
        return Load(goods, way, heading, carrier, ((way.begin_s, way.end_s),))

    def parked(self, goods: Goods, door: Door, at_s: float, *, carrier: str) -> Load:
        """Put goods down beside a door for minutes and fetch them again.

        Args:
            goods: What stands.
            door: Beside which.
            at_s: When they come into reach.
            carrier: ``truck`` or ``person``.

        Returns:
            The load.
        """
        aside = self._draw(*self._habits.parked_aside_m) * self._rng.choice([-1.0, 1.0])
        x, y = door.x + aside, door.plane_y + self._draw(*self._habits.parked_behind_m)
        speed = self._speed(carrier)
        way = Way.begin(at_s, x, 11.0).to(x, y, speed)
        brought_s = way.end_s
        way = way.wait(self._draw(*self._pace.parked_s))
        fetched_s = way.end_s
        way = way.to(x, 11.0, speed)
        return Load(goods, way, OUTWARD, carrier, ((at_s, brought_s), (fetched_s, way.end_s)))

    def walk(self, goods: Goods, door: Door, at_s: float) -> Load:
        """Let a person walk through a door.

        Args:
            goods: The person's badge.
            door: Which.
            at_s: When.

        Returns:
            The load.
        """
        ends, heading = [6.0, -5.0], OUTWARD
        if self._rng.random() < 0.5:  # noqa: PLR2004  either way
            ends.reverse()
            heading = INWARD
        x = door.x + self._draw(-0.8, 0.8)
        way = Way.begin(at_s, x, ends[0]).to(x, ends[1], self._draw(0.9, 1.6))
        return Load(goods, way, heading, "none", ())

    @staticmethod
    def _fetch(goods: Goods, door: Door, start: tuple[float, float], x: float) -> Way:
        """Let a forklift come from the building for goods in the vehicle."""
        y = start[1] + goods.box[0] + CARRIER_GAP_M + CARRIER_HALF_M["truck"]
        way = Way.begin(0.0, x, _GONE_Y_M - 2.0).to(x, door.plane_y + 1.5, _EMPTY_M_PER_S)
        return way.to(start[0], y, _EMPTY_M_PER_S)

    @staticmethod
    def _back(
        goods: Goods, door: Door, way: Way, carrier: str, *, start: tuple[float, float], x: float
    ) -> Way:
        """Let the carrier leave backwards the way it came."""
        sign = 1.0 if way.ys[-1] > start[1] else -1.0
        y = way.ys[-1] - sign * (goods.box[0] + CARRIER_GAP_M + CARRIER_HALF_M[carrier])
        speed = _EMPTY_M_PER_S if carrier == "truck" else 1.2
        empty = Way.begin(way.end_s + 1.0, way.xs[-1], y)
        if (y - door.plane_y) * sign > 1.0:
            empty = empty.to(x, door.plane_y + sign, speed)
        return empty.to(x, start[1] - sign * 2.0, speed)

    def _through(self, way: Way, door: Door, x: float, sign: float, speed: float) -> Way:
        """Pass the doorway itself, slower, perhaps with a pause or a step back."""
        kind, plane = self._rng.random(), door.plane_y
        if kind < self._habits.pauses_in_doorway:
            return way.to(x, plane + self._draw(-0.8, 0.8), speed * 0.7).wait(self._draw(*self._pace.wait_s))
        if kind < self._habits.pauses_in_doorway + self._habits.steps_back:
            ahead = self._draw(-0.6, 1.0)
            way = way.to(x, plane + sign * ahead, speed * 0.7)
            back_y = plane + sign * (ahead - self._draw(0.6, 1.5))
            way = way.wait(self._draw(0.5, 3.0)).to(x, back_y, speed * 0.5)
            return way.wait(self._draw(0.5, 2.0))
        return way

    def _inside(self, door: Door, *, is_near: bool) -> tuple[float, float]:
        """Choose a place in the building: staged behind the door, or out of its reach."""
        return door.x + self._draw(-1.2, 1.2), door.plane_y + self._draw(3.0, 6.0) if is_near else self._draw(
            9.5, 12.0
        )

    def _outside(self, door: Door, *, is_near: bool) -> tuple[float, float]:
        """Choose a place in the vehicle, where pallets stand two abreast: at its end, or deep in it."""
        aside = self._draw(0.4, 0.7) * float(self._rng.choice([-1.0, 1.0]))
        return door.x + aside, self._draw(-3.0, -1.8) if is_near else self._draw(-10.0, -6.0)

    def _speed(self, carrier: str) -> float:
        median, spread = self._pace.speed_m_per_s
        fastest = 3.0 if carrier == "truck" else 1.7
        return float(np.clip(median * np.exp(self._rng.normal(0.0, spread)), 0.5, fastest))

    def _draw(self, low: float, high: float) -> float:
        return float(self._rng.uniform(low, high))


def _heading(carrier: str, direction: Direction) -> tuple[float, float]:
    """Say where the goods are seen from their carrier: forklifts face the vehicle, people push."""
    return INWARD if carrier == "person" and direction == "in" else OUTWARD
