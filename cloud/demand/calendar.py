"""A site's calendar: its zone, when its day and week begin, when it is open (DOMAIN D9)."""

from dataclasses import asdict, dataclass
from datetime import time
from typing import Final
from zoneinfo import ZoneInfo

from cloud.db import Connection
from cloud.demand import store
from cloud.demand.domain import CALENDAR_KEEPERS, READERS, DemandError, UnknownSiteError
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class SiteCalendar:
    """When a site's days are."""

    time_zone: str
    """IANA name."""
    business_day_start: time
    """By the site's clocks; a night shift belongs to the day it began."""
    week_start: int
    """ISO: 1 is Monday."""
    opens_at: time | None
    """By the site's clocks; None, as `closes_at`: always open."""
    closes_at: time | None
    """Before `opens_at` if the site is open past midnight."""


def calendar(conn: Connection, actor: Actor, *, site: str) -> SiteCalendar:
    """Tell a site's calendar.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.

    Returns:
        Its calendar.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownSiteError: If there is no such site.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor)
    found = store.rows(conn, SiteCalendar, "calendar", site=site)
    if not found:
        raise UnknownSiteError(f"there is no site {site!r}")
    return found[0]


def set_calendar(conn: Connection, actor: Actor, wished: SiteCalendar, *, site: str) -> bool:
    """Say when a site's days are; past demand is read by the new days too.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        wished: The calendar.
        site: Site id.

    Returns:
        Whether anything changed.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownSiteError: If there is no such site.
        DemandError: If the calendar cannot be.
    """
    actor.require(*CALENDAR_KEEPERS, site=site)
    if faults := faults_of(wished):
        raise DemandError("\n".join(f"site {site!r}: {fault}" for fault in faults))
    before = calendar(conn, actor, site=site)
    if before == wished:
        return False
    store.change(conn, "put_calendar", site=site, **asdict(wished))
    detail: dict[str, object] = {"before": _shown(before), "after": _shown(wished)}
    store.audit(conn, actor.id, "site_calendar_set", f"site:{site}", site=site, detail=detail)
    return True


def faults_of(wished: SiteCalendar) -> list[str]:
    """Find what of a calendar cannot be.

    Args:
        wished: The calendar.

    Returns:
        Value and expectation of each fault.
    """
    faults = []
    try:
        ZoneInfo(wished.time_zone)
    except (KeyError, ValueError, OSError):
        faults.append(f"time_zone {wished.time_zone!r:.80}: expected an IANA name like Europe/London")
    if not 1 <= wished.week_start <= _DAYS:
        faults.append(f"week_start {wished.week_start}: expected 1 (Monday) to 7 (Sunday)")
    if (wished.opens_at is None) != (wished.closes_at is None):
        faults.append("opens_at and closes_at: expected both, or neither for a site that is always open")
    elif wished.opens_at is not None and wished.opens_at == wished.closes_at:
        faults.append(f"opens_at and closes_at are both {wished.opens_at}: expected neither for always open")
    for name in ("business_day_start", "opens_at", "closes_at"):
        at: time | None = getattr(wished, name)
        if at is not None and (at.tzinfo is not None or at.microsecond):
            faults.append(f"{name} {at}: expected a wall-clock time of whole seconds, without offset")
    return faults


def _shown(calendar: SiteCalendar) -> dict[str, object]:
    return {
        name: value.isoformat() if isinstance(value, time) else value
        for name, value in asdict(calendar).items()
    }
