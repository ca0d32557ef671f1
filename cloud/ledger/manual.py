"""A movement stated by a person or a program: in as they say it, out as a posting."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.ledger.closing import require_open, tell_late
from cloud.ledger.domain import CloudStatement, EffectiveRow, NotPostableError, Posted, PostingKind
from cloud.ledger.posting import Posting
from contracts.base import SiteId
from contracts.occurrence import OLDEST_BELIEVABLE, TimeBasis
from contracts.records import DocumentRef, Identifier, Movement, Side

MAY_MOVE: Final = (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER)
_TOLERANCE: Final = timedelta(minutes=2)
"""How far another program's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class ManualMovement:
    """What somebody says has moved."""

    site: SiteId
    identifier: Identifier
    quantity: Decimal
    unit: str
    source: Side
    destination: Side
    occurred_at: datetime | None
    """None means now."""
    reason: str
    documents: tuple[DocumentRef, ...] = ()


def post_movement(conn: Connection, actor: Actor, movement: ManualMovement, *, now: datetime) -> Posted:
    """Post a movement by hand.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of the site; in a closed period the latter.
        movement: What moved.
        now: The present.

    Returns:
        The posting; its one row is the movement.

    Raises:
        NotAllowedError: If the actor may not.
        NotPostableError: If it lies in the future or more than 400 days back, or cannot be stored.
    """
    actor.require(*MAY_MOVE, site=movement.site)
    occurred_at = movement.occurred_at or now
    if not now - OLDEST_BELIEVABLE <= occurred_at <= now + _TOLERANCE:
        raise NotPostableError(
            f"occurred_at {occurred_at.isoformat()}: expected within {OLDEST_BELIEVABLE.days} days before now"
        )
    record = Movement(
        seq=1,
        occurred_at_claimed=occurred_at,
        mono_ns=0,
        boot_id="cloud",
        clock_ok=True,
        actor=actor.id,
        identifier=movement.identifier,
        quantity_seen=movement.quantity,
        unit_seen=movement.unit,
        source=movement.source,
        destination=movement.destination,
        reason=movement.reason,
        documents=movement.documents,
    )
    row = EffectiveRow(record, min(occurred_at, now), TimeBasis.CLAIMED)
    is_late = require_open(conn, actor, movement.site, row.occurred_at)
    posting = Posting(conn, actor, PostingKind.STATEMENT)
    posting.write(statements=[CloudStatement(movement.site, row)])
    if is_late:
        tell_late(posting, movement.site, row.occurred_at, movement.reason)
    return posting.close()
