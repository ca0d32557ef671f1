"""Carries approved recalls out at a site: what lies there is held; reversed, it is given back."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.decisions.domain import Applied, Changed, Decision, DecisionError, Json, WrongStateError
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.corrections import lock_cells
from cloud.ledger.domain import PostingKind
from cloud.ledger.posting import Posting
from cloud.lots import recalls, store
from cloud.lots.domain import JOB, READERS, RECALL_KIND, HeldStock, ReachedStock, Recall
from cloud.lots.holding import Change, changes_stated
from contracts.base import SiteId
from contracts.vocabulary import Disposition


class _Others(NamedTuple):
    """What recalls that began earlier, and later, hold of a cell."""

    cell_id: int
    earlier: Decimal
    later: Decimal


@dataclass(frozen=True, slots=True)
class LotRecall:
    """The carrier of `lot_recall` decisions."""

    kind: str = RECALL_KIND

    def apply(self, conn: Connection, actor: Actor, decision: Decision) -> Applied | Changed:
        """Hold what a recall reaches at the site by now, if it is worth no more than was approved.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who approved it.
            decision: Approved.

        Returns:
            What was done; or what it would be now.

        Raises:
            WrongStateError: If the recall has ended meanwhile.
        """
        found = recalls.recall(
            conn, _reader(actor, decision.site), recall_id=int(str(decision.effect["recall"]))
        )
        act_as(conn, actor)
        if found.ended_at is not None:
            raise WrongStateError(f"decision {decision.decision_id}: recall {found.name} has ended")
        stock = reached(conn, found, decision.site)
        value, currency = recalls.value_of(conn, decision.site, stock)
        if decision.value is not None and (value is None or value > decision.value):
            return Changed(
                effect=recalls.effect_of(found, decision.site, stock),
                value=value,
                currency=currency,
                why="more of it lies there by now, or a cost is missing",
            )
        return Applied(
            hold(conn, actor, found, decision.site, stock, at=decision.decided_at or found.opened_at)
        )

    def reverse(self, conn: Connection, actor: Actor, decision: Decision, reason: str) -> Json:
        """Give back what is held, in the condition it was in; what has been moved since stays on hold.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who reverses it.
            decision: Applied.
            reason: Reason code.

        Returns:
            How many places were given back, and how many are on hold for somebody to judge.

        Raises:
            DecisionError: If another recall holds the same goods.
        """
        number, site = int(str(decision.effect["recall"])), decision.site
        found = recalls.recall(conn, _reader(actor, site), recall_id=number)
        act_as(conn, actor)
        asked = {"recall": number, "site": site}
        held = store.rows(conn, HeldStock, "recall_holds", **asked)
        lock_cells(conn, JOB, [row.to_cell for row in held])
        stock = reached(conn, found, site)
        held = store.rows(conn, HeldStock, "recall_holds", **asked)
        _refuse_others(conn, found, decision, stock)
        others = {row.cell_id: row for row in store.rows(conn, _Others, "held_by_others", **asked)}
        changes = given_back(held, [row for row in stock if row.is_held], others)
        if not changes:
            return {"given_back": 0, "on_hold": 0}
        posting = Posting(conn, _at_site(actor, site), PostingKind.STATEMENT)
        statements = changes_stated(
            conn,
            site,
            changes,
            document=("recall", found.name),
            reason="recall_reversed",
            occurred_at=_now(conn),
            actor=actor.id,
        )
        posting.write(statements=statements)
        on_hold = sum(
            each.after == Disposition.HOLD and each.before == Disposition.RECALLED for each in changes
        )
        told: dict[str, int] = {"given_back": len(changes) - on_hold, "on_hold": on_hold}
        posting.audit("recall_given_back", f"recall:{found.name}", site, told | {"reason": reason})
        return {**told, "position": posting.close().position}


LOT_RECALL: Final = LotRecall()


def reached(conn: Connection, recall: Recall, site: str) -> list[ReachedStock]:
    """Read what a recall reaches at a site, kept from moving until the transaction ends.

    Args:
        conn: In a transaction that shows the site.
        recall: The recall.
        site: Where.

    Returns:
        The stock.
    """
    asked = {"recall": recall.recall_id, "site": site}
    cells = [row.cell_id for row in store.rows(conn, ReachedStock, "recall_stock", **asked)]
    lock_cells(conn, JOB, cells)
    return store.rows(conn, ReachedStock, "recall_stock", **asked)


def hold(
    conn: Connection, actor: Actor, recall: Recall, site: str, stock: Sequence[ReachedStock], *, at: datetime
) -> dict[str, int]:
    """Put stock to *recalled* where it lies, as one posting.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: For whom; within reach of the site.
        recall: The recall.
        site: Where.
        stock: Of `reached`.
        at: Since when it is held.

    Returns:
        ``held``: in how many places; and the position, if any.
    """
    changes = [
        Change(
            row.own_item_id,
            row.lot,
            row.location,
            row.unit,
            row.owner,
            row.disposition,
            Disposition.RECALLED.value,
            row.own_quantity,
        )
        for row in stock
        if not row.is_held
    ]
    if not changes:
        return {"held": 0}
    posting = Posting(conn, _at_site(actor, site), PostingKind.STATEMENT)
    statements = changes_stated(
        conn,
        site,
        changes,
        document=("recall", recall.name),
        reason="recalled",
        occurred_at=at,
        actor=actor.id,
    )
    posting.write(statements=statements)
    posting.audit("recall_held", f"recall:{recall.name}", site, {"places": len(changes)})
    return {"held": len(changes), "position": posting.close().position}


def given_back(
    held: Sequence[HeldStock], stock: Sequence[ReachedStock], others: Mapping[int, _Others]
) -> list[Change]:
    """Say what becomes of recalled stock when a recall is undone.

    Of goods that several recalls hold in one place, and of which some are gone, the earliest's are gone.

    Args:
        held: What the recall put there, by the condition before; of a unit, wherever that stands by now.
        stock: What lies at the site recalled now.
        others: What other recalls hold, by cell.

    Returns:
        Back to the condition before, as far as it lies where it was held; what was moved since goes on hold.
    """
    left: defaultdict[int, Decimal] = defaultdict(Decimal, {each.to_cell: each.on_hand for each in held})
    left |= {row.cell_id: row.own_quantity for row in stock}
    for cell in left:
        left[cell] -= others[cell].later if cell in others else 0
    changes = []
    for each in held:
        quantity = min(each.held, left[each.to_cell])
        if quantity > 0:
            left[each.to_cell] -= quantity
            place = None if each.unit else each.location
            changes.append(
                Change(
                    each.own_item_id,
                    each.lot,
                    place,
                    each.unit,
                    each.owner,
                    Disposition.RECALLED.value,
                    each.disposition,
                    quantity,
                )
            )
    for row in stock:
        if row.cell_id in others:
            left[row.cell_id] -= others[row.cell_id].earlier
        if left[row.cell_id] > 0:
            place = None if row.unit else row.location
            named = row.own_item_id, row.lot, place, row.unit, row.owner
            changes.append(
                Change(*named, Disposition.RECALLED.value, Disposition.HOLD.value, left[row.cell_id])
            )
    return changes


def _refuse_others(
    conn: Connection, recall: Recall, decision: Decision, stock: Sequence[ReachedStock]
) -> None:
    for item_id, lot in sorted({(row.item_id, row.lot or "") for row in stock if row.is_held}):
        asked = {"recall": recall.recall_id, "site": decision.site, "item_id": item_id, "lot": lot or None}
        if store.tuples(conn, "held_elsewhere_by", **asked)[0][0]:
            raise DecisionError(
                f"decision {decision.decision_id}: lot {lot!r} is held by another recall too; end or reverse "
                "that one first"
            )


def _at_site(actor: Actor, site: str) -> Actor:
    return Actor(actor.id, frozenset({Role.INVENTORY_CONTROLLER}), frozenset({SiteId(site)}))


def _reader(actor: Actor, site: str) -> Actor:
    return Actor(actor.id, frozenset({READERS[0]}), frozenset({SiteId(site)}))


def _now(conn: Connection) -> datetime:
    now: datetime = store.tuples(conn, "now")[0][0]
    return now
