"""Up to when all that readers said has been heard: a gateway that lags must not decide on half a visit."""

from typing import Final

LATE_US: Final = 1_000_000
"""A reader's report may come so much later than what it reports."""
REPORT_US: Final = 500_000
"""A report may tell of what happened so long before the newest of the last one."""
STALE_US: Final = 30_000_000
"""A reader that is heard no more holds nobody up for longer."""


class Horizon:
    """Follows the readers that are connected; not thread-safe."""

    def __init__(self) -> None:
        """Begin without readers."""
        self._heard_us: dict[str, int] = {}

    def read(self, reader: str, newest_us: int) -> None:
        """Note a report that has been taken.

        Args:
            reader: Whose.
            newest_us: Time of its newest read.
        """
        self._heard_us[reader] = newest_us - REPORT_US

    def silent(self, reader: str, at_us: int) -> None:
        """Note that a reader is there and has nothing to tell, once all it told before has been taken.

        Args:
            reader: Which.
            at_us: When that was noticed.
        """
        self._heard_us[reader] = at_us - LATE_US

    def gone(self, reader: str) -> None:
        """Note that a reader is lost: nothing more comes of before.

        Args:
            reader: Which.
        """
        self._heard_us.pop(reader, None)

    def at(self, now_us: int) -> int:
        """Tell up to when everything is heard.

        Args:
            now_us: The wall clock.

        Returns:
            The least of all connected readers; without any, what a report may be late.
        """
        fresh = [at_us for at_us in self._heard_us.values() if abs(now_us - at_us) <= STALE_US]
        return min([*fresh, now_us - LATE_US])
