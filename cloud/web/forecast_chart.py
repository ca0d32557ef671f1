"""A forecast in, two drawings out: weeks behind and ahead, and demand summed over the days ahead."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from cloud.events.domain import EventRow
from cloud.forecasting.domain import BAND, WIDE_BAND, BacktestRow, Band, Forecast

WEEKS_BEHIND: Final = 39
WIDTH: Final = 720
HEIGHT: Final = 250
LEFT: Final = 62
RIGHT: Final = 26
TOP: Final = 14
BOTTOM: Final = 30
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what stands there."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class WeekMark:
    """A week of the table under the drawing."""

    ends: date
    actual: float | None
    """None ahead, and where stock-outs hide it."""
    forecast: float | None
    low: float | None
    high: float | None
    is_ahead: bool
    out_of_stock: int = 0
    """Days on which it was, left out."""
    masked: int = 0
    """Days that somebody masked, left out."""
    events: tuple[str, ...] = ()
    """What is stated for days of it."""


@dataclass(frozen=True, slots=True)
class EventMark:
    """An event above the weeks that it touches."""

    at: float
    width: float
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class WeeksChart:
    """Weeks behind as they came, what was said of them, and the weeks ahead."""

    values: list[Tick]
    dates: list[Tick]
    actual: list[str]
    """Points of the lines; a gap where stock-outs hide a week."""
    hidden: list[float]
    """Where weeks are that stock-outs hide."""
    masked: list[float]
    """Where those are that somebody masked."""
    partly: list[float]
    """Where some days of a week are left out."""
    events: list[EventMark]
    said: str
    ahead: str
    bands: list[str]
    """Paths of the 80 % bands drawn at the time, and of the next week's."""
    today: float
    weeks: list[WeekMark]
    summary: str


@dataclass(frozen=True, slots=True)
class SumChart:
    """Demand summed from the first day: expected, and within which bands."""

    values: list[Tick]
    days: list[Tick]
    expected: str
    median: str
    narrow: str
    wide: str
    protection: Tick
    summary: str


def weeks_chart(found: Forecast, events: Sequence[EventRow] = ()) -> WeeksChart:
    """Draw the last 39 weeks and the 13 ahead.

    Args:
        found: The forecast.
        events: What is stated for the item.

    Returns:
        Points in a box of 720 by 250, and the same as a table.
    """
    marks = [_with_events(mark, events) for mark in _weeks(found)]
    top, values = axis(max((max(m.actual or 0, m.forecast or 0, m.high or 0) for m in marks), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(marks), 1)

    def x(index: int) -> float:
        return LEFT + step * (index + 0.5)

    behind = [mark for mark in marks if not mark.is_ahead]
    half = min(step * 0.38, 8)
    bands = [
        f"M{x(n) - half:.1f} {height_at(mark.high, top):.1f}h{2 * half:.1f}"
        f"V{height_at(mark.low, top):.1f}h{-2 * half:.1f}z"
        for n, mark in enumerate(marks)
        if mark.low is not None and mark.high is not None
    ]
    every = max(1, len(marks) // 6)
    return WeeksChart(
        values=values,
        dates=[
            Tick(x(n), f"{mark.ends:%d %b}")
            for n, mark in enumerate(marks)
            if n % every == every // 2 and n < len(marks)
        ],
        actual=[
            points_of((x(n), height_at(value, top)) for n, value in run)
            for run in _runs([mark.actual for mark in behind])
        ],
        hidden=[x(n) for n, mark in enumerate(behind) if mark.actual is None and not mark.masked],
        masked=[x(n) for n, mark in enumerate(behind) if mark.actual is None and mark.masked],
        partly=[
            x(n)
            for n, mark in enumerate(behind)
            if mark.actual is not None and mark.masked + mark.out_of_stock
        ],
        events=[
            EventMark(x(touched[0]) - step / 2, step * (touched[-1] - touched[0] + 1), one.kind, one.name)
            for one in events
            if (touched := [n for n, mark in enumerate(marks) if _touches(one, mark)])
        ],
        said=points_of(
            (x(n), height_at(m.forecast, top)) for n, m in enumerate(behind) if m.forecast is not None
        ),
        ahead=points_of(
            (x(n), height_at(mark.forecast, top))
            for n, mark in enumerate(marks)
            if mark.is_ahead and mark.forecast is not None
        ),
        bands=bands,
        today=LEFT + step * len(behind),
        weeks=marks,
        summary=_weeks_summary(marks),
    )


def sum_chart(found: Forecast) -> SumChart:
    """Draw demand summed over the days ahead, with the 80 and 95 % bands and the protection period.

    Args:
        found: The forecast.

    Returns:
        Points in a box of 720 by 250.
    """
    content = found.content
    last = content.horizons[-1]
    expected = [sum(content.mean[:days]) for days in range(last + 1)]
    top, values = axis(max([expected[-1], *(high for _, high in content.limits(WIDE_BAND))]))
    knots = [0, *content.horizons]

    def x(days: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * days / last

    def line(heights: Iterable[float]) -> list[tuple[float, float]]:
        return [(x(days), height_at(height, top)) for days, height in zip(knots, heights, strict=True)]

    def area(band: Band) -> str:
        low, high = zip((0.0, 0.0), *content.limits(band), strict=True)
        return points_of([*line(high), *reversed(line(low))])

    low, high = content.limits(BAND)[-1]
    protection = int(content.why.get("protection_days", last))
    return SumChart(
        values=values,
        days=[Tick(x(days), str(days)) for days in content.horizons if days >= last / 8],
        expected=points_of((x(days), height_at(height, top)) for days, height in enumerate(expected)),
        median=points_of(line([0.0, *(levels[len(levels) // 2] for levels in content.cum_q)])),
        narrow=area(BAND),
        wide=area(WIDE_BAND),
        protection=Tick(x(protection), f"{protection} days protected"),
        summary=(
            f"Summed demand from {found.row.first_day}: {expected[-1]:,.0f} {found.row.base_unit} expected "
            f"in {last} days, between {low:,.0f} and {high:,.0f} "
            "with a chance of 80 %. The table below has every horizon."
        ),
    )


def _weeks(found: Forecast) -> Iterator[WeekMark]:
    row, content = found.row, found.content
    said = {line.origin: line for line in found.backtest if line.horizon_days == _WEEK}
    left_out = {one["ends"]: one for one in content.why.get("left_out", ())}
    history = content.history[-WEEKS_BEHIND:]
    for back, actual in zip(range(len(history) - 1, -1, -1), history, strict=True):
        ends = row.history_until - timedelta(days=_WEEK * back)
        line: BacktestRow | None = said.get(ends - timedelta(days=_WEEK))
        yield WeekMark(
            ends,
            actual,
            line.forecast if line else None,
            line.low if line else None,
            line.high if line else None,
            is_ahead=False,
            out_of_stock=left_out.get(ends.isoformat(), {}).get("out_of_stock", 0),
            masked=left_out.get(ends.isoformat(), {}).get("masked", 0),
        )
    low, high = content.limits(BAND)[content.horizons.index(_WEEK)]
    for ahead in range(len(content.mean) // _WEEK):
        yield WeekMark(
            row.history_until + timedelta(days=_WEEK * (ahead + 1)),
            None,
            sum(content.mean[_WEEK * ahead : _WEEK * (ahead + 1)]),
            low if ahead == 0 else None,
            high if ahead == 0 else None,
            is_ahead=True,
        )


def _touches(one: EventRow, mark: WeekMark) -> bool:
    return one.to_day > mark.ends - timedelta(days=_WEEK) and one.from_day <= mark.ends


def _with_events(mark: WeekMark, events: Sequence[EventRow]) -> WeekMark:
    return replace(mark, events=tuple(one.name for one in events if _touches(one, mark)))


def _weeks_summary(marks: Sequence[WeekMark]) -> str:
    known = [mark.actual for mark in marks if mark.actual is not None]
    ahead = [mark.forecast for mark in marks if mark.is_ahead and mark.forecast is not None]
    if not known or not ahead:
        return "No week of demand is known."
    return (
        f"Demand by week: {len(known)} weeks behind, between {min(known):,.0f} and {max(known):,.0f}, the "
        f"last {known[-1]:,.0f}; {ahead[0]:,.1f} expected in the next week. The table below has every week."
    )


def axis(greatest: float) -> tuple[float, list[Tick]]:
    """Choose the top of an axis from zero, and four or five round marks on it.

    Args:
        greatest: What has to fit; >= 0.

    Returns:
        The value at the top, and the marks.
    """
    rough = max(greatest, 1e-9) / 4
    power = 1.0
    while power * 10 <= rough:
        power *= 10
    while power > rough:
        power /= 10
    step = next(power * part for part in _STEPS if power * part >= rough)
    count = 1
    while step * count < greatest:
        count += 1
    top = step * count
    return top, [Tick(height_at(step * n, top), _short(step * n)) for n in range(count + 1)]


def _short(value: float) -> str:
    """Write a round value in few characters.

    Examples:
        >>> _short(2.5), _short(400.0), _short(12_500.0), _short(2_000_000.0)
        ('2.5', '400', '12.5k', '2M')
    """
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{sign}"
    return f"{value:g}"


def height_at(value: float | None, top: float) -> float:
    """Give where a value stands on the axis.

    Args:
        value: The value; None stands at zero.
        top: Value at the top.

    Returns:
        From above.
    """
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value or 0) / top)


def points_of(points: Iterator[tuple[float, float]] | Sequence[tuple[float, float]]) -> str:
    """Write points as SVG has them.

    Args:
        points: Across and from above.

    Returns:
        The text.
    """
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Cut values into runs without a gap."""
    run: list[tuple[int, float]] = []
    for index, value in enumerate(values):
        if value is not None:
            run.append((index, value))
        elif run:
            yield run
            run = []
    if run:
        yield run
