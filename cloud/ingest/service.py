"""A group of publishes in, one transaction, answers out; nothing is answered before its commit."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from cloud.alerts import service as alerts
from cloud.db import Connection
from cloud.identity.actor import INGEST
from cloud.ingest import crash, store
from cloud.ingest.arrival import Arrival, Claim, Unpostable, storable
from cloud.ingest.domain import Branch, Judgement, Stone
from cloud.ingest.notices import notice_of
from cloud.ingest.store import FORK, EpochKey, Gateway
from cloud.ledger import service as ledger
from cloud.ledger.domain import AcceptedBatch, PostingKind
from cloud.ledger.store import record_audit
from contracts.base import epoch_to_int
from contracts.feedback import Ack, BatchAck, StoredAs

Reading = Arrival | Unpostable


@dataclass(frozen=True, slots=True)
class Answer:
    """An acknowledgement and the site whose topic carries it."""

    site: str
    ack: Ack


@dataclass(frozen=True, slots=True)
class Written:
    """What one transaction did."""

    ledger_id: str
    position: int
    answers: tuple[Answer, ...]
    judgements: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    """Publishes newly in quarantine, by reason."""
    refused: Counter[str] = field(default_factory=Counter)
    """Rows in quarantine, by reason."""
    posted: tuple[AcceptedBatch, ...] = ()


def write(
    conn: Connection, readings: Sequence[Reading], *, replayed: frozenset[str] = frozenset()
) -> Written:
    """Judge, quarantine and post a group of publishes, and say what to answer once it is committed.

    Args:
        conn: A connection inside a transaction that the caller commits directly after.
        readings: Publishes taken apart, of any gateways, in any order, repetitions included.
        replayed: Hashes of batches held whole that are to be posted now.

    Returns:
        What was done; a retried transaction does it again from the same arguments.
    """
    return _Group(conn, readings, replayed).write()


class _Group:
    """The working state of one transaction."""

    def __init__(self, conn: Connection, readings: Sequence[Reading], replayed: frozenset[str]) -> None:
        self._conn = conn
        self._ledger_id, self._position = store.ledger_now(conn)
        claimed = {reading.claim.gateway for reading in readings if reading.claim}
        self._gateways = store.gateways(conn, claimed)
        admitted = [_admit(reading, self._gateways) for reading in readings]
        self._held = [reading for reading in admitted if isinstance(reading, Unpostable)]
        self._arrivals = sorted(
            (reading for reading in admitted if isinstance(reading, Arrival)),
            key=lambda arrival: arrival.claim.batch_no,
        )
        self._branches = self._lock_branches()
        for branch in self._branches.values():
            branch.forget_whole(replayed)
        self._answered: defaultdict[EpochKey, list[BatchAck]] = defaultdict(list)
        self._judgements: Counter[str] = Counter()
        self._new: list[Arrival] = []

    def write(self) -> Written:
        before = {key: branch.contiguous_no for key, branch in self._branches.items()}
        for held in self._held:
            if held.is_acknowledged and held.claim:
                self._take_whole(held.claim)
        for arrival in self._arrivals:
            self._judge(arrival)
        for branch in self._branches.values():
            branch.advance()
        newly_held = self._quarantine()
        store.move_on(
            self._conn,
            {key: branch for key, branch in self._branches.items() if branch.contiguous_no > before[key]},
        )
        refused = self._post()
        crash.point("before_commit")
        return Written(
            self._ledger_id,
            self._position,
            tuple(
                Answer(
                    self._gateways[branch.gateway].site,
                    branch.acknowledge(
                        self._answered[key], ledger_id=self._ledger_id, position=self._position
                    ),
                )
                for key, branch in self._branches.items()
            ),
            self._judgements,
            newly_held,
            refused,
            tuple(arrival.batch for arrival in self._new),
        )

    def _lock_branches(self) -> dict[EpochKey, Branch]:
        claims = [arrival.claim for arrival in self._arrivals]
        claims += [held.claim for held in self._held if held.is_acknowledged and held.claim]
        wanted: defaultdict[EpochKey, list[int]] = defaultdict(list)
        for claim in claims:
            wanted[self._key(claim)].append(claim.batch_no)
        names = {gateway.gateway_id: gateway.name for gateway in self._gateways.values()}
        return store.lock_branches(self._conn, names, wanted) if wanted else {}

    def _key(self, claim: Claim) -> EpochKey:
        return store.epoch_key(self._gateways[claim.gateway], claim.epoch)

    def _take_whole(self, claim: Claim) -> None:
        stone = Stone(claim.batch_no, claim.sha256, StoredAs.PARTLY_QUARANTINED)
        self._branches[self._key(claim)].stones.setdefault(claim.batch_no, stone)
        self._answer(claim, StoredAs.PARTLY_QUARANTINED)

    def _answer(self, claim: Claim, status: StoredAs) -> None:
        ack = BatchAck(batch_no=claim.batch_no, sha256=claim.sha256, status=status)
        self._answered[self._key(claim)].append(ack)

    def _judge(self, arrival: Arrival) -> None:
        branch = self._branches[self._key(arrival.claim)]
        verdict = branch.judge(arrival.batch.header, arrival.claim.sha256)
        self._judgements[verdict.judgement] += 1
        if verdict.judgement is Judgement.NEW:
            status = StoredAs.PARTLY_QUARANTINED if arrival.batch.refused else StoredAs.STORED
            branch.add(Stone.of(arrival.batch.header, arrival.claim.sha256, status))
            self._new.append(arrival)
        elif verdict.judgement is Judgement.FORK:
            branch.conflicts.add(arrival.claim.sha256)
            self._held.append(
                Unpostable(arrival.delivery, FORK, verdict.message, arrival.claim, arrival.site)
            )
        if verdict.status is not None:
            self._answer(arrival.claim, verdict.status)

    def _quarantine(self) -> Counter[str]:
        newly_held = [held for held in self._held if store.quarantine(self._conn, _to_hold(held))]
        alerts.notice(self._conn, map(notice_of, newly_held))
        for held in newly_held:
            self._audit(held)
        return Counter(held.reason for held in newly_held)

    def _audit(self, held: Unpostable) -> None:
        detail = {"reason": held.reason, "sha256": held.sha256}
        record_audit(
            self._conn,
            actor=INGEST.id,
            action="batch_refused",
            target=f"topic:{held.delivery.topic}",
            site=held.site,
            detail=orjson.dumps(detail).decode(),
        )

    def _post(self) -> Counter[str]:
        if not self._new:
            return Counter()
        batches = [arrival.batch for arrival in self._new]
        cured = store.awaited(self._conn, [batch.sha256 for batch in batches])
        posted = ledger.post(self._conn, INGEST, kind=PostingKind.BATCH, batches=batches)
        self._position = posted.position
        for outcome in posted.outcomes:
            if outcome.status is not StoredAs.STORED:
                self._answer(
                    Claim(outcome.gateway, outcome.epoch, outcome.batch_no, outcome.sha256), outcome.status
                )
        if cured:
            store.settle(self._conn, cured, actor=INGEST.id, posting_id=posted.posting_id)
        return Counter(row.reason for batch in batches for row in batch.refused)


def _admit(reading: Reading, gateways: dict[str, Gateway]) -> Reading:
    """Check a reading against the registry, at every batch: a revoked gateway's connection may live on."""
    if reading.claim is None:
        return reading
    gateway = gateways.get(reading.claim.gateway)
    if gateway is None:
        reason, message = "unregistered", f"gateway {reading.claim.gateway!r} is not registered"
    elif gateway.state in {"retired", "unregistered"}:
        reason, message = gateway.state, f"gateway {gateway.name!r} is {gateway.state}"
    elif gateway.site != reading.site:
        reason = "wrong_site"
        message = f"gateway {gateway.name!r} is registered at site {gateway.site!r}, got {reading.site!r}"
    else:
        return reading
    return Unpostable(reading.delivery, reason, message, reading.claim, reading.site)


def _to_hold(held: Unpostable) -> store.Held:
    claim = held.claim
    return store.Held(
        received_at=held.delivery.received_at,
        topic=held.delivery.topic,
        site=held.site,
        gateway=claim.gateway if claim else None,
        epoch=epoch_to_int(claim.epoch) if claim else None,
        batch_no=claim.batch_no if claim else None,
        reason=held.reason,
        message=storable(held.message),
        payload=held.delivery.payload,
        sha256=held.sha256,
    )
