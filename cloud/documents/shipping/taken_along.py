"""What units that leave whole hold, and units in them, beyond what a shipment's lines take of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.documents.shipping import store

_NOTHING: Final = Decimal(0)


class Held(NamedTuple):
    """Goods of one lot in a unit that leaves, or in one that stands in it."""

    aboard: str
    """The unit that leaves."""
    unit: str
    """The one that holds them."""
    item_id: int
    item: str
    lot: str | None
    quantity: Decimal
    """In base units; > 0."""


class Taken(NamedTuple):
    """What a line takes out of a unit, or leaves in one with."""

    unit: str
    item_id: int
    lot: str | None
    quantity: Decimal


def taken_along(conn: Connection, site: str, units: Iterable[str], taken: Iterable[Taken]) -> list[str]:
    """Name what would leave with units although no line names it.

    Args:
        conn: In a transaction that shows the site.
        site: Where they leave.
        units: Those that leave whole.
        taken: What lines take of units.

    Returns:
        A sentence for each.
    """
    told = []
    for each in beyond(held_in(conn, site, units), taken):
        goods = f"{each.quantity.normalize():f} of item {each.item!r}"
        goods += f" of lot {each.lot!r}" if each.lot else ""
        inside = "" if each.unit == each.aboard else f" in unit {each.unit!r}"
        told.append(
            f"unit {each.aboard!r} would take along {goods}{inside}, which no line names: "
            "name it in a line, or take it out first"
        )
    return told


def held_in(conn: Connection, site: str, units: Iterable[str]) -> list[Held]:
    """Read all that units hold, and units in them, whatever its condition and whosever it is.

    Args:
        conn: In a transaction that shows the site.
        site: Where they are.
        units: The units.

    Returns:
        Each lot of a unit once; what stands in several of the units under the first of them.
    """
    whole = sorted(set(units))
    return store.rows(conn, Held, "goods_in_units", site=site, units=whole) if whole else []


def beyond(held: Sequence[Held], taken: Iterable[Taken]) -> list[Held]:
    """Leave out of what units hold what lines take.

    A line that names a lot takes goods of that lot, and goods of which no lot is known; one that names none
    takes any.

    Args:
        held: What there is, each lot of a unit once.
        taken: By line.

    Returns:
        What is left, with its quantity.

    Examples:
        >>> held = [Held("P", "P", 1, "NUT", "A", Decimal(7)), Held("P", "P", 2, "MUG", None, Decimal(7))]
        >>> [(each.item, int(each.quantity)) for each in beyond(held, [Taken("P", 1, None, Decimal(5))])]
        [('NUT', 2), ('MUG', 7)]
    """
    lines: defaultdict[tuple[str, int], defaultdict[str | None, Decimal]]
    lines = defaultdict(lambda: defaultdict(Decimal))
    for line in taken:
        lines[line.unit, line.item_id][line.lot] += line.quantity
    left = {nth: each.quantity for nth, each in enumerate(held)}
    for is_other in (False, True):  # each line from its own lot before any other
        for nth, each in enumerate(held):
            wanted = lines[each.unit, each.item_id]
            for lot in _takers(wanted, each.lot) if is_other else [each.lot]:
                some = min(left[nth], wanted.get(lot, _NOTHING))
                if some > 0:
                    left[nth] -= some
                    wanted[lot] -= some
    return [each._replace(quantity=left[nth]) for nth, each in enumerate(held) if left[nth] > 0]


def _takers(wanted: Mapping[str | None, Decimal], lot: str | None) -> list[str | None]:
    return list(wanted) if lot is None else [None]
