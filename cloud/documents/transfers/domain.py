"""What a transfer's state follows from: what left, what came, what was said; pure."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class State(StrEnum):
    """Where a transfer stands (DOMAIN D4)."""

    DRAFT = "draft"
    """Nothing of it has left."""
    SHIPPED = "shipped"
    """Something has left stock; the vehicle is not said to be on its way."""
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    """All that left has come."""
    SHORT = "short"
    """What left and did not come is not expected any more."""
    CANCELLED = "cancelled"


def state_of(
    *,
    shipped: Decimal,
    received: Decimal,
    missing: Decimal,
    departed_at: datetime | None,
    cancelled_at: datetime | None,
) -> State:
    """Derive a transfer's state; nothing of it is stored.

    Args:
        shipped: What left the sending site, over all lines.
        received: What came at the receiving site.
        missing: What left, did not come and was given up.
        departed_at: When the vehicle left; None: nobody said so.
        cancelled_at: When it was called off.

    Returns:
        The state.

    Examples:
        >>> at = datetime(2026, 3, 2)
        >>> common = {"departed_at": at, "cancelled_at": None}
        >>> str(state_of(shipped=Decimal(9), received=Decimal(4), missing=Decimal(0), **common))
        'in_transit'
        >>> str(state_of(shipped=Decimal(9), received=Decimal(7), missing=Decimal(2), **common))
        'short'
    """
    if cancelled_at is not None:
        return State.CANCELLED
    if shipped == 0 and received == 0:
        return State.DRAFT
    if received + missing >= shipped:
        return State.SHORT if missing > 0 else State.RECEIVED
    return State.SHIPPED if departed_at is None else State.IN_TRANSIT
