"""A forecast without and with adjustments in, two drawings out: by week, and summed with both bands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Final

from cloud.forecasting.domain import BAND
from cloud.forecasting.overrides.applying import Said
from cloud.forecasting.overrides.reading import Picture
from cloud.web.forecast_chart import LEFT, RIGHT, WIDTH, Tick, axis, height_at, points_of

_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Compared:
    """A week, or a horizon, without and with adjustments."""

    ends: date
    days: int
    system: float
    adjusted: float
    system_band: tuple[float, float] | None
    adjusted_band: tuple[float, float] | None

    @property
    def change(self) -> float:
        """How much the adjustments make of it."""
        return self.adjusted - self.system


@dataclass(frozen=True, slots=True)
class OverrideChart:
    """Both forecasts, by week and summed."""

    week_values: list[Tick]
    week_ticks: list[Tick]
    week_system: str
    week_adjusted: str
    changed: list[tuple[float, float]]
    """From where and how wide: weeks of which days are changed."""
    sum_values: list[Tick]
    sum_ticks: list[Tick]
    sum_system: str
    sum_adjusted: str
    system_band: str
    adjusted_band: str
    sums: list[Compared]
    is_changed: bool
    summary: str


def override_chart(found: Picture) -> OverrideChart:
    """Draw a forecast without and with adjustments.

    Args:
        found: Both.

    Returns:
        Points in boxes of 720 by 250, and the sums as a table.
    """
    system = found.system
    adjusted = found.adjusted.said if found.adjusted else system
    count = max(len(system.mean) // _WEEK, 1)
    step = (WIDTH - LEFT - RIGHT) / count
    own, new = _weeks(system, count), _weeks(adjusted, count)
    week_top, week_values = axis(max([*own, *new, 0]))
    days = [None] * len(system.mean) if found.adjusted is None else list(found.adjusted.days)
    last = system.horizons[-1]
    sum_top, sum_values = axis(
        max(BAND.of(levels)[1] for said in (system, adjusted) for levels in said.cum_q)
    )

    def week_line(values: Sequence[float]) -> str:
        return points_of(
            [(LEFT + step * (n + 0.5), height_at(value, week_top)) for n, value in enumerate(values)]
        )

    def x(day: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * day / last

    def area(said: Said) -> str:
        knots = [0, *said.horizons]
        low, high = zip((0.0, 0.0), *map(BAND.of, said.cum_q), strict=True)
        edge = [(x(day), height_at(value, sum_top)) for day, value in zip(knots, high, strict=True)]
        back = [(x(day), height_at(value, sum_top)) for day, value in zip(knots, low, strict=True)]
        return points_of([*edge, *reversed(back)])

    def sum_line(said: Said) -> str:
        return points_of(
            [(x(n), height_at(value, sum_top)) for n, value in enumerate([0, *accumulate(said.mean)])]
        )

    sums = _compared(found.first_day, system, adjusted)
    return OverrideChart(
        week_values=week_values,
        week_ticks=[
            Tick(LEFT + step * (n + 0.5), f"{found.first_day + timedelta(days=_WEEK * n):%d %b}")
            for n in range(0, count, max(1, count // 6))
        ],
        week_system=week_line(own),
        week_adjusted=week_line(new),
        changed=[
            (LEFT + step * n, step)
            for n in range(count)
            if any(by is not None for by in days[_WEEK * n : _WEEK * (n + 1)])
        ],
        sum_values=sum_values,
        sum_ticks=[Tick(x(day), str(day)) for day in system.horizons if day >= last / 8],
        sum_system=sum_line(system),
        sum_adjusted=sum_line(adjusted),
        system_band=area(system),
        adjusted_band=area(adjusted),
        sums=sums,
        is_changed=found.adjusted is not None,
        summary=_summary(found, sums),
    )


def _weeks(said: Said, count: int) -> list[float]:
    return [sum(said.mean[_WEEK * n : _WEEK * (n + 1)]) for n in range(count)]


def _compared(first_day: date, system: Said, adjusted: Said) -> list[Compared]:
    return [
        Compared(
            ends=first_day + timedelta(days=days - 1),
            days=days,
            system=sum(system.mean[:days]),
            adjusted=sum(adjusted.mean[:days]),
            system_band=BAND.of(own),
            adjusted_band=BAND.of(new),
        )
        for days, own, new in zip(system.horizons, system.cum_q, adjusted.cum_q, strict=True)
    ]


def _summary(found: Picture, sums: Sequence[Compared]) -> str:
    last = sums[-1]
    if found.adjusted is None:
        return f"The system expects {last.system:,.0f} {found.base_unit} in {last.days} days, unchanged."
    return (
        f"In {last.days} days the system expects {last.system:,.0f} {found.base_unit}, with the adjustment "
        f"{last.adjusted:,.0f}. The table below has every horizon."
    )
