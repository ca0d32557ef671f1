"""Begin, finish and find planning runs: results are written in the transaction that finishes their run."""

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final

from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.runs import store
from cloud.runs.domain import (
    PLANNERS,
    READERS,
    Run,
    RunError,
    RunId,
    RunOverError,
    SlotDoneError,
    UnknownRunError,
    canonical,
    sha256_of,
)

ERROR_LENGTH: Final = 2000
"""Longest error text kept, in characters."""


def begin(
    conn: Connection,
    actor: Actor,
    *,
    kind: str,
    site: str | None = None,
    slot: datetime | None = None,
    inputs: Mapping[str, Any],
    parameters: Mapping[str, Any],
) -> RunId:
    """Begin a run: keep what it rests on before it computes anything.

    Committed on its own it is seen running; a run that is left running is marked failed when its slot is
    run again.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who runs it: a planner, buyer or inventory controller, or a job.
        kind: What is computed, a stable snake_case word.
        site: Where; None means the whole network.
        slot: Of the scheduler; None if a person asked.
        inputs: What was read: positions, counts, dates of inputs.
        parameters: What it is computed with.

    Returns:
        The run's number, which every result row carries.

    Raises:
        NotAllowedError: If the actor may not.
        SlotDoneError: If the slot has its effective run already.
        RunError: If the ledger has no head.
    """
    _require(actor, site)
    act_as(conn, actor)
    if slot is not None and (done := store.of_slot(conn, kind, site, slot)):
        raise SlotDoneError(done.slot_is_done)
    run_id = store.begin(
        conn,
        kind=kind,
        site=site,
        slot=slot,
        actor=actor.id,
        inputs_sha256=sha256_of(inputs),
        inputs=canonical(inputs).decode(),
        parameters=canonical(parameters).decode(),
        code_version=version("dockledger"),
    )
    if run_id is None:
        raise RunError("ledger_head has no shard 0: expected one row")
    return run_id


def finish(conn: Connection, run_id: RunId, outcome: Mapping[str, Any]) -> None:
    """Finish a run in the transaction that writes its results.

    Args:
        conn: That transaction, which shows the run's site; on an error the caller rolls it back, and the
            results with it.
        run_id: Which.
        outcome: How much came of it.

    Raises:
        SlotDoneError: If another run of the slot was faster.
        RunOverError: If it is done or failed already.
        UnknownRunError: If there is none within reach.
    """
    run = _found(conn, run_id)
    if not store.finish(conn, run, canonical(outcome).decode()):
        raise RunOverError(f"run {run_id} is {run.state} already: expected running")


def fail(conn: Connection, run_id: RunId, error: BaseException | str) -> None:
    """Mark a run failed, in a transaction of its own after the results were rolled back.

    Args:
        conn: In a transaction that shows the run's site and that the caller commits.
        run_id: Which.
        error: Why.

    Raises:
        RunOverError: If it is done or failed already.
        UnknownRunError: If there is none within reach.
    """
    run = _found(conn, run_id)
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    if not store.fail(conn, run_id, text.replace("\0", "\\0")[:ERROR_LENGTH]):
        raise RunOverError(f"run {run_id} is {run.state} already: expected running")


def complete(
    source: Source, actor: Actor, run_id: RunId, work: Callable[[], Callable[[Connection], Mapping[str, Any]]]
) -> Mapping[str, Any]:
    """Compute a run that has begun, outside a transaction; write its results in the one that finishes it.

    Args:
        source: Where connections come from.
        actor: Who runs it.
        run_id: Which.
        work: Computes, and gives what writes the results and says how much came of them.

    Returns:
        The outcome.

    Raises:
        SlotDoneError: If another run of the slot was faster; this one is marked failed.
        RunOverError: If another has taken it over, thinking whoever ran it dead.
        Exception: What the work raises; then the run is marked failed.
    """

    def write(conn: Connection, results: Callable[[Connection], Mapping[str, Any]]) -> Mapping[str, Any]:
        act_as(conn, actor)
        outcome = results(conn)
        finish(conn, run_id, outcome)
        return outcome

    def mark(conn: Connection, error: Exception) -> None:
        act_as(conn, actor)
        fail(conn, run_id, error)

    try:
        results = work()
        return in_transaction(source, lambda conn: write(conn, results))
    except RunOverError:
        raise
    except Exception as error:
        why = error
        in_transaction(source, lambda conn: mark(conn, why))
        raise


def latest(conn: Connection, kind: str, site: str | None) -> Run | None:
    """Find the last run of a kind that was done.

    Args:
        conn: In a transaction that shows the site.
        kind: Its kind.
        site: Its site; None means runs of the whole network.

    Returns:
        The run, or None.
    """
    return store.latest(conn, kind, site)


def runs(
    conn: Connection,
    actor: Actor,
    *,
    kind: str | None = None,
    site: str | None = None,
    state: str | None = None,
    before: int | None = None,
    limit: int,
) -> list[Run]:
    """List runs, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks; sees those of its sites and of the whole network.
        kind: Only of this kind.
        site: Only of this site.
        state: Only in this state.
        before: Only those before this number.
        limit: Most to give.

    Returns:
        The runs.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return store.runs(conn, kind=kind, site=site, state=state, before=before, limit=limit)


def run(conn: Connection, actor: Actor, run_id: int) -> Run:
    """Give one run.

    Args:
        conn: In a transaction.
        actor: Who asks.
        run_id: Which.

    Returns:
        The run.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownRunError: If there is none within reach.
    """
    actor.require(*READERS)
    act_as(conn, actor.narrowed(*READERS))
    return _found(conn, run_id)


def _require(actor: Actor, site: str | None) -> None:
    if site is None:
        actor.require_everywhere(*PLANNERS)
    else:
        actor.require(*PLANNERS, site=site)


def _found(conn: Connection, run_id: int) -> Run:
    found = store.runs(conn, run_id=run_id, limit=1)
    if not found:
        raise UnknownRunError(f"there is no run {run_id} that this session may see")
    return found[0]
