"""What receipts and shipments have left of the lines that a visit's documents declare."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from cloud.db import Connection
from cloud.documents.domain import Line, is_by_crossing
from cloud.documents.lines import LineNow, lines_now
from cloud.master.domain import BASE_UNIT


def now_of(conn: Connection, site: str, lines: Iterable[Line]) -> list[LineNow]:
    """Read what has moved of lines.

    Args:
        conn: In a transaction.
        site: Site id.
        lines: Of documents of the site.

    Returns:
        All lines of those documents as they stand.
    """
    names = sorted({(line.type, line.id) for line in lines})
    return [
        now
        for kind in dict.fromkeys(kind for kind, _ in names)
        for now in lines_now(conn, site=site, kind=kind, ids=[name for of, name in names if of == kind])
    ]


def moved_whole(conn: Connection, site: str, lines: Iterable[Line]) -> frozenset[str]:
    """Name lines that receipts or shipments have moved whole, or that were closed short.

    Args:
        conn: In a transaction.
        site: Site id.
        lines: Of documents of the site.

    Returns:
        ``type/id/line`` of each.
    """
    return frozenset(
        "/".join(now.name)
        for now in now_of(conn, site, lines)
        if now.ordered is not None and now.open_quantity == 0
    )


def still_open(line: Line, now: LineNow) -> Line:
    """Leave what a receipt or shipment has moved before out of a line.

    Args:
        line: As it is declared.
        now: As it stands.

    Returns:
        The line with what is open of it; in base units where something has moved.
    """
    if now.moved == 0 or now.ordered is None:
        return line
    return replace(line, quantity=now.open_quantity, unit_seen=BASE_UNIT)


def moving(line: Line, now: LineNow) -> Decimal:
    """Say how much of a line moves as its visit is confirmed.

    Args:
        line: As it moves.
        now: As it stands.

    Returns:
        In base units: what is open of it, or of what is counted as it crosses what crossed.
    """
    return line.quantity if is_by_crossing(line) else now.open_quantity
