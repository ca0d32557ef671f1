"""A shipment's lines against what is open: every fault of them all in one answer, or what they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cloud.db import Connection
from cloud.documents.leaving import USED_BY, faults_of_units, kept_back
from cloud.documents.lines import Goods, LineName, LineNow, goods_of, in_base_units, lines_now, places_known
from cloud.documents.shipping import store
from cloud.documents.shipping.papers import ShipmentPaper, ShippedLine
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


class _LineError(Exception):
    """What is wrong with one line: value and expectation."""


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
    faults: tuple[str, ...]


def checked(conn: Connection, paper: ShipmentPaper, *, now: datetime) -> Checking:
    """Check a whole shipment.

    Args:
        conn: In a transaction that holds the documents named.
        paper: The shipment.
        now: The present.

    Returns:
        What it names, and every fault with its line.
    """
    asked = _asked(conn, paper)
    faults = _faults_of_head(conn, paper)
    destinations = sorted({DESTINATION_OF[line.of.type] for line in paper.lines})
    if len(destinations) > 1:
        faults.append(f"a shipment goes one way: got lines for {' and '.join(destinations)}")
    keys = {(line.identifier_scheme, line.identifier) for line in asked.values()}
    units = {line.unit_seen or BASE_UNIT for line in paper.lines} | {
        line.unit_seen for line in asked.values()
    }
    known = goods_of(conn, keys | {("gtin", unit) for unit in units - {BASE_UNIT}})
    places = places_known(conn, paper.site, {place for line in paper.lines if (place := _place(paper, line))})
    tally: dict[LineName, Decimal] = {}
    lines = []
    for line in paper.lines:
        try:
            place = _known_place(paper, line, places)
            found = _checked(line, asked, known, tally, place)
        except (_LineError, UnresolvableError) as error:
            faults.append(f"line {line.line!r}: {error}")
        else:
            tally[found.of.name] = found.open_before - found.quantity
            lines.append(found)
    faults += _held_back(conn, paper, lines, paper.occurred_at or now)
    partners = {each.of.partner for each in lines if each.of.partner}
    if len(partners) > 1:
        faults.append(f"documents of {' and '.join(sorted(partners))}: expected those of one")
    return Checking(tuple(lines), destinations[0], next(iter(partners), None), tuple(faults))


def _asked(conn: Connection, paper: ShipmentPaper) -> dict[LineName, LineNow]:
    by_type: dict[str, set[str]] = {}
    for line in paper.lines:
        by_type.setdefault(line.of.type, set()).add(line.of.id)
    return {
        line.name: line
        for kind, ids in sorted(by_type.items())
        for line in lines_now(conn, site=paper.site, kind=kind, ids=ids)
    }


def _faults_of_head(conn: Connection, paper: ShipmentPaper) -> list[str]:
    faults = []
    if paper.visit and not store.tuples(conn, "visit_is_there", site=paper.site, visit=paper.visit):
        faults.append(f"there is no visit {paper.visit!r} at site {paper.site!r}")
    units = sorted({line.unit for line in paper.lines if line.unit})
    known = {unit for (unit,) in store.tuples(conn, "units_known", units=units)} if units else set()
    faults += [f"there is no unit {unit!r}" for unit in units if unit not in known]
    return faults


def _place(paper: ShipmentPaper, line: ShippedLine) -> str | None:
    return None if line.unit else line.location or paper.location


def _known_place(paper: ShipmentPaper, line: ShippedLine, places: set[str]) -> str | None:
    place = _place(paper, line)
    if place is None and line.unit is None:
        raise _LineError("nothing says where it is taken from: expected a location or a unit")
    if place is not None and place not in places:
        raise _LineError(f"there is no place {place!r} at site {paper.site!r}")
    return place


def _checked(
    line: ShippedLine,
    asked: dict[LineName, LineNow],
    known: dict[IdentifierKey, Goods],
    tally: dict[LineName, Decimal],
    place: str | None,
) -> Checked:
    name = LineName(line.of.type, line.of.id, line.of.line)
    of = asked.get(name)
    if of is None:
        raise _LineError(f"there is no line {name.line!r} in {name.type} {name.id!r}")
    if of.state not in _LEAVING:
        raise _LineError(f"{of.type} {of.id!r} is {of.state}: nothing leaves for it")
    goods = known.get((of.identifier_scheme, of.identifier))
    if goods is None or of.ordered is None:
        raise _LineError(f"{of.identifier_scheme} {of.identifier!r} names no item with a known unit")
    unit_seen, lot = line.unit_seen or of.unit_seen, line.lot or of.lot
    if of.lot and line.lot and line.lot != of.lot:
        raise _LineError(f"lot {line.lot!r}: expected lot {of.lot!r} as {of.type} {of.id!r} asks")
    if goods.is_lot_controlled and lot is None:
        raise _LineError(f"item {goods.item!r} is kept by lot: say which")
    if of.type in USED_BY and line.disposition not in _SHIPPABLE:
        raise _LineError(f"{line.disposition} goods of item {goods.item!r}: expected sellable ones")
    quantity = in_base_units(line.quantity, unit_seen, goods, known)
    left = tally.get(of.name, of.open_quantity)
    if quantity > left:
        raise _LineError(
            f"{quantity.normalize():f} of item {goods.item!r}: expected at most {left.normalize():f}, "
            f"which are open of {of.type} {of.id!r} line {of.line!r}"
        )
    return Checked(line, of, left, goods, unit_seen, quantity, lot, place)


def _held_back(conn: Connection, paper: ShipmentPaper, lines: Sequence[Checked], at: datetime) -> list[str]:
    used = [each for each in lines if each.of.type in USED_BY]
    kept = kept_back(conn, paper.site, [(each.goods.item_id, each.lot) for each in used], at=at)
    faults = [
        f"line {each.paper.line!r}: lot {each.lot!r} of item {each.goods.item!r} {why}"
        for each, why in zip(used, kept, strict=True)
        if why is not None
    ]
    whole = {each.paper.unit for each in used if each.paper.unit and each.paper.with_unit}
    return faults + faults_of_units(conn, paper.site, whole, at=at)
