"""What people say to a proposal: accept, change, reject with a reason; a yes becomes a decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from cloud.db import Connection
from cloud.decisions import service as decisions
from cloud.decisions.domain import Draft
from cloud.documents import order_steps
from cloud.documents.order_papers import DueDate
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from cloud.master.supplier_papers import SupplierId
from cloud.replenishment import store
from cloud.replenishment.domain import (
    ANSWER_REASONS,
    DECISION_KIND,
    PLANNERS,
    AnsweredProposalError,
    ProposalState,
    ReplenishmentError,
)
from cloud.replenishment.offers import Offer, offer_of
from cloud.replenishment.quantities import fault_of, plain
from cloud.replenishment.reading import proposal
from cloud.replenishment.store import ProposalRow
from contracts.base import PositiveQuantity

MAX_NOTE: Final = 1_000
_LATEST_DUE_DAYS: Final = 730
_INPUTS: Final = ("on_hand", "position", "reorder_point", "order_up_to", "cover_days")
_PARAMETERS: Final = ("target_kind", "target", "review_days", "lead_time_days", "min_order")

Note = Annotated[str, Field(max_length=MAX_NOTE, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
ReasonCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class AcceptPaper(BaseModel):
    """Yes, as proposed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    due_on: DueDate | None = None
    """When it is to come; needed to hurry an order: the date the supplier agreed to."""
    note: Note = ""


class ChangePaper(BaseModel):
    """Yes, but otherwise; what is left out stays as proposed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantity: PositiveQuantity | None = None
    supplier: SupplierId | None = None
    due_on: DueDate | None = None
    reason: ReasonCode
    note: Note = ""


class RejectPaper(BaseModel):
    """No."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: ReasonCode
    note: Note = ""


@dataclass(frozen=True, slots=True)
class _Choice:
    """What is to be ordered after all."""

    quantity: Decimal
    offer: Offer
    due_on: date

    @property
    def value(self) -> Decimal | None:
        return None if self.offer.price is None else self.quantity * self.offer.price


@dataclass(frozen=True, slots=True)
class _Answer:
    """How a proposal is answered."""

    state: ProposalState
    reason: str
    note: str
    now: datetime
    settled_why: str | None = None
    decision_id: int | None = None
    chosen: Mapping[str, JsonValue] | None = None


def accept(
    conn: Connection, actor: Actor, proposal_id: str, wish: AcceptPaper, *, now: datetime
) -> ProposalRow:
    """Say yes: an order becomes a decision before its approver; a hurried one gets its new date.

    Args:
        conn: In a transaction that the caller commits.
        actor: A buyer or planner of the site.
        proposal_id: Which.
        wish: The answer.
        now: The present.

    Returns:
        The proposal as it stands.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownProposalError: If the actor's sites hold none.
        AnsweredProposalError: If it is not open any more.
        ReplenishmentError: If a supplier or a date is missing.
    """
    found = _held(conn, actor, proposal_id)
    if found.kind == "expedite":
        return _hurried(conn, actor, found, wish, now)
    if found.supplier is None:
        raise ReplenishmentError(
            f"proposal for {found.item!r}: nobody is known to sell it: choose a supplier by changing it"
        )
    offer = offer_of(conn, found.site, found.item, found.supplier)
    choice = _Choice(found.quantity, offer, _due(found, wish.due_on, now))
    changed = {"due_on": wish.due_on.isoformat()} if wish.due_on else None
    answer = _Answer(ProposalState.ACCEPTED, "as_proposed", wish.note, now, chosen=changed)
    return _ordered(conn, actor, found, choice, answer)


def change(
    conn: Connection, actor: Actor, proposal_id: str, wish: ChangePaper, *, now: datetime
) -> ProposalRow:
    """Say yes to another quantity, supplier or date.

    Args:
        conn: In a transaction that the caller commits.
        actor: A buyer or planner of the site.
        proposal_id: Which.
        wish: The answer.
        now: The present.

    Returns:
        The proposal as it stands.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownProposalError: If the actor's sites hold none.
        AnsweredProposalError: If it is not open any more.
        ReplenishmentError: If nothing is changed, the reason is none, or the supplier does not take that.
    """
    found = _held(conn, actor, proposal_id)
    _check_reason(wish.reason, wish.note)
    if found.kind == "expedite":
        raise ReplenishmentError("an order that is hurried is not changed: accept it with the agreed date")
    supplier = wish.supplier or found.supplier
    if (wish.quantity, wish.supplier, wish.due_on) == (None, None, None) or supplier is None:
        raise ReplenishmentError(
            f"proposal for {found.item!r}: expected another quantity, supplier or date"
            + ("" if supplier else "; nobody is known to sell it: choose a supplier")
        )
    offer = offer_of(conn, found.site, found.item, supplier)
    quantity = wish.quantity or found.quantity
    fault = fault_of(quantity, offer.rule)
    if fault is not None:
        raise ReplenishmentError(f"{fault} ({found.item}, {supplier})")
    choice = _Choice(quantity, offer, _due(found, wish.due_on, now))
    chosen = {"quantity": plain(quantity), "supplier": supplier, "due_on": choice.due_on.isoformat()}
    answer = _Answer(ProposalState.CHANGED, wish.reason, wish.note, now, chosen=chosen)
    return _ordered(conn, actor, found, choice, answer)


def reject(
    conn: Connection, actor: Actor, proposal_id: str, wish: RejectPaper, *, now: datetime
) -> ProposalRow:
    """Say no.

    Args:
        conn: In a transaction that the caller commits.
        actor: A buyer or planner of the site.
        proposal_id: Which.
        wish: The answer.
        now: The present.

    Returns:
        The proposal as it stands.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownProposalError: If the actor's sites hold none.
        AnsweredProposalError: If it is not open any more.
        ReplenishmentError: If the reason is none.
    """
    found = _held(conn, actor, proposal_id)
    _check_reason(wish.reason, wish.note)
    answer = _Answer(ProposalState.REJECTED, wish.reason, wish.note, now, settled_why="rejected")
    return _answered(conn, actor, found, answer)


def effect_of(found: ProposalRow, quantity: Decimal, offer: Offer, due_on: date) -> dict[str, JsonValue]:
    """Write what will be ordered, for people and for the carrier.

    Args:
        found: The proposal.
        quantity: In base units.
        offer: Supplier, price and currency.
        due_on: When it is to come.

    Returns:
        A decision's effect.
    """
    what = f"Order {plain(quantity)} {found.base_unit} of {found.item} from {offer.supplier} for {found.site}"
    return {
        "summary": f"{what}, due {due_on.isoformat()}",
        "site": found.site,
        "supplier": offer.supplier,
        "currency": offer.currency,
        "item": found.item,
        "quantity": plain(quantity),
        "price": None if offer.price is None else plain(offer.price),
        "due_on": due_on.isoformat(),
        "proposal_url": f"/proposals/{found.proposal_id}",
    }


def _held(conn: Connection, actor: Actor, proposal_id: str) -> ProposalRow:
    within = actor.narrowed(*PLANNERS)
    act_as(conn, within)
    store.tuples(conn, "lock_proposal", proposal_id=proposal_id)
    found = proposal(conn, within, proposal_id)
    actor.require(*PLANNERS, site=found.site)
    if found.state != ProposalState.PROPOSED:
        by = f" by {found.decided_by}" if found.decided_by else ""
        raise AnsweredProposalError(
            f"proposal for {found.item!r} is {found.state}{by}: look at the list again"
        )
    return found


def _ordered(
    conn: Connection, actor: Actor, found: ProposalRow, choice: _Choice, answer: _Answer
) -> ProposalRow:
    told = found.arithmetic["numbers"]
    inputs: dict[str, JsonValue] = {name: told[name] for name in _INPUTS}
    inputs |= {"run": found.run_id, "read_at": found.inputs_at.isoformat(timespec="seconds")}
    paper = Draft(
        kind=DECISION_KIND,
        site=found.site,
        subject=f"proposal/{found.proposal_id}",
        reason=answer.reason,
        effect=effect_of(found, choice.quantity, choice.offer, choice.due_on),
        evidence={"why": found.summary, "proposal_url": f"/proposals/{found.proposal_id}"},
        inputs=inputs,
        parameters={name: told[name] for name in _PARAMETERS},
        value=choice.value,
        currency=choice.offer.currency,
        item=found.item,
        note=answer.note,
    )
    drafted = decisions.draft(conn, actor, paper)
    decisions.submit(conn, actor, drafted.decision_id, note=answer.note)
    act_as(conn, actor)
    stored = _Answer(
        answer.state, answer.reason, answer.note, answer.now, None, drafted.decision_id, answer.chosen
    )
    return _answered(conn, actor, found, stored)


def _hurried(
    conn: Connection, actor: Actor, found: ProposalRow, paper: AcceptPaper, now: datetime
) -> ProposalRow:
    late = found.arithmetic["expedite"]
    if paper.due_on is None:
        raise ReplenishmentError(
            f"proposal to hurry {late['order']}: expected due_on, the date that the supplier agreed to"
        )
    due_on = _due(found, paper.due_on, now)
    if due_on >= date.fromisoformat(late["due_on"]):
        raise ReplenishmentError(
            f"due_on {due_on.isoformat()}: expected a day before {late['due_on']}; else reject it"
        )
    where = {"site": found.site, "name": late["order"], "line": late["line"]}
    order_steps.state_date(conn, actor, due_on=due_on, reason="expedited", **where)
    chosen = {"due_on": due_on.isoformat()}
    answer = _Answer(
        ProposalState.ACCEPTED, "as_proposed", paper.note, now, settled_why="expedited", chosen=chosen
    )
    return _answered(conn, actor, found, answer)


def _answered(conn: Connection, actor: Actor, found: ProposalRow, answer: _Answer) -> ProposalRow:
    store.change(
        conn,
        "answer",
        proposal_id=found.proposal_id,
        state=answer.state.value,
        chosen=store.as_json(answer.chosen),
        reason=answer.reason,
        note=answer.note,
        now=answer.now,
        actor=actor.id,
        decision_id=answer.decision_id,
        settled_at=answer.now if answer.settled_why else None,
        settled_why=answer.settled_why,
    )
    detail: dict[str, Any] = {"item": found.item, "reason": answer.reason, "decision_id": answer.decision_id}
    subject = f"proposal:{found.proposal_id}"
    audit(conn, actor.id, f"proposal_{answer.state}", subject, site=found.site, detail=detail)
    return proposal(conn, actor, found.proposal_id)


def _due(found: ProposalRow, wanted: date | None, now: datetime) -> date:
    due_on = wanted or found.arrives_on
    earliest = now.date() - timedelta(1)  # the site's day may lag a day behind UTC
    if not earliest <= due_on <= earliest + timedelta(_LATEST_DUE_DAYS):
        raise ReplenishmentError(
            f"due_on {due_on.isoformat()}: expected from today to {_LATEST_DUE_DAYS} days ahead"
        )
    return due_on


def _check_reason(reason: str, note: str) -> None:
    if reason not in ANSWER_REASONS:
        raise ReplenishmentError(f"reason {reason!r:.80}: expected one of {', '.join(ANSWER_REASONS)}")
    if reason == "other" and not note.strip():
        raise ReplenishmentError("reason 'other': expected a note that says which")
