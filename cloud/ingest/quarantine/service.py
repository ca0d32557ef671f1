"""Replay what was held, through the same path and exactly once; or discard it."""

from typing import Final

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.ingest.arrival import Arrival, Delivery, read
from cloud.ingest.domain import Judgement
from cloud.ingest.quarantine import store
from cloud.ingest.quarantine.store import Entry, WholeEntry
from cloud.ingest.service import write
from cloud.ingest.store import FORK
from cloud.inquiry.domain import QUARANTINE_READERS
from cloud.ledger import service as ledger
from cloud.ledger.domain import Claim, CloudStatement, EffectiveRow, PostingKind
from cloud.ledger.replays import SETTLERS
from contracts.base import GatewayId, SiteId, epoch_from_int
from contracts.occurrence import effective_occurred_at
from contracts.records import RECORD, Record, RowRef

REPLAY: Final = "replay"


class NotReplayableError(Exception):
    """It cannot be posted; it stays in quarantine, and the message says why."""


def entries(
    conn: Connection,
    actor: Actor,
    *,
    state: str | None = "held",
    reason: str | None = None,
    gateway: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[Entry]:
    """List what is in quarantine at the actor's sites.

    Args:
        conn: A connection of ``dockledger_ingest``.
        actor: Who asks.
        state: ``held``, ``replayed``, ``discarded``; None for all.
        reason: Only this reason.
        gateway: Only this gateway.
        after: Only ids above this one: the last of the page before.
        limit: Most to read, 1 to 10,000.

    Returns:
        Entries, oldest first.

    Raises:
        NotAllowedError: If the actor may not see quarantine.
    """
    sites = actor.narrowed(*QUARANTINE_READERS).reach
    return store.entries(
        conn, sites=sites, state=state, reason=reason, gateway=gateway, after=after, limit=limit
    )


def entry(conn: Connection, actor: Actor, quarantine_id: int) -> WholeEntry:
    """Give one entry with its bytes, locked until the transaction ends.

    Args:
        conn: A connection of ``dockledger_ingest`` inside a transaction.
        actor: Who asks.
        quarantine_id: Which.

    Returns:
        The entry.

    Raises:
        NotReplayableError: If there is none at the actor's sites.
        NotAllowedError: If the actor may not see quarantine.
    """
    return _locked(conn, actor.narrowed(*QUARANTINE_READERS), quarantine_id)


def replay(conn: Connection, actor: Actor, quarantine_id: int, *, under_new_identity: bool = False) -> int:
    """Post what was held, through the same path as if it arrived now.

    Args:
        conn: A connection of ``dockledger_ingest`` inside a transaction; rolled back on an error.
        actor: An inventory controller or admin.
        quarantine_id: What.
        under_new_identity: For a fork: post its rows as statements of the cloud, since another branch
            holds their numbers.

    Returns:
        The posting that holds it.

    Raises:
        NotReplayableError: If it is settled already or still cannot be posted.
        NotAllowedError: If the actor may not.
    """
    held = _to_settle(conn, actor, quarantine_id)
    if held.posting_id is not None:
        statements = [_statement(held)]
    elif under_new_identity:
        statements = _rows_of(held)
    else:
        return _replay_batch(conn, actor, held)
    posted = ledger.post(
        conn,
        actor,
        kind=PostingKind.REPLAY,
        statements=statements,
        claims=[Claim(REPLAY, str(quarantine_id))],
    )
    _settle(conn, actor, held, "replayed", posted.posting_id)
    return posted.posting_id


def discard(conn: Connection, actor: Actor, quarantine_id: int) -> None:
    """Decide that something held will never be posted; its bytes stay.

    Args:
        conn: A connection of ``dockledger_ingest`` inside a transaction.
        actor: An inventory controller or admin.
        quarantine_id: What.

    Raises:
        NotReplayableError: If it is settled already.
        NotAllowedError: If the actor may not.
    """
    held = _to_settle(conn, actor, quarantine_id)
    _settle(conn, actor, held, "discarded")


def _locked(conn: Connection, actor: Actor, quarantine_id: int) -> WholeEntry:
    found = store.lock(conn, quarantine_id, sites=actor.reach)
    if found is None:
        raise NotReplayableError(f"there is no quarantine entry {quarantine_id} within reach of {actor.id}")
    return found


def _to_settle(conn: Connection, actor: Actor, quarantine_id: int) -> WholeEntry:
    held = _locked(conn, actor.narrowed(*SETTLERS), quarantine_id)
    if held.state != "held":
        raise NotReplayableError(
            f"quarantine entry {quarantine_id} was {held.state} by {held.settled_by} at {held.settled_at}"
        )
    return held


def _replay_batch(conn: Connection, actor: Actor, held: WholeEntry) -> int:
    reading = read(Delivery(held.topic, held.payload, held.received_at))
    if not isinstance(reading, Arrival):
        raise NotReplayableError(f"entry {held.quarantine_id}: {reading.reason}: {reading.message}")
    written = write(conn, [reading], replayed=frozenset({reading.claim.sha256}))
    if not written.judgements.keys() & {Judgement.NEW, Judgement.DUPLICATE}:
        found = ", ".join(written.judgements) or "not admitted"
        raise NotReplayableError(
            f"entry {held.quarantine_id} is {found}: the registry or a branch in the ledger stands against it"
        )
    posting_id = store.posting_of_batch(conn, held)
    if posting_id is None:
        raise NotReplayableError(f"entry {held.quarantine_id} is not in the ledger after all")
    _settle(conn, actor, held, "replayed", posting_id)
    return posting_id


def _settle(
    conn: Connection, actor: Actor, held: WholeEntry, state: str, posting_id: int | None = None
) -> None:
    store.settle(conn, held.quarantine_id, state=state, actor=actor.id, posting_id=posting_id)
    if held.reason == FORK:
        store.tell_settled(conn, held, actor=actor.id)


def _statement(held: WholeEntry) -> CloudStatement:
    """Read a single held row, to be stored under the identity it always had."""
    if held.site is None or held.gateway is None or held.epoch is None or held.seq is None:
        raise NotReplayableError(f"entry {held.quarantine_id} does not say whose row it is")
    try:
        record = RECORD.validate_json(held.payload)
    except ValueError as error:
        raise NotReplayableError(f"entry {held.quarantine_id} is still not a record: {error}") from error
    origin = RowRef(gateway=GatewayId(held.gateway), epoch=epoch_from_int(held.epoch), seq=held.seq)
    return CloudStatement(SiteId(held.site), _effective(record, held), origin)


def _rows_of(held: WholeEntry) -> list[CloudStatement]:
    reading = read(Delivery(held.topic, held.payload, held.received_at))
    if not isinstance(reading, Arrival):
        raise NotReplayableError(f"entry {held.quarantine_id}: {reading.reason}: {reading.message}")
    if reading.batch.refused:
        seqs = ", ".join(str(row.seq) for row in reading.batch.refused)
        raise NotReplayableError(f"entry {held.quarantine_id} holds rows that are not records: seq {seqs}")
    return [CloudStatement(SiteId(reading.site), row) for row in reading.batch.rows]


def _effective(record: Record, held: WholeEntry) -> EffectiveRow:
    time = effective_occurred_at(
        claimed_at=record.occurred_at_claimed,
        clock_ok=record.clock_ok,
        mono_ns=record.mono_ns,
        boot_id=record.boot_id,
        sent_mono_ns=record.mono_ns,
        sent_boot_id="",
        received_at=held.received_at,
    )
    return EffectiveRow(record, time.at, time.basis)
