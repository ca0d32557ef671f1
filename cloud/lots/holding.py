"""Stock put into another condition where it lies, as movements that name what for."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from cloud.db import Connection
from cloud.documents.movements import moved
from cloud.ledger.domain import CloudStatement
from cloud.lots import store
from cloud.master.store import add_identifier
from contracts.records import DocumentRef, Identifier, Side
from contracts.vocabulary import BizStep, Disposition


class Change(NamedTuple):
    """Some of a cell that is to be in another condition."""

    own_item_id: int
    lot: str | None
    location: str | None
    unit: str | None
    owner: str | None
    before: str | None
    after: str | None
    quantity: Decimal
    """In the cell's own base unit."""


def changes_stated(
    conn: Connection,
    site: str,
    changes: Sequence[Change],
    *,
    document: tuple[str, str],
    reason: str,
    occurred_at: datetime,
    actor: str,
) -> list[CloudStatement]:
    """State changes of condition.

    Args:
        conn: In a transaction that the caller commits.
        site: Where.
        changes: What changes.
        document: Type and id of what they are made for; each change is a line of it.
        reason: Reason code.
        occurred_at: When.
        actor: Who.

    Returns:
        A statement for each.
    """
    names = own_identifiers(conn, {each.own_item_id for each in changes})
    return [
        moved(
            site,
            names[each.own_item_id],
            each.quantity,
            "base",
            source=_side(each, each.before),
            destination=_side(each, each.after),
            documents=[DocumentRef(type=document[0], id=document[1], line=str(number))],
            occurred_at=occurred_at,
            actor=actor,
            biz_step=BizStep.HOLDING,
            reason=reason,
        )
        for number, each in enumerate(changes, start=1)
    ]


def own_identifiers(conn: Connection, items: Iterable[int]) -> Mapping[int, Identifier]:
    """Name items so that one of what names each is one base unit of that item itself, merged or not.

    Args:
        conn: In a transaction that the caller commits.
        items: The items.

    Returns:
        An identifier for each; an item that nothing named is named by its code from here on.
    """
    found: dict[int, Identifier] = {}
    for item_id, code, scheme, value in store.tuples(conn, "own_identifiers", items=sorted(set(items))):
        if scheme is None:
            add_identifier(conn, ("sku", code), item_id, ratio=(1, 1), valid_from=None)
        found[item_id] = Identifier.model_validate({"scheme": scheme or "sku", "value": value or code})
    return found


def _side(of: Change, condition: str | None) -> Side:
    disposition = None if condition is None else Disposition(condition)
    if of.unit is not None:
        return Side(unit=of.unit, lot=of.lot, disposition=disposition, owner=of.owner)
    return Side(location=of.location, lot=of.lot, disposition=disposition, owner=of.owner)
