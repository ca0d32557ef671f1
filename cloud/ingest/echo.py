"""Is a living connection still carrying anything? Instants in, when to call and when to give up out.

MQTT sends nothing again within a connection, so each packet lost on it holds a slot of a window for ever,
the broker's or ours, until one is full and the stream stalls in silence (FAULTS F5). Whoever calls to itself
through the broker passes both windows, and hears when one of them is full.
"""

from dataclasses import dataclass
from typing import Final

EVERY_S: Final = 3.0
"""Between two calls."""
DEAF_AFTER_S: Final = 12.0
"""Without an echo; four calls, so that a bad line alone seldom ends a connection."""


@dataclass(slots=True)
class Echo:
    """The calls of one connection; instants are of any monotonic clock, in seconds."""

    heard_s: float
    """When the last echo came, or the connection could first have carried one."""
    called_s: float = float("-inf")

    def is_due(self, now_s: float) -> bool:
        """Tell whether to call.

        Args:
            now_s: The present.

        Returns:
            True once per period; the caller calls.
        """
        if now_s - self.called_s < EVERY_S:
            return False
        self.called_s = now_s
        return True

    def is_deaf(self, now_s: float) -> bool:
        """Tell whether to give the connection up.

        Args:
            now_s: The present.

        Returns:
            True if no echo came for so long that losses must have filled a window.

        Examples:
            >>> Echo(heard_s=0.0).is_deaf(11.0), Echo(heard_s=0.0).is_deaf(12.5)
            (False, True)
        """
        return now_s - self.heard_s > DEAF_AFTER_S
