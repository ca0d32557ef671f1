"""Events in, a picture of weeks by events out: a row each, bars over their days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from cloud.events.domain import EventRow
from cloud.web.forecast_chart import Tick

WEEKS: Final = 26
WIDTH, LEFT, RIGHT, TOP, ROW = 720.0, 150.0, 8.0, 22.0, 18.0
MOST_ROWS: Final = 40
LONGEST_LABEL: Final = 25
_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """One event."""

    event_id: int
    label: str
    kind: str
    x: float
    width: float
    y: float
    title: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The picture."""

    first: date
    last: date
    height: float
    weeks: list[float]
    """Where weeks begin."""
    ticks: list[Tick]
    bars: list[Bar]
    today: float | None
    left_out: int
    """Events beyond the rows that are drawn."""


def calendar_of(rows: Sequence[EventRow], first: date, today: date) -> Calendar:
    """Draw half a year of events.

    Args:
        rows: The events.
        first: A day of its first week.
        today: The present day.

    Returns:
        The picture, of weeks from Monday, the earliest event first.
    """
    monday = first - timedelta(days=first.weekday())
    last = monday + timedelta(days=_DAYS * WEEKS - 1)
    step = (WIDTH - LEFT - RIGHT) / (_DAYS * WEEKS)

    def x(day: date) -> float:
        return LEFT + step * (day - monday).days

    within = sorted(
        (row for row in rows if row.from_day <= last and row.to_day >= monday),
        key=lambda row: (row.from_day, row.event_id),
    )
    bars = [
        Bar(
            event_id=row.event_id,
            label=row.name if len(row.name) <= LONGEST_LABEL else row.name[: LONGEST_LABEL - 1] + "…",
            kind=row.kind,
            x=x(max(row.from_day, monday)),
            width=max(x(min(row.to_day, last) + timedelta(days=1)) - x(max(row.from_day, monday)), 3.0),
            y=TOP + ROW * place,
            title=f"{row.name}, {row.kind}, {row.from_day} to {row.to_day}, {row.scope}",
        )
        for place, row in enumerate(within[:MOST_ROWS])
    ]
    mondays = [monday + timedelta(days=_DAYS * week) for week in range(WEEKS)]
    return Calendar(
        first=monday,
        last=last,
        height=TOP + ROW * max(len(bars), 1) + 4,
        weeks=[x(day) for day in mondays],
        ticks=[Tick(x(day), f"{day:%d %b}") for day in mondays[::4]],
        bars=bars,
        today=x(today) if monday <= today <= last else None,
        left_out=max(len(within) - MOST_ROWS, 0),
    )
