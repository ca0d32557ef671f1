"""What a serial line tells the one who listens to it, and what it counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from edge_agent.readers.framing import Frame

Send = Callable[[bytes], None]
"""Writes to the scanner; what cannot be written because it is gone is counted and forgotten."""


class LineListener(Protocol):
    """Receives what one scanner says, always on that scanner's own thread."""

    def handed_over(self) -> None:
        """Another device than before is about to be connected: who works with it has to say so."""

    def connected(self, send: Send) -> None:
        """The line is open; ``send`` is good until ``disconnected``."""

    def scanned(self, frames: Sequence[Frame]) -> None:
        """Whole scans arrived, at least one; no more are read until this returns."""

    def silent(self) -> None:
        """Nothing arrived for a while, which is fine."""

    def disconnected(self) -> None:
        """The line is lost; it will be opened again."""


class LineState(StrEnum):
    """Whether a scanner is there."""

    WAITING = "waiting"
    """Not there yet, or lost: it is tried again with backoff."""
    OPEN = "open"
    STOPPED = "stopped"
    FAILED = "failed"
    """Its listener raised an error nobody expected: the agent must restart."""


@dataclass(slots=True)
class LineCounters:
    """What one line has done since the agent started."""

    state: LineState = LineState.WAITING
    bytes_read: int = 0
    frames: int = 0
    double_scans: int = 0
    """Frames not passed on because they repeated the one before within the profile's time."""
    noise_frames: int = 0
    noise_bytes: int = 0
    tries: int = 0
    """How often it was looked for."""
    opened: int = 0
    lost: int = 0
    unsent: int = 0
    """Answers that could not be written to the scanner."""
    last_heard_at: datetime | None = None

    def oddities(self) -> dict[str, int]:
        """Give what did not go as it should, by name, for the gateway's health.

        Returns:
            Counts since this line was first opened; zeros included.
        """
        return {
            "scanner_double_scans": self.double_scans,
            "scanner_noise_frames": self.noise_frames,
            "scanner_noise_bytes": self.noise_bytes,
            "scanner_lost": self.lost,
            "scanner_answers_unsent": self.unsent,
        }
