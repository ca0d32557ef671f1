"""What replenishment knows of an item at a site, and what it proposes; pure values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from cloud.identity.actor import Role

PLANNERS: Final = (Role.PLANNER, Role.BUYER)
"""Who may run, decide on proposals and set policies."""
READERS: Final = (
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.AUDITOR,
)
DEFAULT_REVIEW_DAYS: Final = 7
DEFAULT_TARGET: Final = 0.95
DECISION_KIND: Final = "purchase_order"
RUN_KIND: Final = "replenishment"

ANSWER_REASONS: Final[Mapping[str, str]] = {
    "as_proposed": "As proposed",
    "promotion": "More demand is coming than the forecast knows",
    "less_demand": "Less demand is coming than the forecast knows",
    "price": "Better price or terms",
    "supplier_cannot": "The supplier cannot deliver in time",
    "budget": "Budget or space",
    "stock_is_wrong": "The book's stock is wrong: count first",
    "ordered_elsewhere": "Ordered elsewhere",
    "phase_out": "The item is running out",
    "other": "Another reason (say which)",
}


class TargetKind(StrEnum):
    """What a service target is a share of; a target never stands without its kind."""

    CYCLE_SERVICE = "cycle_service"
    """Share of replenishment cycles without a stock-out."""
    FILL_RATE = "fill_rate"
    """Share of demanded units served from stock."""


class ProposalState(StrEnum):
    """Where a proposal stands."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    CHANGED = "changed"
    REJECTED = "rejected"
    EXPIRED = "expired"


class ReplenishmentError(Exception):
    """A wrong wish about proposals or policies; the message names value, expectation and place."""


class UnknownProposalError(ReplenishmentError):
    """The actor's sites hold no such proposal."""


class AnsweredProposalError(ReplenishmentError):
    """Somebody has answered it, or a later run has replaced it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How often an item is looked at and how surely it shall be there."""

    review_days: int
    target_kind: TargetKind
    target: float
    defaults: tuple[str, ...] = ()
    """Names of the values that nobody chose."""
    set_by: str = "default"


@dataclass(frozen=True, slots=True)
class Explained:
    """A number of the arithmetic with where it comes from, and what it is made of."""

    name: str
    value: str
    source: str
    at: str | None = None
    """Date or instant of what it rests on."""
    parts: tuple["Explained", ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Write it for the database and for people.

        Returns:
            Nested objects; absent parts are left out.
        """
        told: dict[str, Any] = {"name": self.name, "value": self.value, "source": self.source}
        if self.at is not None:
            told["at"] = self.at
        if self.parts:
            told["parts"] = [part.as_json() for part in self.parts]
        return told


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal as it is stored."""

    proposal_id: str
    """The same inputs give the same one."""
    item_id: int
    item: str
    kind: str
    """``order``, or ``expedite`` of an order that comes too late."""
    supplier: str | None
    quantity: Decimal
    price: Decimal | None
    currency: str | None
    order_by: date
    needed_by: date
    arrives_on: date
    summary: str
    arithmetic: Mapping[str, Any]
    inputs_at: datetime

    @property
    def value(self) -> Decimal | None:
        """What it costs; None if no price is known."""
        return None if self.price is None or self.kind != "order" else self.quantity * self.price


@dataclass(frozen=True, slots=True)
class PlannedTransfer:
    """What a site is going to draw from another."""

    item_id: int
    from_site: str
    leaves_on: date
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Unplanned:
    """An item that could not be planned, or not on all that sites draw of it, and why."""

    item: str
    why: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run found of a site."""

    proposals: Sequence[Proposed]
    transfers: Sequence[PlannedTransfer]
    """What it is going to draw from sites of ours."""
    covered: int
    """Items whose position covers their protection interval."""
    unplanned: Sequence[Unplanned]
    left_out: Sequence[Unplanned]
    """Plans of sites of ours that were not taken for demand."""
