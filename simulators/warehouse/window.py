"""What a well-behaved gateway has in flight: sent, unanswered by the ledger, sent again when overdue."""

from dataclasses import dataclass, field
from typing import Final

from contracts.feedback import Ack, BatchAck, StoredAs
from simulators.warehouse.gateways import SealedBatch

RESEND_AFTER_NS: Final = 3_000_000_000


@dataclass(slots=True)
class _InFlight:
    batch: SealedBatch
    sent_ns: int


@dataclass(slots=True)
class Window:
    """The batches of one gateway between sealing and the ledger's own acknowledgement (PROTOCOL P3)."""

    limit: int
    """How many batches may be unacknowledged."""
    acknowledged_rows: int = 0
    resent: int = 0
    conflicts: list[int] = field(default_factory=list)
    """Numbers of batches that the ledger refused as a fork; they are not sent again."""
    _position: int = -1
    _in_flight: dict[int, _InFlight] = field(default_factory=dict)

    @property
    def has_room(self) -> bool:
        """Whether another batch may be sent."""
        return len(self._in_flight) < self.limit

    @property
    def is_empty(self) -> bool:
        """Whether the ledger has answered for everything sent."""
        return not self._in_flight

    def sent(self, batch: SealedBatch, now_ns: int) -> None:
        """Remember a batch that goes out.

        Args:
            batch: The batch.
            now_ns: Monotonic clock, in nanoseconds.
        """
        self._in_flight[batch.range.batch_no] = _InFlight(batch, now_ns)

    def overdue(self, now_ns: int) -> list[SealedBatch]:
        """Name the batches to send again, and count them as sent now.

        Args:
            now_ns: Monotonic clock, in nanoseconds.

        Returns:
            Batches unanswered for 3 s, oldest first.
        """
        late = [entry for entry in self._in_flight.values() if now_ns - entry.sent_ns >= RESEND_AFTER_NS]
        for entry in late:
            entry.sent_ns = now_ns
        self.resent += len(late)
        return [entry.batch for entry in late]

    def answered(self, ack: Ack) -> list[SealedBatch]:
        """Take the ledger's answer; lower positions and other hashes than ours are ignored.

        Args:
            ack: An acknowledgement of this gateway.

        Returns:
            Batches the ledger now holds, for the first time.
        """
        if ack.position < self._position:
            return []
        self._position = ack.position
        named = {extra.batch_no: extra for extra in ack.extra if self._is_in_flight(extra)}
        refused = [number for number, extra in named.items() if extra.status is StoredAs.CONFLICT]
        for number in refused:
            del self._in_flight[number]
        self.conflicts += refused
        reaches = self._is_ours(ack.contiguous_no, ack.contiguous_sha256)
        stored = [
            number
            for number in self._in_flight
            if number in named or (reaches and number <= ack.contiguous_no)
        ]
        batches = [self._in_flight.pop(number).batch for number in stored]
        self.acknowledged_rows += sum(b.range.last_seq - b.range.first_seq + 1 for b in batches)
        return batches

    def _is_in_flight(self, extra: BatchAck) -> bool:
        return extra.batch_no in self._in_flight and self._is_ours(extra.batch_no, extra.sha256)

    def _is_ours(self, number: int, sha256: str) -> bool:
        """Whether the ledger speaks of the batch we sent, as far as we still know it."""
        entry = self._in_flight.get(number)
        return entry is None or entry.batch.sealed.sha256 == sha256
