"""Entries in, entries with the ids of their items, places and cells out; what has no place is refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from cloud.db import Connection
from cloud.ledger.entries import Entry
from cloud.master.domain import (
    BASE_UNIT,
    KILOGRAM,
    UNIT_SITE,
    CellKey,
    IdentifierKey,
    Packaging,
    PlaceKey,
    UnresolvableError,
    base_quantity,
    check_place,
    identifier_key,
    is_kept_by_weight,
    packaging_at,
    place_key,
    weighed_quantity,
    whole_quantity,
)
from cloud.master.resolver import Resolver
from contracts.records import Count, Identifier, Side
from contracts.vocabulary import Disposition


class Amount(NamedTuple):
    """An item and a quantity in its base unit."""

    item_id: int
    quantity: Decimal


@dataclass(slots=True)
class Names:
    """The ids behind the names of one posting."""

    identifiers: Mapping[IdentifierKey, tuple[Packaging, ...]] = field(default_factory=dict)
    units: Mapping[IdentifierKey, tuple[Packaging, ...]] = field(default_factory=dict)
    places: Mapping[PlaceKey, int] = field(default_factory=dict)

    def amount(
        self,
        entry: Entry,
        identifier: Identifier,
        seen: Decimal,
        unit_seen: str,
        weight_kg: Decimal | None = None,
    ) -> Amount:
        """Convert a seen quantity at the ratio valid when it was seen; what is kept by weight, by its weight.

        Args:
            entry: Whose time counts.
            identifier: Of the item.
            seen: In ``unit_seen``; zero or more.
            unit_seen: ``base``, ``kg`` or a GTIN of the same item.
            weight_kg: What all of it weighs, if that was said.

        Returns:
            Item and base quantity.

        Raises:
            UnresolvableError: If the unit is unknown, another item's or not what it is kept in, or the result
                is not exact, or a part of what comes whole.
        """
        key = identifier_key(identifier)
        packaging = packaging_at(self.identifiers[key], entry.row.occurred_at)
        if weight_kg is None and unit_seen == BASE_UNIT:
            return Amount(packaging.item_id, whole_quantity(seen, packaging))
        if weight_kg is not None and is_kept_by_weight(packaging):
            return Amount(
                packaging.item_id, whole_quantity(weighed_quantity(weight_kg, packaging), packaging)
            )
        if unit_seen == BASE_UNIT:
            return Amount(packaging.item_id, whole_quantity(seen, packaging))
        if unit_seen == KILOGRAM:
            return Amount(packaging.item_id, whole_quantity(weighed_quantity(seen, packaging), packaging))
        unit = ("gtin", unit_seen)
        levels = self.identifiers[key] if unit == key else self.units.get(unit)
        if not levels:
            raise UnresolvableError("unknown_unit", f"unit_seen {unit_seen!r} is no known GTIN")
        level = packaging_at(levels, entry.row.occurred_at)
        if level.item_id != packaging.item_id:
            message = f"unit_seen {unit_seen!r} is a packaging of another item than {identifier.value!r}"
            raise UnresolvableError("unit_of_other_item", message)
        base = base_quantity(seen, level.numerator, level.denominator)
        return Amount(packaging.item_id, whole_quantity(base, packaging))

    def cell_key(self, entry: Entry, item_id: int, side: Side) -> CellKey:
        """Name the cell of one side.

        Args:
            entry: Whose site counts.
            item_id: Of the moved item.
            side: As stated; what is not known stays None (PROTOCOL P5).

        Returns:
            The cell's key: goods of no stated condition are sellable, so both are one cell.
        """
        place = self.places[place_key(entry.site, side)]
        stated = side.disposition
        disposition = None if stated is None or stated == Disposition.SELLABLE else stated.value
        return item_id, place, side.lot, disposition, side.owner


class CountedLine(NamedTuple):
    """One observed quantity of a count, as stored."""

    identifier: Identifier
    seen: Decimal
    unit_seen: str
    side: Side
    is_confirmed_zero: bool
    epcs: tuple[str, ...]
    weight_kg: Decimal | None = None


def counted_lines(count: Count) -> list[CountedLine]:
    """Unfold a count into its lines; what was confirmed absent is a line of zero.

    Args:
        count: As stated.

    Returns:
        Lines in their order, confirmed zeros last.
    """
    lines = [
        CountedLine(
            line.identifier,
            line.quantity,
            line.unit_seen,
            Side(
                location=None if line.unit else count.location,
                unit=line.unit,
                lot=line.lot,
                disposition=line.disposition,
                owner=line.owner,
            ),
            is_confirmed_zero=False,
            epcs=line.epcs,
            weight_kg=line.weight_kg,
        )
        for line in count.lines
    ]
    place = Side(location=count.location)
    zeros = (
        CountedLine(identifier, Decimal(0), BASE_UNIT, place, is_confirmed_zero=True, epcs=())
        for identifier in count.zero_confirmed
    )
    return [*lines, *zeros]


def places_of(entry: Entry) -> list[PlaceKey]:
    """List the places an entry names.

    Args:
        entry: Any.

    Returns:
        Their keys; the first unit of a unit position comes first.
    """
    record, site = entry.row.record, entry.site
    if record.kind == "movement":
        return [place_key(site, record.source), place_key(site, record.destination)]
    if record.kind == "unit_position":
        units = [(UNIT_SITE, code) for code in (record.unit, record.parent) if code is not None]
        codes = [(site, code) for code in (record.location, record.from_location) if code is not None]
        return units + codes
    if record.kind == "count":
        return [(site, record.location), *(place_key(site, line.side) for line in counted_lines(record))]
    return []


class Named(NamedTuple):
    """An entry whose every name is resolved."""

    entry: Entry
    amounts: tuple[Amount, ...]
    """Of a movement its one; of a count one per line."""
    cells: tuple[int, ...]
    """cell_id: of a movement source and destination; of a count one per line."""


def _goods_of(entry: Entry) -> list[tuple[Identifier, str]]:
    record = entry.row.record
    if record.kind == "movement":
        return [(record.identifier, record.unit_seen)]
    if record.kind == "count":
        return [(line.identifier, line.unit_seen) for line in counted_lines(record)]
    return []


_Stated = tuple[tuple[Amount, ...], tuple[CellKey, ...]]
"""Amounts and cells of an entry, as in `Named`."""


def _stated(entry: Entry, names: Names) -> _Stated:
    """Say how much of what an entry moved or saw in which cells; KeyError if names lack one of its names."""
    record = entry.row.record
    if record.kind == "movement":
        amount = names.amount(
            entry, record.identifier, record.quantity_seen, record.unit_seen, record.weight_kg
        )
        source = names.cell_key(entry, amount.item_id, record.source)
        destination = names.cell_key(entry, amount.item_id, record.destination)
        if source == destination:
            raise UnresolvableError("moves_nothing", "source and destination are the same cell once resolved")
        return (amount,), (source, destination)
    if record.kind == "count":
        lines = counted_lines(record)
        amounts = tuple(
            names.amount(entry, line.identifier, line.seen, line.unit_seen, line.weight_kg) for line in lines
        )
        cells = (
            names.cell_key(entry, amount.item_id, line.side)
            for amount, line in zip(amounts, lines, strict=True)
        )
        return amounts, tuple(cells)
    return (), ()


Refuse = Callable[[Entry, UnresolvableError], None]


def resolve_names(
    conn: Connection, resolver: Resolver, posting_id: int, entries: Sequence[Entry], refuse: Refuse
) -> tuple[Names, list[Named]]:
    """Find or make every name that the entries use.

    Args:
        conn: A connection inside the posting.
        resolver: Remembers names between postings.
        posting_id: The posting.
        entries: To resolve.
        refuse: Told of each entry that cannot be stored, and why.

    Returns:
        The names, cells aside, of all but movements, and the entries that can be stored, in their order.
    """
    identifiers, places, cells = resolver.remembered
    remembered = Names(identifiers, {}, places)
    known = [_known(entry, remembered) for entry in entries]
    others = [entry for entry, stated in zip(entries, known, strict=True) if stated is None]
    names, looked_up = _look_up(conn, resolver, posting_id, others, refuse)
    rest = iter(looked_up)
    storable = [
        (entry, stated)
        for entry, each in zip(entries, known, strict=True)
        if (stated := each or next(rest)) is not None
    ]
    at_once = [_named(entry, stated, cells) for entry, stated in storable]
    pairs = list(zip(storable, at_once, strict=True))
    missing = {key for (_, (_, keys)), named in pairs if named is None for key in keys}
    found = resolver.cells(conn, posting_id, missing)
    return names, [
        named or Named(entry, amounts, tuple([found[key] for key in keys]))
        for (entry, (amounts, keys)), named in pairs
    ]


def _named(entry: Entry, stated: _Stated, cells: Mapping[CellKey, int]) -> Named | None:
    """Name an entry's cells by what is remembered, if all of them are."""
    try:
        return Named(entry, stated[0], tuple([cells[key] for key in stated[1]]))
    except KeyError:
        return None


def _known(entry: Entry, remembered: Names) -> _Stated | None:
    """Say what a movement moved by what is remembered; None if that does not do, for whatever reason."""
    if entry.row.record.kind != "movement":
        return None
    try:
        return _stated(entry, remembered)
    except (KeyError, UnresolvableError):
        return None


def _look_up(
    conn: Connection, resolver: Resolver, posting_id: int, entries: Sequence[Entry], refuse: Refuse
) -> tuple[Names, list[_Stated | None]]:
    """Say what entries moved or saw, making names that are unknown; None in place of those refused."""
    names = Names()
    places: dict[PlaceKey, str] = {}
    placed = [entry if _takes_places(entry, places, refuse) else None for entry in entries]
    goods = [good for entry in placed if entry for good in _goods_of(entry)]
    keys = {identifier_key(identifier) for identifier, _ in goods}
    units = {("gtin", unit) for _, unit in goods if unit not in {BASE_UNIT, KILOGRAM}} - keys
    names.identifiers = resolver.identifiers(conn, posting_id, sorted(keys))
    names.units = resolver.known_identifiers(conn, units)
    names.places = resolver.places(conn, posting_id, places)
    return names, [_unless_refused(entry, names, refuse) if entry else None for entry in placed]


def _unless_refused(entry: Entry, names: Names, refuse: Refuse) -> _Stated | None:
    try:
        return _stated(entry, names)
    except UnresolvableError as error:
        refuse(entry, error)
        return None


def _takes_places(entry: Entry, places: dict[PlaceKey, str], refuse: Refuse) -> bool:
    """Add an entry's places to those of the posting, with the site that first names each."""
    unseen = [key for key in places_of(entry) if key not in places]
    if not unseen:
        return True
    try:
        for key in unseen:
            check_place(key)
    except UnresolvableError as error:
        refuse(entry, error)
        return False
    places.update(dict.fromkeys(unseen, entry.site))
    return True
