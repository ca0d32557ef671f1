"""The decision a variance leads to: drafted for its counter or by hand, changed by late facts, withdrawn."""

from typing import Final

import orjson
from pydantic import JsonValue

from cloud.counting import reading, store
from cloud.counting.domain import (
    ADJUSTMENT_KIND,
    PROPOSERS,
    NotPossibleError,
    UnknownCountError,
    VarianceRow,
    Verdict,
    targets,
)
from cloud.counting.notices import in_words
from cloud.db import Connection
from cloud.decisions import service as decisions
from cloud.decisions import store as decision_store
from cloud.decisions.domain import WITHDRAWN, Decision, Draft, State
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from contracts.records import RowRef

REASON: Final = "count_variance"


def person(counted_by: str) -> str:
    """Name a counter as an actor: a badge's name stands for the person of that name.

    Args:
        counted_by: As the count carries it.

    Returns:
        Actor id.

    Examples:
        >>> person("ann"), person("user:ann")
        ('user:ann', 'user:ann')
    """
    return counted_by if ":" in counted_by else f"user:{counted_by}"


def propose_for_counter(conn: Connection, job: Actor, row: VarianceRow) -> Decision | None:
    """Draft and submit the adjustment of a record for whoever counted it.

    Without a known counter nobody could be kept from approving their own work, so nothing is drafted
    (DOMAIN D8); nor where the count does not say which cells would change.

    Args:
        conn: In a transaction.
        job: Who found it.
        row: A settled record beyond its tolerance.

    Returns:
        The decision, or None.
    """
    if row.counted_by is None:
        return None
    try:
        effect = effect_of(row)
    except NotPossibleError:
        return None
    return _drafted(conn, job, row, effect, author=person(row.counted_by), contributors=())


def propose(conn: Connection, actor: Actor, ref: RowRef, line_no: int, *, note: str = "") -> Decision:
    """Ask by hand for the adjustment of a record that has no decision.

    Args:
        conn: In a transaction.
        actor: A supervisor or inventory controller of the site; answers for it beside the counter.
        ref: The count.
        line_no: Of the record.
        note: For the approver.

    Returns:
        The submitted decision.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownCountError: If the actor's sites hold no such settled record.
        NotPossibleError: If it is not beyond its tolerance, or does not say which cells would change.
        WrongStateError: If a decision on it stands already.
    """
    within = actor.narrowed(*PROPOSERS)
    act_as(conn, within)
    rows = [row for row in reading.held(conn, ref) if row.line_no == line_no]
    if not rows:
        raise UnknownCountError(
            f"there is no settled variance {ref.gateway}/{ref.epoch}/{ref.seq}/{line_no} at your sites"
        )
    row = rows[0]
    if row.verdict != Verdict.BEYOND:
        raise NotPossibleError(f"{row.name}: {row.item} is {row.state}: expected one beyond its tolerance")
    contributors = () if row.counted_by is None else (person(row.counted_by),)
    return _drafted(conn, within, row, effect_of(row), author=within.id, contributors=contributors, note=note)


def effect_of(row: VarianceRow) -> dict[str, JsonValue]:
    """Say what an adjustment of a record does: which cells it binds to what, from which book.

    Args:
        row: A record that was counted.

    Returns:
        The effect, for people and for the carrier.

    Raises:
        NotPossibleError: If the count does not say which cells would change.
    """
    bound = targets(row)
    return {
        "summary": f"Adjust {in_words(row)}",
        "counted": str(row.counted),
        "book": str(row.book),
        "difference": str(row.difference),
        "observed_at": row.observed_at.isoformat(),
        "cells": [
            {"cell": cell.cell_id, "book": str(cell.book), "counted": str(cell.counted)} for cell in bound
        ],
    }


def evidence_of(row: VarianceRow) -> dict[str, JsonValue]:
    """Say what an adjustment rests on.

    Args:
        row: A record that was counted.

    Returns:
        The evidence.
    """
    return {
        "count": row.count_name,
        "page_url": f"/counts/{row.count_name}",
        "counted_by": row.counted_by,
        "device": row.device,
        "observed_at": row.observed_at.isoformat(),
        "uncertainty_s": row.uncertainty_s,
        "is_blind": row.is_blind,
        "possible_differences": [str(difference) for difference in row.differences],
        "forced_reason": row.forced_reason,
        "counted_with_more_cells": len(row.cells) > 1,
    }


def stored(row: VarianceRow) -> dict[str, object]:
    """Give what of a record may change, as the database keeps it.

    Args:
        row: A judged record.

    Returns:
        Parameters of the statements that store it.
    """
    return {
        "book": row.book,
        "books": list(row.books),
        "cost": row.cost,
        "currency": row.currency,
        "is_within": row.is_within,
        "cells": orjson.dumps([dict(cell) for cell in row.cells]).decode(),
        "subject": row.subject,
    }


def follow(conn: Connection, job: Actor, before: VarianceRow, row: VarianceRow) -> None:
    """Let late facts change the decision on a record, or draft one where none stands.

    Whoever approves looks again. What somebody refused or took back stays so while the record stays beyond
    its tolerance.

    Args:
        conn: In a transaction that holds the record's decision.
        job: Who noticed.
        before: The record as it was.
        row: As it is now, beyond its tolerance, with its decision.
    """
    standing = _standing(conn, row)
    if standing is None or before.verdict != Verdict.BEYOND or _is_let_go(standing):
        propose_for_counter(conn, job, row)
        return
    if standing.state not in {State.DRAFT, State.SUBMITTED, State.APPROVED}:
        return
    try:
        effect = effect_of(row)
    except NotPossibleError as error:
        decisions.withdraw(conn, job, standing.decision_id, note=str(error))
        return
    decisions.revise(
        conn,
        job,
        standing.decision_id,
        effect=effect,
        value=row.value,
        currency=row.currency,
        evidence=evidence_of(row),
        why=f"later facts: the book is {row.book.normalize():f} now",
    )


def withdraw(conn: Connection, job: Actor, row: VarianceRow, why: str) -> None:
    """Take back the decision on a record that needs none any more.

    Args:
        conn: In a transaction.
        job: Who noticed.
        row: The record, with its decision.
        why: For people.
    """
    standing = _standing(conn, row)
    if standing is not None and standing.state in {State.DRAFT, State.SUBMITTED}:
        decisions.withdraw(conn, job, standing.decision_id, note=why)


def _drafted(
    conn: Connection,
    actor: Actor,
    row: VarianceRow,
    effect: dict[str, JsonValue],
    *,
    author: str,
    contributors: tuple[str, ...],
    note: str = "",
) -> Decision:
    paper = Draft(
        kind=ADJUSTMENT_KIND,
        site=row.site,
        subject=row.subject,
        reason=REASON,
        effect=effect,
        evidence=evidence_of(row),
        inputs={"as_of": row.observed_at.isoformat(), "settled_at": _iso(row), "position": row.position},
        parameters={
            "tolerance": dict(row.tolerance or {}),
            "cost": None if row.cost is None else str(row.cost),
        },
        value=row.value,
        currency=row.currency,
        item=row.item,
        author=author,
        contributors=contributors,
        note=note,
    )
    decision = decisions.submit(conn, actor, decisions.draft(conn, actor, paper).decision_id)
    store.change(conn, "set_decision", subject=row.subject, decision_id=decision.decision_id)
    return decision


def _is_let_go(decision: Decision) -> bool:
    """Whether a job took the decision back, as the facts were then."""
    return decision.verdict_reason == WITHDRAWN and (decision.approver or "").startswith("job:")


def _iso(row: VarianceRow) -> str | None:
    return None if row.settled_at is None else row.settled_at.isoformat()


def _standing(conn: Connection, row: VarianceRow) -> Decision | None:
    return None if row.decision_id is None else decision_store.find(conn, row.decision_id)
