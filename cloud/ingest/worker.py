"""One ingest process: publishes in, groups to the ledger, acknowledgements out after their commit."""

import functools
import os
import random
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

import structlog
from pydantic import ValidationError

from cloud.db import RETRYABLE, Connection, DatabaseAwayError, LastingConnection, in_transaction
from cloud.ingest import counters, crash, store
from cloud.ingest.arrival import Delivery, read
from cloud.ingest.inbox import Inbox
from cloud.ingest.mqtt import Link, Outgoing
from cloud.ingest.pace import Pace
from cloud.ingest.presence import service as presence
from cloud.ingest.quarantine import requests
from cloud.ingest.refusals import DEADLY, deadly, identify, write_or_set_aside
from cloud.ingest.service import Reading, Written, write
from cloud.ingest.workers import store as workers
from cloud.ingest.workers.keeper import Keeper
from contracts.feedback import IngestMode, IngestState
from contracts.topics import INGEST_STATE, Channel, ingest_echo, topic

MAX_GROUP: Final = 500
"""Publishes per transaction at most, however small; the pace says how many bytes."""
PAUSE_ABOVE: Final = 0.5
"""Fullness of the inbox from which the gateways of this worker's sites are told to wait."""
QUICK_BYTES: Final = 4 * 1024
"""A batch of less goes before larger ones."""
RESUME_BELOW: Final = 0.1
"""Fullness at which they are told to go on."""
HOLD_AGAIN_S: Final = 10.0
"""How often it is said again meanwhile: a gateway that hears nothing more goes on by itself."""
HOLD_SOONEST_S: Final = 3.0
"""How soon it is said again when a greeting has undone it: no loop with who greets at each pause."""
_LOOK_AROUND_S: Final = 0.1
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0

T = TypeVar("T")
log = structlog.get_logger()


class WorkerStoppedError(Exception):
    """The worker was told to stop while the database was away; nothing of its group was acknowledged."""


class Worker:
    """Owns the posting connection; its keeper and its link are the only other threads."""

    def __init__(self, *, dsn: str, broker_url: str) -> None:
        """Prepare it; `run` works until `stop`.

        Args:
            dsn: Connection of ``dockledger_ingest``.
            broker_url: ``mqtt://user:password@host:port``.
        """
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._database = LastingConnection(dsn, workers.application_name(self.name))
        self._inbox = Inbox(is_quick=_is_quick)
        self._greeting_due = threading.Event()
        self._link = Link(
            broker_url,
            client_id=f"dockledger-ingest-{self.name}",
            will=_state(IngestMode.PAUSED, None, "an ingest process was lost"),
            on_delivery=self._inbox.put,
            on_listening=self._greeting_due.set,
            echo_topic=ingest_echo(self.name),
        )
        self._keeper = Keeper(dsn, self.name, self._link)
        self._ledger_id: str | None = None
        self._is_paused = False
        self._held_back: frozenset[str] = frozenset()
        self._held_at_s = 0.0
        self._is_hold_undone = False
        self._pace = Pace()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask it to end after the group in hand; safe from a signal handler."""
        self._stopping.set()

    def run(self) -> bool:
        """Work until stopped.

        Returns:
            True after an orderly stop, False if one of its threads died and the process should be replaced.
        """
        log.info("ingest_started", worker=self.name)
        self._link.start()
        self._keeper.start()
        try:
            while not self._stopping.is_set() and self._link.is_alive and self._keeper.is_alive:
                if self._greeting_due.is_set():
                    self._greet()
                self._handle(
                    self._inbox.take(
                        max_deliveries=MAX_GROUP,
                        max_bytes=self._pace.budget_bytes,
                        timeout_s=_LOOK_AROUND_S,
                    )
                )
                self._hold_back()
                if self._keeper.is_replay_due:
                    self._replay()
        except WorkerStoppedError:
            log.info("ingest_stopped_in_outage", worker=self.name)
        finally:
            orderly = self._stopping.is_set()
            self._keeper.close()
            self._link.publish(_state(IngestMode.PAUSED, self._ledger_id, "an ingest process stops"))
            self._link.close()
            self._database.close()
            log.info("ingest_ended", worker=self.name, orderly=orderly)
        return orderly

    def _greet(self) -> None:
        """Tell edges who listens: what they sent before may be lost, more so if the ledger was restored."""
        self._ledger_id, _ = self._lasting(store.ledger_now)
        self._greeting_due.clear()
        self._is_paused = False
        self._held_back = frozenset()
        self._link.publish(_state(IngestMode.RESEND_NOW, self._ledger_id, retain=False))
        self._link.publish(_state(IngestMode.RUNNING, self._ledger_id))

    def _handle(self, deliveries: Sequence[Delivery]) -> None:
        batches: list[Delivery] = []
        heard: list[presence.Heard] = []
        for delivery in deliveries:
            channel = delivery.topic.rpartition("/")[2]
            counters.RECEIVED.labels(channel if channel in set(Channel) else "other").inc()
            if delivery.topic == INGEST_STATE:
                self._take_state(delivery.payload)
            elif delivery.topic.endswith(f"/{Channel.RECORDS}"):
                batches.append(delivery)
            elif (each := presence.read(delivery)) is not None:
                heard.append(each)
            else:
                counters.UNREADABLE.labels(channel if channel in set(Channel) else "other").inc()
        if batches:
            began_at = time.perf_counter()
            self._handle_batches(batches)
            took_s = time.perf_counter() - began_at
            self._pace.note(sum(len(delivery.payload) for delivery in batches), took_s)
        if heard:
            self._lasting(lambda conn: presence.record(conn, heard))

    def _take_state(self, payload: bytes) -> None:
        """Hear what ingest said to all: a lost process is made good for, a greeting lets everybody go on."""
        try:
            state = IngestState.model_validate_json(payload)
        except ValidationError:
            return
        if state.sites:
            return  # a process that holds its own sites back, or no longer
        if state.mode is not IngestMode.PAUSED:
            self._is_hold_undone = True
        elif not self._is_paused:
            self._greeting_due.set()

    def _hold_back(self) -> None:
        """Let gateways wait while more comes than is written; nobody else's are concerned."""
        held_s = time.monotonic() - self._held_at_s
        fullness = self._inbox.fullness
        if not self._held_back and fullness > PAUSE_ABOVE and self._keeper.sites:
            self._held_back = self._keeper.sites
            counters.HELD_BACK.inc()
            log.warning("inbox_fills", worker=self.name, fullness=round(fullness, 2))
            self._say_hold()
        elif self._held_back and fullness < RESUME_BELOW:
            self._link.publish(_state(IngestMode.RUNNING, self._ledger_id, sites=self._held_back))
            self._held_back = frozenset()
        elif self._held_back and held_s > (HOLD_SOONEST_S if self._is_hold_undone else HOLD_AGAIN_S):
            self._say_hold()

    def _say_hold(self) -> None:
        self._held_at_s, self._is_hold_undone = time.monotonic(), False
        self._link.publish(
            _state(IngestMode.PAUSED, self._ledger_id, "ingest is behind", sites=self._held_back)
        )

    def _handle_batches(self, deliveries: Sequence[Delivery]) -> None:
        suspects = self._keeper.suspects
        named = [(identify(delivery.payload), delivery) for delivery in deliveries]
        groups = [[each for each in named if each[0] not in suspects]]
        groups += [[each] for each in named if each[0] in suspects]
        for group in filter(None, groups):
            sha256s = [sha256 for sha256, _ in group]
            self._lasting(functools.partial(workers.take_up, worker=self.name, sha256s=sha256s))
            readings = [
                deadly(delivery) if suspects.get(sha256, 0) >= DEADLY else read(delivery)
                for sha256, delivery in group
            ]
            self._store(readings, [sha256 for sha256 in sha256s if sha256 in suspects])

    def _store(self, readings: Sequence[Reading], acquitted: Sequence[str]) -> None:
        for written in write_or_set_aside(functools.partial(self._write, acquitted=acquitted), readings):
            self._answer(written)

    def _write(self, readings: Sequence[Reading], *, acquitted: Sequence[str]) -> Written:
        began_at = time.perf_counter()

        def work(conn: Connection) -> Written:
            workers.put_down(conn, self.name, acquitted)
            return write(conn, readings)

        written = self._lasting(work)
        crash.point("after_commit")
        counters.COMMIT_SECONDS.observe(time.perf_counter() - began_at)
        return written

    def _answer(self, written: Written) -> None:
        if written.ledger_id != self._ledger_id:
            self._ledger_id = written.ledger_id
            self._greeting_due.set()
        for answer in written.answers:
            payload = answer.ack.model_dump_json(by_alias=True).encode()
            self._link.publish(Outgoing(topic(answer.site, answer.ack.gateway, Channel.ACK), payload))
        _count(written)

    def _replay(self) -> None:
        """Carry out what somebody asked for; what an outage prevents is done after it."""
        try:
            requests.carry_out_oldest(self._database)
        except (DatabaseAwayError, *RETRYABLE) as error:
            log.warning("replay_put_off", worker=self.name, error=str(error))

    def _lasting(self, work: Callable[[Connection], T]) -> T:
        """Run work in a transaction, however long the database is away.

        Returns:
            What the committed run returned.

        Raises:
            WorkerStoppedError: If the worker is told to stop meanwhile.
        """
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                done = in_transaction(self._database, work, on_retry=counters.begun_again)
            except (DatabaseAwayError, *RETRYABLE) as error:
                self._pause(str(error))
                if self._stopping.wait(pause_s * random.uniform(0.5, 1.5)):  # noqa: S311  jitter
                    raise WorkerStoppedError from error
                pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s)
            else:
                if self._is_paused:
                    log.info("database_back", worker=self.name)
                    self._greeting_due.set()
                return done

    def _pause(self, error: str) -> None:
        if not self._is_paused:
            self._is_paused = True
            counters.OUTAGES.labels("database").inc()
            log.warning("database_away", worker=self.name, error=error)
            self._link.publish(_state(IngestMode.PAUSED, self._ledger_id, "the database is away"))


def _is_quick(delivery: Delivery) -> bool:
    """Tell a live batch, or what a gateway says of itself, from a backlog, whose batches are full."""
    return len(delivery.payload) < QUICK_BYTES or not delivery.topic.endswith(f"/{Channel.RECORDS}")


def _state(
    mode: IngestMode,
    ledger_id: str | None,
    reason: str | None = None,
    *,
    sites: frozenset[str] = frozenset(),
    retain: bool = True,
) -> Outgoing:
    state = IngestState(
        mode=mode, ledger_id=ledger_id, since_at=datetime.now(UTC), reason=reason, sites=tuple(sorted(sites))
    )
    return Outgoing(INGEST_STATE, state.model_dump_json(by_alias=True).encode(), retain)


def _count(written: Written) -> None:
    for judgement, number in written.judgements.items():
        counters.BATCHES.labels(judgement).inc(number)
    for reason, number in written.held.items():
        counters.QUARANTINED.labels(reason).inc(number)
    for reason, number in written.refused.items():
        counters.REFUSED_ROWS.labels(reason).inc(number)
    if written.posted:
        counters.GROUP_ROWS.observe(sum(len(batch.rows) for batch in written.posted))
    for batch in written.posted:
        late_before = batch.received_at - counters.LATE
        counters.ROWS.inc(len(batch.rows))
        counters.LATE_ROWS.inc(sum(row.occurred_at < late_before for row in batch.rows))
