"""Sends what the outbox holds until the ledger acknowledges it: link events in, frames out."""

import math
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog
from pydantic import ValidationError

from contracts.batch import MAX_ROWS, FrameHeader, encode_frame
from contracts.feedback import Ack, IngestMode, IngestState
from contracts.gateway import Health, Presence, ReportedConfig, Status
from contracts.topics import INGEST_STATE, UPSTREAM, Channel, topic
from edge_agent.clock import Clock
from edge_agent.outbox.domain import Cursor, Lane, OutboxStats, SealedBatch
from edge_agent.outbox.errors import OutboxClosedError, OutboxError
from edge_agent.outbox.outbox import Outbox
from edge_agent.publish.domain import (
    BACKLOG_AGE,
    DEAF_AFTER_S,
    LINGER_S,
    LIVE_SLOTS,
    InFlight,
    TokenBucket,
    paused_until_s,
    resend_after_s,
)
from edge_agent.publish.mqtt import Connected, Disconnected, LinkEvent, Received, Refused
from edge_agent.publish.options import PublishOptions
from edge_agent.publish.uplink import Uplink, Way

WAITING_EVENTS: Final = 1000
HEARTBEAT_S: Final = 10.0
_IDLE_S: Final = 0.5

log = structlog.get_logger(__name__)


class Publisher:
    """One gateway's traffic with the cloud, on one thread."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        options: PublishOptions,
        *,
        health: Callable[[OutboxStats], Health],
        on_message: Callable[[Channel, bytes], None] = lambda _channel, _payload: None,
        config_revision: Callable[[], int] = lambda: 0,
        random_source: random.Random | None = None,
    ) -> None:
        """Prepare the publisher; ``start`` starts it.

        Args:
            outbox: What to send.
            clock: The gateway's clock.
            options: Who, where to, how fast.
            health: Makes the heartbeat.
            on_message: Takes what arrives on channels other than ack; on the publisher's thread.
            config_revision: The revision in force, for the status.
            random_source: Jitter; seeded in tests.

        Raises:
            ValueError: If an id could not stand in a topic.
        """
        self._outbox = outbox
        self._clock = clock
        self._options = options
        self._health = health
        self._on_message = on_message
        self._config_revision = config_revision
        self._random = random_source or random.Random()  # noqa: S311  jitter
        self._channels = {
            topic(options.site, options.gateway, each): each for each in Channel if each not in UPSTREAM
        }
        self._inbox: queue.Queue[LinkEvent | None] = queue.Queue(WAITING_EVENTS)
        self._in_flight: dict[Cursor, InFlight] = {}
        self._cursors = dict.fromkeys(Lane, Cursor())
        self.drain_at(options.drain_rows_per_s)
        self._paused_until_s = -math.inf
        self._window = options.window
        self._next_seal_s = self._next_heartbeat_s = self._heard_s = 0.0
        self._is_backlog_old = False
        self._stopping = threading.Event()
        self.counters: Counter[str] = Counter()
        self._link = Uplink(
            options.broker,
            options.ledger,
            site=options.site,
            gateway=options.gateway,
            detour_after_s=options.detour_after_s,
            subscriptions=[INGEST_STATE, *self._channels],
            will=lambda: (self._topic(Channel.STATUS), self._status(outbox.stats(), Presence.OFFLINE)),
            on_event=self._enqueue,
        )
        self._thread = threading.Thread(target=self._run, name="publisher")

    @property
    def way(self) -> Way | None:
        """By which way messages go out just now; None: by none."""
        return self._link.way

    @property
    def is_on_detour(self) -> bool:
        """Whether HTTPS stands in for a broker that cannot be reached."""
        return self._link.is_on_detour

    @property
    def _is_paused(self) -> bool:
        return time.monotonic() < self._paused_until_s

    def start(self) -> None:
        """Start connecting and sending; what waits from before is a backlog, rows from now on are live."""
        self._set_backlog_apart()
        self._link.start()
        self._thread.start()

    def notify(self) -> None:
        """Say that rows were appended; returns at once."""
        self._enqueue(None)

    def drain_at(self, rows_per_s: float) -> None:
        """Change how fast a backlog drains.

        Args:
            rows_per_s: Rows a second; > 0.
        """
        self._drain = TokenBucket(rows_per_s, burst=rows_per_s / 2)

    def report(self, reported: ReportedConfig) -> bool:
        """Publish what became of a desired configuration, retained.

        Args:
            reported: The report.

        Returns:
            False if there is no connection; the caller says it again when there is.
        """
        body = reported.model_dump_json(by_alias=True).encode()
        return self._link.publish(self._topic(Channel.CONFIG_REPORTED), body, retain=True)

    def renew(self) -> None:
        """Give up the present connection to the broker for a new one, with what its files say now."""
        self._link.renew()

    def stop(self) -> None:
        """Say goodbye, disconnect, and join both threads."""
        self._stopping.set()
        self.notify()
        self._thread.join()
        try:
            goodbye = self._status(self._outbox.stats(), Presence.OFFLINE)
            self._link.publish(self._topic(Channel.STATUS), goodbye, retain=True)
        except OutboxError as error:
            log.warning("publisher_outbox_error", detail=str(error))
        self._link.stop()

    def counted(self) -> dict[str, int]:
        """Tell what happened so far.

        Returns:
            Counters of the publisher and its link, by name.
        """
        return dict(self.counters + self._link.counters)

    def _enqueue(self, event: LinkEvent | None) -> None:
        try:
            self._inbox.put_nowait(event)
        except queue.Full:
            if event is not None:
                self.counters["events_dropped"] += 1

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._take_events()
                self._link.step()
                if self._link.way is not None:
                    self._send_due()
                    self._heartbeat()
                    self._doubt_silence()
            except OutboxClosedError:
                return
            except OutboxError as error:
                self.counters["outbox_errors"] += 1
                log.warning("publisher_outbox_error", detail=str(error))
                self._stopping.wait(_IDLE_S)

    def _take_events(self) -> None:
        try:
            event = self._inbox.get(timeout=self._idle_s())
            while True:
                if event is not None:
                    self._handle(event)
                event = self._inbox.get_nowait()
        except queue.Empty:
            return

    def _idle_s(self) -> float:
        now_s = time.monotonic()
        dues = [entry.due_at_s for entry in self._in_flight.values()]
        if self._next_seal_s > now_s:
            dues.append(self._next_seal_s)
        return max(0.0, min([*dues, now_s + _IDLE_S]) - now_s)

    def _handle(self, event: LinkEvent) -> None:
        match event:
            case Connected(inflight=inflight):
                self._window = min(self._options.window, inflight)
                self._next_heartbeat_s = 0.0
                self._heard_s = time.monotonic()
                self._paused_until_s = -math.inf  # what still holds is retained, and follows
                self._resume()
            case Received(topic=name, payload=payload) if payload:
                self._receive(name, payload)
            case Received() | Refused() | Disconnected():
                pass  # an empty message clears a retained one; the link has logged and counted the others

    def _receive(self, name: str, payload: bytes) -> None:
        if name == INGEST_STATE:
            self._take_ingest_state(payload)
            return
        channel = self._channels.get(name)
        if channel is Channel.ACK:
            self._take_ack(payload)
        elif channel is not None:
            self._on_message(channel, payload)

    def _resume(self) -> None:
        """Begin again after a silence: what was on its way may be lost, what waited long is a backlog."""
        self._set_backlog_apart()
        if self._outbox.ask_about_conflicts():
            self._cursors = dict.fromkeys(Lane, Cursor())
        for entry in self._in_flight.values():
            entry.due_at_s = 0.0

    def _set_backlog_apart(self) -> None:
        try:
            if self._outbox.split_backlog(BACKLOG_AGE):
                log.info("epoch_split", older_than_s=BACKLOG_AGE.total_seconds())
        except OutboxError as error:
            log.warning("publisher_outbox_error", detail=str(error))

    def _take_ack(self, payload: bytes) -> None:
        try:
            ack = Ack.model_validate_json(payload)
        except ValidationError as error:
            self.counters["acks_unreadable"] += 1
            log.warning("ack_unreadable", detail=str(error))
            return
        self._heard_s = time.monotonic()
        outcome = self._outbox.acknowledge(ack)
        if outcome.conflicts:
            log.error("ledger_holds_another_branch", epoch=ack.epoch, batches=outcome.conflicts)
        if outcome.sent_again:
            self._send_from_the_beginning(ack.ledger_id, outcome.sent_again)
        if outcome.ignored is None:
            answered = {each.batch_no for each in ack.extra}
            self._in_flight = {
                cursor: entry
                for cursor, entry in self._in_flight.items()
                if entry.epoch != ack.epoch
                or not (entry.batch_no <= ack.contiguous_no or entry.batch_no in answered)
            }

    def _take_ingest_state(self, payload: bytes) -> None:
        try:
            state = IngestState.model_validate_json(payload)
        except ValidationError as error:
            self.counters["ingest_states_unreadable"] += 1
            log.warning("ingest_state_unreadable", detail=str(error))
            return
        if state.ledger_id is not None and (sent_again := self._outbox.meet_ledger(state.ledger_id)):
            self._send_from_the_beginning(state.ledger_id, sent_again)
        if state.sites and self._options.site not in state.sites:
            return
        was_paused, self._paused_until_s = self._is_paused, paused_until_s(state, time.monotonic())
        if state.mode is IngestMode.RESEND_NOW or (was_paused and not self._is_paused):
            self._resume()

    def _send_from_the_beginning(self, ledger_id: str, batches: int) -> None:
        log.warning("batches_go_out_again", ledger_id=ledger_id, batches=batches)
        self._cursors = dict.fromkeys(Lane, Cursor())

    def _send_due(self) -> None:
        if self._is_paused:
            return
        now_s = time.monotonic()
        self._send_again(now_s)
        if now_s >= self._next_seal_s:
            self._send_lane(Lane.LIVE, self._window, now_s)
            self._next_seal_s = now_s + LINGER_S
        while self._drain.has_tokens(now_s) and len(self._in_flight) < self._window - LIVE_SLOTS:
            if not self._send_lane(Lane.BACKLOG, len(self._in_flight) + 1, now_s):
                return

    def _send_lane(self, lane: Lane, upto: int, now_s: float) -> int:
        """Send from a lane until ``upto`` batches are in flight; returns how many were sent."""
        sent = 0
        while len(self._in_flight) < upto and self._link.way is not None:
            batch = self._outbox.next_batch(lane, self._cursors[lane])
            if batch is None:
                break
            self._cursors[lane] = batch.cursor
            if batch.cursor in self._in_flight:
                continue
            if lane is Lane.BACKLOG:
                self._drain.spend(batch.rows)
            self._send(batch, attempts=1, now_s=now_s)
            sent += 1
            if batch.rows < MAX_ROWS:
                break  # nothing more waited when it was sealed; what came since may gather for a moment
        return sent

    def _send_again(self, now_s: float) -> None:
        due = [cursor for cursor, entry in self._in_flight.items() if entry.due_at_s <= now_s]
        for cursor in due:
            batch = self._outbox.unacked_batch(cursor)
            if batch is None:
                del self._in_flight[cursor]
            else:
                self.counters["batches_resent"] += 1
                self._send(batch, attempts=self._in_flight[cursor].attempts + 1, now_s=now_s)

    def _send(self, batch: SealedBatch, *, attempts: int, now_s: float) -> None:
        stamp = self._clock.now()
        header = FrameHeader(
            site=self._options.site,
            gateway=self._options.gateway,
            epoch=batch.epoch,
            batch_no=batch.batch_no,
            sha256=batch.sha256,
            boot_id=stamp.boot_id,
            sent_mono_ns=stamp.mono_ns,
        )
        self._link.publish(self._topic(Channel.RECORDS), encode_frame(header, batch.body))
        self.counters["batches_sent"] += 1
        due_at_s = now_s + resend_after_s(attempts, self._random.random())
        self._in_flight[batch.cursor] = InFlight(batch.epoch, batch.batch_no, attempts, due_at_s)

    def _doubt_silence(self) -> None:
        """Renew a connection that lives but carries nothing: each PUBACK lost on it holds a slot for ever."""
        now_s = time.monotonic()
        if not self._in_flight or self._is_paused or self._link.way != "mqtt":
            self._heard_s = now_s
        elif now_s - self._heard_s > DEAF_AFTER_S:
            self._heard_s = now_s
            self.counters["connections_renewed"] += 1
            log.warning("broker_connection_doubted", silent_s=DEAF_AFTER_S, in_flight=len(self._in_flight))
            self._link.renew()

    def _heartbeat(self) -> None:
        now_s = time.monotonic()
        if now_s < self._next_heartbeat_s:
            return
        self._next_heartbeat_s = now_s + HEARTBEAT_S
        self._cursors[Lane.BACKLOG] = Cursor()  # what a salvage brings may lie behind it
        stats = self._outbox.stats()
        self._watch_backlog(stats)
        self._link.publish(self._topic(Channel.STATUS), self._status(stats, Presence.ONLINE), retain=True)
        health = self._health(stats).model_dump_json(by_alias=True)
        self._link.publish(self._topic(Channel.HEALTH), health.encode())

    def _watch_backlog(self, stats: OutboxStats) -> None:
        oldest_at = stats.oldest_unacked_at
        is_old = oldest_at is not None and self._clock.now().at - oldest_at > BACKLOG_AGE
        if is_old != self._is_backlog_old:
            self._is_backlog_old = is_old
            if is_old:
                self.counters["backlog_alarms"] += 1
                log.error("ledger_does_not_answer", unacked_rows=stats.unacked_rows, oldest_at=str(oldest_at))
            else:
                log.info("ledger_answers_again")

    def _status(self, stats: OutboxStats, presence: Presence) -> bytes:
        stamp = self._clock.now()
        status = Status(
            site=self._options.site,
            gateway=self._options.gateway,
            presence=presence,
            epoch=stats.epoch,
            last_batch_no=stats.last_batch_no,
            complete_until=stats.complete_until,
            boot_id=stamp.boot_id,
            sent_mono_ns=stamp.mono_ns,
            sent_at=stamp.at,
            agent=self._options.agent,
            config_revision=self._config_revision(),
        )
        return status.model_dump_json(by_alias=True).encode()

    def _topic(self, channel: Channel) -> str:
        return topic(self._options.site, self._options.gateway, channel)
