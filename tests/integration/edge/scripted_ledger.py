"""A ledger as the edge sees it: takes frames from a broker, keeps what it accepts, answers by a script."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from contracts.base import NO_PREDECESSOR
from contracts.batch import BATCH, Frame, FrameError, decode_frame, decode_header
from contracts.feedback import Ack, BatchAck, IngestState, Resend, StoredAs
from contracts.records import Record
from contracts.topics import INGEST_STATE, Channel, parse_topic, site_filter, topic
from tests.patience import PATIENCE_S


@dataclass
class EpochBooks:
    """What is stored of one epoch."""

    batches: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    conflicts: list[BatchAck] = field(default_factory=list)
    quarantined: dict[int, str] = field(default_factory=dict)
    """Hashes of what is no batch of this epoch, by the number it came under."""

    @property
    def contiguous_no(self) -> int:
        number = 0
        while number + 1 in self.batches:
            number += 1
        return number


@dataclass
class Books:
    """Accepts each batch once and keeps one branch of each epoch; pure, so tests may drive it alone."""

    ledger_id: str = "ledger-1"
    position: int = 0
    epochs: dict[str, EpochBooks] = field(default_factory=dict)
    duplicates: int = 0
    quarantine: list[bytes] = field(default_factory=list)

    def take(self, frame: Frame) -> Ack:
        """Store a frame's batch, if it is new and fits, and acknowledge."""
        try:
            header = decode_header(frame.body)
        except FrameError:
            return self._quarantine(frame)
        if (header.epoch, header.batch_no) != (frame.header.epoch, frame.header.batch_no):
            return self._quarantine(frame)
        books = self.epochs.setdefault(header.epoch, EpochBooks())
        sha256 = frame.header.sha256
        known = books.batches.get(header.batch_no)
        if known is not None and known[0] == sha256:
            self.duplicates += 1
        elif known is not None or not self._fits(books, header.batch_no, header.prev_sha256):
            refused = BatchAck(batch_no=header.batch_no, sha256=sha256, status=StoredAs.CONFLICT)
            if refused not in books.conflicts:
                books.conflicts.append(refused)
        else:
            self.position += 1
            books.batches[header.batch_no] = (sha256, frame.body)
        return self.ack(header.gateway, header.epoch)

    def _quarantine(self, frame: Frame) -> Ack:
        """Keep the bytes of what is no batch, and acknowledge them, as ingest does."""
        claimed = frame.header
        books = self.epochs.setdefault(claimed.epoch, EpochBooks())
        if claimed.batch_no not in books.quarantined:
            books.quarantined[claimed.batch_no] = claimed.sha256
            self.quarantine.append(frame.body)
            self.position += 1
        return self.ack(claimed.gateway, claimed.epoch)

    def ack(self, gateway: str, epoch: str, resend: tuple[Resend, ...] = ()) -> Ack:
        """Say what is stored of an epoch."""
        books = self.epochs[epoch]
        upto = books.contiguous_no
        beyond = [
            BatchAck(batch_no=number, sha256=sha256, status=StoredAs.STORED)
            for number, (sha256, _) in sorted(books.batches.items())
            if number > upto
        ]
        beyond += [
            BatchAck(batch_no=number, sha256=sha256, status=StoredAs.PARTLY_QUARANTINED)
            for number, sha256 in sorted(books.quarantined.items())
        ]
        return Ack(
            ledger_id=self.ledger_id,
            gateway=gateway,
            epoch=epoch,
            position=self.position,
            contiguous_no=upto,
            contiguous_sha256=books.batches[upto][0] if upto else NO_PREDECESSOR,
            extra=(*beyond, *books.conflicts),
            resend=resend,
        )

    def records(self) -> list[tuple[str, Record]]:
        """Give every stored record with its epoch; a batch must be valid to be here."""
        return [
            (epoch, record)
            for epoch, books in self.epochs.items()
            for _, (_, body) in sorted(books.batches.items())
            for record in BATCH.validate_json(body).records
        ]

    def devices(self) -> list[str | None]:
        """Give the ``device`` of every stored record; the tests number their drafts with it."""
        return [
            record.get("device")
            for books in self.epochs.values()
            for _, (_, body) in sorted(books.batches.items())
            for record in orjson.loads(body)["records"]
        ]

    def _fits(self, books: EpochBooks, batch_no: int, prev_sha256: str) -> bool:
        before = books.batches.get(batch_no - 1)
        return before is None or before[0] == prev_sha256


class ScriptedLedger:
    """Books behind a broker. ``answers`` decides whether the ack of the nth arrival is published."""

    def __init__(
        self,
        url: str,
        site: str,
        *,
        books: Books | None = None,
        answers: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self.books = books or Books()
        self.arrivals = 0
        self.statuses: list[tuple[str, bytes]] = []
        self._answers = answers
        self._site = site
        self._changed = threading.Condition()
        user, _, rest = url.removeprefix("mqtt://").partition(":")
        password, _, place = rest.rpartition("@")
        host, _, port = place.partition(":")
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"ledger-{site}")
        self._client.username_pw_set(user, password)
        self._client.on_connect = self._subscribe
        self._client.on_message = self._arrived
        self._ready = threading.Event()
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect(host, int(port))
        self._client.loop_start()
        assert self._ready.wait(PATIENCE_S)

    def wait_until(self, is_so: Callable[["ScriptedLedger"], bool], timeout_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not is_so(self):
                left_s = deadline - time.monotonic()
                assert left_s > 0, f"after {timeout_s} s: {self.arrivals} arrivals, {self.books.devices()}"
                self._changed.wait(min(left_s, 0.05))  # the edge may have changed without a message

    def say(self, ack: Ack) -> None:
        self._client.publish(
            topic(self._site, ack.gateway, Channel.ACK),
            ack.model_dump_json(by_alias=True),
            qos=1,
            retain=True,
        )

    def announce(self, state: IngestState) -> None:
        self._client.publish(INGEST_STATE, state.model_dump_json(by_alias=True), qos=1, retain=True)

    def send(self, gateway: str, channel: Channel, payload: bytes) -> None:
        self._client.publish(topic(self._site, gateway, channel), payload, qos=1, retain=True)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()  # the pair that woke the loop; garbage closes it otherwise

    def _subscribe(self, client: paho.Client, *_: object) -> None:
        client.subscribe([(site_filter(self._site, each), 1) for each in Channel if each is not Channel.ACK])

    def _arrived(self, _: paho.Client, __: object, message: paho.MQTTMessage) -> None:
        channel = parse_topic(message.topic).channel
        with self._changed:
            if channel is Channel.RECORDS:
                self.arrivals += 1
                ack = self.books.take(decode_frame(bytes(message.payload)))
                if self._answers(self.arrivals):
                    self.say(ack)
            else:
                self.statuses.append((channel, bytes(message.payload)))
            self._changed.notify_all()
