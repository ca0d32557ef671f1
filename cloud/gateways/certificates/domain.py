"""Certificates as rows, and how urgently their end is told; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cloud.alerts.domain import Severity

LIFE: Final = timedelta(days=90)
"""Of a gateway's certificate; it asks for the next one after two thirds."""
URGENCY: Final = (
    (timedelta(0), Severity.CRITICAL),
    (timedelta(days=1), Severity.CRITICAL),
    (timedelta(days=7), Severity.CRITICAL),
    (timedelta(days=14), Severity.WARNING),
    (timedelta(days=30), Severity.INFO),
)
"""How severe it is that so little of a certificate's life is left."""
MOST_REASON: Final = 200


class CertificateWishError(ValueError):
    """A wrong wish about certificates; the message names value, expectation and place."""


class UnknownCertificateError(CertificateWishError):
    """The actor's sites have no such gateway, or it has no such certificate."""


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """A certificate that was signed here."""

    gateway: str
    site: str
    serial: str
    not_before: datetime
    not_after: datetime
    issued_at: datetime
    issued_by: str
    revoked_at: datetime | None
    revoked_by: str | None
    revoked_why: str | None
    is_in_use: bool
    """By what the gateway said last."""


@dataclass(frozen=True, slots=True)
class InUse:
    """What a gateway said last of its certificate."""

    gateway: str
    site: str
    not_after: datetime | None
    serial: str | None
    problem: str | None
    health_at: datetime


def stage_of(left: timedelta) -> tuple[timedelta, Severity] | None:
    """Tell how severe it is that so much is left; each stage is told of anew.

    Args:
        left: Until the certificate ends; below zero once it has.

    Returns:
        Within how long it ends, and the severity; None while nobody needs to know.

    Examples:
        >>> stage_of(timedelta(days=13)), stage_of(timedelta(days=31))
        ((datetime.timedelta(days=14), <Severity.WARNING: 'warning'>), None)
    """
    return next((stage for stage in URGENCY if left <= stage[0]), None)


def words_of(left: timedelta, not_after: datetime) -> str:
    """Say how long a certificate lasts still.

    Args:
        left: Until it ends.
        not_after: When it does.

    Returns:
        The end of a sentence.

    Examples:
        >>> from datetime import UTC
        >>> words_of(timedelta(hours=5), datetime(2026, 3, 2, tzinfo=UTC))
        'ends within 1 day, on 2026-03-02'
    """
    if left <= timedelta(0):
        return f"has ended, on {not_after:%Y-%m-%d}: it keeps its rows until it has another"
    within = next((span.days for span, _ in URGENCY if left <= span), None)
    days = left.days if within is None else within
    return f"ends within {days} day{'' if days == 1 else 's'}, on {not_after:%Y-%m-%d}"
