"""A delivery's lines against what is asked for: every fault of them all in one answer, or what they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from cloud.db import Connection
from cloud.documents.lines import (
    Goods,
    LineName,
    LineNow,
    goods_of,
    in_base_units,
    lines_now,
    places_known,
)
from cloud.documents.receiving import store
from cloud.documents.receiving.domain import ORIGIN_OF, Origin
from cloud.documents.receiving.papers import DeliveryLine, DeliveryPaper
from cloud.master.domain import BASE_UNIT, IdentifierKey, UnresolvableError, identifier_key
from contracts.records import Identifier

_RECEIVABLE = {
    "asn": {"open"},
    "customer_return": {"open"},
    "purchase_order": {"sent"},
    "transfer": {"to_come"},
}
"""States of documents against which something may come."""


_LINES_NAMED = 5
"""Of a document, where one that it has not is asked for."""


class _LineError(Exception):
    """What is wrong with one line: value and expectation."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A line that can be received; quantities in base units."""

    paper: DeliveryLine
    of: LineNow | None
    behind: LineNow | None
    """The line of the purchase order that an ASN's line delivers."""
    identifier: Identifier
    goods: Goods | None
    """None: nobody knows the item, the ledger will name it provisionally."""
    unit_seen: str
    received: Decimal
    damaged: Decimal
    rejected: Decimal
    lot: str | None


@dataclass(frozen=True, slots=True)
class Checking:
    """What a delivery names, as it stands."""

    lines: tuple[Checked, ...]
    known: dict[IdentifierKey, Goods]
    asked: Mapping[LineName, LineNow]
    """Every line of the documents named, and of the orders behind them."""
    origin: Origin
    partner: str | None
    is_blind: bool
    faults: tuple[str, ...]


def checked(conn: Connection, paper: DeliveryPaper) -> Checking:
    """Check a whole delivery.

    Args:
        conn: In a transaction that holds the documents named.
        paper: The delivery.

    Returns:
        What it names, and every fault with its line.
    """
    asked = _asked(conn, paper)
    faults = _faults_of_head(conn, paper)
    origins = {ORIGIN_OF[line.of.type] for line in paper.lines if line.of}
    if len(origins) > 1:
        faults.append(f"a receipt is of one origin: got documents of {' and '.join(sorted(origins))}")
    origin = next(iter(sorted(origins)), Origin(paper.origin or Origin.SUPPLIER))
    named = [_identifier(line, asked) for line in paper.lines]
    keys = {identifier_key(each) for each in named if each}
    units = {("gtin", unit) for line in paper.lines if (unit := _unit(line, asked)) != BASE_UNIT}
    known = goods_of(conn, keys | units)
    places = places_known(conn, paper.site, {line.location or paper.location for line in paper.lines})
    lines = []
    for line, identifier in zip(paper.lines, named, strict=True):
        place = line.location or paper.location
        if place not in places:
            faults.append(f"line {line.line!r}: there is no place {place!r} at site {paper.site!r}")
        try:
            lines.append(_checked(line, identifier, asked, known))
        except (_LineError, UnresolvableError) as error:
            faults.append(f"line {line.line!r}: {error}")
    partners = {each.of.partner for each in lines if each.of and each.of.partner}
    if len(partners) > 1:
        faults.append(f"documents of {' and '.join(sorted(partners))}: expected those of one")
    partner = next(iter(partners), paper.partner)
    return Checking(tuple(lines), known, asked, origin, partner, not origins, tuple(faults))


def _asked(conn: Connection, paper: DeliveryPaper) -> dict[LineName, LineNow]:
    by_type: dict[str, set[str]] = {}
    for line in paper.lines:
        if line.of:
            by_type.setdefault(line.of.type, set()).add(line.of.id)
    found = [
        line
        for kind, ids in sorted(by_type.items())
        for line in lines_now(conn, site=paper.site, kind=kind, ids=ids)
    ]
    behind = {line.order_id for line in found if line.order_id} - by_type.get("purchase_order", set())
    if behind:
        found += lines_now(conn, site=paper.site, kind="purchase_order", ids=behind)
    return {line.name: line for line in found}


def _of(line: DeliveryLine, asked: Mapping[LineName, LineNow]) -> LineNow | None:
    return asked.get(LineName(line.of.type, line.of.id, line.of.line)) if line.of else None


def _identifier(line: DeliveryLine, asked: Mapping[LineName, LineNow]) -> Identifier | None:
    if line.identifier is not None:
        return line.identifier
    of = _of(line, asked)
    if of is None:
        return None
    return Identifier.model_validate({"scheme": of.identifier_scheme, "value": of.identifier})


def _unit(line: DeliveryLine, asked: Mapping[LineName, LineNow]) -> str:
    of = _of(line, asked)
    return line.unit_seen or (of.unit_seen if of else BASE_UNIT)


def _faults_of_head(conn: Connection, paper: DeliveryPaper) -> list[str]:
    if paper.visit and not store.tuples(conn, "visit_is_there", site=paper.site, visit=paper.visit):
        return [f"there is no visit {paper.visit!r} at site {paper.site!r}"]
    return []


def _checked(
    line: DeliveryLine,
    identifier: Identifier | None,
    asked: Mapping[LineName, LineNow],
    known: dict[IdentifierKey, Goods],
) -> Checked:
    of = _named_line(line, asked)
    if identifier is None:
        raise _LineError("nothing says what it is")
    goods = known.get(identifier_key(identifier))
    if of and (goods is None or goods.item_id != of.item_id):
        got = (
            f"item {goods.item!r}" if goods else f"{identifier.scheme} {identifier.value!r}, which names none"
        )
        raise _LineError(f"got {got}, expected item {of.item!r} as {of.type} {of.id!r} line {of.line!r} says")
    unit_seen, lot = _unit(line, asked), line.lot or (of.lot if of else None)
    amounts = (line.received, line.damaged, line.rejected)
    if goods is None:
        if unit_seen != BASE_UNIT:
            raise _LineError(
                f"{identifier.scheme} {identifier.value!r} names no item: expected 'base', got {unit_seen!r}"
            )
        return Checked(line, None, None, identifier, None, unit_seen, *amounts, lot)
    if goods.is_lot_controlled and lot is None and line.received + line.damaged > 0:
        raise _LineError(f"item {goods.item!r} is kept by lot: say which")
    received, damaged, rejected = (in_base_units(each, unit_seen, goods, known) for each in amounts)
    return Checked(
        line, of, _behind(of, asked), identifier, goods, unit_seen, received, damaged, rejected, lot
    )


def _named_line(line: DeliveryLine, asked: Mapping[LineName, LineNow]) -> LineNow | None:
    of = _of(line, asked)
    if line.of and of is None:
        name = line.of
        same = (each.line for each in asked if (each.type, each.id) == (name.type, name.id))
        others = list(islice(same, _LINES_NAMED))
        expected = f"expected one like {', '.join(others)}" if others else "there is no such document"
        raise _LineError(f"there is no line {name.line!r} in {name.type} {name.id!r}: {expected}")
    if of and of.state not in _RECEIVABLE[of.type]:
        raise _LineError(f"{of.type} {of.id!r} is {of.state}: nothing comes of it")
    return of


def _behind(of: LineNow | None, asked: Mapping[LineName, LineNow]) -> LineNow | None:
    if of is None or of.order_id is None or of.order_line is None:
        return None
    return asked.get(LineName("purchase_order", of.order_id, of.order_line))
