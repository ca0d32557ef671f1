"""When to send, how often to repeat, how fast to drain: pure arithmetic, time passed in."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contracts.feedback import IngestMode, IngestState

RESEND_FIRST_S: Final = (3.0, 10.0)
"""An unanswered batch is sent again after a time drawn from here (PROTOCOL P3)."""
RESEND_GROWTH: Final = 1.5
RESEND_LONGEST_S: Final = 60.0
DEAF_AFTER_S: Final = 12.0
"""Silence of the ledger, batches being on their way, after which the connection itself is doubted."""
BACKLOG_AGE: Final = timedelta(seconds=60)
"""Older unsealed rows than this, when the link returns, drain beside the live ones."""
LIVE_SLOTS: Final = 4
"""In-flight slots that a backlog never takes."""
LINGER_S: Final = 0.02
"""Live rows are sealed at most this often, so that a busy scanner makes batches and not single rows."""
PAUSE_LASTS_S: Final = 30.0
"""A pause of some sites ends by itself unless it is said again: who asked for it may have gone silent."""
RECONNECT_FIRST_S: Final = 0.25
RECONNECT_LONGEST_S: Final = 30.0
_GROWN: Final = 16
"""Attempts after which waits have reached their limits."""


@dataclass(slots=True)
class InFlight:
    """A batch on its way, and when it goes out once more; monotonic seconds."""

    epoch: str
    batch_no: int
    attempts: int
    due_at_s: float


def resend_after_s(attempts: int, draw: float) -> float:
    """Tell how long to wait for the ledger's answer.

    Args:
        attempts: How often the batch has been sent, from 1.
        draw: Uniform in [0, 1).

    Returns:
        Seconds: 3-10 after the first sending, growing to a minute.
    """
    least, most = RESEND_FIRST_S
    growth = RESEND_GROWTH ** min(attempts - 1, _GROWN)
    return float(min((least + draw * (most - least)) * growth, RESEND_LONGEST_S))


def reconnect_after_s(failures: int, draw: float) -> float:
    """Tell how long to wait before the next connection attempt.

    Args:
        failures: Attempts that failed in a row, from 1.
        draw: Uniform in [0, 1).

    Returns:
        Seconds, with full jitter, up to half a minute; never a reason to give up.
    """
    ceiling = min(RECONNECT_FIRST_S * 2 ** min(failures, _GROWN), RECONNECT_LONGEST_S)
    return float(RECONNECT_FIRST_S + draw * (ceiling - RECONNECT_FIRST_S))


def paused_until_s(state: IngestState, now_s: float) -> float:
    """Tell how long nothing is to be sent.

    Args:
        state: What ingest says to this gateway, or to all.
        now_s: Monotonic seconds.

    Returns:
        Monotonic seconds: for ever if ingest itself is away, a while if it only is behind.
    """
    if state.mode is not IngestMode.PAUSED:
        return -math.inf
    return now_s + PAUSE_LASTS_S if state.sites else math.inf


@dataclass(slots=True)
class Detour:
    """Tells when another way is taken because the direct one is closed; instants are monotonic seconds."""

    after_s: float
    """How long the direct way must have been closed."""
    _closed_s: float | None = None

    def is_due(self, now_s: float, *, is_direct: bool) -> bool:
        """Look at the direct way.

        Args:
            now_s: The present.
            is_direct: Whether the direct way is open.

        Returns:
            True once it has been closed for so long, and until it is open again.

        Examples:
            >>> detour = Detour(after_s=30.0)
            >>> [detour.is_due(at, is_direct=False) for at in (0.0, 29.0, 30.0)]
            [False, False, True]
            >>> detour.is_due(31.0, is_direct=True)
            False
        """
        if is_direct:
            self._closed_s = None
            return False
        if self._closed_s is None:
            self._closed_s = now_s
        return now_s - self._closed_s >= self.after_s


@dataclass(slots=True)
class TokenBucket:
    """Lets a backlog drain at a bounded rate, so that an ingest is not stampeded."""

    rate_per_s: float
    burst: float
    _level: float = 0.0
    _at_s: float | None = None

    def has_tokens(self, now_s: float) -> bool:
        """Tell whether something may be sent.

        Args:
            now_s: Monotonic seconds.

        Returns:
            True while the level is above zero; the sending may take it below.
        """
        if self._at_s is None:
            self._level = self.burst
        else:
            self._level = min(self.burst, self._level + (now_s - self._at_s) * self.rate_per_s)
        self._at_s = now_s
        return self._level > 0

    def spend(self, tokens: float) -> None:
        """Take tokens for what was sent.

        Args:
            tokens: How many.
        """
        self._level -= tokens
