"""What late facts made of applied adjustments: returned to an approver, or let go at their no (P8)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.counting import adjustments, reading, store
from cloud.counting.domain import TICKET_KIND, VarianceRow, Verdict, judged
from cloud.counting.notices import about_variance
from cloud.db import Connection
from cloud.decisions import service as decisions
from cloud.decisions import store as decision_store
from cloud.decisions.domain import Json, State
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from contracts.base import epoch_from_int
from contracts.records import RowRef

_AT_ONCE: Final = 200


class Pending(NamedTuple):
    """A cell whose count and book differ until an approver has decided on the late facts between them."""

    adjustment_id: int
    decision_id: int
    difference: Decimal
    """Counted less book, in base units of the cell's own item."""
    gateway: str
    epoch: int
    seq: int
    line_no: int


def return_pending(conn: Connection, job: Actor) -> dict[str, int]:
    """Ask approvers about applied adjustments that late facts took above their limit, and heed their no.

    Who refuses to move the difference leaves the book as the facts say; the count binds its cell no more, the
    record is derived anew and open until somebody counts again.

    Args:
        conn: In a transaction.
        job: Who noticed.

    Returns:
        How many decisions were ``returned``, and how many ``released``.
    """
    act_as(conn, job)
    waiting = sorted({anchor.decision_id for anchor in pending(conn, None)})
    for decision_id in waiting:
        decision_store.hold(conn, decision_id)
    done = {"returned": 0, "released": 0}
    for decision_id in waiting:
        anchors = pending(conn, decision_id)
        row = _record(conn, anchors[0]) if anchors else None
        if row is None:
            continue
        if row.decision_state == State.APPLIED:
            _return(conn, job, row, anchors)
            done["returned"] += 1
        elif row.decision_state == State.REJECTED:
            _release(conn, job, row, anchors)
            done["released"] += 1
    return done


def pending(conn: Connection, decision_id: int | None) -> list[Pending]:
    """List the cells that late facts took away from the count they are bound to.

    Args:
        conn: In a transaction that shows the sites.
        decision_id: Those that this decision bound; None: some of which nobody was asked yet, or
            somebody refused.

    Returns:
        One per cell, in the order in which they were bound.
    """
    limit = _AT_ONCE if decision_id is None else None
    return store.rows(conn, Pending, "pending_anchors", decision_id=decision_id, limit=limit)


def pending_effect(row: VarianceRow, anchors: Sequence[Pending]) -> Json:
    """Say what approving late facts does.

    Args:
        row: The record whose adjustment was applied.
        anchors: Its cells, as `pending` lists them.

    Returns:
        The effect, for people and for the carrier.
    """
    total = _total(anchors)
    return {
        "summary": (
            f"Keep {row.item} at {row.place} at the count of {row.observed_at:%Y-%m-%d %H:%M} UTC: "
            f"late facts leave {total.normalize():+f} {row.base_unit} to adjust"
        ),
        "pending": [{"adjustment": one.adjustment_id, "expected": str(one.difference)} for one in anchors],
        "difference": str(total),
        "observed_at": row.observed_at.isoformat(),
    }


def worth(row: VarianceRow, anchors: Sequence[Pending]) -> Decimal | None:
    """Say what following late facts is worth.

    Args:
        row: The record whose adjustment was applied.
        anchors: Its cells, as `pending` lists them.

    Returns:
        The value, or None where nobody knows the cost.
    """
    return None if row.cost is None else row.cost * _total(anchors)


def _total(anchors: Sequence[Pending]) -> Decimal:
    return sum((one.difference for one in anchors), Decimal(0))


def _return(conn: Connection, job: Actor, row: VarianceRow, anchors: Sequence[Pending]) -> None:
    decisions.revise(
        conn,
        job,
        anchors[0].decision_id,
        effect=pending_effect(row, anchors),
        value=worth(row, anchors),
        currency=row.currency,
        why="facts that arrived late would move more than the approver's limit",
    )
    summary = f"{row.place}: {row.item}: facts that arrived late wait for an approver again"
    detail: dict[str, JsonValue] = {
        "variance": row.name,
        "page_url": f"/counts/{row.count_name}#record-{row.line_no}",
    }
    alerts.notice(
        conn, [Notice(row.subject, TICKET_KIND, Severity.WARNING, summary, site=row.site, detail=detail)]
    )


def _release(conn: Connection, job: Actor, row: VarianceRow, anchors: Sequence[Pending]) -> None:
    detail = {
        "decision": row.decision_id,
        "refused_by": row.approver,
        "difference": _total(anchors),
        "adjustments": [one.adjustment_id for one in anchors],
    }
    audit(conn, job.id, "adjustment_released", row.subject, site=row.site, detail=detail)
    for one in anchors:
        store.tuples(conn, "release_anchor", adjustment_id=one.adjustment_id)
    derived = reading.records(conn, row.ref, is_settled=False)
    found = [one for one in derived if one.line_no == row.line_no]
    if not found:  # its item was merged with that of another line, whose record tells of both
        alerts.resolve(conn, [row.subject])
        return
    now = judged(replace(found[0], tolerance=row.tolerance))
    store.change(conn, "released", verdict=now.state, **adjustments.stored(now))
    if now.state == Verdict.BEYOND:
        alerts.notice(conn, [about_variance(now)])
    else:
        alerts.resolve(conn, [now.subject])


def _record(conn: Connection, anchor: Pending) -> VarianceRow | None:
    ref = RowRef(gateway=anchor.gateway, epoch=epoch_from_int(anchor.epoch), seq=anchor.seq)
    rows = [row for row in reading.records(conn, ref, is_settled=True) if row.line_no == anchor.line_no]
    return rows[0] if rows else None
