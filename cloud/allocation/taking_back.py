"""Claims that are let go: what of them is on tasks is withdrawn there."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from cloud.allocation import store
from cloud.allocation.store import OpenClaim
from cloud.db import Connection


def withdraw(
    conn: Connection, claims: Iterable[OpenClaim], *, by: str, because: str, now: datetime
) -> set[str]:
    """End claims that are not picked, and what tasks were to do for them.

    Args:
        conn: In a transaction that holds the items' lock.
        claims: Soft or hard ones.
        by: Who ends them.
        because: Why, as a stable snake_case word.
        now: The present.

    Returns:
        Tasks that have changed, which their gateways must be told.
    """
    ended = list(claims)
    store.end_claims(conn, [each.allocation_id for each in ended], by, because)
    on_tasks: defaultdict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for each in ended:
        if each.task is not None and each.task_line is not None:
            on_tasks[each.task, each.task_line] += each.quantity
    if not on_tasks:
        return set()
    tasks, numbers = [task for task, _ in on_tasks], [number for _, number in on_tasks]
    asked = {"quantities": list(on_tasks.values()), "now": now, "actor": by, "because": because}
    store.change(conn, "withdraw_lines", tasks=tasks, numbers=numbers, **asked)
    end_tasks(conn, tasks)
    return set(tasks)


def end_tasks(conn: Connection, tasks: Iterable[str]) -> set[str]:
    """End tasks of which nothing is left to do, and open again those of which something is.

    Args:
        conn: In a transaction.
        tasks: Their names; one that has expired stays so.

    Returns:
        Those that ended, or opened again.
    """
    return {str(row[0]) for row in store.tuples(conn, "end_tasks", tasks=sorted(set(tasks)))}
