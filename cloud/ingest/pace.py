"""How much one transaction takes: what the last ones took in, the next one's size out; pure arithmetic.

Alone, a batch is written at once: nothing waits for company. While much waits, a transaction takes as much as
can be written in `TARGET_S`, for a live batch that comes meanwhile waits for its end.
"""

from dataclasses import dataclass
from typing import Final

TARGET_S: Final = 0.4
"""A transaction that drains: long enough for its fixed costs not to count, short enough to wait for."""
LEAST_BYTES: Final = 32 * 1024
MOST_BYTES: Final = 4 * 1024 * 1024
_FIRST_S_PER_BYTE: Final = TARGET_S / (256 * 1024)
_WEIGHT: Final = 0.3
"""Of the last transaction in what is expected of the next."""


@dataclass(slots=True)
class Pace:
    """What writing has cost lately."""

    s_per_byte: float = _FIRST_S_PER_BYTE

    @property
    def budget_bytes(self) -> int:
        """Payload that the next transaction may take; one delivery it may always."""
        return min(MOST_BYTES, max(LEAST_BYTES, int(TARGET_S / self.s_per_byte)))

    def note(self, payload_bytes: int, took_s: float) -> None:
        """Learn from a transaction; a small one tells of fixed costs only, and nothing is learnt from it.

        Args:
            payload_bytes: What it took.
            took_s: From reading to commit.

        Examples:
            >>> pace = Pace()
            >>> for _ in range(20):
            ...     pace.note(256 * 1024, 1.6)
            >>> round(pace.budget_bytes / 1024)
            64
        """
        if payload_bytes >= LEAST_BYTES // 2:
            self.s_per_byte += _WEIGHT * (took_s / payload_bytes - self.s_per_byte)
