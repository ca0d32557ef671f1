"""What people do to the ledger: reverse, adjust to a count, approve, merge items.

Each is one posting in the caller's transaction, which commits directly after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.ledger import store
from cloud.ledger.closing import require_open, tell_late
from cloud.ledger.domain import Posted, PostingKind
from cloud.ledger.entries import CLOUD_EPOCH, CLOUD_GATEWAY
from cloud.ledger.manual import MAY_MOVE
from cloud.ledger.posting import Posting
from cloud.ledger.writing import reversal_claim
from contracts.base import epoch_to_int
from contracts.records import RowRef


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A count that the ledger is bound to, and what that moved."""

    adjustment_id: int
    difference: Decimal
    """Counted less book as of the count's instant; in base units."""
    posted: Posted


@dataclass(frozen=True, slots=True)
class Binding:
    """What one cell is bound to by a count."""

    cell_id: int
    counted: Decimal
    """In base units; zero or more."""
    expected: Decimal | None = None
    """Counted less book as the approver saw it; None: whatever it is."""
    limit: Decimal | None = None
    """Up to which total late facts are followed without asking again; None for no limit."""


def post_reversal(conn: Connection, actor: Actor, ref: RowRef, *, reason: str) -> Posted:
    """Move back what a movement moved, at its own occurred_at.

    Args:
        conn: A connection inside a transaction.
        actor: A supervisor or inventory controller of the movement's site; in a closed period the latter.
        ref: The movement.
        reason: Reason code, as ``misread``.

    Returns:
        The posting; its only row is the reversal.

    Raises:
        AlreadyClaimedError: If it has been reversed before.
        UnknownRowError: If the actor's sites hold no such movement.
        NotPostableError: If it carries out an adjustment; a later count replaces that.
        NotAllowedError: If the actor's roles do not permit it.
    """
    within = actor.narrowed(*MAY_MOVE)
    name = f"{ref.gateway}/{ref.epoch}/{ref.seq}"
    original = {"gateway": ref.gateway, "epoch": epoch_to_int(ref.epoch), "seq": ref.seq}
    site, occurred_at = store.command(conn, "find_movement", original | {"sites": within.reach})
    is_late = require_open(conn, actor, site, occurred_at)
    posting = Posting(conn, within, PostingKind.REVERSAL)
    posting.claim([reversal_claim(ref)])
    (seq,) = _call(posting, "reverse_movement", original | {"reason": reason})
    posting.audit("movement_reversed", name, None, {"reason": reason})
    if is_late:
        tell_late(posting, site, occurred_at, reason)
    return posting.close(RowRef(gateway=CLOUD_GATEWAY, epoch=CLOUD_EPOCH, seq=seq))


def adjust_to_count(
    conn: Connection,
    actor: Actor,
    *,
    cell_id: int,
    observed_at: datetime,
    counted: Decimal,
    reason: str,
    limit: Decimal | None = None,
) -> Adjusted:
    """Bind a cell to a count: as of its instant the book is the count, whatever arrives late (P8).

    Args:
        conn: A connection inside a transaction.
        actor: An inventory controller or approver of the cell's site.
        cell_id: The counted cell; in no virtual location.
        observed_at: When it was counted; not in the future.
        counted: In base units; zero or more.
        reason: Reason code.
        limit: Up to which total late facts are followed without asking again; None for no limit.

    Returns:
        The adjustment and what it moved.

    Raises:
        UnknownRowError: If the actor's sites hold no such cell.
        NotPostableError: If the instant is in the future or bound already, or the difference above the limit.
        NotAllowedError: If the actor's roles do not permit it.
    """
    binding = Binding(cell_id, counted, limit=limit)
    return bind_count(conn, actor, [binding], observed_at=observed_at, reason=reason)[0]


def bind_count(
    conn: Connection,
    actor: Actor,
    bindings: Sequence[Binding],
    *,
    observed_at: datetime,
    reason: str,
    author: str | None = None,
) -> list[Adjusted]:
    """Bind the cells of a count in one posting, as somebody wanted it and another approved it (P8).

    What another approved is taken into a closed period too; the audit trail says so.

    Args:
        conn: A connection inside a transaction.
        actor: An inventory controller or approver of the cells' site: who approved it.
        bindings: One per cell; in no virtual location.
        observed_at: When they were counted; not in the future.
        reason: Reason code.
        author: Who wanted it; None: the actor.

    Returns:
        Per binding the adjustment and what it moved; all in the same posting.

    Raises:
        UnknownRowError: If the actor's sites hold no such cell.
        NotPostableError: If the instant is in the future or bound already, a difference above its limit or
            not the expected one.
        NotAllowedError: If the actor's roles do not permit it, or not on their own word in a closed period.
    """
    within = actor.narrowed(Role.INVENTORY_CONTROLLER, Role.APPROVER)
    cells = [binding.cell_id for binding in bindings]
    (late_at,) = store.command(conn, "closed_sites", {"cells": cells, "at": observed_at})
    if author is None:
        for site in late_at:
            require_open(conn, within, site, observed_at)
    posting = Posting(conn, within, PostingKind.ADJUSTMENT)
    made: dict[int, tuple[int, Decimal]] = {}
    for binding in sorted(bindings, key=lambda binding: binding.cell_id):
        adjustment_id, difference = _call(
            posting,
            "adjust_to_count",
            {
                "cell_id": binding.cell_id,
                "observed_at": observed_at,
                "counted": binding.counted,
                "expected": binding.expected,
                "reason": reason,
                "author": author or actor.id,
                "limit": binding.limit,
            },
        )
        detail = {"difference": str(difference)} | ({"author": author} if author else {})
        posting.audit("adjusted_to_count", f"adjustment:{adjustment_id}", None, detail)
        made[binding.cell_id] = adjustment_id, difference
    for site in late_at:
        tell_late(posting, site, observed_at, reason)
    posted = posting.close()
    return [Adjusted(*made[binding.cell_id], posted) for binding in bindings]


def lock_cells(conn: Connection, actor: Actor, cells: Sequence[int]) -> None:
    """Keep others from posting to cells until the transaction ends.

    Args:
        conn: A connection inside a transaction.
        actor: An inventory controller or approver of the cells' site.
        cells: Cell ids; those of other sites are passed over.

    Raises:
        NotAllowedError: If the actor's roles do not permit it.
    """
    within = actor.narrowed(Role.INVENTORY_CONTROLLER, Role.APPROVER)
    store.command(conn, "lock_cells", {"sites": within.reach, "cells": list(cells)})


def approve_adjustment(conn: Connection, actor: Actor, *, adjustment_id: int, expected: Decimal) -> Adjusted:
    """Approve what late facts made of an adjustment, derived again under the same lock (P8).

    Args:
        conn: A connection inside a transaction.
        actor: An approver of the cell's site.
        adjustment_id: One whose anchor is pending.
        expected: The difference that the approver saw, in base units.

    Returns:
        The adjustment and what it moved.

    Raises:
        UnknownRowError: If the actor's sites hold no such adjustment.
        NotPostableError: If it waits for no approval, or the difference is another by now.
        NotAllowedError: If the actor's roles do not permit it.
    """
    return approve_late_facts(conn, actor, {adjustment_id: expected})[0]


def approve_late_facts(conn: Connection, actor: Actor, expected: Mapping[int, Decimal]) -> list[Adjusted]:
    """Approve what late facts made of the adjustments of one count, in one posting (P8).

    Args:
        conn: A connection inside a transaction.
        actor: An approver of the cells' site.
        expected: By adjustment the difference that the approver saw, in base units; each anchor is pending.

    Returns:
        Per adjustment what it moved; all in the same posting.

    Raises:
        UnknownRowError: If the actor's sites hold no such adjustment.
        NotPostableError: If one waits for no approval, or its difference is another by now.
        NotAllowedError: If the actor's roles do not permit it.
    """
    posting = Posting(conn, actor.narrowed(Role.APPROVER), PostingKind.ADJUSTMENT)
    made = []
    for adjustment_id, difference in sorted(expected.items()):
        wanted = {"adjustment_id": adjustment_id, "expected": difference}
        _, moved = _call(posting, "approve_adjustment", wanted)
        posting.audit("adjustment_approved", f"adjustment:{adjustment_id}", None, {"difference": str(moved)})
        made.append((adjustment_id, moved))
    posted = posting.close()
    return [Adjusted(adjustment_id, moved, posted) for adjustment_id, moved in made]


def merge_items(
    conn: Connection, actor: Actor, *, from_code: str, to_code: str, ratio: tuple[int, int] = (1, 1)
) -> Posted:
    """Let one item read as another from here on; no row is rewritten (PROTOCOL P5).

    Args:
        conn: A connection inside a transaction.
        actor: An inventory controller at all sites, since items are the network's.
        from_code: The item that reads as another: a provisional one, or a duplicate.
        to_code: What it reads as; ``from_code`` itself takes an earlier merge back.
        ratio: Base units of ``to_code`` in one of ``from_code``, as an exact ratio.

    Returns:
        The posting.

    Raises:
        UnknownRowError: If there is no such item.
        NotPostableError: If the merge closes a cycle.
        NotAllowedError: If the actor's roles do not permit it, or not everywhere.
    """
    actor.require_everywhere(Role.INVENTORY_CONTROLLER)
    posting = Posting(conn, actor, PostingKind.ALIAS)
    names = {"from_code": from_code, "to_code": to_code}
    _call(posting, "alias_item", names | {"numerator": ratio[0], "denominator": ratio[1]})
    posting.audit("items_merged", f"item:{from_code}", None, names)
    return posting.close()


def _call(posting: Posting, statement: str, arguments: Mapping[str, object]) -> tuple[Any, ...]:
    actor = posting.actor
    own = {"sites": actor.reach, "actor": actor.id}
    return store.command(posting.conn, statement, own | dict(arguments))
