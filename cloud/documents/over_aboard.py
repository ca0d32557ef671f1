"""What units that left with a vehicle hold beyond what its papers take of them (DOMAIN D2)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from cloud.db import Connection
from cloud.documents.aboard import still_there
from cloud.documents.domain import Line, VisitRow
from cloud.documents.shipping.taken_along import Held, Taken, beyond, held_in
from cloud.documents.still_open import now_of


def over_aboard(
    conn: Connection,
    visit: VisitRow,
    lines: Sequence[Line],
    *,
    settled: Collection[str],
    crossed: Collection[str],
) -> Mapping[str, Sequence[Held]]:
    """Find what is in units that left, whatever its condition and whosever it is, and that no line takes.

    Args:
        conn: In a transaction that shows the site.
        visit: Of an inbound one there is nothing.
        lines: Of all its documents.
        settled: ``type/id/line`` of lines that were confirmed: what they took is out of the units.
        crossed: Units that crossed in its direction, or were placed there by hand.

    Returns:
        By unit that left.
    """
    if visit.is_inbound:
        return {}
    held = held_in(conn, visit.site, still_there(conn, visit, crossed))
    over: defaultdict[str, list[Held]] = defaultdict(list)
    if held:
        still = [line for line in lines if line.unit and line.name not in settled]
        for each in beyond(held, _taken(conn, visit, still)):
            over[each.aboard].append(each)
    return over


def told_over(visit: VisitRow, unit: str, over: Iterable[Held]) -> str:
    """Say what a unit took along.

    Args:
        visit: With which it left.
        unit: The unit.
        over: What is in it.

    Returns:
        A sentence.
    """
    goods = ", ".join(
        f"{each.quantity.normalize():f} of item {each.item}"
        + ("" if each.unit == unit else f" in unit {each.unit}")
        for each in over
    )
    return f"unit {unit} left with {goods} beyond what {', '.join(visit.documents)} take of it"


def _taken(conn: Connection, visit: VisitRow, lines: Sequence[Line]) -> list[Taken]:
    units = {(line.type, line.id, line.line): line.unit for line in lines}
    return [
        Taken(unit, now.item_id, now.lot, now.open_quantity)
        for now in now_of(conn, visit.site, lines)
        if (unit := units.get((now.type, now.id, now.line))) and now.item_id is not None
    ]
