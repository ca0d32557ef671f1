"""Lines whose claim is gone, served again from what is there: new claims and new tasks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from cloud.allocation.claiming import Wish, claim
from cloud.allocation.domain import ClaimKind, LineName
from cloud.allocation.tasking import lines_to_walk, make_tasks
from cloud.db import Connection

TASKS_LAST: Final = timedelta(hours=12)
"""How long a task may be done, if nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class ServedAgain:
    """What came of it."""

    tasks: tuple[str, ...]
    short: Decimal
    """What nothing covers, of all of the lines."""


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
    return ServedAgain(tuple(tasks), sum((each.quantity for each in done.shortfalls), Decimal(0)))
