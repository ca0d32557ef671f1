"""What arrives after a count was settled: records derived anew, adjustments asked about again (DOMAIN D7)."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import orjson
from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.counting import adjustments, reading, store
from cloud.counting.domain import TICKET_KIND, VarianceRow, Verdict, judged
from cloud.counting.notices import about_questions, about_variance, questions_key
from cloud.db import Connection
from cloud.decisions import service as decisions
from cloud.decisions import store as decision_store
from cloud.decisions.domain import Json, State
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from contracts.base import epoch_from_int, epoch_to_int
from contracts.records import RowRef

AT_ONCE: Final = 500
"""Counts that are looked at again before new ones have their turn: late facts may touch thousands."""
_RETURNED_AT_ONCE: Final = 200


def touched(conn: Connection, job: Actor) -> tuple[int, list[RowRef]]:
    """Find the settled counts that facts concern which were posted since facts were looked through last.

    Waits for counts that are being settled, and they for it: none derives its book before a fact and is
    stored after the fact was passed by.

    Args:
        conn: In a transaction.
        job: Who looks.

    Returns:
        How far the ledger was looked through, and the counts, the latest first; with `AT_ONCE` of them there
        may be more, which are found when these have been looked at.
    """
    act_as(conn, job)
    ((above, head),) = store.tuples(conn, "begin_looking")
    late = store.tuples(conn, "late_counts", above=above, up_to=head, limit=AT_ONCE) if head > above else []
    return head, [
        RowRef(gateway=gateway, epoch=epoch_from_int(epoch), seq=seq) for gateway, epoch, seq in late
    ]


def look_again(conn: Connection, job: Actor, ref: RowRef, head: int) -> int:
    """Derive a settled count anew: late facts may explain a difference, change it or first show it.

    What was adjusted already stays: its cells are bound, and the ledger has followed or asks (PROTOCOL P8).

    Args:
        conn: In a transaction.
        job: Who looks.
        ref: The count.
        head: How far the ledger was looked through.

    Returns:
        How many of its records are others now.
    """
    act_as(conn, job)
    stored = {_key(row): row for row in reading.held(conn, ref)}
    name = {"gateway": ref.gateway, "epoch": epoch_to_int(ref.epoch), "seq": ref.seq}
    store.change(conn, "looked_at", position=head, **name)
    derived = {_key(row): row for row in reading.records(conn, ref, is_settled=False)}
    changed = []
    for key, before in stored.items():
        now = derived.get(key) or _emptied(before)
        if _differs(before, now):
            changed.append(_changed(conn, job, before, now))
    fresh = [row for key, row in derived.items() if key not in stored and row.counted is None]
    last = min([0, *(row.line_no for row in stored.values())])
    if fresh and not _is_counted_later(conn, fresh[0]):
        for nth, row in enumerate(fresh, start=1):
            add(conn, replace(row, line_no=last - nth))
            changed.append(row)
    if any(row.counted is None for row in changed):
        _ask(conn, reading.records(conn, ref, is_settled=True))
    return len(changed)


def add(conn: Connection, row: VarianceRow) -> None:
    """Store a record as it was derived.

    Args:
        conn: In a transaction that holds the count.
        row: A judged record.
    """
    store.change(
        conn,
        "add_variance",
        gateway_key=row.gateway_key,
        epoch=row.epoch,
        seq=row.seq,
        observed_at=row.observed_at,
        line_no=row.line_no,
        site=row.site,
        item_id=row.item_id,
        place_id=row.place_id,
        lot=row.lot,
        disposition=row.disposition,
        owner=row.owner,
        counted=row.counted,
        tolerance=orjson.dumps(row.tolerance or {}).decode(),
        stated_cell=row.stated_cell,
        verdict=row.state,
        **adjustments.stored(row),
    )


def _key(row: VarianceRow) -> Hashable:
    """Name a record within its count; what was not reported is numbered anew each time it is derived."""
    return row.line_no if row.counted is not None else (row.item_id, row.lot)


def _emptied(row: VarianceRow) -> VarianceRow:
    """Give a question about what the book holds no more."""
    if row.counted is not None:
        return row  # its items were merged since: as another record it has no line of this number
    return replace(row, book=Decimal(0), books=(Decimal(0),), cells=(), verdict=Verdict.WITHIN.value)


def _differs(before: VarianceRow, now: VarianceRow) -> bool:
    if before.verdict == Verdict.ADJUSTED or now.counted != before.counted:
        return False
    return (now.book, list(now.books), list(now.cells)) != (
        before.book,
        list(before.books),
        list(before.cells),
    )


def _changed(conn: Connection, job: Actor, before: VarianceRow, now: VarianceRow) -> VarianceRow:
    """Store what became of a record, and tell or take back what follows from it."""
    row = judged(
        replace(
            now,
            line_no=before.line_no,
            tolerance=before.tolerance,
            decision_id=before.decision_id,
            anchor_state=before.anchor_state,
        )
    )
    verdict = _verdict(conn, before, row)
    store.change(conn, "update_variance", verdict=verdict.value, **adjustments.stored(row))
    if row.counted is None:
        return row
    if verdict is Verdict.BEYOND:
        alerts.notice(conn, [about_variance(row)])
        adjustments.follow(conn, job, before, row)
    elif before.verdict == Verdict.BEYOND:
        alerts.resolve(conn, [row.subject])
        adjustments.withdraw(conn, job, before, "later facts explain the difference")
    return row


def _verdict(conn: Connection, before: VarianceRow, row: VarianceRow) -> Verdict:
    """Judge a record as if it were settled now; a later count of it, or of its bin, has the last word."""
    if before.verdict == Verdict.SUPERSEDED:
        return Verdict.SUPERSEDED
    verdict = Verdict(row.state)
    is_reopened = verdict is Verdict.UNREPORTED and before.verdict != verdict
    return Verdict.SUPERSEDED if is_reopened and _is_counted_later(conn, row) else verdict


def _is_counted_later(conn: Connection, row: VarianceRow) -> bool:
    """Whether the whole bin was counted again, so that it asks itself about what the book holds there."""
    place = {"location_id": row.location_id, "observed_at": row.observed_at}
    return bool(store.tuples(conn, "later_bin_counts", **place))


def _ask(conn: Connection, rows: Sequence[VarianceRow]) -> None:
    """Let the ticket of a count's questions say which are open now."""
    questions = [row for row in rows if row.state == Verdict.UNREPORTED]
    if questions:
        alerts.notice(conn, [about_questions(questions)])
    else:
        alerts.resolve(conn, [questions_key(row) for row in rows[:1]])


def return_pending(conn: Connection, job: Actor) -> dict[str, int]:
    """Ask approvers again about what late facts made of applied adjustments (PROTOCOL P8), and heed their no.

    Who refuses to move the difference leaves the book as the facts say; the count binds its cell no more, the
    record is derived anew and open until somebody counts again.

    Args:
        conn: In a transaction.
        job: Who noticed.

    Returns:
        How many decisions were ``returned``, and how many ``released``.
    """
    act_as(conn, job)
    waiting = {found[2] for found in store.tuples(conn, "pending_anchors", limit=_RETURNED_AT_ONCE)}
    for decision_id in sorted(waiting):
        decision_store.hold(conn, decision_id)
    by_decision: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for found in store.tuples(conn, "pending_anchors", limit=_RETURNED_AT_ONCE):
        if found[2] in waiting:
            by_decision[found[2]].append(found)
    done = {"returned": 0, "released": 0}
    for decision_id, anchors in by_decision.items():
        row = _record(conn, anchors[0])
        if row is None or row.decision_id != decision_id:
            continue
        if row.decision_state == State.APPLIED:
            _return(conn, job, row, anchors)
            done["returned"] += 1
        elif row.decision_state == State.REJECTED:
            _release(conn, job, row, anchors)
            done["released"] += 1
    return done


def pending_effect(row: VarianceRow, anchors: list[tuple[Any, ...]]) -> Json:
    """Say what approving late facts does.

    Args:
        row: The record whose adjustment was applied.
        anchors: Rows of `pending_anchors` of that record.

    Returns:
        The effect, for people and for the carrier.
    """
    total = _total(anchors)
    return {
        "summary": (
            f"Keep {row.item} at {row.place} at the count of {row.observed_at:%Y-%m-%d %H:%M} UTC: "
            f"late facts leave {total.normalize():+f} {row.base_unit} to adjust"
        ),
        "pending": [{"adjustment": anchor[0], "expected": str(anchor[4])} for anchor in anchors],
        "difference": str(total),
        "observed_at": row.observed_at.isoformat(),
    }


def worth(row: VarianceRow, anchors: list[tuple[Any, ...]]) -> Decimal | None:
    """Say what following late facts is worth.

    Args:
        row: The record whose adjustment was applied.
        anchors: Rows of `pending_anchors` of that record.

    Returns:
        The value, or None where nobody knows the cost.
    """
    return None if row.cost is None else row.cost * _total(anchors)


def _total(anchors: list[tuple[Any, ...]]) -> Decimal:
    return sum((anchor[4] for anchor in anchors), Decimal(0))


def _return(conn: Connection, job: Actor, row: VarianceRow, anchors: list[tuple[Any, ...]]) -> None:
    decisions.revise(
        conn,
        job,
        anchors[0][2],
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


def _release(conn: Connection, job: Actor, row: VarianceRow, anchors: list[tuple[Any, ...]]) -> None:
    detail = {
        "decision": row.decision_id,
        "refused_by": row.approver,
        "difference": _total(anchors),
        "adjustments": [anchor[0] for anchor in anchors],
    }
    store.audit(conn, job.id, "adjustment_released", row.subject, site=row.site, detail=detail)
    for anchor in anchors:
        store.tuples(conn, "release_anchor", adjustment_id=anchor[0])
    (now,) = [one for one in reading.records(conn, row.ref, is_settled=False) if one.line_no == row.line_no]
    now = judged(replace(now, tolerance=row.tolerance))
    store.change(conn, "released", verdict=now.state, **adjustments.stored(now))
    if now.state == Verdict.BEYOND:
        alerts.notice(conn, [about_variance(now)])
    else:
        alerts.resolve(conn, [now.subject])


def _record(conn: Connection, anchor: tuple[Any, ...]) -> VarianceRow | None:
    ref = RowRef(gateway=anchor[5], epoch=epoch_from_int(anchor[6]), seq=anchor[7])
    rows = [row for row in reading.records(conn, ref, is_settled=True) if row.line_no == anchor[8]]
    return rows[0] if rows else None
