"""Sealed batches and their frames: bytes that are made once and never encoded again (PROTOCOL P1)."""

import gzip
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

import orjson
from pydantic import Field, StrictBool, TypeAdapter, ValidationError, model_validator

from contracts.base import (
    OLDEST_READABLE_SCHEMA,
    SCHEMA_VERSION,
    BatchNo,
    Code,
    Contract,
    Epoch,
    Gateway,
    MonotonicNs,
    SchemaVersion,
    Seq,
    Sha256,
    Site,
    UtcDatetime,
)
from contracts.records import Record

MAX_ROWS: Final = 500
MAX_SEALED_BYTES: Final = 128 * 1024
MAX_FRAME_BYTES: Final = 256 * 1024
"""A publish is never larger: some brokers disconnect for ever on an oversized payload."""
COMPRESS_FROM_BYTES: Final = 1024
_GZIP_WBITS: Final = 31
_GZIP_LEVEL: Final = 1


class FrameError(ValueError):
    """A payload that is not a readable frame. ``code`` is stable; the text is for people."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the stable code beside the message.

        Args:
            code: Stable snake_case reason, as quarantine shows it.
            message: Value, expectation and place.
        """
        super().__init__(message)
        self.code = code


class BatchHeader(Contract):
    """A batch without its records."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    site: Site
    gateway: Gateway
    epoch: Epoch
    batch_no: BatchNo
    prev_sha256: Sha256
    first_seq: Seq
    last_seq: Seq
    complete_until: UtcDatetime
    """Everything the gateway saw up to here is in this batch or an earlier one (PROTOCOL P6)."""
    final: StrictBool = False
    """Nothing follows in this epoch."""
    agent: Code
    """Version of the agent that sealed it."""


class Batch(BatchHeader):
    """A batch whole: consecutive rows of one epoch."""

    records: Annotated[tuple[Record, ...], Field(min_length=1, max_length=MAX_ROWS)]

    @model_validator(mode="after")
    def _consecutive(self) -> Self:
        for offset, record in enumerate(self.records):
            if record.seq != self.first_seq + offset:
                msg = (
                    f"records[{offset}].seq is {record.seq}, expected {self.first_seq + offset}: "
                    "rows of a batch are consecutive"
                )
                raise ValueError(msg)
        if self.last_seq != self.records[-1].seq:
            msg = f"last_seq is {self.last_seq}, expected {self.records[-1].seq}, the last record's seq"
            raise ValueError(msg)
        return self


BATCH: Final[TypeAdapter[Batch]] = TypeAdapter(Batch)
HEADER: Final[TypeAdapter[BatchHeader]] = TypeAdapter(BatchHeader)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed batch: the exact bytes and their hash."""

    body: bytes
    sha256: str


def encode_record(record: Record) -> bytes:
    """Write one record as it will stand in a sealed batch.

    Args:
        record: A valid record.

    Returns:
        Compact JSON; fields that hold their default are left out, ``kind`` never is.
    """
    fields = record.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    return orjson.dumps({"kind": record.kind} | fields)


def seal(header: BatchHeader, encoded_records: Sequence[bytes]) -> Sealed:
    """Put encoded records into the bytes that are stored, hashed and sent, ever after unchanged.

    Args:
        header: The batch's header; its seqs must match the records.
        encoded_records: 1 to 500 results of ``encode_record``, in order of seq.

    Returns:
        The bytes and their SHA-256.

    Raises:
        ValueError: If there are no records, too many, or the bytes exceed 128 KiB.
    """
    if not 1 <= len(encoded_records) <= MAX_ROWS:
        msg = f"a batch holds 1 to {MAX_ROWS} records, got {len(encoded_records)}"
        raise ValueError(msg)
    head = header.model_dump(mode="json", by_alias=True)
    body = orjson.dumps(head)[:-1] + b',"records":[' + b",".join(encoded_records) + b"]}"
    if len(body) > MAX_SEALED_BYTES:
        msg = f"a sealed batch holds at most {MAX_SEALED_BYTES} bytes, got {len(body)}"
        raise ValueError(msg)
    return Sealed(body, hashlib.sha256(body).hexdigest())


class FrameHeader(Contract):
    """The first line of a publish: what the sealed bytes cannot hold because it changes at each sending."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    site: Site
    gateway: Gateway
    epoch: Epoch
    batch_no: BatchNo
    sha256: Sha256
    """Of the sealed bytes, before compression."""
    encoding: Literal["identity", "gzip"] = "identity"
    boot_id: Code
    sent_mono_ns: MonotonicNs


FRAME_HEADER: Final[TypeAdapter[FrameHeader]] = TypeAdapter(FrameHeader)


@dataclass(frozen=True, slots=True)
class Frame:
    """A publish taken apart: its header and the sealed bytes, their hash checked."""

    header: FrameHeader
    body: bytes
    content: bytes
    """The body as it was sent, in the header's encoding."""


def encode_frame(header: FrameHeader, body: bytes) -> bytes:
    """Write the payload of a publish: a line of JSON, a newline, the sealed bytes (gzip when large).

    A person reads it with ``mosquitto_sub`` when small, or ``| tail -n +2 | gunzip`` when large.

    Args:
        header: The frame's header; its ``encoding`` is replaced by what was done.
        body: Sealed bytes.

    Returns:
        At most 256 KiB.

    Raises:
        FrameError: With code ``oversized`` if it would be larger.
    """
    is_large = len(body) >= COMPRESS_FROM_BYTES
    content = gzip.compress(body, _GZIP_LEVEL, mtime=0) if is_large else body
    line = header.model_copy(update={"encoding": "gzip" if is_large else "identity"})
    payload = orjson.dumps(line.model_dump(mode="json", by_alias=True)) + b"\n" + content
    if len(payload) > MAX_FRAME_BYTES:
        raise FrameError("oversized", f"a frame holds at most {MAX_FRAME_BYTES} bytes, got {len(payload)}")
    return payload


def decode_frame(payload: bytes) -> Frame:
    """Take a publish apart, believing nothing: size, header, compression ratio and hash are checked.

    Args:
        payload: Bytes as the broker gave them.

    Returns:
        The header and the sealed bytes.

    Raises:
        FrameError: With code ``oversized``, ``truncated``, ``bad_header``, ``schema_too_new``,
            ``schema_too_old``, ``bad_compression``, ``bomb`` or ``hash_mismatch``.
    """
    if len(payload) > MAX_FRAME_BYTES:
        raise FrameError("oversized", f"a frame holds at most {MAX_FRAME_BYTES} bytes, got {len(payload)}")
    line, newline, content = payload.partition(b"\n")
    if not newline:
        raise FrameError("truncated", f"no newline after the header in a frame of {len(payload)} bytes")
    _check_schema(line)
    try:
        header = FRAME_HEADER.validate_json(line)
    except ValidationError as error:
        raise FrameError("bad_header", f"frame header: {_first(error)}") from error
    body = _inflate(content) if header.encoding == "gzip" else content
    found = hashlib.sha256(body).hexdigest()
    if found != header.sha256:
        raise FrameError("hash_mismatch", f"body hashes to {found}, the frame header says {header.sha256}")
    return Frame(header, body, content)


def hash_unread(payload: bytes) -> str:
    r"""Name a payload whose header is not believed, the same each time it is sent.

    Args:
        payload: Bytes as the broker gave them.

    Returns:
        The SHA-256 of what follows the header line, for that line changes from one sending to the next;
        of everything, if nothing follows a line.

    Examples:
        >>> hash_unread(b'{"sent_mono_ns": 1}\n...') == hash_unread(b'{"sent_mono_ns": 2}\n...')
        True
    """
    return hashlib.sha256(payload.partition(b"\n")[2] or payload).hexdigest()


def decode_header(body: bytes) -> BatchHeader:
    """Read a sealed batch's header, leaving its records alone.

    Args:
        body: Sealed bytes.

    Returns:
        The header; records are not validated and not kept.

    Raises:
        FrameError: With code ``bad_batch``, ``schema_too_new`` or ``schema_too_old``.
    """
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise FrameError("bad_batch", f"sealed bytes are not JSON: {error}") from error
    _check_version(fields, code="bad_batch", place="a sealed batch")
    fields.pop("records", None)
    try:
        return HEADER.validate_python(fields)
    except ValidationError as error:
        raise FrameError("bad_batch", f"batch header: {_first(error)}") from error
    except RecursionError as error:
        raise FrameError("bad_batch", "batch header: an unknown field nests too deeply") from error


def _inflate(content: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=_GZIP_WBITS)
    try:
        body = inflater.decompress(content, MAX_SEALED_BYTES + 1)
    except zlib.error as error:
        raise FrameError("bad_compression", f"the body is not gzip: {error}") from error
    if len(body) > MAX_SEALED_BYTES:
        raise FrameError("bomb", f"{len(content)} bytes inflate to more than {MAX_SEALED_BYTES}")
    if not inflater.eof or inflater.unused_data:
        raise FrameError("bad_compression", f"the gzip body of {len(content)} bytes is cut short or padded")
    return body


def _check_schema(line: bytes) -> None:
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise FrameError("bad_header", f"the frame's first line is not JSON: {error}") from error
    _check_version(fields, code="bad_header", place="the frame's first line")


def _check_version(fields: object, *, code: str, place: str) -> None:
    if not isinstance(fields, dict):
        raise FrameError(code, f"{place} is a JSON {type(fields).__name__}, expected an object")
    schema = fields.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool):
        raise FrameError(code, f"schema of {place} is {schema!r:.60}, expected a whole number")
    if schema > SCHEMA_VERSION:
        raise FrameError("schema_too_new", f"schema {schema}: this release reads up to {SCHEMA_VERSION}")
    if schema < OLDEST_READABLE_SCHEMA:
        raise FrameError("schema_too_old", f"schema {schema}: this release reads {OLDEST_READABLE_SCHEMA} up")


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']} (got {first.get('input')!r:.100})"
