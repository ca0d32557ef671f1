"""What may not leave for whoever would use it: lots recalled or expired, units with what is not sellable."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
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


def kept_back(
    conn: Connection,
    site: str,
    goods: Sequence[tuple[int | None, str | None]],
    *,
    at: datetime,
) -> list[str | None]:
    """Say which lots are recalled or expired, whatever their items were called when that was stated.

    Args:
        conn: In a transaction that shows the site.
        site: Where they would leave; one that rejected or reversed a recall's decision holds nothing back for
            it, and a lot expires by its calendar.
        goods: Item and lot of each; what has no lot is not looked up.
        at: When they leave.

    Returns:
        For each why it may not leave, None where it may.
    """
    if not goods:
        return []
    asked = {"site": site, "items": [item for item, _ in goods], "lots": [lot for _, lot in goods]}
    expired = store.tuples(conn, "expired_lots", **asked, at=at)
    reasons = {nth: f"expired on {expires_on}" for nth, expires_on in expired}
    reasons |= {
        nth: f"is recalled (R{recall})" for nth, recall in store.tuples(conn, "recalled_lots", **asked)
    }
    return [reasons.get(nth) for nth in range(1, len(goods) + 1)]


def faults_of_units(conn: Connection, site: str, units: Iterable[str], *, at: datetime) -> list[str]:
    """Name what units hold, or what stands in them, that may not leave with them.

    Args:
        conn: In a transaction that shows the site.
        site: Where they would leave.
        units: The units.
        at: When they leave.

    Returns:
        A sentence for each such content.
    """
    held = store.rows(conn, _Held, "held_in_units", units=sorted(set(units)))
    kept = kept_back(conn, site, [(each.item_id, each.lot) for each in held], at=at)
    faults = []
    for each, why in zip(held, kept, strict=True):
        goods = f"item {each.item!r}" + (f" of lot {each.lot!r}" if each.lot else "")
        if why is not None:
            faults.append(f"unit {each.unit!r} holds {goods}, which {why}: take it out first")
        elif each.disposition != Disposition.SELLABLE:
            faults.append(
                f"unit {each.unit!r} holds {goods} that is {each.disposition}: expected sellable goods only"
            )
    return faults


def require_departable(
    conn: Connection,
    visit: VisitRow,
    lines: Sequence[Line],
    items: Sequence[int | None],
    *,
    aboard: Mapping[str, str],
    at: datetime,
) -> None:
    """Refuse that a visit takes what is recalled or expired, or a unit that holds what is not sellable.

    Args:
        conn: In a transaction that shows the site.
        visit: Inbound ones take nothing.
        lines: What would depart.
        items: What each is.
        aboard: By unit in which goods would depart the one that takes it along, with all that stands in that.
        at: When they would.

    Raises:
        ConflictingDocumentError: Naming all of it.
    """
    used = (
        []
        if visit.is_inbound
        else [pair for pair in zip(lines, items, strict=True) if pair[0].type in USED_BY]
    )
    kept = kept_back(conn, visit.site, [(item, line.lot) for line, item in used], at=at)
    faults = [
        f"{line.name}: lot {line.lot!r} {why}"
        for (line, _), why in zip(used, kept, strict=True)
        if why is not None
    ]
    units = {aboard.get(line.unit, line.unit) for line, _ in used if line.unit}
    faults += faults_of_units(conn, visit.site, units, at=at)
    if faults:
        raise ConflictingDocumentError(f"visit {visit.visit!r} cannot depart: {'; '.join(faults)}")
