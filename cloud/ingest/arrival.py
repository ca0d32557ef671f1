"""One publish, taken apart: topic and payload in, a batch with its rows or the reason why not out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from pydantic import ValidationError

from cloud.ledger.compiled import read_compiled
from cloud.ledger.domain import AcceptedBatch, EffectiveRow, RefusedRow
from contracts.batch import (
    BATCH,
    FRAME_HEADER,
    BatchHeader,
    Frame,
    FrameError,
    FrameHeader,
    decode_frame,
    decode_header,
    hash_unread,
)
from contracts.occurrence import effective_occurred_at
from contracts.records import RECORD, Record
from contracts.topics import Address, Channel, parse_topic

_NEEDS_OTHER_RELEASE: Final = frozenset({"schema_too_new", "schema_too_old"})


def storable(text: str) -> str:
    """Write a text from outside so that PostgreSQL takes it: no NUL, no half of a surrogate pair.

    Args:
        text: Any text.

    Returns:
        The same, what cannot be stored escaped.
    """
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True, slots=True)
class Receipt:
    """Acknowledges a publish to the broker, once that is asked for."""

    connection: int
    """Of which it came: on another, its number means another publish."""
    mid: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A publish as the broker gave it."""

    topic: str
    """Storable text; what is not a topic of ours is cut to 500 characters."""
    payload: bytes
    received_at: datetime
    receipt: Receipt | None = None
    """None: nothing is to be acknowledged."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Which batch a payload says it is. Nothing is proven by it but what the topic proves."""

    gateway: str
    epoch: str
    batch_no: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A publish whose frame is whole and comes from the gateway whose topic it came on."""

    delivery: Delivery
    claim: Claim
    site: str
    batch: AcceptedBatch


@dataclass(frozen=True, slots=True)
class Unpostable:
    """A publish that goes to quarantine whole, with its original bytes."""

    delivery: Delivery
    reason: str
    """Stable snake_case code."""
    message: str
    claim: Claim | None = None
    """Which batch it says it is, where that could be read and may be told to people."""
    site: str | None = None
    is_acknowledged: bool = False
    """Whether frame, hash and topic agree, so that the gateway is told and its number counts as arrived."""

    @property
    def sha256(self) -> str:
        """What names it: the hash it claims, else that of what follows its header line."""
        return self.claim.sha256 if self.claim else hash_unread(self.delivery.payload)


def read(delivery: Delivery) -> Arrival | Unpostable:
    """Take a delivery apart, believing nothing.

    Args:
        delivery: Topic, bytes and time of receipt.

    Returns:
        An arrival, its impossible rows refused one by one; or why there is none.
    """
    try:
        address = parse_topic(delivery.topic)
    except ValueError as error:
        return Unpostable(delivery, "bad_topic", str(error))
    try:
        frame = decode_frame(delivery.payload)
    except FrameError as error:
        claim = claim_of(delivery)[0] if error.code in _NEEDS_OTHER_RELEASE else None
        return Unpostable(delivery, error.code, str(error), claim, address.site)
    if mismatch := _impersonation(address, frame.header):
        return Unpostable(delivery, "forged", mismatch, site=address.site)
    claim = Claim(frame.header.gateway, frame.header.epoch, frame.header.batch_no, frame.header.sha256)
    try:
        batch = _read_batch(delivery, frame)
    except FrameError as error:
        is_readable_later = error.code in _NEEDS_OTHER_RELEASE
        return Unpostable(
            delivery, error.code, str(error), claim, address.site, is_acknowledged=not is_readable_later
        )
    return Arrival(delivery, claim, frame.header.site, batch)


def claim_of(delivery: Delivery) -> tuple[Claim | None, str | None]:
    """Read of a delivery only which batch it says it is, leaving its sealed bytes alone.

    Args:
        delivery: As the broker gave it.

    Returns:
        The claim, if the header line is readable and names the gateway of the topic, and the topic's site.
    """
    try:
        address = parse_topic(delivery.topic)
    except ValueError:
        return None, None
    try:
        header = FRAME_HEADER.validate_json(delivery.payload.partition(b"\n")[0])
    except ValidationError:
        return None, address.site
    if _impersonation(address, header):
        return None, address.site
    return Claim(header.gateway, header.epoch, header.batch_no, header.sha256), address.site


def _impersonation(address: Address, header: FrameHeader) -> str | None:
    if address.channel is not Channel.RECORDS:
        return f"a batch came on channel {address.channel}, expected {Channel.RECORDS}"
    if (address.site, address.gateway) != (header.site, header.gateway):
        return (
            f"the topic names {address.site}/{address.gateway}, the frame header names "
            f"{header.site}/{header.gateway}"
        )
    return None


def _read_batch(delivery: Delivery, frame: Frame) -> AcceptedBatch:
    header, records, refused = _read_body(frame.body)
    _check_same_batch(frame.header, header)
    return AcceptedBatch(
        header=header,
        sha256=frame.header.sha256,
        body=frame.body,
        received_at=delivery.received_at,
        rows=tuple(_effective(record, frame.header, delivery.received_at) for record in records),
        refused=refused,
        gzipped=frame.content if frame.header.encoding == "gzip" else None,
    )


def _read_body(body: bytes) -> tuple[BatchHeader, tuple[Record, ...], tuple[RefusedRow, ...]]:
    if (usual := read_compiled(body)) is not None:
        return *usual, ()
    try:
        batch = BATCH.validate_json(body)
    except ValidationError:
        return _row_by_row(body)
    return batch, batch.records, ()


def _effective(record: Record, sent: FrameHeader, received_at: datetime) -> EffectiveRow:
    time = effective_occurred_at(
        claimed_at=record.occurred_at_claimed,
        clock_ok=record.clock_ok,
        mono_ns=record.mono_ns,
        boot_id=record.boot_id,
        sent_mono_ns=sent.sent_mono_ns,
        sent_boot_id=sent.boot_id,
        received_at=received_at,
    )
    return EffectiveRow(record, time.at, time.basis)


def _check_same_batch(frame: FrameHeader, batch: BatchHeader) -> None:
    outside = (frame.site, frame.gateway, frame.epoch, frame.batch_no)
    inside = (batch.site, batch.gateway, batch.epoch, batch.batch_no)
    if outside != inside:
        raise FrameError("bad_batch", f"the frame header names batch {outside}, the sealed bytes {inside}")


def _row_by_row(body: bytes) -> tuple[BatchHeader, tuple[Record, ...], tuple[RefusedRow, ...]]:
    """Save what can be saved of a batch in which something is wrong.

    Args:
        body: Sealed bytes.

    Returns:
        The header, the good records and the refused rows.

    Raises:
        FrameError: If the header, or the list of records as a whole, cannot be believed.
    """
    header = decode_header(body)
    items = orjson.loads(body).get("records")
    expected = header.last_seq - header.first_seq + 1
    if not isinstance(items, list) or len(items) != expected or not items:
        found = len(items) if isinstance(items, list) else type(items).__name__
        raise FrameError(
            "bad_batch", f"records: {found}, expected {expected}: seq {header.first_seq} to {header.last_seq}"
        )
    records: list[Record] = []
    refused: list[RefusedRow] = []
    for seq, item in enumerate(items, header.first_seq):
        try:
            row = _read_row(seq, orjson.dumps(item))
        except orjson.JSONEncodeError as error:
            raise FrameError("bad_batch", f"the record in place of seq {seq} nests too deeply") from error
        if isinstance(row, RefusedRow):
            refused.append(row)
        else:
            records.append(row)
    return header, tuple(records), tuple(refused)


def _read_row(seq: int, payload: bytes) -> Record | RefusedRow:
    try:
        record = RECORD.validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        reason = "unknown_kind" if first["type"].startswith("union_tag") else "invalid_record"
        place = ".".join(str(part) for part in first["loc"])
        message = storable(f"{place}: {first['msg']} (got {first.get('input')!r:.200})")
        return RefusedRow(seq, reason, message, payload)
    if record.seq != seq:
        return RefusedRow(seq, "wrong_seq", f"seq is {record.seq}, expected {seq} by its place", payload)
    return record
