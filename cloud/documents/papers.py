"""Documents as they are sent: checked models, every fault named with its value and expectation."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)
from typing_extensions import override

from cloud.documents.domain import CARRIED, Line
from cloud.faults import Broken, RuledModel
from cloud.master.life import Days
from cloud.master.shelf_life import ShelfDays
from cloud.sheets.fields import has_check_digit
from contracts.base import Code, Gateway, PositiveQuantity, Site, UtcDatetime
from contracts.records import Identifier
from contracts.vocabulary import VIRTUAL_PREFIX, VirtualLocation, clearing_account

DocumentType = Literal["asn", "outbound_order", "customer_return", "supplier_return", "transfer"]
Registered = Literal["asn", "outbound_order", "customer_return", "supplier_return"]
"""Types that are registered as they are; a transfer stands at two sites."""
MOST_LINES: Final = 20_000
"""Of a document, each with one unit at most."""
_SSCC_DIGITS: Final = 18
_GTIN_DIGITS: Final = 14
_NAME_LENGTH: Final = 128
"""Of a `Code`."""
_WINDOWS: Final = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
_MAY_NAME_ORDERS: Final = ("asn", "supplier_return")


def _is_gtin(text: str) -> str:
    if len(text) != _GTIN_DIGITS or not (text.isascii() and text.isdigit()):
        raise ValueError(f"GTIN {text!r}: expected 14 digits (a spreadsheet may have made it a number)")
    if not has_check_digit(text):
        raise ValueError(f"GTIN {text!r}: its check digit is wrong")
    return text


def _is_unit(text: str) -> str:
    is_sscc = len(text) == _SSCC_DIGITS and text.isascii() and text.isdigit()
    if not is_sscc and not text.startswith("urn:epc:id:grai:"):
        raise ValueError(f"unit {text!r}: expected an SSCC of 18 digits or urn:epc:id:grai:…")
    if is_sscc and not has_check_digit(text):
        raise ValueError(f"SSCC {text!r}: its check digit is wrong")
    return text


def _is_of_our_time(at: datetime) -> datetime:
    first, end = _WINDOWS
    if not first <= at < end:
        raise ValueError(f"{at.isoformat()}: expected a time from {first.year} to {end.year - 1}")
    return at


Gtin = Annotated[str, AfterValidator(_is_gtin)]
Unit = Annotated[Code, AfterValidator(_is_unit)]
LineNumber = Annotated[
    Code,
    Field(
        pattern=r"^[^/\x00-\x1f\x7f-\x9f]*$",  # a second pattern takes the place of the first
        description="Without a slash, which ends a document's id",
    ),
]
Door = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
WindowTime = Annotated[UtcDatetime, AfterValidator(_is_of_our_time)]
"""When a vehicle is expected: in the years in which papers may be due, by UTC."""
VisitName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


def named_twice(where: str, names: Iterable[str]) -> Iterator[Broken]:
    """Find lines whose number a line before them has.

    Args:
        where: Names the document, for the error.
        names: Numbers of its lines in order; empty or None: it could not be read.

    Yields:
        A broken rule for each.
    """
    there = set[str]()
    for index, name in enumerate(names):
        if name and name in there:
            message = f"{where}: line {name!r} stands there twice"
            yield Broken(message, name, at=("lines", index, "line"))
        there.add(name)


def broken_name(name: Identifier | None) -> Iterator[Broken]:
    """Find what a line's GTIN lacks.

    Args:
        name: What names its item; None: it could not be read, or something else does.

    Yields:
        A broken rule, at most.
    """
    if name is None or name.scheme != "gtin":
        return
    try:
        _is_gtin(name.value)
    except ValueError as error:
        yield Broken(f"{error}", name.value, ("identifier",))


def _parts_equally(quantity: Decimal, parts: int) -> bool:
    """Tell whether a quantity can be parted: what is whole into whole numbers, else within six decimals."""
    is_whole = quantity == quantity.to_integral_value()
    return (quantity if is_whole else quantity.scaleb(6)) % parts == 0


class _Paper(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Level(_Paper):
    """A packaging level: one of ``gtin`` holds ``base_units / base_units_denominator`` base units."""

    gtin: Gtin
    base_units: Annotated[int, Field(strict=True, ge=1, le=10**9)]
    base_units_denominator: Annotated[int, Field(strict=True, ge=1, le=10**9)] = 1


class ItemPaper(_Paper):
    """An item and its packaging levels."""

    code: Code
    name: Code | None = None
    levels: Annotated[tuple[Level, ...], Field(max_length=20)] = ()
    minimum_life_days: Days | None = Field(
        None,
        description="For which it must be good after the day of receipt; null: whatever comes is taken in; "
        "left out: as it is",
    )
    shelf_life_days: ShelfDays | None = Field(
        None,
        description="For which it is good, the day of production being the first; null: not known; left out: "
        "as it is",
    )

    @model_validator(mode="after")
    def _levels_differ(self) -> Self:
        twice = [gtin for gtin, times in Counter(level.gtin for level in self.levels).items() if times > 1]
        if twice:
            raise ValueError(f"item {self.code!r}: GTIN {twice[0]} stands there twice")
        return self


class PortalPaper(_Paper):
    """A door, the gateway that hears it, and the two places it lies between."""

    site: Site
    portal: Door
    gateway: Gateway
    inside_location: Code
    outside_location: Code
    mode: Literal["live", "shadow"] = "live"

    @model_validator(mode="after")
    def _lies_between(self) -> Self:
        if self.inside_location.startswith(VIRTUAL_PREFIX):
            raise ValueError(f"inside_location {self.inside_location!r}: expected a place of the site")
        if self.outside_location.partition("/")[0] != VirtualLocation.CLEARING:
            raise ValueError(
                f"outside_location {self.outside_location!r}: expected an account like "
                f"{clearing_account(self.portal)!r}"
            )
        return self


class OrderLineName(_Paper):
    """Names a line of a purchase order of the site."""

    id: Code
    line: LineNumber


class LinePaper(_Paper, RuledModel):
    """A line of a document: loose goods, or content of the units named."""

    line: LineNumber
    identifier: Identifier
    quantity: PositiveQuantity
    unit_seen: Code = "base"
    lot: Code | None = None
    units: Annotated[tuple[Unit, ...], Field(max_length=1_000)] = ()
    """SSCCs or GRAIs that hold it; of several each holds an equal part, in a line of its own."""
    order: OrderLineName | None = None
    """The line of a purchase order that an ASN's line delivers, or a return to its supplier takes back."""

    @override
    def broken(self) -> Iterator[Broken]:
        """Say what its GTIN lacks, and that its units are named twice or cannot hold equal parts."""
        yield from broken_name(self.identifier)
        units = self.units or ()
        if twice := sorted(unit for unit, times in Counter(units).items() if times > 1):
            message = f"line {self.line!r}: unit {', '.join(twice)} stands there twice"
            yield Broken(message, twice[0], ("units",), ("units",))
        if len(units) > 1 and self.quantity and not _parts_equally(self.quantity, len(units)):
            message = (
                f"line {self.line!r}: {self.quantity.normalize():f} on {len(units)} units: expected a "
                "quantity of which each holds an equal part; else say what each holds in a line of its own"
            )
            yield Broken(message, f"{self.quantity}", ("quantity", "units"), ("quantity",))

    def spread(self) -> tuple["LinePaper", ...]:
        """Give it unit by unit.

        Returns:
            The line itself; if it names several units, a line ``1~1``, ``1~2`` … with an equal part for each.
        """
        if len(self.units) <= 1:
            return (self,)
        part = self.quantity / len(self.units)
        return tuple(
            self.model_copy(update={"line": f"{self.line}~{nth}", "quantity": part, "units": (unit,)})
            for nth, unit in enumerate(self.units, 1)
        )

    def as_stored(self, of_type: str, of_id: str) -> Line:
        """Give it as it is stored.

        Args:
            of_type: Type of its document.
            of_id: Id of its document.

        Returns:
            The line.
        """
        return Line(
            of_type,
            of_id,
            self.line,
            self.identifier.scheme,
            self.identifier.value,
            self.quantity,
            self.unit_seen,
            self.lot,
            self.units[0] if self.units else None,
            self.order.id if self.order else None,
            self.order.line if self.order else None,
        )


class DocumentPaper(_Paper, RuledModel):
    """An ASN, an outbound order, or a return of a customer or to a supplier."""

    site: Site
    type: Registered
    id: Code
    partner: Code | None = None
    due_on: date | None = None
    """By the site's days: when it is needed, or expected."""
    lines: Annotated[tuple[LinePaper, ...], Field(min_length=1, max_length=MOST_LINES)]

    @override
    def broken(self) -> Iterator[Broken]:
        """Say which lines stand there twice, name too many units, or name an order though they may not."""
        where = f"document {self.id!r}" if self.id else "document"
        yield from named_twice(where, (each.line for each in self.lines))
        yield from self._wrongly_spread(where)
        if self.type in _MAY_NAME_ORDERS:
            return
        message = f"{self.type} {self.id!r}: only {' or '.join(_MAY_NAME_ORDERS)} lines name an order"
        for index, line in enumerate(self.lines):
            if line.order:
                yield Broken(message, line.order.id, ("type",), ("lines", index, "order"))

    def _wrongly_spread(self, where: str) -> Iterator[Broken]:
        """Find too many units, and numbers of parts that are too long or that another line bears."""
        kept = sum(max(1, len(line.units or ())) for line in self.lines)
        if kept > MOST_LINES:
            message = f"{where}: {kept} lines with one unit each: expected at most {MOST_LINES}"
            yield Broken(message, kept, at=("lines",))
            return
        parts = {
            f"{line.line}~{nth}"
            for line in self.lines
            for nth, _ in enumerate(line.units or (), 1)
            if line.units[1:]
        }
        for index, line in enumerate(self.lines):
            last = f"~{len(line.units)}" if line.units and line.units[1:] else ""
            if last and line.line and len(line.line + last) > _NAME_LENGTH:
                message = (
                    f"{where}: line {line.line!r} on {len(line.units)} units: expected at most "
                    f"{_NAME_LENGTH - len(last)} characters, for the last is its line …{last}"
                )
                yield Broken(message, line.line, at=("lines", index, "line"))
            if line.line in parts:
                message = f"{where}: line {line.line!r} stands there twice, as a unit's of another"
                yield Broken(message, line.line, at=("lines", index, "line"))

    def spread(self) -> list[LinePaper]:
        """Give its lines unit by unit.

        Returns:
            The lines, of which each names one unit at most.
        """
        return [part for line in self.lines for part in line.spread()]

    def as_lines(self) -> list[Line]:
        """Give its lines as they are stored.

        Returns:
            The lines.
        """
        return [line.as_stored(self.type, self.id) for line in self.spread()]


class DocumentName(_Paper):
    """Names a document of the site."""

    type: Literal["asn", "purchase_order", "customer_return", "transfer", "outbound_order", "supplier_return"]
    id: Code


class VisitPaper(_Paper):
    """A vehicle expected or standing at a door."""

    site: Site
    visit: VisitName
    door: Door
    direction: Literal["inbound", "outbound"]
    from_at: WindowTime
    to_at: WindowTime | None = None
    documents: Annotated[tuple[DocumentName, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.to_at is not None and self.to_at < self.from_at:
            raise ValueError(f"visit {self.visit!r}: to_at {self.to_at} is before from_at {self.from_at}")
        carried = CARRIED[self.direction]
        wrong = [f"{name.type} {name.id!r}" for name in self.documents if name.type not in carried]
        if wrong:
            raise ValueError(
                f"visit {self.visit!r} is {self.direction}: expected documents of type {', '.join(carried)}, "
                f"got {', '.join(wrong)}"
            )
        return self


class OpeningPaper(_Paper):
    """Stock that is there when the ledger begins: in a place, or in a unit that stands in a place."""

    site: Site
    identifier: Identifier
    quantity: PositiveQuantity
    unit_seen: Code = "base"
    location: Code
    unit: Unit | None = None
    lot: Code | None = None
