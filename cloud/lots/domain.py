"""Lots, what ties them to each other and where they went, as values; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from cloud.identity.actor import Actor, Role
from contracts.vocabulary import Disposition

READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
)
KEEPERS: Final = (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER)
"""Who opens recalls, states lots and says how an item's lots are taken."""


UNSPECIFIED: Final = "unspecified"
"""The lot of goods of which nothing tells the lot: work to do."""


class LotError(ValueError):
    """A wrong wish about a lot or a recall; the message names value, expectation and place."""


class UnknownLotError(LotError):
    """There is no such item, lot or recall within the actor's sites."""


class LotConflictError(LotError):
    """It stands already, or has ended."""


@dataclass(frozen=True, slots=True, order=True)
class LotKey:
    """A lot of an item, or one serial; without either, the item's goods of which no lot was kept."""

    item_id: int
    """The canonical item."""
    lot: str | None
    serial: str | None = None
    """As its tag has it; then ``lot`` is None, whatever lot it is of."""

    @property
    def is_known(self) -> bool:
        """Whether it names particular goods; else they may be any of the item's of which no lot was kept."""
        return self.serial is not None or self.lot not in {None, UNSPECIFIED}

    @property
    def sort_key(self) -> tuple[int, bool, str, str]:
        """Lots in a stable order, those without a name last."""
        return self.item_id, self.lot is None and self.serial is None, self.lot or "", self.serial or ""


class Transformation(NamedTuple):
    """What things were made of others under: a kit, a repack, or one posting."""

    site: str
    type: str
    """Of the document that its movements name; ``posting`` where they name none."""
    id: str


@dataclass(frozen=True, slots=True)
class Link:
    """What one transformation consumed of a lot, or made of it, net of what was taken back."""

    site: str
    type: str
    id: str
    is_input: bool
    item_id: int
    item: str
    base_unit: str
    lot: str | None
    quantity: Decimal
    first_at: datetime
    last_at: datetime
    time_zone: str
    serial: str | None = None
    """The one piece that it is; ``lot`` is the lot of it then."""

    @property
    def transformation(self) -> Transformation:
        """Whose it is."""
        return Transformation(self.site, self.type, self.id)

    @property
    def key(self) -> LotKey:
        """Of which lot, or which serial it is."""
        return LotKey(self.item_id, None if self.serial else self.lot, self.serial)


class LotRow(NamedTuple):
    """A lot with what lies there of it."""

    item: str
    item_name: str | None
    base_unit: str
    lot: str
    expires_on: date | None
    """The first day on which it is no longer good; None: nobody has said, or it keeps."""
    on_hand: Decimal
    sites: int


class StockRow(NamedTuple):
    """Where some of a lot lies now."""

    nth: int
    """Which of the lots asked for, from 1."""
    cell_id: int
    item_id: int
    item: str
    base_unit: str
    lot: str | None
    site: str
    location: str | None
    """Code of the bin or account; of a unit, where it stands, None where nobody has said."""
    unit: str | None
    is_virtual: bool
    disposition: str | None
    owner: str | None
    quantity: Decimal


class RecipientRow(NamedTuple):
    """What went to a customer of a lot under one document, less what came back."""

    nth: int
    site: str
    partner: str | None
    type: str | None
    id: str | None
    item: str
    base_unit: str
    lot: str | None
    quantity: Decimal
    first_at: datetime
    last_at: datetime
    time_zone: str
    papers: str | None
    """Every document that the movements name."""


class HistoryRow(NamedTuple):
    """A movement of a lot."""

    gateway: str
    epoch: int
    seq: int
    gateway_key: int
    site: str
    time_zone: str
    occurred_at: datetime
    recorded_at: datetime
    position: int
    item: str
    base_unit: str
    quantity: Decimal
    from_location: str
    from_lot: str | None
    from_disposition: str | None
    to_location: str
    to_lot: str | None
    to_disposition: str | None
    reason: str | None
    actor: str | None
    documents: list[dict[str, Any]]
    rule: str | None
    """By which rule it was inferred; None: somebody stated it."""


RECALL_KIND: Final = "lot_recall"
"""Of the decisions by which a site's stock of a recall is held."""
RECALL_REASONS: Final[Mapping[str, str]] = {
    "contaminated": "Contaminated",
    "defective": "Defective",
    "mislabelled": "Labelled wrongly",
    "supplier_recall": "The supplier recalls it",
    "authority": "An authority orders it",
    "other": "Another reason (say which)",
}
END_REASONS: Final[Mapping[str, str]] = {
    "dealt_with": "All of it has been dealt with",
    "unfounded": "It was unfounded",
    "other": "Another reason",
}
JOB: Final = Actor("job:recalls", frozenset({Role.DEVICE, Role.INVENTORY_CONTROLLER}), all_sites=True)
"""Who looks through every site's books for what a recall reaches, whoever opened it."""


@dataclass(frozen=True, slots=True)
class Recall:
    """A recall as it stands."""

    recall_id: int
    item: str
    item_name: str | None
    base_unit: str
    item_id: int
    lot: str
    reason: str
    note: str
    with_possible: bool
    opened_at: datetime
    opened_by: str
    ended_at: datetime | None
    ended_by: str | None
    ended_because: str | None
    lots: int
    """That it reaches."""

    @property
    def key(self) -> LotKey:
        """The lot that it began with."""
        return LotKey(self.item_id, self.lot)

    @property
    def name(self) -> str:
        """As documents of movements name it."""
        return f"R{self.recall_id}"


class RecallSite(NamedTuple):
    """How a recall stands at a site."""

    site: str
    decision_id: int
    state: str
    """Of the decision: ``submitted`` waits for an approver, ``applied`` holds the stock."""
    time_zone: str


class ReachedStock(NamedTuple):
    """Stock that a recall reaches."""

    site: str
    cell_id: int
    item_id: int
    own_item_id: int
    """As the cell has it; another where items were merged."""
    item: str
    base_unit: str
    lot: str | None
    location: str | None
    unit: str | None
    disposition: str | None
    owner: str | None
    quantity: Decimal
    own_quantity: Decimal
    """In the cell's own base unit."""
    is_possible: bool

    @property
    def is_held(self) -> bool:
        """Whether it cannot leave any more."""
        return self.disposition == Disposition.RECALLED


class HeldStock(NamedTuple):
    """What a recall holds, by where and in which condition it was before."""

    from_cell: int
    to_cell: int
    own_item_id: int
    lot: str | None
    location: str
    unit: str | None
    disposition: str | None
    owner: str | None
    held: Decimal
    on_hand: Decimal
    """What lies there of it now."""


def recall_subject(recall_id: int, site: str) -> str:
    """Name what a decision on a recall's stock at a site is about."""
    return f"recall/{recall_id}/{site}"
