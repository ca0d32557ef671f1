"""What arrives after a count was settled: its records are derived anew (DOMAIN D7)."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

import orjson

from cloud.alerts import service as alerts
from cloud.counting import adjustments, reading, store
from cloud.counting.domain import VarianceRow, Verdict, judged
from cloud.counting.notices import about_questions, about_variance, questions_key
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from contracts.base import epoch_from_int, epoch_to_int
from contracts.records import RowRef

AT_ONCE: Final = 500
"""Counts that are looked at again before new ones have their turn: late facts may touch thousands."""


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
