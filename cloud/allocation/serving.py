"""Lines whose claim is gone, served again from what is there: new claims and new tasks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from cloud.allocation.claiming import Allocated, Wish, claim
from cloud.allocation.domain import ClaimKind, LineName
from cloud.allocation.tasking import lines_to_walk, make_tasks
from cloud.db import Connection

TASKS_LAST: Final = timedelta(hours=12)
"""How long a task may be done, if nobody says otherwise."""


def short_by_line(done: Allocated) -> Mapping[LineName, Decimal]:
    """Sum up what nothing covers.

    Args:
        done: What was claimed, and what was not.

    Returns:
        By line that misses something how much.
    """
    short: defaultdict[LineName, Decimal] = defaultdict(Decimal)
    for each in done.shortfalls:
        short[each.name] += each.quantity
    return short


@dataclass(frozen=True, slots=True)
class ServedAgain:
    """What came of it."""

    tasks: tuple[str, ...]
    short_of: Mapping[LineName, Decimal]
    """What nothing covers, by line."""

    @property
    def short(self) -> Decimal:
        """What nothing covers, of all of the lines."""
        return sum(self.short_of.values(), Decimal(0))


def serve_again(
    conn: Connection,
    *,
    site: str,
    names: Iterable[LineName],
    gateway: str,
    to_location: str,
    wave: int | None,
    by: str,
    now: datetime,
) -> ServedAgain:
    """Claim what lines miss, and make tasks of it; the gateway is told by whoever asks.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        names: The lines.
        gateway: Whose handhelds do it.
        to_location: Where goods are brought.
        wave: The wave that it belongs to.
        by: Who asks.
        now: The present.

    Returns:
        New tasks, and what is short.
    """
    wanted = frozenset(names)
    done = claim(conn, Wish(site, lines=wanted), kind=ClaimKind.HARD, by=by, now=now)
    lines, _ = lines_to_walk(conn, site, sorted(wanted), to_location, by)
    tasks = make_tasks(
        conn,
        lines,
        site=site,
        gateway=gateway,
        kind="pick",
        wave=wave,
        expires_at=now + TASKS_LAST,
        by=by,
    )
    return ServedAgain(tuple(tasks), short_by_line(done))
