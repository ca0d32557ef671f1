"""Answers to cards: one posting each, once whatever the number of people and retries (DOMAIN D2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.crossings import store
from cloud.crossings.domain import (
    ANSWERERS,
    ESCALATES_AFTER,
    Answer,
    CrossingRow,
    NotAskedError,
    RecordRow,
    UnknownCrossingError,
    VisitRow,
    answered_before,
    claim_of,
)
from cloud.crossings.postings import MISREAD, attachment, leg, way_back
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.domain import AlreadyClaimedError, CloudStatement, Posted, PostingKind
from cloud.ledger.manual import MAY_MOVE
from cloud.ledger.posting import Posting
from cloud.ledger.store import command
from cloud.ledger.writing import reversal_claim
from contracts.base import epoch_from_int, epoch_to_int
from contracts.records import RowRef

OVERDUE: Final = "dock_cards_waiting"
"""Kind of the ticket of a door whose cards have waited too long."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that was committed, as far as the caller's transaction is."""

    crossing: RowRef
    answer: Answer
    visit: str | None
    posted: Posted


def may_answer(actor: Actor, site: str) -> bool:
    """Tell whether an actor may answer cards of a site.

    Args:
        actor: Who would.
        site: Where.

    Returns:
        True if so.
    """
    return not actor.roles_anywhere.isdisjoint(ANSWERERS) and actor.narrowed(*ANSWERERS).may_see(site)


def may_take_back(actor: Actor, crossing: CrossingRow) -> bool:
    """Tell whether a crossing has something to take back as misread, and the actor may do it.

    Args:
        actor: Who would.
        crossing: What.

    Returns:
        True if so.
    """
    if not crossing.is_standing and crossing.card != "answered":
        return False
    return not actor.roles_anywhere.isdisjoint(MAY_MOVE) and actor.narrowed(*MAY_MOVE).may_see(crossing.site)


def answer(
    conn: Connection, actor: Actor, ref: RowRef, *, answer: Answer, visit: str | None = None
) -> Answered:
    """Answer a card, and post what follows from it at the crossing's own instant.

    Of a held crossing *in* and *out* post what the edge would have posted; of a posted one that asks for its
    visit the same direction, or `choose_visit`, attaches it, and another answer takes back what stands first.

    Args:
        conn: A connection inside a transaction that the caller commits directly after.
        actor: An operator, supervisor or inventory controller of the crossing's site; to take back what
            stands posted, one of the latter two.
        ref: The crossing.
        answer: What was said; not `misread`, which is `take_back`.
        visit: The visit it belongs to; None keeps the one the edge knew, or none.

    Returns:
        The answer with its posting.

    Raises:
        AnsweredError: If somebody answered before.
        UnknownCrossingError: If the actor's sites hold no such crossing.
        NotAskedError: If the crossing needs no person, or not this.
        NotAllowedError: If the actor may not.
    """
    within = actor.narrowed(*ANSWERERS)
    crossing = _found(conn, within, ref)
    if crossing.card == "answered":
        raise answered_before(crossing)
    if crossing.card is None or answer is Answer.MISREAD:
        raise NotAskedError(
            f"crossing {crossing.name} was {crossing.posted} and asks nothing: expected a card that waits"
        )
    if answer is Answer.CHOOSE_VISIT and not crossing.is_standing:
        raise NotAskedError(
            f"crossing {crossing.name} is held: expected in, out or did_not_move before a visit can be chosen"
        )
    if visit is not None and answer is Answer.DID_NOT_MOVE:
        raise NotAskedError(f"visit {visit!r}: what did not move belongs to no visit, expected none")
    account = _account(conn, within, crossing, visit)
    posting = _claimed(conn, within, crossing)
    statements: list[CloudStatement] = []
    if crossing.is_standing and answer.value in {Answer.CHOOSE_VISIT, crossing.stands}:
        if visit is not None and account is not None:
            statements = attachment(crossing, within, visit=visit, account=account)
    else:
        if crossing.is_standing:
            within.require(*MAY_MOVE, site=crossing.site)
            statements = _undone(posting, crossing)
        statements += leg(crossing, answer, within, visit=visit, account=account)
    return _settled(posting, crossing, answer, visit, statements)


def take_back(conn: Connection, actor: Actor, ref: RowRef) -> Answered:
    """Take back what a crossing posted, by itself or by an answer, as misread; its card opens again.

    Movements are reversed and units put back where they came from, at the crossing's own instant.

    Args:
        conn: A connection inside a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of the crossing's site.
        ref: The crossing.

    Returns:
        The step with its posting.

    Raises:
        AnsweredError: If somebody took a further step meanwhile.
        UnknownCrossingError: If the actor's sites hold no such crossing.
        NotAskedError: If nothing stands posted and nobody has answered.
        NotAllowedError: If the actor may not.
    """
    within = actor.narrowed(*MAY_MOVE)
    crossing = _found(conn, within, ref)
    if not crossing.is_standing and crossing.card != "answered":
        raise NotAskedError(
            f"crossing {crossing.name} has nothing to take back: expected one that is posted or answered"
        )
    posting = _claimed(conn, within, crossing)
    return _settled(posting, crossing, Answer.MISREAD, None, _undone(posting, crossing))


def escalate(conn: Connection, *, now: datetime) -> None:
    """Raise a ticket per door whose cards wait for more than 4 hours; close those of doors that are clear.

    Args:
        conn: A connection inside a transaction.
        now: The present.
    """
    notices = [
        Notice(
            f"dock_cards:{late.site}/{late.portal}",
            OVERDUE,
            Severity.WARNING,
            f"Door {late.portal}: {late.cards} dock exception{'s' if late.cards > 1 else ''} "
            f"unanswered since {late.oldest_at:%Y-%m-%d %H:%M} UTC",
            site=late.site,
            detail={"cards": late.cards, "oldest_at": late.oldest_at.isoformat(), "portal": late.portal},
        )
        for late in store.overdue(conn, now - ESCALATES_AFTER)
    ]
    waiting = {notice.dedup_key for notice in notices}
    alerts.resolve(conn, sorted(store.open_tickets(conn, OVERDUE) - waiting))
    alerts.notice(conn, notices)


def _found(conn: Connection, within: Actor, ref: RowRef) -> CrossingRow:
    act_as(conn, within)
    asked = {"gateway": ref.gateway, "epoch": epoch_to_int(ref.epoch), "seq": ref.seq, "sites": within.reach}
    found = store.rows(conn, CrossingRow, "crossing", **asked)
    if not found:
        raise UnknownCrossingError(f"there is no crossing {ref.gateway}/{ref.epoch}/{ref.seq} at your sites")
    return found[0]


def _account(conn: Connection, within: Actor, crossing: CrossingRow, visit: str | None) -> str | None:
    """Name the clearing account of a chosen visit, which must be one that is open at the site."""
    if visit is None or visit == crossing.visit:
        return None
    visits = store.rows(conn, VisitRow, "open_visits", sites=within.reach)
    found = [row for row in visits if (row.site, row.visit) == (crossing.site, visit)]
    if not found:
        known = ", ".join(row.visit for row in visits if row.site == crossing.site) or "none is"
        raise NotAskedError(f"visit {visit!r} is not open at site {crossing.site!r}: expected one of {known}")
    return found[0].clearing_account


def _claimed(conn: Connection, within: Actor, crossing: CrossingRow) -> Posting:
    """Open the posting that takes the crossing's next step; of two people one gets it."""
    posting = Posting(conn, within, PostingKind.STATEMENT)
    try:
        posting.claim([claim_of(crossing)])
    except AlreadyClaimedError as error:
        raise answered_before(_found(conn, within, crossing.ref)) from error
    return posting


def _settled(
    posting: Posting,
    crossing: CrossingRow,
    answer: Answer,
    visit: str | None,
    statements: list[CloudStatement],
) -> Answered:
    posting.write(statements=statements)
    store.add_answer(posting.conn, crossing, answer, visit=visit, actor=posting.actor.id)
    detail = {"answer": answer.value, "visit": visit, "step": crossing.step + 1, "epc": crossing.epc}
    posting.audit("crossing_answered", f"crossing:{crossing.name}", crossing.site, detail)
    return Answered(crossing.ref, answer, visit, posting.close())


def _undone(posting: Posting, crossing: CrossingRow) -> list[CloudStatement]:
    """Reverse the movements that rest on a crossing; give the statements that put its unit back."""
    asked = {"gateway": crossing.gateway, "epoch": crossing.epoch, "seq": crossing.seq}
    within = posting.actor
    records = store.rows(posting.conn, RecordRow, "records", sites=within.reach, **asked)
    for record in records:
        if record.kind == "movement" and not record.is_reversed and not record.is_reversal:
            ref = {"gateway": record.gateway, "epoch": record.epoch, "seq": record.seq}
            epoch = epoch_from_int(record.epoch)
            posting.claim([reversal_claim(RowRef(gateway=record.gateway, epoch=epoch, seq=record.seq))])
            arguments = {"sites": within.reach, "actor": within.id, "reason": MISREAD}
            command(posting.conn, "reverse_movement", ref | arguments)
    positions = [record for record in records if record.kind == "unit_position"]
    if positions and positions[-1].reason != MISREAD:
        return [way_back(crossing, within, positions[-1])]
    return []
