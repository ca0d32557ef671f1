"""Planning runs in the database."""

from datetime import datetime
from typing import Any, Final, TypeVar

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import class_row, kwargs_row

from cloud.db import statements
from cloud.runs.domain import Run, RunId, RunState, SlotDoneError

Row = TypeVar("Row")

_SQL: Final = statements("cloud.runs")


def begin(
    conn: Connection,
    *,
    kind: str,
    site: str | None,
    slot: datetime | None,
    actor: str,
    inputs_sha256: str,
    inputs: str,
    parameters: str,
    code_version: str,
) -> RunId | None:
    """Store a run that begins, with the ledger's position and the sites' completeness.

    Args:
        conn: In a transaction that shows the actor's sites.
        kind: What is computed.
        site: Where; None means everywhere.
        slot: Of the scheduler, if it asked.
        actor: Who runs it.
        inputs_sha256: Hash of the inputs.
        inputs: JSON object.
        parameters: JSON object.
        code_version: Of the program.

    Returns:
        Its number; None if the ledger has no head.
    """
    given = {
        "kind": kind,
        "site": site,
        "slot": slot,
        "actor": actor,
        "inputs_sha256": inputs_sha256,
        "inputs": inputs,
        "parameters": parameters,
        "code_version": code_version,
    }
    if slot is not None:
        conn.execute(_SQL["abandon"], given)
    row = conn.execute(_SQL["begin"], given).fetchone()
    return RunId(row[0]) if row else None


def finish(conn: Connection, run: Run, outcome: str) -> bool:
    """Mark a run done.

    Args:
        conn: In the transaction that writes its results.
        run: Which.
        outcome: JSON object.

    Returns:
        False if it does not run.

    Raises:
        SlotDoneError: If another run of the slot was faster.
    """
    try:
        done = conn.execute(_SQL["finish"], {"run_id": run.run_id, "outcome": outcome})
    except UniqueViolation as error:
        raise SlotDoneError(run.slot_is_done) from error
    return done.rowcount == 1


def fail(conn: Connection, run_id: RunId, error: str) -> bool:
    """Mark a run failed.

    Args:
        conn: In a transaction.
        run_id: Which.
        error: Why, for people.

    Returns:
        False if it does not run.
    """
    return conn.execute(_SQL["fail"], {"run_id": run_id, "error": error}).rowcount == 1


def give_up_lost(conn: Connection) -> int:
    """Mark runs failed that whoever ran them has left.

    Args:
        conn: In a transaction that shows every site.

    Returns:
        How many.
    """
    return conn.execute(_SQL["give_up_lost"]).rowcount


def runs(
    conn: Connection,
    *,
    run_id: int | None = None,
    kind: str | None = None,
    site: str | None = None,
    state: str | None = None,
    before: int | None = None,
    limit: int,
) -> list[Run]:
    """List runs, the latest first.

    Args:
        conn: In a transaction that shows the actor's sites.
        run_id: Only this one.
        kind: Only of this kind.
        site: Only of this site.
        state: Only in this state.
        before: Only those before this number.
        limit: Most to give.

    Returns:
        The runs.
    """
    asked = {"run_id": run_id, "kind": kind, "site": site, "state": state, "before": before, "limit": limit}
    return _found(conn, "runs", **asked)


def latest(conn: Connection, kind: str, site: str | None) -> Run | None:
    """Find the last run that was done.

    Args:
        conn: In a transaction that shows the actor's sites.
        kind: Its kind.
        site: Its site; None means runs of the whole network.

    Returns:
        The run, or None.
    """
    return next(iter(_found(conn, "latest", kind=kind, site=site)), None)


def of_slot(conn: Connection, kind: str, site: str | None, slot: datetime) -> Run | None:
    """Find the effective run of a slot.

    Args:
        conn: In a transaction that shows the actor's sites.
        kind: Its kind.
        site: Its site; None means the whole network.
        slot: Its slot.

    Returns:
        The run that was done, or None.
    """
    return next(iter(_found(conn, "of_slot", kind=kind, site=site, slot=slot)), None)


def rows(conn: Connection, kind: type[Row], statement: str, /, **asked: Any) -> list[Row]:
    """Run a list's statement.

    Args:
        conn: In a transaction that shows the actor's sites.
        kind: What each row becomes.
        statement: Name in `queries.sql`.
        **asked: The statement's parameters.

    Returns:
        The rows in order.
    """
    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(_SQL[statement], asked).fetchall()


def _found(conn: Connection, statement: str, **asked: Any) -> list[Run]:
    with conn.cursor(row_factory=kwargs_row(_run)) as cursor:
        return cursor.execute(_SQL[statement], asked).fetchall()


def _run(**columns: Any) -> Run:
    return Run(**columns | {"state": RunState(columns["state"])})
