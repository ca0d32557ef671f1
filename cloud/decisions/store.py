"""Decisions and their steps in the database."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from psycopg import Connection
from psycopg.rows import class_row, kwargs_row
from psycopg.types.json import Jsonb

from cloud.db import statements
from cloud.decisions.domain import Allowance, Decision, Draft, Json, State, Step

Row = TypeVar("Row")

_SQL: Final = statements("cloud.decisions")


def add_draft(conn: Connection, paper: Draft, *, author: str, contributors: Sequence[str]) -> int | None:
    """Store a draft.

    Args:
        conn: In a transaction whose actor the database knows.
        paper: What is wanted.
        author: Who wants it.
        contributors: Who else answers for it.

    Returns:
        Its number, or None if a decision on the subject stands already; then nothing was stored.
    """
    row = conn.execute(
        _SQL["draft"], _content(paper) | {"author": author, "contributors": list(contributors)}
    ).fetchone()
    return None if row is None else int(row[0])


def standing(conn: Connection, paper: Draft) -> tuple[int, bool] | None:
    """Find the decision that stands on a draft's subject.

    Args:
        conn: In a transaction.
        paper: The draft.

    Returns:
        Its number, and whether it is to do the same; None if none is visible.
    """
    row = conn.execute(_SQL["standing"], _content(paper)).fetchone()
    return None if row is None else (int(row[0]), bool(row[1]))


def find(conn: Connection, decision_id: int) -> Decision | None:
    """Read a decision.

    Args:
        conn: In a transaction that shows the actor's sites.
        decision_id: Its number.

    Returns:
        The decision, or None.
    """
    with conn.cursor(row_factory=kwargs_row(_decision)) as cursor:
        return cursor.execute(_SQL["decision"], {"decision_id": decision_id}).fetchone()


def hold(conn: Connection, decision_id: int) -> None:
    """Keep others from taking a step with a decision until the transaction ends.

    Args:
        conn: In a transaction.
        decision_id: Its number.
    """
    conn.execute(_SQL["hold"], {"decision_id": decision_id})


def listed(
    conn: Connection,
    *,
    site: str | None,
    kind: str | None,
    states: Sequence[State] | None,
    subject: str | None,
    item: str | None,
    author: str | None,
    before: int | None,
    limit: int,
) -> list[Decision]:
    """List decisions, the latest first.

    Args:
        conn: In a transaction that shows the actor's sites.
        site: Only of this site.
        kind: Only of this kind.
        states: Only in these states.
        subject: Only on this subject.
        item: Only of this item.
        author: Only of this author.
        before: Only numbers below this one.
        limit: Most to give.

    Returns:
        The decisions.
    """
    asked = {
        "site": site,
        "kind": kind,
        "states": None if states is None else [state.value for state in states],
        "subject": subject,
        "item": item,
        "author": author,
        "before": before,
        "limit": limit,
    }
    with conn.cursor(row_factory=kwargs_row(_decision)) as cursor:
        return cursor.execute(_SQL["listed"], asked).fetchall()


def waiting(
    conn: Connection,
    *,
    site: str | None,
    kind: str | None,
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[Decision]:
    """List submitted decisions, the one that waits longest first.

    Args:
        conn: In a transaction that shows the actor's sites.
        site: Only of this site.
        kind: Only of this kind.
        after: `submitted_at` and number of the last one of the page before.
        limit: Most to give.

    Returns:
        The decisions.
    """
    after_at, after_id = after or (None, None)
    asked = {"site": site, "kind": kind, "after_at": after_at, "after_id": after_id, "limit": limit}
    with conn.cursor(row_factory=kwargs_row(_decision)) as cursor:
        return cursor.execute(_SQL["waiting"], asked).fetchall()


def steps(conn: Connection, decision_id: int) -> list[Step]:
    """List the steps that were taken with a decision, the first first.

    Args:
        conn: In a transaction that shows the actor's sites.
        decision_id: Its number.

    Returns:
        The steps.
    """
    with conn.cursor(row_factory=kwargs_row(_step)) as cursor:
        return cursor.execute(_SQL["steps"], {"decision_id": decision_id}).fetchall()


def allowances(conn: Connection, decision: Decision, roles: Sequence[str]) -> list[Allowance]:
    """Say what each of some roles may approve of a decision's kind.

    Args:
        conn: In a transaction.
        decision: The decision.
        roles: Roles held at its site.

    Returns:
        One per role, in their order.
    """
    asked = {
        "roles": list(roles),
        "site": decision.site,
        "kind": decision.kind,
        "currency": decision.currency,
    }
    with conn.cursor(row_factory=class_row(Allowance)) as cursor:
        return cursor.execute(_SQL["allowances"], asked).fetchall()


def spent(conn: Connection, decision_id: int, person: str) -> Decimal:
    """Add up what a person has approved of a decision's item today, holding their further approvals of it.

    Args:
        conn: In a transaction.
        decision_id: The decision, which is not counted itself.
        person: Actor id.

    Returns:
        The worth, in the decision's currency; >= 0.
    """
    row = conn.execute(_SQL["spent"], {"person": person, "decision_id": decision_id}).fetchone()
    return Decimal(0) if row is None else Decimal(row[0])


def step(conn: Connection, statement: str, decision_id: int, /, **parameters: Any) -> None:
    """Take a step; the database refuses one that does not follow.

    Args:
        conn: In a transaction whose actor the database knows.
        statement: Name in `queries.sql`.
        decision_id: The decision.
        **parameters: The statement's parameters; mappings are stored as JSON.
    """
    values = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in parameters.items()}
    conn.execute(_SQL[statement], {"decision_id": decision_id, **values})


def limits(conn: Connection, kind: type[Row], *, site: str | None, after: int, limit: int) -> list[Row]:
    """List approval limits by number.

    Args:
        conn: In a transaction that shows the actor's sites.
        kind: What each row becomes.
        site: Only of this site, and those of every site.
        after: Only numbers above this one.
        limit: Most to give.

    Returns:
        The limits.
    """
    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(_SQL["limits"], {"site": site, "after": after, "limit": limit}).fetchall()


def put_limit(conn: Connection, **columns: Any) -> int | None:
    """Set an approval limit.

    Args:
        conn: In a transaction whose actor the database knows.
        **columns: `site`, `kind`, `role`, `currency`, `self_limit`, `limit` and `actor`.

    Returns:
        Its number, or None if there is no such site.
    """
    row = conn.execute(_SQL["put_limit"], columns).fetchone()
    return None if row is None else int(row[0])


def remove_limit(conn: Connection, limit_id: int) -> None:
    """Take an approval limit away.

    Args:
        conn: In a transaction whose actor the database knows.
        limit_id: Its number.
    """
    conn.execute(_SQL["remove_limit"], {"limit_id": limit_id})


def _decision(*, state: str, **fields: Any) -> Decision:
    return Decision(state=State(state), **fields)


def _step(*, from_state: str | None, to_state: str, **fields: Any) -> Step:
    return Step(from_state=State(from_state) if from_state else None, to_state=State(to_state), **fields)


def _content(paper: Draft) -> dict[str, Any]:
    def json(value: Json) -> Jsonb:
        return Jsonb(dict(value))

    return {
        "kind": paper.kind,
        "site": paper.site,
        "subject": paper.subject,
        "item": paper.item,
        "reason": paper.reason,
        "note": paper.note,
        "value": paper.value,
        "currency": paper.currency,
        "evidence": json(paper.evidence),
        "inputs": json(paper.inputs),
        "parameters": json(paper.parameters),
        "effect": json(paper.effect),
    }
