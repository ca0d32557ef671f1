"""Papers that a vehicle brings or takes: which it may name, what of them changes hands now (DOMAIN D4)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.aboard import Piece, by_pallet
from cloud.documents.domain import (
    MOVABLE,
    ConflictingDocumentError,
    DocumentError,
    Line,
    UnknownDocumentError,
    VisitRow,
    by_crossing,
    due_lines,
    is_by_crossing,
)
from cloud.documents.lines import LineName, LineNow, lines_now
from cloud.documents.papers import VisitPaper
from cloud.documents.still_open import moving, still_open
from cloud.master.domain import BASE_UNIT
from contracts.vocabulary import Disposition

_IN_UNITS: Final = {
    "supplier_return": "no door tells in which condition loose goods are, and these go in any: ship what "
    "leaves loose on Shipping",
}
"""Types of documents of which a vehicle moves units only, and why."""

LinesNow = Mapping[tuple[str, str, str], LineNow]
"""By type, id and line."""


def require_papers(conn: Connection, paper: VisitPaper) -> None:
    """Refuse a visit that names a paper of which nothing can come, or leave, with a vehicle.

    Args:
        conn: In a transaction that shows the site.
        paper: The visit.

    Raises:
        UnknownDocumentError: Naming every paper that there is not, if nothing else is wrong.
        DocumentError: Naming everything that is wrong.
    """
    unknown: list[str] = []
    faults: list[str] = []
    if not store.portals(conn, site=paper.site, portal=paper.door, limit=1):
        unknown.append(f"there is no door {paper.door!r} at site {paper.site!r}")
    for name in paper.documents:
        lines = lines_now(conn, site=paper.site, kind=name.type, ids=[name.id])
        what = f"{name.type} {name.id!r}"
        if not lines:
            unknown.append(f"there is no {what} at site {paper.site!r}")
        elif lines[0].state not in MOVABLE[paper.direction]:
            verb = "comes" if paper.direction == "inbound" else "leaves"
            faults.append(f"{what} is {lines[0].state}: nothing of it {verb}")
        elif why := _IN_UNITS.get(name.type):
            loose = ", ".join(line.line for line in lines if line.unit is None)
            faults += [f"{what}: line {loose} is in no unit: {why}"] if loose else []
    if told := [f"visit {paper.visit!r}: {fault}" for fault in (*unknown, *faults)]:
        raise (DocumentError if faults else UnknownDocumentError)("\n".join(told))


def changing_hands(
    conn: Connection,
    visit: VisitRow,
    lines: Sequence[Line],
    *,
    present: frozenset[str],
    pieces: Sequence[Piece],
    settled: frozenset[str],
    now: LinesNow,
) -> list[Line]:
    """Find what of a visit's documents changes hands now.

    Args:
        conn: In a transaction that holds the documents.
        visit: The visit.
        lines: Of all its documents.
        present: Units that are there.
        pieces: What units that no document declares carry of transfers.
        settled: ``type/id/line`` of lines that were confirmed before.
        now: How each line stands.

    Returns:
        Loose lines and content of units as they are declared, less what moved before; of what is counted as
        it crosses as much as crossed loose beyond that, of transfers what is on pallets, too, and no more
        than is open.
    """
    due = [
        (line, now[line.type, line.id, line.line])
        for line in due_lines(lines, present, settled)
        if now[line.type, line.id, line.line].state in MOVABLE[visit.direction]
    ]
    declared = [(line, each) for line, each in due if not is_by_crossing(line)]
    shared = [(line, each) for line, each in due if is_by_crossing(line)]
    crossed = _crossed(conn, visit, declared) if shared else {}
    on_pallets = by_pallet(pieces, [(line, each.item, each.open_quantity) for line, each in shared])
    delivered: defaultdict[tuple[str | None, ...], Decimal] = defaultdict(Decimal)
    for line, each in declared:  # what an ASN of an order declares comes of the order, too
        delivered[line.order_id, line.order_line] += each.open_quantity
    boarded: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in on_pallets:
        boarded[line.name] += line.quantity
    still_to_come = [
        (
            f"{each.item}",
            each.open_quantity
            - boarded[line.name]
            - (delivered[line.id, line.line] if visit.is_inbound else 0),
        )
        for line, each in shared
    ]
    taken = by_crossing(still_to_come, crossed)
    moved = [
        replace(line, quantity=quantity, unit_seen=BASE_UNIT)
        for (line, _), quantity in zip(shared, taken, strict=True)
        if quantity > 0
    ]
    return [*(still_open(line, each) for line, each in declared), *on_pallets, *moved]


def whole(due: Sequence[Line], now: LinesNow) -> list[LineName]:
    """Name the lines of which nothing is left once they have changed hands.

    Args:
        due: As `changing_hands` gives them.
        now: How each line stood before.

    Returns:
        Each once.
    """
    moved: defaultdict[LineName, Decimal] = defaultdict(Decimal)
    for line in due:
        moved[LineName(line.type, line.id, line.line)] += moving(line, now[line.type, line.id, line.line])
    return [name for name, quantity in moved.items() if quantity == now[name].open_quantity]


def conditions_of(
    conn: Connection, visit: VisitRow, due: Sequence[Line], now: LinesNow
) -> dict[str, Disposition]:
    """Say in which condition goods lie in their units that go back to a supplier.

    Args:
        conn: In a transaction that shows the site.
        visit: The visit.
        due: What changes hands.
        now: How each line stands.

    Returns:
        By name of a line its goods' condition; those that are sellable are left out.

    Raises:
        ConflictingDocumentError: Naming every line whose goods lie in their unit in several conditions.
    """
    back = [line for line in due if line.type == "supplier_return" and line.unit]
    held = (
        store.tuples(conn, "held_in_units", units=sorted({f"{line.unit}" for line in back})) if back else ()
    )
    found: defaultdict[str, set[str]] = defaultdict(set)
    for line in back:
        item = now[line.type, line.id, line.line].item
        for unit, _, of_item, lot, disposition in held:
            if (unit, of_item) == (line.unit, item) and line.lot in {None, lot}:
                found[line.name].add(disposition)
    mixed = [
        f"{name}: its goods lie in their unit as {' and '.join(sorted(conditions))}"
        for name, conditions in found.items()
        if len(conditions) > 1
    ]
    if mixed:
        raise ConflictingDocumentError(
            f"visit {visit.visit!r} cannot depart: {'; '.join(mixed)}: ship each on Shipping"
        )
    sellable = {Disposition.SELLABLE.value}
    return {name: Disposition(*each) for name, each in found.items() if each != sellable}


def _crossed(
    conn: Connection, visit: VisitRow, declared: Sequence[tuple[Line, LineNow]]
) -> dict[str, Decimal]:
    """Give by item what crossed loose beyond what the visit's other lines declare, in base units."""
    inwards = -1 if visit.is_inbound else 1
    left: defaultdict[str, Decimal] = defaultdict(Decimal)
    for item, balance in store.tuples(
        conn, "clearing_balance", site=visit.site, account=visit.clearing_account
    ):
        left[item] += inwards * balance
    for line, each in declared:
        if line.unit is None and each.item:
            left[each.item] -= each.open_quantity
    return dict(left)
