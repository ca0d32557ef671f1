"""Questions about periods and what stock was worth.

Every function checks its actor and shows the actor's sites only, on a connection inside a transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.periods import store
from cloud.periods.calendar import Period, PeriodCalendar
from cloud.periods.domain import (
    GREATEST,
    READERS,
    Close,
    Figure,
    Line,
    Point,
    PriorFact,
    UnknownPeriodError,
    figure_of,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """Of what a figure is: a close; or a site as of both clocks, closed then or not."""

    site: str
    until_at: datetime
    position: int = GREATEST
    close_id: int | None = None
    is_closing: bool = False
    """As it would be closed now, with the period's own average costs."""


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines of a figure are asked for; None means any."""

    category: str | None = None
    """Empty: items without one."""
    zone: str | None = None
    only_unknown: bool = False


ANY: Final = LineFilter()
MOST_BEFORE: Final = 36
"""Of earlier periods that are not closed; more are told as so many."""


def calendar(conn: Connection, actor: Actor, *, site: str) -> PeriodCalendar:
    """Tell when a site's periods are.

    Raises:
        NotAllowedError: If the actor may not see values, or not at the site.
        UnknownPeriodError: If there is no such site.
    """
    _see(conn, actor, site)
    found = store.tuples(conn, "calendar", site=site)
    if not found:
        raise UnknownPeriodError(f"there is no site {site!r}")
    return PeriodCalendar(*found[0])


def closes(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    period: Period | None = None,
    before: int = GREATEST,
    limit: int,
) -> list[Close]:
    """List closes, the latest first; of one period if asked.

    Raises:
        NotAllowedError: If the actor may not see values, or not at the site.
    """
    _see(conn, actor, site)
    ends_at = None if period is None else period.ends_at
    return store.rows(
        conn, Close, "closes", site=site, ends_at=ends_at, close_id=None, before=before, limit=limit
    )


def close(conn: Connection, actor: Actor, *, close_id: int) -> Close:
    """Give one close.

    Raises:
        NotAllowedError: If the actor may not see values.
        UnknownPeriodError: If the actor's sites hold no such close.
    """
    _see(conn, actor, None)
    wanted = {"site": None, "ends_at": None, "close_id": close_id, "before": GREATEST, "limit": 1}
    found = store.row(conn, Close, "closes", **wanted)
    if found is None:
        raise UnknownPeriodError(f"there is no close {close_id} at your sites")
    return found


def points(conn: Connection, actor: Actor, *, site: str, period: Period) -> list[Point]:
    """List what speaks against closing a period, as far as it is known without its figure.

    Raises:
        NotAllowedError: If the actor may not see values, or not at the site.
    """
    when = calendar(conn, actor, site=site)
    found = [Point(*row) for row in store.tuples(conn, "points", site=site, ends_at=period.ends_at)]
    ((last_end,),) = store.tuples(conn, "last_close", site=site)
    before = when.before(period)
    if last_end is not None and last_end < before.ends_at:
        missing: list[str] = []
        while before.ends_at > last_end and len(missing) < MOST_BEFORE:
            missing.append(before.name)
            before = when.before(before)
        found.append(Point("before_open", len(missing), list(reversed(missing[-10:]))))
    return found


def figure(conn: Connection, actor: Actor, wanted: Moment, *, also: Sequence[Point] = ()) -> Figure:
    """Tell what a site's stock was worth, in sums.

    Raises:
        NotAllowedError: If the actor may not see values, or not at the site.
    """
    _see(conn, actor, wanted.site)
    ((told,),) = store.tuples(conn, "figure", **_of(wanted))
    return figure_of(told, also)


def value_lines(
    conn: Connection,
    actor: Actor,
    wanted: Moment,
    *,
    only: LineFilter = ANY,
    after: tuple[str, int] = ("", 0),
    limit: int,
) -> list[Line]:
    """List what a figure consists of, by item and cell.

    Raises:
        NotAllowedError: If the actor may not see values, or not at the site.
    """
    _see(conn, actor, wanted.site)
    return store.rows(
        conn,
        Line,
        "lines",
        **_of(wanted),
        category=only.category,
        zone=only.zone,
        only_unknown=only.only_unknown,
        after_item=after[0],
        after_cell=after[1],
        limit=limit,
    )


def prior_facts(
    conn: Connection,
    actor: Actor,
    *,
    close_id: int,
    up_to: int = GREATEST,
    after: tuple[int, int, int, int] = (0, 0, 0, 0),
    limit: int,
) -> list[PriorFact]:
    """List what came after a close did without it, in the order of positions.

    Args:
        conn: In a transaction.
        actor: Who asks.
        close_id: The close.
        up_to: The last position to tell of: where the next period was closed.
        after: Position, gateway, epoch and seq of the last one of the page before.
        limit: Most to give.

    Returns:
        The facts.

    Raises:
        NotAllowedError: If the actor may not see values.
    """
    _see(conn, actor, None)
    names = ("after_position", "after_gateway", "after_epoch", "after_seq")
    place = dict(zip(names, after, strict=True))
    return store.rows(conn, PriorFact, "prior_facts", close_id=close_id, up_to=up_to, limit=limit, **place)


def currency(conn: Connection, actor: Actor, wanted: Moment) -> str | None:
    """Tell in which currency a figure is; None if the site has none.

    Raises:
        NotAllowedError: If the actor may not see values, or not at the site.
    """
    _see(conn, actor, wanted.site)
    found: str | None = store.tuples(conn, "currency", site=wanted.site, close_id=wanted.close_id)[0][0]
    return found


def head(conn: Connection) -> int:
    """Tell the ledger's last position."""
    return int(store.tuples(conn, "head")[0][0])


def _of(moment: Moment) -> dict[str, object]:
    return {
        "site": moment.site,
        "until_at": moment.until_at,
        "position": moment.position,
        "close_id": moment.close_id,
        "is_closing": moment.is_closing,
    }


def _see(conn: Connection, actor: Actor, site: str | None) -> None:
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
