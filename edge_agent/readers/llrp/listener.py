"""What a reader tells the one who listens to it, and what it counts."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from edge_agent.readers.raw_read import Seen


class ReaderListener(Protocol):
    """Receives what one reader says, always on that reader's own delivering thread, in order."""

    def connected(self) -> None:
        """The inventory runs; what happens from now on is seen."""

    def seen(self, batch: list[Seen]) -> None:
        """Reads and changes of inputs, at least one; more are kept meanwhile, up to a bound."""

    def silent(self) -> None:
        """Nothing came for a while, although the reader is there: time goes on."""

    def disconnected(self) -> None:
        """The reader is lost; it will be connected to again."""


class ReaderState(StrEnum):
    """Whether a reader reads."""

    WAITING = "waiting"
    """Not there yet, or lost: it is tried again with backoff, for ever."""
    REFUSED = "refused"
    """It is there and does not do what its profile asks; ``detail`` has its words. Tried again as well."""
    OPEN = "open"
    STOPPED = "stopped"
    FAILED = "failed"
    """Its listener raised an error nobody expected: it must be replaced."""


@dataclass(slots=True)
class ReaderCounters:
    """What one reader has done since the agent started."""

    state: ReaderState = ReaderState.WAITING
    detail: str = ""
    """Why it was lost or refused last; empty while it reads."""
    is_silent: bool = False
    """It was lost because it stopped to speak: not unplugged."""
    opened: int = 0
    lost: int = 0
    refused: int = 0
    reads: int = 0
    """Passed to the listener."""
    input_changes: int = 0
    keepalives: int = 0
    last_heard_at: datetime | None = None
    clock_offset_us: int | None = None
    """What is added to the reader's UTC stamps; None for readers without a clock."""
    odd: Counter[str] = field(default_factory=Counter)

    def oddities(self) -> dict[str, int]:
        """Give what did not go as it should, by name, for the gateway's health.

        Returns:
            Counts since the agent started; the first ones also when they are zero.
        """
        return {
            "reader_lost": self.lost,
            "reader_refused": self.refused,
            "reader_messages_malformed": 0,
            "reader_messages_unknown": 0,
            "reader_framing_lost": 0,
            "reader_reports_overflowed": 0,
            **dict(self.odd),
        }
