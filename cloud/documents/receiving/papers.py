"""Deliveries and returns as they are told: checked models."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import ConfigDict, Field
from typing_extensions import override

from cloud.documents.papers import LineNumber, Unit, named_twice
from cloud.faults import Broken, RuledModel
from contracts.base import Code, CountedQuantity, Site, UtcDatetime
from contracts.records import Identifier
from contracts.vocabulary import VIRTUAL_PREFIX

MOST_LINES: Final = 20_000
Place = Annotated[Code, Field(pattern=rf"^[^{VIRTUAL_PREFIX}\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
"""A real place of the site; a second pattern takes the place of `Code`'s own, so it says both."""
REASONS: Final = {
    "damaged": "Damaged",
    "expired": "Expired, or too short a life left",
    "wrong_item": "Wrong item",
    "wrong_label": "Wrong or missing label",
    "not_ordered": "Not ordered",
    "quality": "Quality",
    "documents": "Papers are missing",
    "other": "Another reason",
}
"""Why goods are damaged or rejected."""
Reason = Literal[
    "damaged", "expired", "wrong_item", "wrong_label", "not_ordered", "quality", "documents", "other"
]


class _Paper(RuledModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class OfLine(_Paper):
    """Names the line of a document that goods belong to."""

    type: Literal["asn", "purchase_order", "customer_return", "transfer"]
    id: Code
    line: LineNumber


class DeliveryLine(_Paper):
    """What came of a line: sound, damaged beside it, and rejected, which is not taken in."""

    line: LineNumber
    of: OfLine | None = None
    """The document's line; without one it is unexpected, or the receipt is blind."""
    identifier: Identifier | None = None
    """What it is; may be left out where a document's line says it."""
    received: CountedQuantity = Decimal(0)
    damaged: CountedQuantity = Decimal(0)
    rejected: CountedQuantity = Decimal(0)
    unit_seen: Code | None = None
    """`base` or the GTIN of a packaging level; left out: as in the document's line, else `base`."""
    lot: Code | None = None
    unit: Unit | None = None
    """The SSCC or GRAI of the unit that holds it; without one it lies loose at the place."""
    new_unit: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    """Lines of the same word go onto one new unit, for which an SSCC is issued."""
    location: Place | None = None
    """Where it is put; left out: where the receipt says."""
    reason: Reason | None = None
    """Why it is damaged or rejected."""
    owner: Code | None = None
    """Whose it is and stays (consignment): not ours, so not valued; left out: our own."""

    @override
    def broken(self) -> Iterator[Broken]:
        """Say what of it does not go together."""
        if self.received + self.damaged + self.rejected == 0:
            message = (
                f"line {self.line!r}: nothing received, damaged or rejected: leave out what did not come"
            )
            yield Broken(message, "0", ("received", "damaged", "rejected"))
        if self.of is None and self.identifier is None:
            message = f"line {self.line!r}: expected of or identifier, to say what it is"
            yield Broken(message, None, ("of", "identifier"))
        if self.unit is not None and self.new_unit is not None:
            message = f"line {self.line!r}: unit {self.unit!r} and a new one: expected one of them"
            yield Broken(message, self.new_unit, ("unit", "new_unit"))


class DeliveryPaper(_Paper):
    """One delivery, or what one customer sent back, named by its own number at the site."""

    site: Site
    receipt: LineNumber
    """Its own number; the same number again is the same receipt."""
    location: Place
    origin: Literal["supplier", "customer"] | None = None
    """Whom it comes from, where no line names a document; left out: the supplier."""
    partner: Code | None = None
    """Supplier or customer, where no document says it."""
    delivery_note: Code | None = None
    visit: Code | None = None
    occurred_at: UtcDatetime | None = None
    """None: now."""
    is_last: bool = False
    """Nothing more comes of the documents named: what is open of them is closed short."""
    lines: Annotated[tuple[DeliveryLine, ...], Field(min_length=1, max_length=MOST_LINES)]

    @override
    def broken(self) -> Iterator[Broken]:
        """Say which lines stand there twice."""
        name = f"receipt {self.receipt!r}" if self.receipt else "receipt"
        return named_twice(name, (each.line for each in self.lines))


class ReceiptRow(NamedTuple):
    """A receipt in a list."""

    site: str
    id: str
    origin: str
    partner: str | None
    delivery_note: str | None
    visit: str | None
    location: str
    is_blind: bool
    occurred_at: datetime
    recorded_at: datetime
    received_by: str
    posting_id: int | None
    position: int | None
    """The posting's place in the ledger's order; None: all of it was rejected."""
    time_zone: str
    lines: int
    over: int
    """Lines of which more came than was open."""
    short: int
    unexpected: int
    damaged: int
    rejected: int


class ReceiptLineRow(NamedTuple):
    """What a person said came of a line; quantities in base units."""

    line: str
    of_type: str | None
    of_id: str | None
    of_line: str | None
    item: str | None
    item_name: str | None
    base_unit: str | None
    identifier_scheme: str
    identifier: str
    unit_seen: str
    expected: Decimal | None
    """What the purchase order asks for; None: none is known."""
    declared: Decimal | None
    """What the document says."""
    open_before: Decimal | None
    received: Decimal
    damaged: Decimal
    rejected: Decimal
    held: Decimal
    over: Decimal
    short: Decimal
    condition: str
    is_unexpected: bool
    reason: str | None
    days_left: int | None
    """From the day of receipt until its lot expires, where that is less than its item asks for."""
    lot: str | None
    unit: str | None
    owner: str | None
    """Whose it is, as stated; None: our own, or nobody said."""
    location: str
    reversed_at: datetime | None
    reversed_by: str | None
    reversal_reason: str | None
    waiting: Decimal
    """What of it waits in inspection, as returned or on hold."""
    is_unchecked: bool
    """Whether it came in a unit as its paper declares it, and was not counted in the unit since."""
