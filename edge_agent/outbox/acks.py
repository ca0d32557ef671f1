"""Applies the ledger's acknowledgements: believes only what names our own bytes (PROTOCOL P3)."""

from dataclasses import replace
from typing import Final

from contracts.base import NO_PREDECESSOR
from contracts.feedback import Ack, StoredAs
from contracts.records import WorkflowEvent
from edge_agent.clock import Stamp
from edge_agent.outbox.book import Book
from edge_agent.outbox.domain import AckOutcome, Epoch, to_us
from edge_agent.outbox.draft import draft
from edge_agent.outbox.errors import FormerLedgerError, UnknownLedgerError

LIVE_CAN_WAIT_FOR: Final = 16
"""When more batches than this go out again, they do so as a backlog beside the live rows."""
_OLDER: Final = "ack_is_older"
_PAST: Final = "past "
"""Before a wish that was answered and is no longer asked for: if it is asked for anew, it is a new one."""


def meet_ledger(book: Book, ledger_id: str, *, now: Stamp) -> int:
    """Take note of which ledger answers; one never met was restored, and lacks what came since its backup.

    Args:
        book: The outbox's books.
        ledger_id: As the cloud names it.
        now: The time.

    Returns:
        How many acknowledged batches go out once more.

    Raises:
        FormerLedgerError: If another ledger has replaced it; nothing was changed.
    """
    ledgers = _ledgers(book)
    if ledger_id not in ledgers:
        return _follow(book, ledger_id, is_first=not ledgers, now=now)
    if not ledgers[ledger_id]:
        raise FormerLedgerError(
            f"ledger {ledger_id} speaks, but another has replaced it: if it is the right one, stop the agent "
            f"and run `edge-agent outbox accept-ledger {ledger_id}`"
        )
    return 0


def accept_ledger(book: Book, ledger_id: str, *, now: Stamp) -> int:
    """Go back to a ledger that another one had replaced, because a person says that it is the right one.

    Args:
        book: The outbox's books.
        ledger_id: A ledger met before.
        now: The time.

    Returns:
        How many acknowledged batches go out once more; 0 if it is the current one.

    Raises:
        UnknownLedgerError: If it was never met.
    """
    ledgers = dict(book.store.rows("ledgers"))
    if ledger_id not in ledgers:
        met = ", ".join(ledgers) or "none"
        raise UnknownLedgerError(f"ledger {ledger_id!r} was never met; expected one of: {met}")
    return 0 if ledgers[ledger_id] else _follow(book, ledger_id, is_first=False, now=now)


def apply_ack(book: Book, ack: Ack, *, gateway: str, now: Stamp) -> AckOutcome:
    """Mark what the ledger holds, keep what it refused, and put up again what it lost.

    Args:
        book: The outbox's books.
        ack: As it came from the broker; retained and stale ones are harmless.
        gateway: This gateway's id.
        now: The time, from which the retention of acknowledged batches counts.

    Returns:
        What was done, or why nothing was.
    """
    epoch = book.epoch_named(ack.epoch)
    ledgers = _ledgers(book)
    reason = _reason_to_ignore(epoch, ack, ledgers, gateway)
    if epoch is not None and reason == _OLDER and (late := _what_does_not_age(epoch, ack)) is not None:
        ack, reason = late, None
    if reason is not None:
        return AckOutcome(ignored=reason)
    sent_again = 0
    with book.store.transaction():
        if ack.ledger_id not in ledgers:
            sent_again += _change_ledger(book, ack.ledger_id, is_first=not ledgers)
        outcome = AckOutcome()
        if epoch is not None:
            outcome = _apply_to_epoch(book, epoch, ack, to_us(now.at))
            sent_again += _answer_resends(book, epoch, ack)
    if outcome.conflicts and epoch is book.live:
        book.open_epoch("fork")
    else:
        _let_live_rows_pass(book, sent_again, now)
    return replace(outcome, sent_again=sent_again)


def _ledgers(book: Book) -> dict[str, int]:
    """Read which ledgers were met and which of them is current; none, if the file has forgotten that."""
    ledgers: dict[str, int] = dict(book.store.rows("ledgers"))
    return ledgers if any(ledgers.values()) else {}


def _follow(book: Book, ledger_id: str, *, is_first: bool, now: Stamp) -> int:
    with book.store.transaction():
        sent_again = _change_ledger(book, ledger_id, is_first=is_first)
    _let_live_rows_pass(book, sent_again, now)
    return sent_again


def _let_live_rows_pass(book: Book, sent_again: int, now: Stamp) -> None:
    """Close the epoch when much of it goes out again, by a row that says so: only a final batch ends it."""
    if sent_again <= LIVE_CAN_WAIT_FOR or book.live.is_untouched(book.newest_id):
        return
    if not book.live.has_unsealed(book.newest_id):
        last = draft(WorkflowEvent, now, workflow="outbox", step="epoch_closed", outcome="resend")
        book.append([(last.claimed_us, last.crc32, last.body)])
    book.open_epoch("resend")


def _reason_to_ignore(epoch: Epoch | None, ack: Ack, ledgers: dict[str, int], gateway: str) -> str | None:
    if ack.gateway != gateway:
        return "ack_for_other_gateway"
    if ack.ledger_id not in ledgers:
        return None
    if not ledgers[ack.ledger_id]:
        return "ack_from_former_ledger"
    if epoch is None:
        return "ack_for_unknown_epoch"
    return _OLDER if ack.position < epoch.ack_position else None


def _what_does_not_age(epoch: Epoch, ack: Ack) -> Ack | None:
    """Keep of an older ack what only it may say: it waited at the broker while newer ones came over HTTPS."""
    settled = tuple(each for each in ack.extra if each.status is StoredAs.PARTLY_QUARANTINED)
    resend = () if _wish(ack) == epoch.resend_answered.removeprefix(_PAST) else ack.resend
    if not settled and not resend:
        return None
    nothing_stored = {"contiguous_no": 0, "contiguous_sha256": NO_PREDECESSOR}
    return ack.model_copy(
        update={**nothing_stored, "position": epoch.ack_position, "extra": settled, "resend": resend}
    )


def _wish(ack: Ack) -> str:
    return ",".join(f"{each.epoch}:{each.from_batch_no}-{each.to_batch_no}" for each in ack.resend)


def _change_ledger(book: Book, ledger_id: str, *, is_first: bool) -> int:
    book.store.run("retire_ledgers")
    book.store.run("add_ledger", ledger_id=ledger_id)
    if is_first:
        return 0
    book.store.run("forget_acks")
    for epoch in book.epochs:
        epoch.ack_position, epoch.resend_answered = -1, ""
    return len(book.store.rows("unack_all"))


def _answer_resends(book: Book, epoch: Epoch, ack: Ack) -> int:
    """Put up again what is asked for, once for each wish, and note how far this epoch's acks have come."""
    wish, before = _wish(ack), epoch.resend_answered
    asked = 0
    for resend in ack.resend if wish != before else ():
        named = book.epoch_named(resend.epoch)
        if named is not None:
            again = book.store.rows(
                "unack_range",
                epoch_no=named.epoch_no,
                from_batch_no=resend.from_batch_no,
                to_batch_no=resend.to_batch_no,
            )
            asked += len(again)
    answered = wish or (before and _PAST + before.removeprefix(_PAST))
    book.store.run("note_ack", epoch_no=epoch.epoch_no, position=ack.position, resend_answered=answered)
    epoch.ack_position, epoch.resend_answered = ack.position, answered
    return asked


def _apply_to_epoch(book: Book, epoch: Epoch, ack: Ack, now_us: int) -> AckOutcome:
    acknowledged = conflicts = 0
    ignored = None
    key = {"epoch_no": epoch.epoch_no}
    if ack.contiguous_no:
        own = book.store.row("batch_sha256", **key, batch_no=ack.contiguous_no)
        if own == (ack.contiguous_sha256,):
            marked = book.store.rows("ack_upto", **key, batch_no=ack.contiguous_no, acked_us=now_us)
            acknowledged += len(marked)
        elif own is not None or ack.contiguous_no > epoch.last_batch_no:
            ignored = "ack_of_other_content"
    elif ack.contiguous_sha256 != NO_PREDECESSOR:
        ignored = "ack_of_other_content"
    for each in ack.extra:
        own = book.store.row("batch_sha256", **key, batch_no=each.batch_no)
        if own != (each.sha256,):
            ignored = "ack_of_other_content"
        elif each.status is StoredAs.CONFLICT:
            conflicts += len(book.store.rows("mark_conflict", **key, batch_no=each.batch_no))
        else:
            marked = book.store.rows("ack_one", **key, batch_no=each.batch_no, acked_us=now_us)
            acknowledged += len(marked)
    return AckOutcome(acknowledged=acknowledged, conflicts=conflicts, ignored=ignored)
