"""Movements and positions that documents state, and their reversal."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from cloud.db import Connection
from cloud.documents.domain import DocumentError
from cloud.identity.actor import Actor
from cloud.ledger import store as ledger
from cloud.ledger.closing import require_open, tell_late
from cloud.ledger.domain import CloudStatement, EffectiveRow, PostingKind
from cloud.ledger.posting import Posting
from cloud.ledger.writing import reversal_claim
from contracts.base import SiteId, epoch_from_int
from contracts.occurrence import OLDEST_BELIEVABLE, TimeBasis
from contracts.records import DocumentRef, Identifier, Movement, RowRef, Side, UnitPosition

_CLOCKS_DIFFER: Final = timedelta(minutes=2)
_CLOUD: Final = {"seq": 1, "mono_ns": 0, "boot_id": "cloud", "clock_ok": True}


def moved(
    site: str,
    identifier: Identifier,
    quantity: Decimal,
    unit_seen: str,
    *,
    source: Side,
    destination: Side,
    documents: Sequence[DocumentRef],
    occurred_at: datetime,
    actor: str,
    **more: Any,
) -> CloudStatement:
    """State a movement.

    Args:
        site: Site id.
        identifier: Names the item.
        quantity: In ``unit_seen``; above zero.
        unit_seen: ``base`` or a GTIN of the item.
        source: Where it was.
        destination: Where it is now.
        documents: The lines it belongs to.
        occurred_at: When.
        actor: Who says so.
        **more: Other fields of the movement.

    Returns:
        The statement.
    """
    record = Movement.model_validate(
        _CLOUD
        | {
            "occurred_at_claimed": occurred_at,
            "actor": actor,
            "identifier": identifier,
            "quantity_seen": quantity,
            "unit_seen": unit_seen,
            "source": source,
            "destination": destination,
            "documents": tuple(documents),
        }
        | more
    )
    return CloudStatement(SiteId(site), EffectiveRow(record, occurred_at, TimeBasis.CLAIMED))


def stands(
    site: str,
    unit: str,
    location: str,
    *,
    documents: Sequence[DocumentRef] = (),
    occurred_at: datetime,
    actor: str,
) -> CloudStatement:
    """State that a unit stands somewhere.

    Args:
        site: Site id.
        unit: SSCC or GRAI.
        location: Code of the place or account.
        documents: What it belongs to.
        occurred_at: Since when.
        actor: Who says so.

    Returns:
        The statement.
    """
    record = UnitPosition.model_validate(
        _CLOUD
        | {
            "occurred_at_claimed": occurred_at,
            "actor": actor,
            "unit": unit,
            "location": location,
            "documents": tuple(documents),
        }
    )
    return CloudStatement(SiteId(site), EffectiveRow(record, occurred_at, TimeBasis.CLAIMED))


def believable(occurred_at: datetime | None, now: datetime, what: str) -> datetime:
    """Check when somebody says that something happened.

    Args:
        occurred_at: As it was said; None: now.
        now: The present.
        what: Names it, for the error.

    Returns:
        The instant, not after now.

    Raises:
        DocumentError: If it lies more than two minutes ahead, or too far back.
    """
    at = occurred_at or now
    if not now - OLDEST_BELIEVABLE <= at <= now + _CLOCKS_DIFFER:
        raise DocumentError(
            f"{what}: occurred_at {at.isoformat()}: expected within {OLDEST_BELIEVABLE.days} days before now"
        )
    return min(at, now)


def reverse_rows(
    conn: Connection, actor: Actor, found: Iterable[tuple[str, int, int]], *, reason: str
) -> Posting:
    """Move back what movements moved, all in one posting that the caller closes.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: Who may.
        found: Gateway, epoch and seq of each movement; none of them reversed.
        reason: Reason code.

    Returns:
        The open posting.

    Raises:
        AlreadyClaimedError: If one was reversed meanwhile.
        NotAllowedError: If one lies in a closed period, which the actor may not change.
    """
    keys = list(found)
    late = _late(conn, actor, keys)
    posting = Posting(conn, actor, PostingKind.REVERSAL)
    refs = [RowRef(gateway=gateway, epoch=epoch_from_int(epoch), seq=seq) for gateway, epoch, seq in keys]
    posting.claim([reversal_claim(ref) for ref in refs])
    own = {"sites": actor.reach, "actor": actor.id, "reason": reason}
    for gateway, epoch, seq in keys:
        ledger.command(conn, "reverse_movement", own | {"gateway": gateway, "epoch": epoch, "seq": seq})
    for site, occurred_at in late.items():
        tell_late(posting, site, occurred_at, reason)
    return posting


def _late(conn: Connection, actor: Actor, keys: Iterable[tuple[str, int, int]]) -> dict[str, datetime]:
    """Give the earliest instant per site of movements in closed periods; refuse whoever may not."""
    earliest: dict[str, datetime] = {}
    for gateway, epoch, seq in keys:
        named = {"gateway": gateway, "epoch": epoch, "seq": seq, "sites": actor.reach}
        site, occurred_at = ledger.command(conn, "find_movement", named)
        earliest[site] = min(occurred_at, earliest.get(site, occurred_at))
    return {site: at for site, at in earliest.items() if require_open(conn, actor, site, at)}
