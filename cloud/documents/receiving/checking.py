"""A delivery's lines against what is asked for: every fault of them all in one answer, or what they are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from cloud.db import Connection
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
from cloud.documents.receiving import store
from cloud.documents.receiving.domain import ORIGIN_OF, Origin
from cloud.documents.receiving.papers import DeliveryLine, DeliveryPaper
from cloud.faults import NO_GAPS, Fault, Gaps, Wrong, of_line
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
    faults: tuple[Fault, ...]


def checked(conn: Connection, paper: DeliveryPaper, *, gaps: Gaps = NO_GAPS) -> Checking:
    """Check a whole delivery.

    Args:
        conn: In a transaction that holds the documents named.
        paper: The delivery.
        gaps: What of it could not be read.

    Returns:
        What it names, and every fault with its line.
    """
    asked = _asked(conn, paper)
    faults = _faults_of_head(conn, paper)
    origins = {ORIGIN_OF[line.of.type] for line in paper.lines if line.of}
    if len(origins) > 1:
        told = " and ".join(sorted(origins))
        faults.append(Fault(None, "", told, f"a receipt is of one origin: got documents of {told}"))
    origin = next(iter(sorted(origins)), Origin(paper.origin or Origin.SUPPLIER))
    partners = {of.partner for line in paper.lines if (of := _of(line, asked)) and of.partner}
    if len(partners) > 1:
        told = " and ".join(sorted(partners))
        faults.append(Fault(None, "", told, f"documents of {told}: expected those of one"))
    wanted = {place for line in paper.lines if (place := line.location or paper.location)}
    nowhere = wanted - places_known(conn, paper.site, wanted)
    rest_on_it = (
        line.location is None and "location" not in gaps.of_line(index)
        for index, line in enumerate(paper.lines)
    )
    if paper.location in nowhere and any(rest_on_it):
        faults.append(Fault(None, "location", paper.location, _no_place(paper.location, paper)))
    strangers = _strangers(conn, paper, partners)
    named = [_identifier(line, asked) for line in paper.lines]
    keys = {identifier_key(each) for each in named if each}
    units = {("gtin", unit) for line in paper.lines if (unit := _unit(line, asked)) != BASE_UNIT}
    known = goods_of(conn, keys | units)
    lines = []
    for index, (line, identifier) in enumerate(zip(paper.lines, named, strict=True)):
        wrong = []
        if line.location in nowhere:
            message = _no_place(line.location, paper)
            wrong.append(Wrong("location", line.location, message, ("location",)))
        if line.owner in strangers:
            wrong.append(Wrong("owner", line.owner, _no_owner(line.owner), ("owner",)))
        found = _checked(line, identifier, asked, known)
        if isinstance(found, Checked):
            lines.append(found)
        else:
            wrong += found
        faults += of_line(index, line.line, wrong, gaps.of_line(index))
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


def _faults_of_head(conn: Connection, paper: DeliveryPaper) -> list[Fault]:
    if paper.visit and not store.tuples(conn, "visit_is_there", site=paper.site, visit=paper.visit):
        message = f"there is no visit {paper.visit!r} at site {paper.site!r}"
        return [Fault(None, "visit", paper.visit, message)]
    return []


def _no_place(place: str, paper: DeliveryPaper) -> str:
    return f"there is no place {place!r} at site {paper.site!r}"


def _strangers(conn: Connection, paper: DeliveryPaper, partners: set[str]) -> set[str]:
    """Give owners whom nobody knows; whoever sent it is known by the paper."""
    owners = {line.owner for line in paper.lines if line.owner} - partners - {paper.partner}
    known = store.tuples(conn, "owners_known", owners=sorted(owners)) if owners else []
    return owners - {owner for (owner,) in known}


def _no_owner(owner: str | None) -> str:
    return (
        f"nobody is known as {owner!r}: expected whom the delivery is from, a supplier, "
        "or whose goods lie here already"
    )


def _checked(
    line: DeliveryLine,
    identifier: Identifier | None,
    asked: Mapping[LineName, LineNow],
    known: dict[IdentifierKey, Goods],
) -> Checked | list[Wrong]:
    of = _of(line, asked)
    wrong = list(_faults_of_name(line, of, asked))
    if identifier is None:
        return wrong or [Wrong("", None, "nothing says what it is", ("of", "identifier"))]
    goods = known.get(identifier_key(identifier))
    if of and (goods is None or goods.item_id != of.item_id):
        got = (
            f"item {goods.item!r}" if goods else f"{identifier.scheme} {identifier.value!r}, which names none"
        )
        message = f"got {got}, expected item {of.item!r} as {of.type} {of.id!r} line {of.line!r} says"
        return [*wrong, Wrong("identifier", identifier.value, message, ("of", "identifier"))]
    unit_seen, lot = _unit(line, asked), line.lot or (of.lot if of else None)
    amounts = (line.received, line.damaged, line.rejected)
    if goods is None:
        if unit_seen != BASE_UNIT:
            message = (
                f"{identifier.scheme} {identifier.value!r} names no item: expected 'base', got {unit_seen!r}"
            )
            wrong.append(Wrong("unit_seen", unit_seen, message, _unit_rests_on(line)))
    else:
        if goods.is_lot_controlled and lot is None and line.received + line.damaged > 0:
            message = f"item {goods.item!r} is kept by lot: say which"
            wrong.append(Wrong("lot", None, message, ("of", "identifier", "lot", "received", "damaged")))
        amounts = _in_base_units(line, unit_seen, goods, known, wrong)
    if line.of and of is None:  # what its line would have said, nobody knows
        return [each for each in wrong if each.field == "of" or "of" not in each.rests_on]
    return wrong or Checked(line, of, _behind(of, asked), identifier, goods, unit_seen, *amounts, lot)


def _unit_rests_on(line: DeliveryLine) -> tuple[str, ...]:
    says_all = line.identifier is not None and line.unit_seen is not None
    return ("identifier", "unit_seen") if says_all else ("identifier", "unit_seen", "of")


def _in_base_units(
    line: DeliveryLine, unit_seen: str, goods: Goods, known: dict[IdentifierKey, Goods], wrong: list[Wrong]
) -> tuple[Decimal, Decimal, Decimal]:
    """Convert what came; a unit that is not the item's is told once, and what is not exact by each amount."""
    amounts = {"received": line.received, "damaged": line.damaged, "rejected": line.rejected}
    for field, amount in amounts.items():
        try:
            amounts[field] = in_base_units(amount, unit_seen, goods, known)
        except UnresolvableError as error:
            rests_on = _unit_rests_on(line)
            if error.reason in OF_UNITS:
                wrong.append(Wrong("unit_seen", unit_seen, f"{error}", rests_on))
                break
            wrong.append(Wrong(field, f"{amount}", f"{error}", (*rests_on, field)))
    return amounts["received"], amounts["damaged"], amounts["rejected"]


def _faults_of_name(
    line: DeliveryLine, of: LineNow | None, asked: Mapping[LineName, LineNow]
) -> Iterator[Wrong]:
    if line.of and of is None:
        name = line.of
        same = (each.line for each in asked if (each.type, each.id) == (name.type, name.id))
        others = list(islice(same, _LINES_NAMED))
        expected = f"expected one like {', '.join(others)}" if others else "there is no such document"
        message = f"there is no line {name.line!r} in {name.type} {name.id!r}: {expected}"
        yield Wrong("of", name.line, message, ("of",))
    if of and of.state not in _RECEIVABLE[of.type]:
        message = f"{of.type} {of.id!r} is {of.state}: nothing comes of it"
        yield Wrong("of", of.id, message, ("of",))


def _behind(of: LineNow | None, asked: Mapping[LineName, LineNow]) -> LineNow | None:
    if of is None or of.order_id is None or of.order_line is None:
        return None
    return asked.get(LineName("purchase_order", of.order_id, of.order_line))
