"""What the outbox holds and says, as plain values."""

import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

from contracts.base import NO_PREDECESSOR, EpochId, GatewayId
from contracts.records import RowRef

_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Lane(Enum):
    """Live rows go first; what an outage left behind drains beside them, slower (PROTOCOL P1)."""

    LIVE = "live"
    BACKLOG = "backlog"


@dataclass(slots=True)
class Epoch:
    """One numbering of this gateway's rows, as the file holds it."""

    epoch_no: int
    epoch: str
    base: int
    """A row's seq is its id less this."""
    last_id: int | None = None
    """The last row, once the epoch is closed to new ones."""
    sealed_id: int = 0
    last_batch_no: int = 0
    last_sha256: str = NO_PREDECESSOR
    complete_until_us: int = 0
    ack_position: int = -1
    resend_answered: str = ""

    @property
    def checksum(self) -> int:
        """CRC-32 of what must never be wrong: the numbers and the chain."""
        kept = (self.epoch, self.base, self.last_id, self.sealed_id, self.last_batch_no, self.last_sha256)
        return zlib.crc32(repr(kept).encode())

    def has_unsealed(self, newest_id: int) -> bool:
        """Tell whether rows wait to be sealed.

        Args:
            newest_id: The newest row in the file.

        Returns:
            True if this epoch has rows that are in no batch yet.
        """
        return self.sealed_id < (newest_id if self.last_id is None else self.last_id)

    def is_untouched(self, newest_id: int) -> bool:
        """Tell whether the epoch is new still.

        Args:
            newest_id: The newest row in the file.

        Returns:
            True if it never had a row.
        """
        return not self.last_batch_no and not self.has_unsealed(newest_id)


@dataclass(frozen=True, slots=True)
class Stored:
    """Durable rows: ``count`` of them from ``first_seq`` of ``epoch``."""

    epoch: str
    first_seq: int
    count: int
    shed: int = 0
    """Samples that were not stored because space runs short."""

    def refs(self, gateway: str) -> tuple[RowRef, ...]:
        """Name each row.

        Args:
            gateway: The gateway whose outbox stored them.

        Returns:
            Their identities, in order.
        """
        return tuple(
            RowRef(gateway=GatewayId(gateway), epoch=EpochId(self.epoch), seq=self.first_seq + offset)
            for offset in range(self.count)
        )


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the order of sending."""

    epoch_no: int = -(2**62)
    batch_id: int = -1


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """A batch that the ledger has not acknowledged; its bytes never change."""

    cursor: Cursor
    epoch: str
    batch_no: int
    rows: int
    sha256: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AckOutcome:
    """What an acknowledgement did."""

    acknowledged: int = 0
    """Batches that may be deleted from now on."""
    sent_again: int = 0
    """Acknowledged batches that go out once more."""
    conflicts: int = 0
    """Batches that the ledger refused because it holds another branch of this epoch."""
    ignored: str | None = None
    """Why nothing was done, as a snake_case reason."""


@dataclass(frozen=True, slots=True)
class OutboxStats:
    """How much is kept and how much of it the ledger has not acknowledged."""

    epoch: str
    last_batch_no: int
    complete_until: datetime
    unacked_rows: int
    unacked_batches: int
    conflict_batches: int
    oldest_unacked_at: datetime | None
    used_bytes: int
    quota_bytes: int
    is_full: bool
    is_salvaging: bool
    counters: dict[str, int]


def to_us(at: datetime) -> int:
    """Write an instant as the file holds it.

    Args:
        at: Aware.

    Returns:
        Microseconds since 1970.
    """
    return (at - _UNIX_EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """Read an instant from the file.

    Args:
        us: Microseconds since 1970.

    Returns:
        The instant, UTC.
    """
    return _UNIX_EPOCH + timedelta(microseconds=us)
