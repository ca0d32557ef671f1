"""Lines that want goods, cells that hold them, claims between the two: pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from typing_extensions import override

from cloud.identity.actor import Role
from contracts.vocabulary import Disposition

KEEPERS: Final = (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER)
"""Who may allocate, release picks and keep pick faces, lots' dates and customers' terms."""
READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
)

SHIPPABLE: Final = frozenset({None, Disposition.SELLABLE.value})
"""Dispositions of goods that may leave; None, which nobody stated, counts as sellable (DOMAIN D1)."""

DEFAULT_PRIORITY: Final = 5


class AllocationError(Exception):
    """A wrong wish about claims, waves or tasks; the message names value, expectation and place."""


class UnknownClaimError(AllocationError):
    """The actor's sites hold no such line, wave, task, lot or place."""


class ConflictingClaimError(AllocationError):
    """It is there already with other content, or has ended."""


class ClaimKind(StrEnum):
    """How far a claim has come."""

    SOFT = "soft"
    """A quantity of an item at a site: no cell yet."""
    HARD = "hard"
    """Of one cell."""
    PICKED = "picked"
    """It has left its bin and stands where it will leave from."""


@dataclass(frozen=True, slots=True, order=True)
class LineName:
    """Names a line of a document at its site."""

    type: str
    id: str
    line: str

    @override
    def __str__(self) -> str:
        """Give ``type/id/line``."""
        return f"{self.type}/{self.id}/{self.line}"


@dataclass(frozen=True, slots=True)
class Want:
    """What a line still needs."""

    name: LineName
    item_id: int
    quantity: Decimal
    """In base units; > 0."""
    needed_on: date
    """Site day on which the goods leave."""
    minimum_days: int = 0
    """Days that they must be good for after that, by the customer's terms."""
    lot: str | None = None
    """The only lot that will do; None: any."""
    unit: str | None = None
    """The only logistic unit that will do; None: any."""
    priority: int = DEFAULT_PRIORITY
    """Lower comes first."""
    is_claim: bool = False
    """Whether it holds a soft claim already, which is served before what is new."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell can still give."""

    cell_id: int
    item_id: int
    free: Decimal
    """In base units; what it holds less what is claimed of it. Negative: claimed beyond what is there."""
    location: str
    """Code of the bin; of a cell in a unit, of where the unit stands."""
    unit: str | None = None
    lot: str | None = None
    owner: str | None = None
    expires_on: date | None = None
    """The first day on which it is no longer good; None: it keeps."""
    is_pick_face: bool = False
    is_doubted: bool = False
    """Whether a pick found less there than the book says, and nobody has counted it since."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A quantity of one cell for one line, and why of this one."""

    name: LineName
    item_id: int
    cell: Cell
    quantity: Decimal
    is_claim: bool = False
    """Whether it serves a soft claim that was there before."""
    why: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What of a line nothing covers, and why."""

    name: LineName
    item_id: int
    quantity: Decimal
    passed_over: Mapping[str, Decimal]
    """What is there and does not do, by reason: ``expires_too_soon``, ``doubted``, ``other_lot`` …"""
    is_claim: bool = False
    """Whether it is of a soft claim that was there before."""


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim as it stands."""

    allocation_id: int
    site: str
    type: str
    id: str
    line: str
    item_id: int
    item: str
    kind: ClaimKind
    quantity: Decimal
    cell_id: int | None
    location: str | None
    unit: str | None
    lot: str | None
    expires_on: date | None
    needed_on: date
    why: Mapping[str, Any]
    task: str | None
    task_line: int | None
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    ended_because: str | None

    @property
    def name(self) -> LineName:
        """Whose claim it is."""
        return LineName(self.type, self.id, self.line)
