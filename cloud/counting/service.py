"""From provisional to final: counts are settled once; what they found is told and proposed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from cloud.alerts import service as alerts
from cloud.counting import adjustments, late_facts, reading, returns, store
from cloud.counting.domain import (
    FORCERS,
    NotPossibleError,
    UnknownCountError,
    VarianceRow,
    Verdict,
)
from cloud.counting.notices import about_questions, about_variance, questions_key
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from contracts.base import epoch_from_int, epoch_to_int
from contracts.records import RowRef

JOB: Final = Actor("job:counting", frozenset({Role.DEVICE}), all_sites=True)
"""Who settles counts when nobody is asked to."""
_AT_ONCE: Final = 200


def settle(source: Source, actor: Actor, now: datetime) -> dict[str, int]:
    """Settle every count that the watermark has passed, and look again at what is settled but not decided.

    Each count in a transaction of its own, once whatever the number of those who settle.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites, as `JOB`.
        now: The present.

    Returns:
        How many counts were ``settled``, records ``beyond`` and ``unreported`` among them, and open ones
        ``superseded``; settled ones ``changed`` by late facts, and adjusted ones ``returned`` to their
        approver or ``released`` since they refused.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    del now  # settled_at is the database's own clock, like the watermark
    done: Counter[str] = Counter()
    for ref in in_transaction(source, lambda conn: _due(conn, actor)):
        done.update(in_transaction(source, partial(_settled, actor=actor, ref=ref)))
    for ref, line_no, by in in_transaction(source, lambda conn: _superseded(conn, actor)):
        letting_go = partial(_let_go, actor=actor, ref=ref, line_no=line_no, by=by)
        done["superseded"] += in_transaction(source, letting_go)
    head, late = in_transaction(source, lambda conn: late_facts.touched(conn, actor))
    for ref in late:
        done["changed"] += in_transaction(
            source, partial(late_facts.look_again, job=actor, ref=ref, head=head)
        )
    if len(late) < late_facts.AT_ONCE:
        in_transaction(source, lambda conn: store.change(conn, "advance", position=head))
    done.update(in_transaction(source, lambda conn: returns.return_pending(conn, actor)))
    words = ("settled", "beyond", "unreported", "superseded", "changed", "returned", "released")
    return {word: done[word] for word in words}


def force(conn: Connection, actor: Actor, ref: RowRef, *, reason: str) -> list[VarianceRow]:
    """Settle a count now, though later facts may still arrive for it.

    Args:
        conn: In a transaction.
        actor: A supervisor of the count's site.
        ref: The count.
        reason: Why it cannot wait.

    Returns:
        Its records as settled.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownCountError: If the actor's sites hold no such count.
        NotPossibleError: If it is settled already.
    """
    within = actor.narrowed(*FORCERS)
    act_as(conn, within)
    name = f"{ref.gateway}/{ref.epoch}/{ref.seq}"
    position, is_open = _begun(conn, ref)
    if is_open is None:
        raise UnknownCountError(f"there is no count {name} at your sites")
    if not is_open:
        raise NotPossibleError(f"count {name} is settled already: expected a provisional one")
    rows = reading.records(conn, ref, is_settled=False)
    _settle(conn, within, ref, rows, position=position, forced_reason=reason)
    site = rows[0].site if rows else None
    audit(conn, within.id, "count_forced", f"count:{name}", site=site, detail={"reason": reason})
    return reading.records(conn, ref, is_settled=True)


def _due(conn: Connection, actor: Actor) -> list[RowRef]:
    act_as(conn, actor)
    return [
        RowRef(gateway=gateway, epoch=epoch_from_int(epoch), seq=seq)
        for gateway, epoch, seq, _site in store.tuples(conn, "due_counts", limit=_AT_ONCE)
    ]


def _settled(conn: Connection, actor: Actor, ref: RowRef) -> dict[str, int]:
    act_as(conn, actor)
    position, is_open = _begun(conn, ref)
    if not is_open:
        return {}
    rows = reading.records(conn, ref, is_settled=False)
    return _settle(conn, actor, ref, rows, position=position, forced_reason=None)


def _begun(conn: Connection, ref: RowRef) -> tuple[int, bool | None]:
    """Hold a count; tell what its book rests on at least, and whether it is open (None: not there)."""
    ((position,),) = store.tuples(conn, "begin_settling")
    held = store.tuples(conn, "hold_count", gateway=ref.gateway, epoch=epoch_to_int(ref.epoch), seq=ref.seq)
    return position, held[0][0] if held else None


def _settle(
    conn: Connection,
    actor: Actor,
    ref: RowRef,
    rows: Sequence[VarianceRow],
    *,
    position: int,
    forced_reason: str | None,
) -> dict[str, int]:
    name = {"gateway": ref.gateway, "epoch": epoch_to_int(ref.epoch), "seq": ref.seq}
    store.change(conn, "settle_count", by=actor.id, reason=forced_reason, position=position, **name)
    for row in rows:
        late_facts.add(conn, row)
    beyond = [row for row in rows if row.state == Verdict.BEYOND]
    for row in beyond:
        adjustments.propose_for_counter(conn, JOB, replace(row, forced_reason=forced_reason))
    questions = [row for row in rows if row.state == Verdict.UNREPORTED]
    alerts.notice(conn, [about_variance(row) for row in beyond])
    if questions:
        alerts.notice(conn, [about_questions(questions)])
    return {"settled": 1, "beyond": len(beyond), "unreported": len(questions)}


def _superseded(conn: Connection, actor: Actor) -> list[tuple[RowRef, int, str]]:
    act_as(conn, actor)
    return [
        (RowRef(gateway=gateway, epoch=epoch_from_int(epoch), seq=seq), line_no, by)
        for gateway, epoch, seq, line_no, by in store.tuples(conn, "superseded_variances", limit=_AT_ONCE)
    ]


def _let_go(conn: Connection, actor: Actor, ref: RowRef, line_no: int, by: str) -> int:
    """Leave an open record to the later count; its question is answered, its decision is not needed."""
    act_as(conn, actor)
    (row,) = [row for row in reading.held(conn, ref) if row.line_no == line_no]
    if not store.change(conn, "set_verdict", subject=row.subject, verdict=Verdict.SUPERSEDED.value):
        return 0
    if row.counted is None:
        name = {"gateway": row.gateway, "epoch": row.epoch, "seq": row.seq}
        if not store.tuples(conn, "open_questions", **name)[0][0]:
            alerts.resolve(conn, [questions_key(row)])
        return 1
    alerts.resolve(conn, [row.subject])
    adjustments.withdraw(conn, JOB, row, f"count {by} is later and wins")
    return 1
