"""Shipments as they are told: checked models."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple

from pydantic import ConfigDict, Field
from typing_extensions import override

from cloud.documents.papers import LineNumber, Unit, named_twice
from cloud.documents.receiving.papers import MOST_LINES, Place
from cloud.faults import Broken, RuledModel
from contracts.base import Code, PositiveQuantity, Site, UtcDatetime
from contracts.vocabulary import Disposition


class _Paper(RuledModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ForLine(_Paper):
    """Names the line of a document that goods leave for."""

    type: Literal["outbound_order", "supplier_return", "transfer"]
    id: Code
    line: LineNumber


class ShippedLine(_Paper):
    """What leaves for a line, and out of which place or unit."""

    line: LineNumber
    of: ForLine
    quantity: PositiveQuantity
    unit_seen: Code | None = None
    """`base` or the GTIN of a packaging level; left out: as in the document's line."""
    location: Place | None = None
    """The place it is taken from; left out: where the shipment says."""
    unit: Unit | None = None
    """The unit it is taken out of, or leaves in; then there is no place."""
    with_unit: bool = False
    """The unit itself leaves too."""
    lot: Code | None = None
    disposition: Disposition | None = None
    """Left out: sellable; a return to a supplier takes it from damaged, on hold or in inspection."""

    @override
    def broken(self) -> Iterator[Broken]:
        """Say what of it does not go together."""
        if self.location is not None and self.unit is not None:
            message = f"line {self.line!r}: location and unit: expected one of them, or neither"
            yield Broken(message, self.location, ("location", "unit"))
        if self.with_unit and self.unit is None:
            message = f"line {self.line!r}: with_unit: expected unit, to say which"
            yield Broken(message, "true", ("with_unit", "unit"))


class ShipmentPaper(_Paper):
    """What leaves at once, named by its own number at the site."""

    site: Site
    shipment: LineNumber
    """Its own number; the same number again is the same shipment."""
    location: Place | None = None
    """Where goods are taken from that name neither place nor unit."""
    carrier: Code | None = None
    visit: Code | None = None
    occurred_at: UtcDatetime | None = None
    """None: now."""
    has_departed: bool = False
    """Of a transfer: the vehicle is on its way."""
    lines: Annotated[tuple[ShippedLine, ...], Field(min_length=1, max_length=MOST_LINES)]

    @override
    def broken(self) -> Iterator[Broken]:
        """Say which lines stand there twice."""
        name = f"shipment {self.shipment!r}" if self.shipment else "shipment"
        return named_twice(name, (each.line for each in self.lines))


class ShipmentRow(NamedTuple):
    """A shipment in a list."""

    site: str
    id: str
    destination: str
    partner: str | None
    carrier: str | None
    visit: str | None
    occurred_at: datetime
    recorded_at: datetime
    shipped_by: str
    posting_id: int
    position: int
    time_zone: str
    lines: int


class ShipmentLineRow(NamedTuple):
    """What left for a line; quantities in base units."""

    line: str
    of_type: str
    of_id: str
    of_line: str
    item: str
    item_name: str | None
    base_unit: str
    unit_seen: str
    open_before: Decimal
    quantity: Decimal
    lot: str | None
    unit: str | None
    location: str | None
    disposition: str | None
    reversed_at: datetime | None
    reversed_by: str | None
    reversal_reason: str | None
