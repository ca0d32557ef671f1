"""What allocation is told of lots and customers: dates and days in, kept with who said so."""

from collections.abc import Collection
from datetime import date
from typing import Final, Literal, TypeAlias

from cloud.allocation import store
from cloud.allocation.domain import KEEPERS, AllocationError, UnknownClaimError
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit

_PRODUCED: Final = (date(2000, 1, 1), date(2199, 12, 31))
"""The first and last day on which goods may be said to be made."""
MOST_REASON: Final = 500
"""Characters of why a date is corrected."""

Said: TypeAlias = Literal["expires_on", "produced_on"]
"""What people say of a lot's dates, and may take back."""


def put_lot(
    conn: Connection,
    actor: Actor,
    *,
    item: str,
    lot: str,
    expires_on: date | None = None,
    produced_on: date | None = None,
    states_expiry: bool = True,
    taken_back: Collection[Said] = (),
    reason: str | None = None,
) -> bool:
    """State when a lot is no longer good, or when it was made, or take back what was stated.

    Where nobody states when it expires, it does so as its labels say, else its item's shelf life after it was
    made; a date that somebody states, before or afterwards, holds.

    Args:
        conn: In a transaction that the caller commits, or rolls back where this raises.
        actor: A supervisor or inventory controller at all sites: lots are everywhere's.
        item: Its item's code.
        lot: The lot.
        expires_on: The first day on which it is no longer good; None: it keeps.
        produced_on: When it was made; None: as it was stated before.
        states_expiry: Whether somebody says when it expires; else ``expires_on`` counts for nothing.
        taken_back: What was stated before and counts no more, unless it is stated anew.
        reason: Why it is said, or said otherwise; up to 500 characters.

    Returns:
        Whether that was new; where labels differ any word is, for it answers them.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownClaimError: If there is no such item.
        AllocationError: If it says nothing, or a day beyond 2000 to 2199 for its production, or the lot would
            have expired before it was made, by what people state now or stated before.
    """
    actor.require_everywhere(*KEEPERS)
    if not states_expiry and produced_on is None and not taken_back:
        raise AllocationError(f"lot {lot!r:.140}: expected expires_on or produced_on, got neither")
    first, last = _PRODUCED
    if produced_on and not first <= produced_on <= last:
        raise AllocationError(
            f"lot {lot!r:.140}: produced_on {produced_on}: expected a day from {first} to {last}"
        )
    act_as(conn, actor)
    found = _item(conn, item)
    said = {
        "item_id": found,
        "lot": lot,
        "actor": actor.id,
        "expires_on": expires_on if states_expiry else None,
        "produced_on": produced_on,
        "states_expiry": states_expiry,
        "takes_back_expiry": "expires_on" in taken_back,
        "takes_back_production": "produced_on" in taken_back,
    }
    kept = store.tuples(conn, "put_lot", **said)
    for expires, produced in kept:
        if expires and produced and expires <= produced:
            raise AllocationError(
                f"lot {lot!r:.140}: expires_on {expires}: expected after produced_on {produced}"
            )
    if not kept:
        return False
    store.change(conn, "add_lot_statement", **said, reason=reason)
    store.change(conn, "note_lot", item_id=found, lot=lot)
    told = {
        "expires_on": (expires_on, states_expiry),
        "produced_on": (produced_on, produced_on),
        "taken_back": (sorted(taken_back), taken_back),
        "reason": (reason, reason),
    }
    detail = {name: value for name, (value, is_said) in told.items() if is_said}
    audit(conn, actor.id, "lot_dated", f"lot:{item}/{lot}", site=None, detail=detail)
    return True


def put_life(conn: Connection, actor: Actor, *, partner: str, item: str | None, days: int) -> bool:
    """State how long goods must last after they have left for a customer.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller at all sites.
        partner: The customer, as documents name it.
        item: Only of this item; None: of every one without terms of its own.
        days: Days, >= 0.

    Returns:
        Whether that was new.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownClaimError: If there is no such item.
    """
    actor.require_everywhere(*KEEPERS)
    act_as(conn, actor)
    found = None if item is None else _item(conn, item)
    is_new = bool(store.change(conn, "put_life", partner=partner, item_id=found, days=days, actor=actor.id))
    if is_new:
        detail = {"item": item, "minimum_days": days}
        audit(conn, actor.id, "customer_life_set", f"customer:{partner}", site=None, detail=detail)
    return is_new


def _item(conn: Connection, code: str) -> int:
    found = store.tuples(conn, "item_by_code", item=code)
    if not found:
        raise UnknownClaimError(f"there is no item {code!r}")
    return int(found[0][0])
