"""How long to wait before trying again: how long it has been away in, seconds out; pure, and for ever.

Never longer than a tenth of the time that it has been away, so that who comes back soon is read soon: a
reader that restarts in a minute is read again within 6 s. Half of each wait is chance, so that the readers
behind one switch do not all come back at once.
"""

from dataclasses import dataclass
from typing import Final

SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Backoff:
    """Bounds of the wait."""

    first_s: float = 0.05
    longest_s: float = 30.0

    def wait_s(self, away_s: float, chance: float) -> float:
        """Tell how long to wait.

        Args:
            away_s: Since when it is away, in seconds; >= 0.
            chance: From 0 to 1, new for each call.

        Returns:
            Seconds, between half the wait that is due and all of it.

        Examples:
            >>> Backoff().wait_s(0, 1.0), Backoff().wait_s(60, 0.0), Backoff().wait_s(86400, 1.0)
            (0.05, 3.0, 30.0)
        """
        due_s = min(max(away_s * SHARE, self.first_s), self.longest_s)
        return due_s * (0.5 + chance / 2)


FOR_READERS: Final = Backoff()
"""From 50 ms to 30 s."""
