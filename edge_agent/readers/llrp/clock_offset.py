"""A reader's clock against the gateway's: stamps with their arrivals in, what to add to a stamp out; pure.

A stamp is younger than its arrival by the offset and the way it took. The way is never negative, so the least
difference of the last minutes is nearest to the offset, and no read ever comes from the future.
"""

from dataclasses import dataclass
from typing import Final

WINDOW_US: Final = 60_000_000
"""The least difference is looked for in this stretch and the one before: 100 ppm of drift are 12 ms."""
STEP_US: Final = 500_000
"""More than this ahead of, or constantly behind, what was measured is another clock."""
LATEST_US: Final = 30_000_000
"""No report takes longer than this: the connection would have been given up."""
STEADY_US: Final = 3_000_000
"""So long a clock must be constantly behind before it is believed to have been set back."""
STEADY_SPREAD_US: Final = 250_000
"""Messages that were held up differ by more than this, as they all arrive together."""


@dataclass(slots=True)
class ClockOffset:
    """The offset of one clock of one reader, followed over time."""

    offset_us: int | None = None
    """What to add to a stamp, in microseconds; None before the first. 0 to begin with trusts the clock until
    its stamps come from the future, or stay behind."""
    latest_us: int = LATEST_US
    """What is later than this is told by another clock."""
    resets: int = 0
    """How often the clock was set, or began anew."""
    _lowest_us: int = 0
    _lowest_before_us: int = 0
    _window_began_us: int = 0
    _behind_since_us: int | None = None
    _behind_least_us: int = 0
    _behind_most_us: int = 0

    def observe(self, stamp_us: int, arrived_us: int) -> int:
        """Take one stamp.

        Args:
            stamp_us: By the reader's clock, in microseconds; the newest of its message.
            arrived_us: When the message arrived, by the gateway's clock.

        Returns:
            The offset.
        """
        difference_us = arrived_us - stamp_us
        offset_us = self.offset_us
        if offset_us is None:
            return self._measure_anew(difference_us, arrived_us)
        behind_us = difference_us - offset_us
        if behind_us < -STEP_US or behind_us > self.latest_us:
            self.resets += 1
            return self._measure_anew(difference_us, arrived_us)
        if behind_us > STEP_US:
            if self._is_steadily_behind(difference_us, arrived_us):
                self.resets += 1
                return self._measure_anew(self._behind_least_us, arrived_us)
            return offset_us
        self._behind_since_us = None
        if arrived_us - self._window_began_us >= WINDOW_US:
            self._window_began_us = arrived_us
            self._lowest_before_us, self._lowest_us = self._lowest_us, difference_us
        elif difference_us < self._lowest_us:
            self._lowest_us = difference_us
        self.offset_us = min(self._lowest_us, self._lowest_before_us)
        return self.offset_us

    def _measure_anew(self, difference_us: int, arrived_us: int) -> int:
        self.offset_us = self._lowest_us = self._lowest_before_us = difference_us
        self._window_began_us = arrived_us
        self._behind_since_us = None
        return difference_us

    def _is_steadily_behind(self, difference_us: int, arrived_us: int) -> bool:
        if self._behind_since_us is not None:
            self._behind_least_us = min(self._behind_least_us, difference_us)
            self._behind_most_us = max(self._behind_most_us, difference_us)
        if self._behind_since_us is None or self._behind_most_us - self._behind_least_us > STEADY_SPREAD_US:
            self._behind_since_us = arrived_us
            self._behind_least_us = self._behind_most_us = difference_us
            return False
        return arrived_us - self._behind_since_us >= STEADY_US
