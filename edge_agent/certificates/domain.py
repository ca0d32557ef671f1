"""When a certificate is to be renewed, and when people are told that it ends; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

RENEWED_AFTER: Final = 2 / 3
"""Of its life."""
TOLD_BEFORE: Final = (timedelta(days=30), timedelta(days=14), timedelta(days=7), timedelta(days=1))
"""How long before its end people are told, each time more urgently."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says."""

    subject: str
    """Its common name: what the broker takes for the gateway's id."""
    serial: str
    """In hexadecimal."""
    not_before: datetime
    not_after: datetime

    def is_due(self, now: datetime) -> bool:
        """Tell whether it is time for another one.

        Args:
            now: The present.

        Returns:
            True from two thirds of its life on.
        """
        return now >= self.not_before + (self.not_after - self.not_before) * RENEWED_AFTER


def warning_of(not_after: datetime, now: datetime) -> str | None:
    """Say that a certificate ends soon, or has ended.

    Args:
        not_after: Its end.
        now: The present.

    Returns:
        A sentence without its full stop; None while it lasts for long enough.
    """
    left = not_after - now
    if left <= timedelta(0):
        return f"the gateway's certificate ended on {not_after:%Y-%m-%d %H:%M} UTC: rows are kept here"
    if left > TOLD_BEFORE[0]:
        return None
    span = f"{left.days} days" if left >= TOLD_BEFORE[-1] else f"{left.total_seconds() / 3600:.0f} hours"
    return f"the gateway's certificate ends in {span}, on {not_after:%Y-%m-%d %H:%M} UTC"
