"""The way in beside the broker: frames and statements of gateways that show a secret.

Correctness rests on the ledger alone: a batch that comes here and by the broker at once is posted once.
"""

import os
import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Final

import structlog
from typing_extensions import override

from cloud.db import (
    Connection,
    ContentRefusedError,
    DataError,
    IntegrityError,
    OperationalError,
    in_transaction,
    open_pool,
)
from cloud.gateways.credentials.service import is_secret_of
from cloud.gateways.door import BatchDoor, Credential, NotAdmittedError, NotNowError, NotTakenError
from cloud.ingest import crash, store
from cloud.ingest.arrival import Delivery, Unpostable, read
from cloud.ingest.presence import service as presence
from cloud.ingest.refusals import DEADLY, deadly, identify, write_or_set_aside
from cloud.ingest.service import Reading, Written, write
from cloud.ingest.store import Gateway
from cloud.ingest.workers import store as workers
from cloud.ingest.workers.inside_acks import all_said_inside
from contracts.feedback import Ack, IngestMode, IngestState, Message, Messages
from contracts.topics import UPSTREAM, Channel, topic

SLOTS: Final = 4
"""Batches written at once, on connections of the door's own: pages and batches do not wait for each other."""
SLOTS_OF_ONE: Final = 2
"""Of them for one gateway."""
WAIT_S: Final = 2.0
"""How long a batch waits for a slot before its gateway is told to come again."""
RETRY_AFTER_S: Final = 2

log = structlog.get_logger()


class HttpsDoor(BatchDoor):
    """Takes what gateways hand in; any thread may call it."""

    def __init__(self, dsn: str) -> None:
        """Open it.

        Args:
            dsn: Connection of ``dockledger_ingest``.
        """
        process = f"https-{os.getpid()}-{secrets.token_hex(4)}"
        self._pool = open_pool(dsn, "dockledger-https", max_size=SLOTS + 1)
        self._slots: SimpleQueue[str] = SimpleQueue()
        for number in range(SLOTS):
            self._slots.put(f"{process}-{number}")
        self._taken_by: Counter[str] = Counter()
        self._gate = threading.Lock()

    def close(self) -> None:
        """Close its connections; what is not committed is handed in again."""
        self._pool.close()

    @override
    def state(self, credential: Credential) -> IngestState:
        def look(conn: Connection) -> IngestState:
            self._admitted(conn, credential)
            return _state(conn)

        return in_transaction(self._pool, look)

    @override
    def messages(self, credential: Credential) -> Messages:
        def look(conn: Connection) -> Messages:
            gateway = self._admitted(conn, credential)
            said = workers.last_messages(conn, gateway.gateway_id, channels=sorted(set(Channel) - UPSTREAM))
            for ack in all_said_inside(conn, gateway=gateway.name, gateway_id=gateway.gateway_id):
                said.append((Channel.ACK, ack.model_dump(mode="json", by_alias=True)))
            return Messages(messages=tuple(Message(channel=each, payload=payload) for each, payload in said))

        return in_transaction(self._pool, look)

    @override
    def take(self, credential: Credential, frame: bytes) -> Ack:
        gateway = in_transaction(self._pool, lambda conn: self._admitted(conn, credential))
        with self._slot_for(gateway.name) as slot:
            delivery = Delivery(topic(gateway.site, gateway.name, Channel.RECORDS), frame, datetime.now(UTC))
            reading = self._read(slot, delivery)
            (written,) = write_or_set_aside(lambda some: self._write(slot, some), [reading])
        crash.point("after_commit")
        return _answer(written, reading)

    @override
    def hear(self, credential: Credential, channel: Channel, statement: bytes) -> IngestState:
        def work(conn: Connection) -> IngestState:
            gateway = self._admitted(conn, credential)
            delivery = Delivery(topic(gateway.site, gateway.name, channel), statement, datetime.now(UTC))
            heard = presence.read(delivery)
            if heard is None:
                message = f"expected {channel} of gateway {gateway.name!r} of site {gateway.site!r}"
                raise NotTakenError("unreadable", message)
            presence.record(conn, [heard])
            return _state(conn)

        return in_transaction(self._pool, work)

    def _admitted(self, conn: Connection, credential: Credential) -> Gateway:
        """Find who shows a secret; whether it may still post, the writing itself asks for every batch."""
        if is_secret_of(conn, credential.gateway, credential.secret):
            return store.gateways(conn, [credential.gateway])[credential.gateway]
        raise NotAdmittedError("there is no such gateway, it is retired, or that is not its secret")

    @contextmanager
    def _slot_for(self, gateway: str) -> Iterator[str]:
        with self._gate:
            if self._taken_by[gateway] >= SLOTS_OF_ONE:
                message = f"{SLOTS_OF_ONE} batches of {gateway} are being written"
                raise NotNowError(message, retry_after_s=RETRY_AFTER_S, is_its_own=True)
            self._taken_by[gateway] += 1
        try:
            try:
                slot = self._slots.get(timeout=WAIT_S)
            except Empty:
                message = "other gateways' batches are being written"
                raise NotNowError(message, retry_after_s=RETRY_AFTER_S, is_its_own=False) from None
            try:
                yield slot
            finally:
                self._slots.put(slot)
        finally:
            with self._gate:
                self._taken_by[gateway] -= 1

    def _read(self, slot: str, delivery: Delivery) -> Reading:
        """Take a batch apart, noting before in whose hands it is, should it end this process."""
        sha256 = identify(delivery.payload)

        def note(conn: Connection) -> int:
            workers.take_up_beside(conn, slot, sha256)
            return workers.deaths(conn, sha256)

        return deadly(delivery) if in_transaction(self._pool, note) >= DEADLY else read(delivery)

    def _write(self, slot: str, readings: Sequence[Reading]) -> Written:
        sha256s = [identify(reading.delivery.payload) for reading in readings]

        def work(conn: Connection) -> Written:
            workers.leave(conn, slot)
            workers.acquit(conn, sha256s)
            return write(conn, readings)

        try:
            return in_transaction(self._pool, work)
        except (DataError, IntegrityError) as error:
            raise ContentRefusedError(str(error)) from error
        except OperationalError:
            self._leave(slot)
            raise

    def _leave(self, slot: str) -> None:
        """Take a batch out of the hands of a slot that lives: an outage is not what it did."""
        try:
            in_transaction(self._pool, lambda conn: workers.leave(conn, slot))
        except OperationalError as error:
            log.warning("https_slot_not_left", slot=slot, error=str(error))


def _state(conn: Connection) -> IngestState:
    ledger_id, _ = store.ledger_now(conn)
    return IngestState(mode=IngestMode.RUNNING, ledger_id=ledger_id, since_at=datetime.now(UTC))


def _answer(written: Written, reading: Reading) -> Ack:
    for answer in written.answers:
        return answer.ack
    if isinstance(reading, Unpostable):
        raise NotTakenError(reading.reason, reading.message)
    for reason in written.held:
        raise NotTakenError(reason, "it is held in quarantine, where an operator sees why")
    raise NotTakenError("not_admitted", "it is held in quarantine already, where an operator sees why")
