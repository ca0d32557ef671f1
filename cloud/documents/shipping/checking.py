"""A shipment's lines against what is open: every fault of them all in one answer, or what they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from cloud.db import Connection
from cloud.documents.leaving import USED_BY, faults_of_units, kept_back
from cloud.documents.lines import (
    OF_UNITS,
    Goods,
    LineName,
    LineNow,
    goods_of,
    in_base_units,
    lines_now,
    places_known,
)
from cloud.documents.shipping import store
from cloud.documents.shipping.papers import ShipmentPaper, ShippedLine
from cloud.documents.shipping.taken_along import Taken, taken_along
from cloud.faults import NO_GAPS, Fault, Gaps, Wrong, of_line
from cloud.master.domain import BASE_UNIT, IdentifierKey, UnresolvableError
from contracts.records import Identifier
from contracts.vocabulary import Disposition, VirtualLocation

DESTINATION_OF = {"outbound_order": "customer", "supplier_return": "supplier", "transfer": "transfer"}
"""Whom goods go to, by type of document."""
ACCOUNT_OF = {
    "customer": VirtualLocation.CUSTOMER,
    "supplier": VirtualLocation.SUPPLIER,
    "transfer": VirtualLocation.TRANSIT,
}
_SHIPPABLE = {None, Disposition.SELLABLE}
"""From which condition goods may leave for whoever uses them; to a supplier from any."""


_LEAVING = {"open", "to_send", "departed"}
"""States of documents for which something may leave."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A line that can be shipped."""

    paper: ShippedLine
    of: LineNow
    open_before: Decimal
    goods: Goods
    unit_seen: str
    quantity: Decimal
    """In base units."""
    lot: str | None
    location: str | None

    @property
    def identifier(self) -> Identifier:
        """What names the item in the document."""
        return Identifier.model_validate({"scheme": self.of.identifier_scheme, "value": self.of.identifier})


@dataclass(frozen=True, slots=True)
class Checking:
    """What a shipment names, as it stands."""

    lines: tuple[Checked, ...]
    destination: str
    partner: str | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Book:
    """What the lines of a shipment are held against."""

    asked: dict[LineName, LineNow]
    known: dict[IdentifierKey, Goods]
    places: set[str]
    tally: dict[LineName, Decimal] = field(default_factory=dict)
    """What is left of each after the lines before."""
    used: list[tuple[int, Goods, str | None]] = field(default_factory=list)
    """Index, item and lot of lines whose goods somebody is to use."""


def checked(conn: Connection, paper: ShipmentPaper, *, now: datetime, gaps: Gaps = NO_GAPS) -> Checking:
    """Check a whole shipment.

    Args:
        conn: In a transaction that holds the documents named.
        paper: The shipment.
        now: The present.
        gaps: What of it could not be read.

    Returns:
        What it names, and every fault with its line.
    """
    named = [line for index, line in enumerate(paper.lines) if "of" not in gaps.of_line(index)]
    asked = _asked(conn, paper.site, named)
    faults = _faults_of_head(conn, paper)
    destinations = sorted({DESTINATION_OF[line.of.type] for line in named})
    if len(destinations) > 1:
        told = " and ".join(destinations)
        faults.append(Fault(None, "", told, f"a shipment goes one way: got lines for {told}"))
    partners = {of.partner for line in named if (of := asked.get(_name(line))) and of.partner}
    if len(partners) > 1:
        told = " and ".join(sorted(partners))
        faults.append(Fault(None, "", told, f"documents of {told}: expected those of one"))
    keys = {(line.identifier_scheme, line.identifier) for line in asked.values()}
    units = {line.unit_seen or BASE_UNIT for line in paper.lines} | {
        line.unit_seen for line in asked.values()
    }
    known = goods_of(conn, keys | {("gtin", unit) for unit in units - {BASE_UNIT}})
    places = places_known(conn, paper.site, {place for line in paper.lines if (place := _place(paper, line))})
    book = _Book(asked, known, places)
    lines = []
    for index, line in enumerate(paper.lines):
        unread = gaps.of_line(index)
        wrong = list(_faults_of_place(paper, line, places, gaps))
        if "of" not in unread:
            found = _checked(index, line, book, _place(paper, line), unread)
            if isinstance(found, Checked):
                lines.append(found)
            else:
                wrong += found
        faults += of_line(index, line.line, wrong, unread)
    faults += _held_back(conn, paper, book, paper.occurred_at or now)
    if len(lines) == len(paper.lines):
        faults += _unnamed(conn, paper, lines)
    destination = next(iter(destinations), "customer")
    return Checking(tuple(lines), destination, next(iter(partners), None), tuple(faults))


def _name(line: ShippedLine) -> LineName:
    return LineName(line.of.type, line.of.id, line.of.line)


def _asked(conn: Connection, site: str, lines: list[ShippedLine]) -> dict[LineName, LineNow]:
    by_type: dict[str, set[str]] = {}
    for line in lines:
        by_type.setdefault(line.of.type, set()).add(line.of.id)
    return {
        line.name: line
        for kind, ids in sorted(by_type.items())
        for line in lines_now(conn, site=site, kind=kind, ids=ids)
    }


def _faults_of_head(conn: Connection, paper: ShipmentPaper) -> list[Fault]:
    faults = []
    if paper.visit and not store.tuples(conn, "visit_is_there", site=paper.site, visit=paper.visit):
        message = f"there is no visit {paper.visit!r} at site {paper.site!r}"
        faults.append(Fault(None, "visit", paper.visit, message))
    first: dict[str, int] = {}
    for index, line in enumerate(paper.lines):
        if line.unit:
            first.setdefault(line.unit, index)
    units = sorted(first)
    known = {unit for (unit,) in store.tuples(conn, "units_known", units=units)} if units else set()
    faults += [
        Fault(first[unit], "unit", unit, f"there is no unit {unit!r}") for unit in units if unit not in known
    ]
    return faults


def _place(paper: ShipmentPaper, line: ShippedLine) -> str | None:
    return None if line.unit else line.location or paper.location


def _faults_of_place(
    paper: ShipmentPaper, line: ShippedLine, places: set[str], gaps: Gaps
) -> Iterator[Wrong]:
    place = _place(paper, line)
    if place is None and line.unit is None and "location" not in gaps.whole:
        message = "nothing says where it is taken from: expected a location or a unit"
        yield Wrong("location", None, message, ("location", "unit"))
    if place is not None and place not in places:
        message = f"there is no place {place!r} at site {paper.site!r}"
        yield Wrong("location", place, message, ("location", "unit"))


def _checked(
    index: int, line: ShippedLine, book: _Book, place: str | None, unread: frozenset[str]
) -> Checked | list[Wrong]:
    name = _name(line)
    of = book.asked.get(name)
    if of is None:
        message = f"there is no line {name.line!r} in {name.type} {name.id!r}"
        return [Wrong("of", name.line, message, ("of",))]
    wrong = []
    if of.state not in _LEAVING:
        message = f"{of.type} {of.id!r} is {of.state}: nothing leaves for it"
        wrong.append(Wrong("of", of.id, message, ("of",)))
    goods = book.known.get((of.identifier_scheme, of.identifier))
    if goods is None or of.ordered is None:
        message = f"{of.identifier_scheme} {of.identifier!r} names no item with a known unit"
        return [*wrong, Wrong("of", of.identifier, message, ("of",))]
    wrong += _faults_of_goods(line, of, goods)
    unit_seen, lot = line.unit_seen or of.unit_seen, line.lot or of.lot
    if of.type in USED_BY and "lot" not in unread:
        book.used.append((index, goods, lot))
    if not unread.isdisjoint(("quantity", "unit_seen")):
        return wrong
    left = book.tally.get(of.name, of.open_quantity)
    try:
        quantity = in_base_units(line.quantity, unit_seen, goods, book.known)
    except UnresolvableError as error:
        of_unit = Wrong("unit_seen", unit_seen, f"{error}", ("of",))
        of_amount = Wrong("quantity", f"{line.quantity}", f"{error}", ("of",))
        return [*wrong, of_unit if error.reason in OF_UNITS else of_amount]
    if quantity > left:
        message = (
            f"{quantity.normalize():f} of item {goods.item!r}: expected at most {left.normalize():f}, "
            f"which are open of {of.type} {of.id!r} line {of.line!r}"
        )
        return [*wrong, Wrong("quantity", f"{line.quantity}", message, ("of",))]
    book.tally[of.name] = left - quantity
    return wrong or Checked(line, of, left, goods, unit_seen, quantity, lot, place)


def _faults_of_goods(line: ShippedLine, of: LineNow, goods: Goods) -> Iterator[Wrong]:
    if of.lot and line.lot and line.lot != of.lot:
        message = f"lot {line.lot!r}: expected lot {of.lot!r} as {of.type} {of.id!r} asks"
        yield Wrong("lot", line.lot, message, ("of", "lot"))
    if goods.is_lot_controlled and line.lot is None and of.lot is None:
        yield Wrong("lot", None, f"item {goods.item!r} is kept by lot: say which", ("of", "lot"))
    if of.type in USED_BY and line.disposition not in _SHIPPABLE:
        message = f"{line.disposition} goods of item {goods.item!r}: expected sellable ones"
        yield Wrong("disposition", line.disposition, message, ("of", "disposition"))


def _held_back(conn: Connection, paper: ShipmentPaper, book: _Book, at: datetime) -> list[Fault]:
    kept = kept_back(conn, paper.site, [(goods.item_id, lot) for _, goods, lot in book.used], at=at)
    faults = [
        Fault(
            index, "lot", lot, f"line {paper.lines[index].line!r}: lot {lot!r} of item {goods.item!r} {why}"
        )
        for (index, goods, lot), why in zip(book.used, kept, strict=True)
        if why is not None
    ]
    units = (paper.lines[index] for index, _, _ in book.used)
    whole = {line.unit for line in units if line.unit and line.with_unit}
    told = faults_of_units(conn, paper.site, whole, at=at)
    return [*faults, *(Fault(None, "", None, message) for message in told)]


def _unnamed(conn: Connection, paper: ShipmentPaper, lines: Sequence[Checked]) -> Iterator[Fault]:
    """Tell what would leave with its unit and is in no line, once it is known what lines take."""
    whole = [line.unit for line in paper.lines if line.unit and line.with_unit]
    taken = [
        Taken(line.paper.unit, line.goods.item_id, line.lot, line.quantity)
        for line in lines
        if line.paper.unit
    ]
    for message in taken_along(conn, paper.site, whole, taken):
        yield Fault(None, "", None, message)
