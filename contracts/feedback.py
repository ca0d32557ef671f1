"""What the cloud answers: acknowledgements and the state of ingest (PROTOCOL P3)."""

from enum import StrEnum
from typing import Annotated

from pydantic import JsonValue

from contracts.base import (
    SCHEMA_VERSION,
    STORABLE,
    BatchNo,
    Code,
    Contract,
    Epoch,
    Gateway,
    SchemaVersion,
    Sha256,
    Site,
    UtcDatetime,
    WholeNumber,
)


class StoredAs(StrEnum):
    """What became of a batch."""

    STORED = "stored"
    PARTLY_QUARANTINED = "partly_quarantined"
    CONFLICT = "conflict"
    """A fork: another branch is in the ledger. The edge keeps these rows until an operator decides."""


class BatchAck(Contract):
    """What became of one batch, named by its content."""

    batch_no: BatchNo
    sha256: Sha256
    status: StoredAs


class Resend(Contract):
    """A request to send acknowledged batches again."""

    epoch: Epoch
    from_batch_no: BatchNo
    to_batch_no: BatchNo


class Ack(Contract):
    """Ack v1, retained on the gateway's ack topic, one per epoch. Lower positions are ignored."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    ledger_id: Code
    """Changes when the ledger is restored to an older state; then the edge sends again."""
    gateway: Gateway
    epoch: Epoch
    position: WholeNumber
    contiguous_no: WholeNumber
    """All batches 1..contiguous_no are stored."""
    contiguous_sha256: Sha256
    """Hash of batch ``contiguous_no``; 64 zeros when that is 0."""
    extra: tuple[BatchAck, ...] = ()
    """Batches beyond the contiguous ones, and those whose status is not plain ``stored``."""
    resend: tuple[Resend, ...] = ()


class Message(Contract):
    """What the cloud has said last on one of a gateway's channels."""

    channel: Code
    payload: Annotated[dict[str, JsonValue], STORABLE]


class Messages(Contract):
    """What a broker would retain for a gateway, for one that has none."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    messages: tuple[Message, ...] = ()


class IngestMode(StrEnum):
    """What edges should do."""

    RUNNING = "running"
    PAUSED = "paused"
    RESEND_NOW = "resend_now"


class IngestState(Contract):
    """Retained on ``dl/v1/ingest/state``; the last will says paused."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    mode: IngestMode
    ledger_id: Code | None = None
    since_at: UtcDatetime
    reason: Code | None = None
    sites: tuple[Site, ...] = ()
    """Whose gateways are meant; those of all sites, if it names none."""
