"""Dock to stock: how long goods take from the first sight of them to a usable place (DOMAIN D4)."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import READERS
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

MOST: Final = 100_000
"""Lines of one question."""
LONGEST: Final = timedelta(days=92)
"""Of one question."""


class DockTime(NamedTuple):
    """A line of a receipt and its way into stock."""

    site: str
    receipt: str
    line: str
    item: str
    quantity: Decimal
    location: str
    unit: str | None
    partner: str | None
    began_at: datetime
    """First seen at a door, arrived, or received."""
    received_at: datetime
    put_away_at: datetime | None
    """When all of it stood usable in a place that no door leads to; None: not yet."""

    @property
    def took(self) -> timedelta | None:
        """How long it took; None: it still stands at the dock."""
        return None if self.put_away_at is None else self.put_away_at - self.began_at


class DockTimes(NamedTuple):
    """How long lines took."""

    lines: int
    """That are in stock."""
    median: timedelta | None
    ninety: timedelta | None
    """Nine of ten took no longer."""
    at_dock: int
    """Not in stock yet."""
    oldest_at: datetime | None
    """Since when the oldest of those stands at the dock."""


def dock_times(
    conn: Connection, actor: Actor, *, site: str | None = None, from_at: datetime, until_at: datetime
) -> list[DockTime]:
    """Read how long what came in a period took.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only of this site.
        from_at: First instant of receipts.
        until_at: Instant after the last; at most 92 days later.

    Returns:
        Lines by when they were received.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    asked = {"sites": [site] if site else within.reach, "from_at": max(from_at, until_at - LONGEST)}
    return store.rows(conn, DockTime, "dock_to_stock", **asked, until_at=until_at, limit=MOST)


def summary(rows: Sequence[DockTime]) -> DockTimes:
    """Sum dock times up.

    Args:
        rows: Of a period.

    Returns:
        Median and ninetieth percentile by the nearest rank, each line counting once.

    Examples:
        >>> from datetime import UTC
        >>> at = datetime(2026, 3, 2, 6, tzinfo=UTC)
        >>> took = [at + timedelta(hours=hours) for hours in (1, 2, 9)]
        >>> line = DockTime("s", "r", "1", "A", Decimal(1), "D", None, None, at, at, None)
        >>> told = summary([line, *(line._replace(put_away_at=end) for end in took)])
        >>> str(told.median), str(told.ninety), told.at_dock
        ('2:00:00', '9:00:00', 1)
    """
    done = sorted(took for row in rows if (took := row.took) is not None)
    waiting = [row.began_at for row in rows if row.put_away_at is None]
    return DockTimes(
        len(done), _rank(done, 0.5), _rank(done, 0.9), len(waiting), min(waiting) if waiting else None
    )


def _rank(ordered: Sequence[timedelta], share: float) -> timedelta | None:
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
