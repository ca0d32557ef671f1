"""Events read: lists for people, and what forecasts know of a site's days."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from cloud.db import Connection
from cloud.events import store
from cloud.events.domain import READERS, EventRow, Kind, Subject, UnknownEventError
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

if TYPE_CHECKING:
    from cloud.events.arrays import Matrix


def events(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    item: str | None = None,
    kind: Kind | None = None,
    from_day: date | None = None,
    to_day: date | None = None,
    known_at: datetime | None = None,
    withdrawn: bool = False,
    after: int = 0,
    limit: int,
) -> list[EventRow]:
    """List events, each by its revision in force.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock, and what holds at every site.
        site: Only what concerns this site.
        item: Only what concerns this item, by code.
        kind: Only of this kind.
        from_day: Only those not over before this day.
        to_day: Only those begun by this day.
        known_at: As they were known then; None: now.
        withdrawn: Whether withdrawn ones are listed too.
        after: Number of the last one of the page before.
        limit: Most to give.

    Returns:
        The events, by number.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return store.rows(
        conn,
        EventRow,
        "events",
        site=site,
        item=item,
        kind=None if kind is None else kind.value,
        from_day=from_day,
        to_day=to_day,
        known_at=known_at,
        withdrawn=withdrawn,
        after=after,
        limit=limit,
    )


def revisions(conn: Connection, actor: Actor, event_id: int) -> list[EventRow]:
    """Give all that was ever said of an event.

    Args:
        conn: In a transaction.
        actor: Who asks.
        event_id: Of the event.

    Returns:
        Its revisions, the one in force first.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownEventError: If the actor's sites hold no such event.
    """
    actor.require(*READERS)
    act_as(conn, actor.narrowed(*READERS))
    found = store.rows(conn, EventRow, "revisions", event_id=event_id)
    if not found:
        raise UnknownEventError(f"there is no event {event_id} at your sites")
    return found


def of_site(conn: Connection, site: str, from_day: date, to_day: date) -> list[EventRow]:
    """Give every revision of the events that ever touched a site's days.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        from_day: First day.
        to_day: Last day.

    Returns:
        The revisions, by event.
    """
    return store.rows(conn, EventRow, "of_site", site=site, from_day=from_day, to_day=to_day)


def subjects(conn: Connection, item_ids: Sequence[int]) -> list[Subject]:
    """Give items with their categories.

    Args:
        conn: In a transaction.
        item_ids: The items.

    Returns:
        One per item, in their order.
    """
    found = dict(store.tuples(conn, "categories", item_ids=list(item_ids)))
    return [Subject(item_id, found.get(item_id)) for item_id in item_ids]


def matrix(
    conn: Connection, site: str, item_ids: Sequence[int], days: Sequence[date], *, as_known_at: datetime
) -> "Matrix":
    """Arrange a site's events by item and day as they were known at a moment.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        item_ids: The items, in the order of the rows.
        days: Site days without gaps, past and to come.
        as_known_at: What was known later does not count.

    Returns:
        The arrays, with their names.

    Raises:
        ValueError: If the days have gaps.
    """
    first, last = days[0], days[-1]
    if (last - first).days != len(days) - 1 or any(
        day != first + timedelta(place) for place, day in enumerate(days)
    ):
        raise ValueError(
            f"days {first} to {last} are {len(days)}: expected each once, ascending, without gaps"
        )
    from cloud.events import arrays  # noqa: PLC0415  numpy is an extra, and slow to load

    found = of_site(conn, site, first, last)
    return arrays.matrix(found, subjects(conn, item_ids), first, len(days), as_known_at=as_known_at)
