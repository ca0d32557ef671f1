"""Expected stock by day in, the points of its picture against the reorder point out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

WIDTH: Final = 640
HEIGHT: Final = 220
LEFT: Final = 80
RIGHT: Final = 12
TOP: Final = 14
BOTTOM: Final = 32
_TICK_DAYS: Final = 7
_STEPS: Final = (1, 2, 2.5, 5, 10)
_MOST_TICKS: Final = 5


@dataclass(frozen=True, slots=True)
class Tick:
    """A label on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Stockline:
    """A picture of 640 by 220: stock without and with the order, the levels that decide."""

    without: str
    """Points of the line of stock that comes without the order."""
    ordered: str
    reorder_point_y: float
    zero_y: float
    days: tuple[Tick, ...]
    levels: tuple[Tick, ...]
    short_x: float | None
    """Where stock without the order first ends a day below zero."""
    summary: str

    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def stockline(picture: Mapping[str, Any]) -> Stockline:
    """Draw a proposal's picture.

    Args:
        picture: ``first_day``, ``stock`` and ``with_order`` by day, ``reorder_point``.

    Returns:
        What SVG needs.

    Examples:
        >>> days = {"stock": [6, 2, -3], "with_order": [6, 2, 9]}
        >>> stockline({"first_day": "2026-03-04", "reorder_point": 4} | days).summary
        'Expected stock from 2026-03-04 for 3 days: below zero from 2026-03-06, with the order 9 at the end'
    """
    stock: Sequence[float] = picture["stock"]
    ordered: Sequence[float] = picture["with_order"]
    first, point = date.fromisoformat(picture["first_day"]), float(picture["reorder_point"])
    low = min(0.0, *stock, *ordered, point)
    high = max(1.0, *stock, *ordered, point)
    step = _step((high - low) / _MOST_TICKS)
    low, high = step * (low // step), step * -(-high // step)

    def y(level: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - level) / (high - low), 1)

    def x(day: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * day / max(1, len(stock) - 1), 1)

    short = next((day for day, level in enumerate(stock) if level < 0), None)
    when = f"below zero from {first + timedelta(short)}" if short is not None else "never below zero"
    return Stockline(
        without=_points(stock, x, y),
        ordered=_points(ordered, x, y),
        reorder_point_y=y(point),
        zero_y=y(0),
        days=tuple(
            Tick(x(day), f"{(first + timedelta(day)).day} {first + timedelta(day):%b}")
            for day in range(0, len(stock), _TICK_DAYS * (1 + len(stock) // 36))
        ),
        levels=tuple(
            Tick(y(low + number * step), f"{low + number * step:,.10g}")
            for number in range(round((high - low) / step) + 1)
        ),
        short_x=None if short is None else x(short),
        summary=f"Expected stock from {first} for {len(stock)} days: {when}, "
        f"with the order {ordered[-1]:,.10g} at the end",
    )


def _points(levels: Sequence[float], x: Any, y: Any) -> str:
    """Write steps: stock holds until the next day's end."""
    if len(levels) == 1:
        return f"{x(0)},{y(levels[0])} {WIDTH - RIGHT},{y(levels[0])}"
    told = [f"{x(0)},{y(levels[0])}"]
    for day, (before, after) in enumerate(pairwise(levels), start=1):
        told += [f"{x(day)},{y(before)}", f"{x(day)},{y(after)}"]
    return " ".join(told)


def _step(least: float) -> float:
    """Find a round step, at least so large."""
    scale = 1.0
    while scale * _STEPS[-1] < least:
        scale *= 10
    while scale * _STEPS[0] / 10 >= least and scale > 1e-6:  # noqa: PLR2004  finest quantity
        scale /= 10
    return next(scale * step for step in _STEPS if scale * step >= least)
