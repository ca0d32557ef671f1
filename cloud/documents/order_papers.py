"""Purchase orders and receipts as they are sent: checked models and the values they become."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from cloud.documents.papers import LineNumber, broken_name, named_twice
from cloud.faults import Broken, RuledModel
from cloud.master.domain import BASE_UNIT, IdentifierKey, identifier_key
from cloud.master.supplier_papers import SupplierId
from contracts.base import Code, CountedQuantity, PositiveQuantity, Site, UtcDatetime
from contracts.records import Identifier
from contracts.vocabulary import VIRTUAL_PREFIX

OrderId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$")]
_REAL_PLACE: Final = rf"^[^{VIRTUAL_PREFIX}\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
"""A second pattern takes the place of `Code`'s own, so it says both."""
DueDate = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]


class _Paper(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OrderLinePaper(_Paper, RuledModel):
    """What is ordered: so much of an item in one of its units, the price, and when it is due."""

    line: LineNumber
    item: Code | None = Field(None, description="The item's code; or else `identifier`")
    identifier: Identifier | None = Field(None, description="What else names the item: a GTIN of any level")
    quantity: PositiveQuantity = Field(description="In `unit_seen`")
    unit_seen: Code = Field(BASE_UNIT, description="`base`, or the GTIN of a packaging level of the item")
    price: CountedQuantity | None = Field(None, description="Of one base unit, whatever `unit_seen` says")
    due_on: DueDate

    @override
    def broken(self) -> Iterator[Broken]:
        """Say that nothing, or two things, say what it is, or what its GTIN lacks."""
        if (self.item is None) == (self.identifier is None):
            got = "neither" if self.item is None else "both"
            message = f"line {self.line!r}: expected item or identifier, to say what it is: got {got}"
            yield Broken(message, self.item, ("item", "identifier"), ("item",))
        yield from broken_name(self.identifier)

    @property
    def key(self) -> IdentifierKey:
        """Scheme and value of what names its item."""
        return ("sku", f"{self.item}") if self.identifier is None else identifier_key(self.identifier)


class OrderPaper(_Paper, RuledModel):
    """A purchase order that was placed elsewhere and is to be received here."""

    site: Site
    id: OrderId
    supplier: SupplierId
    sent_at: UtcDatetime
    lines: Annotated[tuple[OrderLinePaper, ...], Field(min_length=1, max_length=5_000)]

    @override
    def broken(self) -> Iterator[Broken]:
        """Say which lines stand there twice."""
        name = f"order {self.id!r}" if self.id else "order"
        return named_twice(name, (line.line for line in self.lines))


class ReceiptLinePaper(_Paper, RuledModel):
    """What came of a line, in base units: sound, and damaged beside it."""

    line: LineNumber
    received: CountedQuantity
    damaged: CountedQuantity = Decimal(0)
    lot: Code | None = None
    owner: Code | None = None
    """Whose it is and stays (consignment); left out: our own."""

    @override
    def broken(self) -> Iterator[Broken]:
        """Say that nothing of it came."""
        if (self.received or 0) + self.damaged == 0:
            message = (
                f"line {self.line!r}: nothing received, nothing damaged: leave out a line that did not come"
            )
            yield Broken(message, "0", ("received", "damaged"))


class ReceiptPaper(_Paper, RuledModel):
    """One delivery against a purchase order, named by its delivery note."""

    receipt: LineNumber
    location: Annotated[Code, Field(pattern=_REAL_PLACE)]
    occurred_at: UtcDatetime | None = None
    """None: now."""
    lines: Annotated[tuple[ReceiptLinePaper, ...], Field(min_length=1, max_length=20_000)]

    @override
    def broken(self) -> Iterator[Broken]:
        """Say which lines stand there twice."""
        name = f"receipt {self.receipt!r}" if self.receipt else "receipt"
        return named_twice(name, (line.line for line in self.lines))


class OrderRow(NamedTuple):
    """A purchase order in a list."""

    site: str
    id: str
    supplier: str
    currency: str
    origin: str
    decision_id: int | None
    state: str
    sent_at: datetime | None
    sent_by: str | None
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    created_at: datetime
    created_by: str
    time_zone: str
    lines: int
    value: Decimal | None


class OrderLineRow(NamedTuple):
    """A line of an order; what is open of it is derived from the movements that name it."""

    line: str
    item: str
    item_name: str | None
    base_unit: str
    supplier_code: str | None
    """What the supplier calls the item."""
    quantity: Decimal
    """As ordered, or as confirmed and taken since."""
    price: Decimal | None
    ordered: Decimal
    ordered_price: Decimal | None
    due_on: date
    """As confirmed or expected last."""
    ordered_for: date
    received: Decimal
    """Sound and damaged."""
    damaged: Decimal
    is_lot_controlled: bool
    identifier_scheme: str
    identifier: str
    """What named the item when it was ordered."""
    stated_quantity: Decimal
    """As it was ordered, in ``unit_seen``."""
    unit_seen: str
    """``base``, or the GTIN of a packaging level."""

    @property
    def open_quantity(self) -> Decimal:
        """What is still to come, in base units."""
        return max(Decimal(0), self.quantity - self.received)

    @property
    def over(self) -> Decimal:
        """What came beyond the order, in base units."""
        return max(Decimal(0), self.received - self.quantity)


class ConfirmationRow(NamedTuple):
    """What the supplier confirmed of a line, and whether it holds."""

    line: str
    revision: int
    quantity: Decimal
    price: Decimal | None
    due_on: date
    reference: str
    """The supplier's own number for it."""
    beyond: list[str]
    """What of it is beyond the tolerance; nothing: it was taken at once."""
    decision_id: int | None
    decision_state: str | None
    stated_at: datetime
    stated_by: str

    @property
    def is_taken(self) -> bool:
        """Whether it held at once, or was approved."""
        return self.decision_id is None or self.decision_state == "applied"


class ReceiptRow(NamedTuple):
    """What a person said came of a line with one delivery."""

    receipt: str
    line: str
    open_before: Decimal
    received: Decimal
    damaged: Decimal
    over: Decimal
    short: Decimal
    location: str
    occurred_at: datetime
    received_by: str


@dataclass(frozen=True, slots=True)
class OrderStory:
    """An order with its lines in order and what was received."""

    order: OrderRow
    lines: tuple[OrderLineRow, ...]
    receipts: tuple[ReceiptRow, ...]
    confirmations: tuple[ConfirmationRow, ...]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is still to come."""
        return all(line.open_quantity == 0 for line in self.lines)


@dataclass(frozen=True, slots=True)
class Received:
    """A receipt that was posted."""

    site: str
    id: str
    receipt: str
    position: int
    """The posting's place in the ledger's order."""
    lines: tuple[ReceiptRow, ...]
