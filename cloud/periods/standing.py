"""How a site's periods stand: open, over or closed, and everything of one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.periods import reading, store
from cloud.periods.calendar import Period
from cloud.periods.domain import CLOSE_KIND, GREATEST, Close, Figure, Point, UnknownPeriodError
from cloud.periods.reading import Moment
from cloud.periods.service import figure_at, subject_of

MOST_CLOSES: Final = 100
"""Of one period."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A period and how it stands."""

    period: Period
    is_over: bool
    close: Close | None
    """The one that gives its figure."""

    @property
    def state(self) -> str:
        """``open`` until it ends, then ``over`` until it is closed."""
        if self.close is not None:
            return "closed"
        return "over" if self.is_over else "open"


@dataclass(frozen=True, slots=True)
class Story:
    """Everything of one period."""

    standing: Standing
    time_zone: str
    closes: Sequence[Close]
    """The last first."""
    before: Close | None
    """The close of the period before, from which this one opens."""
    points: Sequence[Point]
    """What speaks against closing it now; of a closed one what was open when it was closed."""
    figure: Figure | None
    decision_id: int | None
    """Of a close that was asked for and waits."""

    @property
    def shown_until(self) -> int:
        """Up to which position facts of earlier periods are in this one."""
        return self.standing.close.as_of_position if self.standing.close else GREATEST


def periods(
    conn: Connection, actor: Actor, *, site: str, now: datetime, before: str | None = None, limit: int
) -> list[Standing]:
    """List a site's periods, the present one first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        now: The present.
        before: Name of the last one of the page before.
        limit: Most to give.

    Returns:
        Periods backwards in time.

    Raises:
        NotAllowedError: If the actor may not see values, or not at the site.
        UnknownPeriodError: If there is no such site.
        PeriodError: If the calendar has no period ``before``.
    """
    calendar = reading.calendar(conn, actor, site=site)
    last = calendar.holding(now) if before is None else calendar.before(calendar.named(before))
    wanted = [last]
    while len(wanted) < limit:
        wanted.append(calendar.before(wanted[-1]))
    asked = {"site": site, "from_at": wanted[-1].starts_at, "until_at": last.ends_at}
    kept = {close.ends_at: close for close in store.rows(conn, Close, "last_closes", **asked)}
    return [Standing(period, period.ends_at < now, kept.get(period.ends_at)) for period in wanted]


def known(conn: Connection, actor: Actor, *, site: str, now: datetime, least: int) -> list[Standing]:
    """List a site's periods back to the first that was closed.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        now: The present.
        least: How many there are at least.

    Returns:
        Periods backwards in time, the present one first.

    Raises:
        NotAllowedError: If the actor may not see values, or not at the site.
        UnknownPeriodError: If there is no such site.
    """
    rows = periods(conn, actor, site=site, now=now, limit=least)
    closed = store.tuples(conn, "first_closed", site=site)
    while closed and rows[-1].period.starts_at >= closed[0][0]:
        rows += periods(conn, actor, site=site, now=now, before=rows[-1].period.name, limit=least)
    return rows


def story(
    conn: Connection, actor: Actor, *, site: str, name: str, now: datetime, with_figure: bool = False
) -> Story:
    """Tell everything of a period.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        name: Of the period.
        now: The present.
        with_figure: Whether the figure of one that is not closed is derived, too: as it would be closed now.

    Returns:
        The story; a closed period always has its figure.

    Raises:
        NotAllowedError: If the actor may not see values, or not at the site.
        UnknownPeriodError: If there is no such site.
        PeriodError: If there is no such period.
    """
    calendar = reading.calendar(conn, actor, site=site)
    period = calendar.named(name)
    closes = reading.closes(conn, actor, site=site, period=period, limit=MOST_CLOSES)
    before = reading.closes(conn, actor, site=site, period=calendar.before(period), limit=1)
    last = closes[0] if closes else None
    if last is not None:
        figure = reading.figure(conn, actor, Moment(site, period.ends_at, close_id=last.close_id))
        points: Sequence[Point] = last.points
    elif with_figure:
        figure = figure_at(conn, actor, site, period, reading.head(conn))
        points = figure.points
    else:
        figure = None
        points = reading.points(conn, actor, site=site, period=period)
    subject = subject_of(site, name, len(closes) + 1)
    waiting = store.tuples(conn, "standing_decision", kind=CLOSE_KIND, site=site, subject=subject)
    return Story(
        standing=Standing(period, period.ends_at < now, last),
        time_zone=calendar.time_zone,
        closes=closes,
        before=before[0] if before else None,
        points=points,
        figure=figure,
        decision_id=waiting[0][0] if waiting else None,
    )


def moment(conn: Connection, actor: Actor, *, site: str, name: str, close_id: int | None = None) -> Moment:
    """Say of what a period's figure is: of its last close, or another of its closes, or of none yet.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        name: Of the period.
        close_id: An earlier close of it; None: the last.

    Returns:
        The moment.

    Raises:
        NotAllowedError: If the actor may not see values, or not at the site.
        UnknownPeriodError: If there is no such site, or no such close of the period.
        PeriodError: If there is no such period.
    """
    period = reading.calendar(conn, actor, site=site).named(name)
    closes = reading.closes(conn, actor, site=site, period=period, limit=MOST_CLOSES)
    if close_id is not None and close_id not in {close.close_id for close in closes}:
        raise UnknownPeriodError(f"there is no close {close_id} of period {name} of {site}")
    if close_id is None and closes:
        close_id = closes[0].close_id
    return Moment(site, period.ends_at, close_id=close_id, is_closing=close_id is None)
