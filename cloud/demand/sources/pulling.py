"""Sources that are due are pulled: claimed under a lease, asked outside a transaction, page by page.

A page and the cursor behind it are one transaction: whatever happens between two of them, nothing is lost,
and what is read twice changes nothing.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, DataError, IntegrityError, OperationalError, in_transaction
from cloud.db.retry import Source as Connections
from cloud.demand.domain import DemandError, FaultyLinesError
from cloud.demand.sources import store
from cloud.demand.sources.domain import (
    FAILURES_UNTIL_TICKET,
    KEEPERS,
    OvertakenError,
    Source,
    SourceAwayError,
    SourceError,
    SourceKind,
    SourceState,
    wait_after,
)
from cloud.demand.sources.drop import pull_drop
from cloud.demand.sources.fetching import Fetcher
from cloud.demand.sources.keeping import LEASE, Pull
from cloud.demand.sources.orders import pull_orders
from cloud.demand.sources.replaying import replay_held
from cloud.demand.sources.rest import pull_rest
from cloud.demand.sources.service import source as found_source
from cloud.demand.sources.service import ticket_key
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.store import act_as

AT_ONCE: Final = 4
LONGEST_PULL_S: Final = 120.0
"""Then a source is due again at once, so that one with a long history holds up no other."""
EVENTS_KEPT: Final = timedelta(days=30)
_SHOWN_FAULTS: Final = 20
_LONGEST_ERROR: Final = 2000

_JOB: Final = Actor("job:pull_demand", frozenset({Role.PLANNER, Role.ADMIN}), all_sites=True)

log = structlog.get_logger()


def pull_demand(connections: Connections, now: datetime, *, fetcher: Fetcher | None = None) -> dict[str, int]:
    """Pull every source that is due.

    Args:
        connections: Of ``dockledger_app``.
        now: The present.
        fetcher: Connections to sources; None opens and closes them here.

    Returns:
        ``{"pulled": …, "lines": …, "failed": …, "stopped": …, "replayed": …}``; lines are the new and
        corrected ones, replayed is what had waited.
    """
    in_transaction(connections, partial(_forget, before=now - EVENTS_KEPT))
    counts = {"pulled": 0, "lines": 0, "failed": 0, "stopped": 0, "replayed": 0}
    if taken := in_transaction(connections, partial(_claim, now=now, only=None)):
        _pull_all(connections, taken, counts, now=now, fetcher=fetcher)
    try:
        counts["replayed"] = replay_held(connections, now)
    except OperationalError:
        log.exception("demand_not_replayed", effect="what waits is tried again at the next round")
    if taken:
        log.info("demand_pulled", **counts)
    return counts


def _pull_all(
    connections: Connections,
    taken: list[Source],
    counts: dict[str, int],
    *,
    now: datetime,
    fetcher: Fetcher | None,
) -> None:
    own = fetcher or Fetcher()
    try:
        with ThreadPoolExecutor(len(taken), "demand") as pool:
            pulls = {pool.submit(_pull, connections, source, now, own): source for source in taken}
    finally:
        if fetcher is None:
            own.close()
    for done, source in pulls.items():
        if (error := done.exception()) is not None:
            log.error("demand_pull_broke", source=source.name, site=source.site, exc_info=error)
            words = f"{type(error).__name__}: {error}"
            broken = partial(_later, source=source, now=now, error=SourceAwayError(words), is_unforeseen=True)
            in_transaction(connections, broken)
        outcome, lines = ("failed", 0) if error is not None else done.result()
        counts[outcome] += 1
        counts["lines"] += lines


def pull_now(
    connections: Connections,
    actor: Actor,
    source_id: int,
    *,
    now: datetime,
    fetcher: Fetcher | None = None,
) -> Source:
    """Pull one source, due or not.

    Args:
        connections: Of ``dockledger_app``.
        actor: A keeper of its site.
        source_id: Its number.
        now: The present.
        fetcher: Connections to sources; None opens and closes them here.

    Returns:
        The source afterwards.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownSourceError: If the actor's sites hold no such source.
        SourceError: If it is not active, pushes by itself, or is being pulled at the moment.
    """
    within = actor.narrowed(*KEEPERS)
    known = in_transaction(connections, lambda conn: found_source(conn, within, source_id))
    if not SourceKind(known.kind).is_pulled:
        raise SourceError(f"source {known.name!r} pushes by itself; it cannot be pulled")
    if known.state != SourceState.ACTIVE:
        raise SourceError(f"source {known.name!r} is {known.state}: resume it first")
    taken = in_transaction(connections, partial(_claim, now=now, only=source_id))
    if not taken:
        raise SourceError(f"source {known.name!r} is being pulled at the moment")
    own = fetcher or Fetcher()
    try:
        _pull(connections, taken[0], now, own)
    except BaseException:
        in_transaction(connections, partial(_release, source=taken[0]))
        raise
    finally:
        if fetcher is None:
            own.close()
    return in_transaction(connections, lambda conn: found_source(conn, within, source_id))


def _claim(conn: Connection, *, now: datetime, only: int | None) -> list[Source]:
    act_as(conn, _JOB)
    return store.rows(conn, Source, "claim", now=now, until=now + LEASE, only=only, limit=AT_ONCE)


def _forget(conn: Connection, *, before: datetime) -> None:
    act_as(conn, _JOB)
    store.change(conn, "forget_events", before=before)


def _pull(connections: Connections, source: Source, now: datetime, fetcher: Fetcher) -> tuple[str, int]:
    """Pull one source and keep how it went: an outcome, and how many lines were new."""
    begun = time.monotonic()
    pull = Pull(connections, source, now, lambda: time.monotonic() - begun > LONGEST_PULL_S)
    outcome = "pulled"
    keep: Callable[[Connection], None]
    try:
        is_whole = _PULLS[source.kind](pull, fetcher)
        wait = timedelta(minutes=source.every_minutes) if is_whole else timedelta()
        keep = partial(_done, source=source, now=now, due_at=now + wait)
    except OvertakenError:
        keep = partial(_release, source=source)
    except SourceAwayError as error:
        outcome, keep = "failed", partial(_later, source=source, now=now, error=error)
    except (DemandError, NotAllowedError, DataError, IntegrityError) as error:
        outcome, keep = "stopped", partial(_stop, source=source, error=error)
    in_transaction(connections, keep)
    return outcome, pull.lines


_PULLS: Final[dict[str, Callable[[Pull, Fetcher], bool]]] = {
    SourceKind.REST.value: pull_rest,
    SourceKind.DROP.value: lambda pull, _: pull_drop(pull),
    SourceKind.ORDERS.value: lambda pull, _: pull_orders(pull),
}
"""Each tells whether it came to the end."""


def _done(conn: Connection, *, source: Source, now: datetime, due_at: datetime) -> None:
    act_as(conn, _JOB)
    store.change(conn, "done", source_id=source.source_id, revision=source.revision, now=now, due_at=due_at)
    if source.failures:
        alerts.resolve(conn, [ticket_key(source.source_id)])


def _release(conn: Connection, *, source: Source) -> None:
    act_as(conn, _JOB)
    store.change(conn, "release", source_id=source.source_id)


def _later(
    conn: Connection, *, source: Source, now: datetime, error: SourceAwayError, is_unforeseen: bool = False
) -> None:
    act_as(conn, _JOB)
    failures = source.failures + 1
    words = str(error)[:_LONGEST_ERROR]
    wait = wait_after(failures, timedelta(minutes=source.every_minutes), error.retry_after)
    store.change(
        conn,
        "later",
        source_id=source.source_id,
        revision=source.revision,
        due_at=now + wait,
        error=words,
    )
    if is_unforeseen:
        _tell(conn, source, "has met an error that nobody foresaw", words, [])
    elif failures >= FAILURES_UNTIL_TICKET:
        _tell(conn, source, f"has failed {failures} times in a row", words, [])


def _stop(conn: Connection, *, source: Source, error: Exception) -> None:
    act_as(conn, _JOB)
    words = str(error)[:_LONGEST_ERROR]
    is_ours = store.change(conn, "stop", source_id=source.source_id, revision=source.revision, error=words)
    if not is_ours:
        store.change(conn, "release", source_id=source.source_id)
        return
    faults = words.splitlines()
    if isinstance(error, FaultyLinesError):
        faults = [f"line {fault.place}: {fault.field}: {fault.message}" for fault in error.faults]
    _tell(conn, source, "was stopped at a faulty page; nothing of it is lost", words, faults)


def _tell(conn: Connection, source: Source, ending: str, words: str, faults: list[str]) -> None:
    detail: dict[str, JsonValue] = {
        "source_id": source.source_id,
        "source": source.name,
        "error": words,
        "faults": list(faults[:_SHOWN_FAULTS]),
        "cursor": source.cursor,
    }
    first = words.partition("\n")[0]
    summary = f"Demand source {source.name} {ending}: {first}"[:500]
    severity = Severity.WARNING
    alerts.notice(
        conn,
        [Notice(ticket_key(source.source_id), "demand_source", severity, summary, source.site, detail)],
    )
