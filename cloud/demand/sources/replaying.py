"""What waits is tried again: each by itself, so that one that waits on holds up no other."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from cloud.db import Connection, LockNotAvailable, OperationalError, QueryCanceled, in_transaction
from cloud.db.retry import Source as Connections
from cloud.demand import held
from cloud.demand.sources import store
from cloud.demand.sources.domain import Source
from cloud.demand.sources.messages import found_source, replay_message
from cloud.demand.sources.orders import replay_order_line
from cloud.demand.waiting import Held, MustWaitError, Origin, Reason
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

AT_ONCE: Final = 100
"""Of one round."""

_JOB: Final = Actor("job:replay_demand", frozenset({Role.PLANNER}), all_sites=True)

log = structlog.get_logger()


def replay_held(connections: Connections, now: datetime) -> int:
    """Try again what is due.

    Args:
        connections: Of ``dockledger_app``.
        now: The present.

    Returns:
        How much of it is stored now.
    """
    stored = 0
    with ThreadPoolExecutor(1, "demand-replay") as storing:
        for _ in range(AT_ONCE):
            is_stored = in_transaction(connections, partial(_next, now=now, storing=storing))
            if is_stored is None:
                break
            stored += is_stored
    return stored


def _next(conn: Connection, *, now: datetime, storing: ThreadPoolExecutor) -> bool | None:
    """Try the one that has waited longest; None: nothing is due."""
    act_as(conn, _JOB)
    found = held.due(conn, now=now, limit=1)
    if not found:
        return None
    one = found[0]
    done = storing.submit(_store, conn, one, now)
    error = done.exception()
    act_as(conn, _JOB)
    if error is None:
        held.replayed(conn, one, now=now, actor=_JOB.id, because=done.result())
        return True
    if isinstance(error, OperationalError):
        raise error
    if not isinstance(error, MustWaitError):
        log.error("demand_replay_broke", held=one.held_id, source=one.source, site=one.site, exc_info=error)
        error = MustWaitError(Reason.FAULTY, f"{type(error).__name__}: {error}")
    held.put_off(conn, one, error.reason, str(error), now=now)
    if error.reason is Reason.BUSY:
        held.source_is_busy(conn, one.site, one.source, now=now)
    return False


def _store(conn: Connection, one: Held, now: datetime) -> str | None:
    """Store one, and tell what of it is superseded; nothing of it remains after an error."""
    try:
        with conn.transaction():
            return _replay(conn, one, now)
    except (LockNotAvailable, QueryCanceled) as error:
        raise MustWaitError(Reason.BUSY, str(error)) from error


def _replay(conn: Connection, one: Held, now: datetime) -> str | None:
    if one.origin == Origin.MESSAGE:
        return replay_message(conn, found_source(conn, one.site, one.source), one, now=now)
    found = store.rows(conn, Source, "source_named", site=one.site, name=one.source)
    if not found:
        raise MustWaitError(Reason.UNKNOWN_SOURCE, f"site {one.site!r} has no source {one.source!r}")
    replay_order_line(conn, found[0], one, now=now)
    return None
