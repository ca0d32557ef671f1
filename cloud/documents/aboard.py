"""What pallets carry of a visit's transfers, which declare none: what they hold, or left with (DOMAIN D5)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import Line, VisitRow
from cloud.master.domain import BASE_UNIT
from contracts.vocabulary import VirtualLocation

AWAY: Final = (VirtualLocation.CUSTOMER, VirtualLocation.SUPPLIER, VirtualLocation.TRANSIT)
"""Where units stand that somebody shipped."""
BY_PALLET: Final = "transfer"
"""Type of documents that declare no units, and of which it is known what is on one."""


class Piece(NamedTuple):
    """Goods of one lot in a unit that crossed, or that stands in one."""

    around: Sequence[str]
    """Units asked about in which they are, outermost first."""
    unit: str
    """The one that holds them."""
    of_id: str | None
    """The transfer under which they left; None: they have not left."""
    of_line: str | None
    item: str
    lot: str | None
    quantity: Decimal
    """In base units."""

    @property
    def aboard(self) -> str:
        """The unit that crossed."""
        return self.around[0]

    def fits(self, line: Line, item: str | None) -> bool:
        """Tell whether a line asks for them.

        Args:
            line: Of a document of the visit.
            item: Its item's code.

        Returns:
            True if so.
        """
        if self.of_id is not None and (self.of_id, self.of_line) != (line.id, line.line):
            return False
        return line.type == BY_PALLET and item == self.item and line.lot in {None, self.lot}


def outside_of(visit: VisitRow) -> frozenset[str]:
    """Say where units stand that a visit took, or that somebody shipped.

    Args:
        visit: An outbound one.

    Returns:
        Codes of virtual places of its site.
    """
    return frozenset({visit.clearing_account, *(account.value for account in AWAY)})


def still_there(conn: Connection, visit: VisitRow, crossed: Collection[str]) -> frozenset[str]:
    """Leave out units that left with a visit and that stand elsewhere now: what they hold now left not.

    Args:
        conn: In a transaction that shows the site.
        visit: The visit.
        crossed: Units that crossed in its direction.

    Returns:
        Of an outbound visit those that stand outside; of an inbound one all.
    """
    if visit.is_inbound or not crossed:
        return frozenset(crossed)
    outside = outside_of(visit)
    stand = store.tuples(conn, "where_units_stand", units=sorted(crossed))
    return frozenset(unit for unit, site, place, *_ in stand if site == visit.site and place in outside)


def pieces_aboard(
    conn: Connection, visit: VisitRow, units: Collection[str], *, declared: Collection[str | None]
) -> list[Piece]:
    """Read what units carry that a visit's transfers may take, or have sent on them.

    Args:
        conn: In a transaction that shows the site.
        visit: The visit.
        units: Those that crossed, and that no document declares.
        declared: What is in one of these moves as it is declared, wherever it stands.

    Returns:
        Of an outbound visit our own sellable goods in them; of an inbound one what left in them for one of
        its transfers and did not come in them yet; nothing if it names no transfer. What is in a unit that
        stands in another is given once.
    """
    if not units or not any(name.startswith(f"{BY_PALLET}/") for name in visit.documents):
        return []
    asked = {"site": visit.site, "units": sorted(units)}
    pieces = (
        store.rows(conn, Piece, "under_way_aboard", visit=visit.visit, **asked)
        if visit.is_inbound
        else store.rows(conn, Piece, "held_aboard", **asked)
    )
    return [piece for piece in pieces if piece.unit not in declared]


def by_pallet(pieces: Iterable[Piece], lines: Sequence[tuple[Line, str | None, Decimal]]) -> list[Line]:
    """Share what is on pallets among lines, never more than is open; those of the lot first, then by order.

    Args:
        pieces: What is there.
        lines: Line, item and open quantity of each, in base units.

    Returns:
        Of each line what moves now, in which unit and of which lot; perhaps several times.

    Examples:
        >>> line = Line("transfer", "T", "1", "sku", "TEA", Decimal(2), "case", None, None)
        >>> piece = Piece(["P"], "P", None, None, "TEA", "A", Decimal(30))
        >>> [told] = by_pallet([piece], [(line, "TEA", Decimal(24))])
        >>> told.unit, told.lot, told.quantity
        ('P', 'A', Decimal('24'))
    """
    left = [quantity for _, _, quantity in lines]
    taken = []
    for piece in pieces:
        still = piece.quantity
        for nth in sorted(range(len(lines)), key=lambda nth: lines[nth][0].lot != piece.lot):
            line, item, _ = lines[nth]
            some = min(still, left[nth]) if piece.fits(line, item) else Decimal(0)
            if some > 0:
                left[nth] -= some
                still -= some
                taken.append(
                    replace(line, quantity=some, unit_seen=BASE_UNIT, unit=piece.unit, lot=piece.lot)
                )
    return taken
