"""What keeps a visit from being clear: units, goods in clearing, cards (DOMAIN D2)."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.aboard import AWAY, Piece, by_pallet, outside_of, pieces_aboard, still_there
from cloud.documents.domain import EARLY, Line, Remainder, VisitRow, sort_units, undeclared
from cloud.documents.lines import LineName
from cloud.documents.over_aboard import over_aboard, told_over
from cloud.documents.shipping.taken_along import Held
from cloud.documents.still_open import now_of
from cloud.identity.actor import Actor


def remainders_of(
    conn: Connection,
    within: Actor,
    found: VisitRow,
    lines: Sequence[Line],
    *,
    settled: frozenset[str],
    crossed: Collection[str],
) -> tuple[Remainder, ...]:
    """Find what keeps a visit from being clear.

    Args:
        conn: In a transaction that shows the site.
        within: Who asks, as far as they may.
        found: The visit.
        lines: Of all its documents.
        settled: ``type/id/line`` of lines that were confirmed before.
        crossed: Units that crossed in the visit's direction, or were placed there by hand.

    Returns:
        Each once.
    """
    _, missing, extra = sort_units(lines, crossed, ())
    over = over_aboard(conn, found, lines, settled=settled, crossed=crossed)
    left = [
        *_declared(found, lines, settled, crossed, missing),
        *(_undeclared(conn, found, lines, settled, extra) if extra else ()),
    ]
    return (
        *left,
        *_over(found, over, {each.name for each in left}),
        *_of_clearing(conn, found),
        *_of_cards(conn, within, found),
    )


def placed(conn: Connection, found: VisitRow, lines: Sequence[Line]) -> set[str]:
    """Find declared units that a handheld placed on the side to which the visit brings them.

    Where a door sees such a unit too, its crossing confirms the handheld and belongs to no posting.

    Args:
        conn: In a transaction that shows the site.
        found: The visit.
        lines: Of all its documents.

    Returns:
        The units.
    """
    declared = sorted({line.unit for line in lines if line.unit is not None})
    outside = outside_of(found)
    return {
        unit
        for unit, site, location, is_virtual, since_at in store.tuples(
            conn, "where_units_stand", units=declared
        )
        if site == found.site
        and since_at >= found.from_at - EARLY
        and (not is_virtual if found.is_inbound else location in outside)
    }


def put_back(conn: Connection, found: VisitRow, units: Collection[str]) -> set[str]:
    """Find units that left with a visit and stand in a place of its site again: its vehicle has them not.

    Args:
        conn: In a transaction that shows the site.
        found: The visit.
        units: Those that crossed in its direction.

    Returns:
        The units; none of an inbound visit.
    """
    if found.is_inbound or not units:
        return set()
    stand = store.tuples(conn, "where_units_stand", units=sorted(units))
    return {unit for unit, site, _, is_virtual, _ in stand if site == found.site and not is_virtual}


def _declared(
    found: VisitRow,
    lines: Iterable[Line],
    settled: frozenset[str],
    crossed: Collection[str],
    missing: frozenset[str],
) -> list[Remainder]:
    by_unit: dict[str, bool] = {}
    for line in lines:
        if line.unit is not None:
            by_unit[line.unit] = by_unit.get(line.unit, True) and line.name in settled
    left = [
        Remainder("missing_unit", unit, None, f"unit {unit} is declared and was not seen")
        for unit in sorted(missing)
        if not by_unit[unit]
    ]
    left += [_unsettled(found, unit) for unit in sorted(set(crossed) & by_unit.keys()) if not by_unit[unit]]
    return left


def _over(found: VisitRow, over: Mapping[str, Sequence[Held]], told: Collection[str]) -> list[Remainder]:
    """Say what else left in units of which nothing is told yet."""
    return [
        Remainder("unexpected_unit", unit, None, told_over(found, unit, goods))
        for unit, goods in sorted(over.items())
        if unit not in told
    ]


def _undeclared(
    conn: Connection, found: VisitRow, lines: Sequence[Line], settled: frozenset[str], extra: frozenset[str]
) -> list[Remainder]:
    """Say what is with units that crossed undeclared, unless somebody moved what they carry on paper."""
    asked = {"site": found.site, "visit": found.visit, "units": sorted(extra)}
    since = found.from_at - EARLY
    done = {unit for (unit,) in store.tuples(conn, "units_moved_for", since=since, **asked)}
    done |= _away(conn, found, extra)
    declared = {line.unit for line in lines}
    pieces = pieces_aboard(conn, found, still_there(conn, found, extra), declared=declared)
    now = {each.name: each for each in now_of(conn, found.site, lines)} if pieces else {}
    still = [
        (line, each.item, each.open_quantity)
        for line in lines
        if line.name not in settled and (each := now.get(LineName(line.type, line.id, line.line)))
    ]
    due = {line.unit for line in by_pallet(pieces, still)}
    left = []
    for unit in sorted(extra - put_back(conn, found, extra)):
        carried = [piece for piece in pieces if unit in piece.around]
        if any(piece.unit in due for piece in carried):
            left.append(_unsettled(found, unit))
        elif carried:
            left.append(Remainder("unexpected_unit", unit, None, _beyond(found, unit, carried)))
        elif unit not in done:
            left.append(Remainder("unexpected_unit", unit, None, undeclared(found, unit)))
    return left


def _unsettled(found: VisitRow, unit: str) -> Remainder:
    what = "received" if found.is_inbound else "departed"
    return Remainder("unsettled_unit", unit, None, f"unit {unit} crossed and is not {what}")


def _beyond(found: VisitRow, unit: str, pieces: Iterable[Piece]) -> str:
    goods = ", ".join(f"{piece.quantity.normalize():f} of item {piece.item}" for piece in pieces)
    return f"unit {unit} crossed with {goods} beyond what is open of {', '.join(found.documents)}"


def _away(conn: Connection, found: VisitRow, extra: frozenset[str]) -> set[str]:
    """Find units that left with a vehicle undeclared, and that somebody shipped on paper."""
    if found.is_inbound:
        return set()
    stand = store.tuples(conn, "where_units_stand", units=sorted(extra))
    return {unit for unit, site, location, *_ in stand if site == found.site and location in AWAY}


def _of_clearing(conn: Connection, found: VisitRow) -> list[Remainder]:
    rows = store.tuples(conn, "clearing_balance", site=found.site, account=found.clearing_account)
    return [
        Remainder("loose", item, quantity, f"{quantity.normalize():f} of item {item} remain in clearing")
        for item, quantity in rows
    ]


def _of_cards(conn: Connection, within: Actor, found: VisitRow) -> list[Remainder]:
    rows = store.tuples(
        conn,
        "open_cards",
        sites=within.reach,
        site=found.site,
        visit=found.visit,
        door=found.door,
        from_at=found.from_at,
        to_at=found.to_at,
    )
    return [
        Remainder("card", name, None, f"dock exception {name} (EPC {epc}) waits for an answer")
        for name, epc in rows
    ]
