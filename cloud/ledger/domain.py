"""What goes into a posting and what comes out of it; pure values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from contracts.base import SiteId
from contracts.batch import BatchHeader
from contracts.feedback import StoredAs
from contracts.occurrence import TimeBasis
from contracts.records import Record, RowRef


class PostingKind(StrEnum):
    """Why a posting was made; each posting takes one position."""

    BATCH = "batch"
    REPLAY = "replay"
    STATEMENT = "statement"
    IMPORT = "import"
    REVERSAL = "reversal"
    ADJUSTMENT = "adjustment"
    ALIAS = "alias"
    CLOSE = "close"


class LedgerError(Exception):
    """A posting that was refused whole; nothing of it is stored."""


class UnknownGatewayError(LedgerError):
    """A batch names a gateway that is not registered, or one of another site."""


class AlreadyClaimedError(LedgerError):
    """What must happen once has happened before: a reversal, a replay, an answer."""


class UnknownRowError(LedgerError):
    """A command names a row that the ledger does not hold."""


class NotPostableError(LedgerError):
    """A statement made in the cloud that cannot be stored as it is."""


class EffectiveRow(NamedTuple):
    """A record with the time the ledger files it under (PROTOCOL P2)."""

    record: Record
    occurred_at: datetime
    basis: TimeBasis


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A part of a batch that could not be posted; quarantined in the same transaction."""

    seq: int | None
    """None when not even the seq could be read."""
    reason: str
    """Stable snake_case code."""
    message: str
    payload: bytes
    """The original bytes of the row."""


@dataclass(frozen=True, slots=True)
class AcceptedBatch:
    """A new batch of a registered gateway, decoded; rows and refused together are all it held."""

    header: BatchHeader
    sha256: str
    body: bytes
    """The sealed bytes, uncompressed, exactly as hashed."""
    received_at: datetime
    rows: tuple[EffectiveRow, ...]
    refused: tuple[RefusedRow, ...] = ()
    gzipped: bytes | None = None
    """The sealed bytes as the gateway compressed them, if it did; stored as they are."""


@dataclass(frozen=True, slots=True)
class CloudStatement:
    """A record that did not come in a batch: made by a person, an import or a job, or replayed."""

    site: SiteId
    row: EffectiveRow
    origin: RowRef | None = None
    """The identity to store it under; None gives it one of the cloud's own (the record's seq is ignored)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that may happen once in the life of the ledger (PROTOCOL P4)."""

    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of one batch of a posting."""

    gateway: str
    epoch: str
    batch_no: int
    sha256: str
    status: StoredAs


@dataclass(frozen=True, slots=True)
class Posted:
    """A posting's place in the one order."""

    posting_id: int
    position: int
    recorded_at: datetime
    outcomes: tuple[BatchOutcome, ...] = ()
    quarantined: int = 0
    """Rows put to quarantine by this posting."""
    rows: tuple[RowRef, ...] = ()
    """Identities given to the statements, in their order."""
