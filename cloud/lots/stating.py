"""What people say of lots: how an item's are known and used, and which lot goods are of."""

from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.documents.movements import moved
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.closing import require_open, tell_late
from cloud.ledger.domain import Posted, PostingKind
from cloud.ledger.posting import Posting
from cloud.ledger.store import audit
from cloud.lots import store
from cloud.lots.domain import (
    KEEPERS,
    READERS,
    UNSPECIFIED,
    LotConflictError,
    LotError,
    UnknownLotError,
)
from cloud.lots.holding import own_identifiers
from contracts.records import Side
from contracts.vocabulary import Disposition

REASON: Final = "lot_stated"


class UnstatedRow(NamedTuple):
    """Stock of which nobody knows the lot."""

    cell_id: int
    site: str
    item: str
    item_name: str | None
    base_unit: str
    location: str | None
    unit: str | None
    lot: str | None
    disposition: str | None
    owner: str | None
    quantity: Decimal
    time_zone: str
    is_resolved: bool
    """Whether the resolver has looked at it, and found nothing that tells."""


def set_policy(
    conn: Connection, actor: Actor, *, item: str, is_lot_controlled: bool, rule: str | None
) -> bool:
    """Say whether an item's lots are known, and in which order they are taken to be used where nothing tells.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller at all sites: items are everywhere's.
        item: Its code.
        is_lot_controlled: Whether its lots are known; receipts ask for them from here on.
        rule: ``fefo``, ``fifo`` or None.

    Returns:
        Whether that was new; then all its movements are looked at again.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownLotError: If there is no such item.
        LotError: If the rule is none of them.
    """
    actor.require_everywhere(*KEEPERS)
    if rule not in {None, "fefo", "fifo"}:
        raise LotError(f"rule {rule!r:.40}: expected fefo, fifo or none")
    act_as(conn, actor)
    if not store.tuples(conn, "item_id", item=item):
        raise UnknownLotError(f"there is no item {item!r:.140}")
    changed = store.tuples(conn, "set_policy", item=item, is_lot_controlled=is_lot_controlled, rule=rule)
    if changed:
        store.change(conn, "due_from_the_first", item_id=changed[0][0])
        detail = {"is_lot_controlled": is_lot_controlled, "rule": rule}
        audit(conn, actor.id, "lot_policy_set", f"item:{item}", site=None, detail=detail)
    return bool(changed)


def unstated(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    item: str | None = None,
    after: int = 0,
    limit: int,
) -> list[UnstatedRow]:
    """List stock of lot-controlled items of which nobody knows the lot: work to do.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        item: Only of this item.
        after: Cell of the last row of the page before.
        limit: Most to give.

    Returns:
        The stock, by cell.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    sites = [site] if site else within.reach
    return store.rows(conn, UnstatedRow, "unstated", sites=sites, item=item, after=after, limit=limit)


def state_lot(
    conn: Connection,
    actor: Actor,
    *,
    cell_id: int,
    lot: str,
    quantity: Decimal,
    now: datetime,
) -> Posted:
    """Say which lot some goods are of which nothing tells, where they lie; one posting.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of the site.
        cell_id: The cell, whose lot is not known.
        lot: What it says on the goods.
        quantity: How many of them, in base units; above zero, at most what lies there.
        now: The present.

    Returns:
        The posting.

    Raises:
        NotAllowedError: If the actor may not, or not in a closed period.
        UnknownLotError: If there is no such stock.
        LotError: If the lot is no name, or the quantity is more than lies there.
        LotConflictError: If the resolver has not looked at it yet.
    """
    actor.require(*KEEPERS)
    act_as(conn, actor)
    store.tuples(conn, "hold_cell", cell_id=cell_id)  # two who state the same goods do so one after the other
    rows = unstated(conn, actor, after=cell_id - 1, limit=1)
    if not rows or rows[0].cell_id != cell_id:
        raise UnknownLotError(f"cell {cell_id}: nothing lies there whose lot is not known")
    row = rows[0]
    actor.require(*KEEPERS, site=row.site)
    if not row.is_resolved:
        raise LotConflictError(
            f"{row.item} at {row.unit or row.location}: gateways may still tell its lot; wait until the "
            "site is complete past it"
        )
    if not lot.strip() or lot == UNSPECIFIED:
        raise LotError(f"lot {lot!r:.60}: expected what stands on the goods")
    if not 0 < quantity <= row.quantity:
        raise LotError(
            f"quantity {quantity}: expected above zero, at most the {row.quantity.normalize():f} there"
        )
    ((own_item,),) = store.tuples(conn, "item_of_cell", cell_id=cell_id)
    place = {"unit": row.unit} if row.unit else {"location": row.location}
    kept = {
        **place,
        "owner": row.owner,
        "disposition": None if row.disposition is None else Disposition(row.disposition),
    }
    is_late = require_open(conn, actor, row.site, now)
    posting = Posting(conn, actor, PostingKind.STATEMENT)
    statement = moved(
        row.site,
        own_identifiers(conn, [own_item])[own_item],
        quantity,
        "base",
        source=Side.model_validate(kept | {"lot": UNSPECIFIED}),
        destination=Side.model_validate(kept | {"lot": lot}),
        documents=(),
        occurred_at=now,
        actor=actor.id,
        reason=REASON,
    )
    posting.write(statements=[statement])
    if is_late:
        tell_late(posting, row.site, now, REASON)
    posting.audit(REASON, f"lot:{row.item}/{lot}", row.site, {"cell": cell_id, "quantity": str(quantity)})
    return posting.close()
