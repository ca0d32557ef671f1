"""What may not leave for whoever would use it: recalled lots, and units that hold what is not sellable."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import ConflictingDocumentError, Line, VisitRow
from contracts.vocabulary import Disposition

USED_BY: Final = frozenset({"outbound_order", "transfer"})
"""Types of documents whose goods somebody will use; back to the supplier anything may go."""


class _Held(NamedTuple):
    unit: str
    item_id: int
    item: str
    lot: str | None
    disposition: str


def recalled_lots(
    conn: Connection, site: str, goods: Sequence[tuple[int | None, str | None]]
) -> list[int | None]:
    """Say which lots are recalled, whatever their items were called when that was decided.

    Args:
        conn: In a transaction that shows the site.
        site: Where they would leave; one that rejected or reversed its decision holds nothing back.
        goods: Item and lot of each; what has no lot is not looked up.

    Returns:
        For each the number of the recall, None where there is none.
    """
    asked = {"items": [item for item, _ in goods], "lots": [lot for _, lot in goods]}
    found = dict(store.tuples(conn, "recalled_lots", site=site, **asked)) if goods else {}
    return [found.get(nth) for nth in range(1, len(goods) + 1)]


def faults_of_units(conn: Connection, site: str, units: Iterable[str]) -> list[str]:
    """Name what units hold, or what stands in them, that may not leave with them.

    Args:
        conn: In a transaction that shows the site.
        site: Where they would leave.
        units: The units.

    Returns:
        A sentence for each such content.
    """
    held = store.rows(conn, _Held, "held_in_units", units=sorted(set(units)))
    recalls = recalled_lots(conn, site, [(each.item_id, each.lot) for each in held])
    faults = []
    for each, recall in zip(held, recalls, strict=True):
        goods = f"item {each.item!r}" + (f" of lot {each.lot!r}" if each.lot else "")
        if recall is not None:
            faults.append(
                f"unit {each.unit!r} holds {goods}, which is recalled (R{recall}): take it out first"
            )
        elif each.disposition != Disposition.SELLABLE:
            faults.append(
                f"unit {each.unit!r} holds {goods} that is {each.disposition}: expected sellable goods only"
            )
    return faults


def require_departable(
    conn: Connection, visit: VisitRow, lines: Sequence[Line], items: Sequence[int | None]
) -> None:
    """Refuse that a visit takes what is recalled, or a unit that holds what is not sellable.

    Args:
        conn: In a transaction that shows the site.
        visit: Inbound ones take nothing.
        lines: What would depart.
        items: What each is.

    Raises:
        ConflictingDocumentError: Naming all of it.
    """
    used = (
        []
        if visit.is_inbound
        else [pair for pair in zip(lines, items, strict=True) if pair[0].type in USED_BY]
    )
    recalls = recalled_lots(conn, visit.site, [(item, line.lot) for line, item in used])
    faults = [
        f"{line.name}: lot {line.lot!r} is recalled (R{recall})"
        for (line, _), recall in zip(used, recalls, strict=True)
        if recall is not None
    ]
    faults += faults_of_units(conn, visit.site, {line.unit for line, _ in used if line.unit})
    if faults:
        raise ConflictingDocumentError(f"visit {visit.visit!r} cannot depart: {'; '.join(faults)}")
