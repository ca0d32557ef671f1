"""What a supplier confirms of a sent order: taken at once within the tolerance, else an approver is asked."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from cloud.db import Connection
from cloud.decisions import service as decisions
from cloud.decisions.checks import held
from cloud.decisions.domain import Draft, State
from cloud.documents import order_steps
from cloud.documents.domain import DocumentError, UnknownDocumentError
from cloud.documents.order_papers import DueDate, OrderLineRow, OrderStory
from cloud.documents.orders import BUYERS, locked, order
from cloud.documents.papers import LineNumber
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from cloud.replenishment import store
from cloud.replenishment.answers import Note
from cloud.replenishment.confirmation import Terms, Tolerance, beyond
from cloud.replenishment.domain import READERS, ReplenishmentError
from cloud.replenishment.quantities import plain
from contracts.base import CountedQuantity, Site

CHANGE_KIND: Final = "order_change"
REASON: Final = "supplier_confirmed"
MAY_TOLERATE: Final = (Role.ADMIN,)
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=6, decimal_places=3)]


class ConfirmedLinePaper(BaseModel):
    """What the supplier says of a line; what is left out it confirms as it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: LineNumber
    quantity: CountedQuantity | None = None
    """Of the whole line, in base units, what has come included; 0: nothing will come."""
    price: CountedQuantity | None = None
    """Of one base unit."""
    due_on: DueDate | None = None


class ConfirmationPaper(BaseModel):
    """A supplier's confirmation of a sent order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")] = ""
    """The supplier's own number for it."""
    lines: Annotated[tuple[ConfirmedLinePaper, ...], Field(min_length=1, max_length=5_000)]
    note: Note = ""
    """For the approver."""

    @model_validator(mode="after")
    def _lines_differ(self) -> Self:
        twice = [line for line, times in Counter(each.line for each in self.lines).items() if times > 1]
        if twice:
            raise ValueError(f"line {twice[0]!r} stands there twice")
        return self


class ConfirmationTolerance(BaseModel):
    """How far a confirmation may be off before somebody approves it again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Site | None = None
    """None: every site without a tolerance of its own."""
    quantity_percent: Percent
    price_percent: Percent


@dataclass(frozen=True, slots=True)
class _Told:
    """A line's confirmation, complete."""

    row: OrderLineRow
    terms: Terms
    due_on: date
    revision: int


def confirm(conn: Connection, actor: Actor, paper: ConfirmationPaper, *, site: str, name: str) -> OrderStory:
    """Record what the supplier confirmed; the same again changes nothing.

    A date is taken as it is: planning reckons with it at once. Quantity and price are taken if both are
    within the tolerance of what was approved last; else a decision of kind `order_change` waits for an
    approver, and what held before holds until then. A later confirmation of a line takes the place of one
    that waits.

    Args:
        conn: In a transaction that the caller commits.
        actor: A buyer of the site.
        paper: The confirmation.
        site: Site id.
        name: The order's id.

    Returns:
        The order.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such order or line.
        DocumentError: If less than what has come is confirmed, or a part of what is not divided.
        ConflictingDocumentError: If it is not sent.
    """
    actor.require(*BUYERS, site=site)
    waiting = hold_waiting(conn, actor, site, name)
    found = locked(conn, actor, site, name, only="sent")
    rows = {row.line: row for row in found.lines}
    limits = tolerance(conn, actor, site=site)
    for line in paper.lines:
        row = rows.get(line.line)
        if row is None:
            raise UnknownDocumentError(f"purchase order {name!r} has no line {line.line!r}")
        told = _completed(conn, found, row, line)
        if told is None:
            continue
        if line.line in waiting:
            why = "the supplier has confirmed something else since"
            decisions.withdraw(conn, decisions.MACHINE, waiting[line.line], note=why)
            act_as(conn, actor)
        _record(conn, actor, (found, told), paper, limits)
    return order(conn, actor, site=site, name=name)


def hold_waiting(conn: Connection, actor: Actor, site: str, name: str) -> dict[str, int]:
    """Hold the changes of an order that wait for an approver, before the order is held, as approvals do.

    Args:
        conn: In a transaction.
        actor: Who acts.
        site: Site id.
        name: The order's id.

    Returns:
        Decision by line.
    """
    act_as(conn, actor)
    return {
        line: decision_id
        for line, decision_id in store.tuples(conn, "changes_waiting", site=site, id=name)
        if held(conn, actor, decision_id).state in {State.DRAFT, State.SUBMITTED}
    }


def tolerance(conn: Connection, actor: Actor, *, site: str) -> Tolerance:
    """Tell what holds at a site: its own tolerance, else the network's, else the default.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.

    Returns:
        The tolerance.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, *MAY_TOLERATE, site=site)
    act_as(conn, actor.narrowed(*READERS, *MAY_TOLERATE))
    found = store.tuples(conn, "confirmation_tolerance", site=site)
    return Tolerance(found[0][0], found[0][1], found[0][3]) if found else Tolerance()


def set_tolerance(conn: Connection, actor: Actor, paper: ConfirmationTolerance) -> None:
    """Set how far confirmations may be off from now on.

    Args:
        conn: In a transaction that the caller commits.
        actor: An administrator of the site, or of all sites if the paper names none.
        paper: The tolerance.

    Raises:
        NotAllowedError: If the actor may not.
        ReplenishmentError: If there is no such site.
    """
    if paper.site is None:
        actor.require_everywhere(*MAY_TOLERATE)
    else:
        actor.require(*MAY_TOLERATE, site=paper.site)
    act_as(conn, actor)
    if paper.site is not None and not store.tuples(conn, "site_exists", site=paper.site):
        raise ReplenishmentError(f"there is no site {paper.site!r}")
    store.change(conn, "add_confirmation_tolerance", **paper.model_dump(), actor=actor.id)
    detail = paper.model_dump(mode="json")
    subject = f"confirmation_tolerance:{paper.site or ''}"
    audit(conn, actor.id, "confirmation_tolerance_set", subject, site=paper.site, detail=detail)


def _completed(
    conn: Connection, found: OrderStory, row: OrderLineRow, line: ConfirmedLinePaper
) -> _Told | None:
    """Fill in what the supplier left out; None if it says what it said last."""
    before = [each for each in found.confirmations if each.line == row.line]
    stands = before and before[-1].decision_state not in {State.REJECTED, State.REVERSED}
    quantity = row.quantity if line.quantity is None else line.quantity
    terms = Terms(quantity, row.price if line.price is None else line.price)
    due_on = line.due_on or row.due_on
    if stands and (before[-1].quantity, before[-1].price, before[-1].due_on) == (
        terms.quantity,
        terms.price,
        due_on,
    ):
        return None
    where = f"purchase order {found.order.id!r}, line {row.line!r}: quantity {plain(terms.quantity)}"
    if terms.quantity < row.received:
        raise DocumentError(f"{where}: expected at least {plain(row.received)}, which has come")
    ((_, base_unit, is_integer_only),) = store.tuples(conn, "item_of_code", item=row.item)
    if (is_integer_only or base_unit == "each") and terms.quantity % 1:
        raise DocumentError(f"{where}: expected a whole number, the item is not divided")
    return _Told(row, terms, due_on, len(before) + 1)


def _record(
    conn: Connection,
    actor: Actor,
    about: tuple[OrderStory, _Told],
    paper: ConfirmationPaper,
    limits: Tolerance,
) -> None:
    found, told = about
    where = {"site": found.order.site, "id": found.order.id, "line": told.row.line}
    ((quantity, price),) = store.tuples(conn, "approved_terms", **where)
    approved = Terms(quantity, price)
    faults = beyond(approved, told.terms, limits)
    if told.due_on != told.row.due_on and told.row.open_quantity:
        line = {"site": found.order.site, "name": found.order.id, "line": told.row.line}
        order_steps.state_date(conn, actor, due_on=told.due_on, reason="confirmed", **line)
    decision_id = _asked(conn, actor, about, (approved, faults, limits), paper) if faults else None
    terms = {"quantity": told.terms.quantity, "price": told.terms.price, "decision_id": decision_id}
    store.change(
        conn,
        "add_confirmation",
        **where,
        **terms,
        revision=told.revision,
        due_on=told.due_on,
        reference=paper.reference,
        base_quantity=approved.quantity,
        base_price=approved.price,
        quantity_percent=limits.quantity_percent,
        price_percent=limits.price_percent,
        beyond=faults,
        actor=actor.id,
    )
    if not faults and told.terms != Terms(told.row.quantity, told.row.price):
        store.change(conn, "add_order_terms", **where, **terms, actor=actor.id)
    detail = {
        "line": told.row.line,
        "quantity": plain(told.terms.quantity),
        "price": None if told.terms.price is None else plain(told.terms.price),
        "due_on": told.due_on.isoformat(),
        "reference": paper.reference,
        "beyond": faults,
        "decision_id": decision_id,
    }
    subject = f"purchase_order:{found.order.id}"
    audit(conn, actor.id, "purchase_order_confirmed", subject, site=found.order.site, detail=detail)


def _asked(
    conn: Connection,
    actor: Actor,
    about: tuple[OrderStory, _Told],
    judged: tuple[Terms, list[str], Tolerance],
    paper: ConfirmationPaper,
) -> int:
    """Put a change before those who approve."""
    (found, told), (approved, faults, limits) = about, judged
    placed, row = found.order, told.row
    url = f"/orders/{placed.site}/{placed.id}"
    effect: dict[str, JsonValue] = {
        "summary": f"Take {placed.supplier}'s confirmation of {placed.id}, line {row.line}, {row.item}: "
        + "; ".join(faults),
        "site": placed.site,
        "supplier": placed.supplier,
        "order": placed.id,
        "line": row.line,
        "item": row.item,
        "quantity": plain(told.terms.quantity),
        "price": None if told.terms.price is None else plain(told.terms.price),
        "currency": placed.currency,
        "revision": told.revision,
        "order_url": url,
    }
    draft = Draft(
        kind=CHANGE_KIND,
        site=placed.site,
        subject=f"purchase_order/{placed.site}/{placed.id}/{row.line}/{told.revision}",
        reason=REASON,
        effect=effect,
        evidence={"reference": paper.reference, "order_url": url},
        inputs={
            "approved_quantity": plain(approved.quantity),
            "approved_price": None if approved.price is None else plain(approved.price),
            "received": plain(row.received),
        },
        parameters={
            "quantity_percent": plain(limits.quantity_percent),
            "price_percent": plain(limits.price_percent),
            "tolerance_set_by": limits.set_by,
        },
        value=told.terms.value,
        currency=placed.currency,
        item=row.item,
        note=paper.note,
    )
    drafted = decisions.draft(conn, actor, draft)
    decisions.submit(conn, actor, drafted.decision_id, note=paper.note)
    act_as(conn, actor)
    return drafted.decision_id
