"""Scheduled receipts: orders, and notices that goods of them are under way; each piece counted once; pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

from cloud.allocation.store import ReceiptRow

ORDER: Final = "purchase_order"
_Key = TypeVar("_Key")


def net_of_notices(receipts: Iterable[ReceiptRow]) -> list[ReceiptRow]:
    """Count goods once that are on an order and on a notice: by the notice's date.

    A notice that names an order's line uses that one up. One that names none uses up open orders of its
    sender, the soonest first; what it holds beyond them comes besides.

    Args:
        receipts: Of one item: open order lines, and notices (ASNs, transfers) not received yet.

    Returns:
        Notices as they are, and what they leave of orders, by date; last those of which no date is known.
    """
    by_date = sorted(receipts, key=lambda each: (each.due_on or date.max, each.type, each.id, each.line))
    of_line: defaultdict[tuple[str | None, str | None], Decimal] = defaultdict(Decimal)
    of_sender: defaultdict[str | None, Decimal] = defaultdict(Decimal)
    for each in by_date:
        if each.type != ORDER and each.order_id is not None:
            of_line[each.order_id, each.order_line] += each.quantity
        elif each.type != ORDER and each.partner is not None:
            of_sender[each.partner] += each.quantity
    left = []
    for each in by_date:
        rest = each.quantity
        if each.type == ORDER:
            rest = _without(of_line, (each.order_id, each.order_line), rest)
            rest = _without(of_sender, each.partner, rest)
        if rest > 0:
            left.append(each._replace(quantity=rest))
    return left


def _without(noticed: defaultdict[_Key, Decimal], key: _Key, quantity: Decimal) -> Decimal:
    covered = min(noticed[key], quantity)
    noticed[key] -= covered
    return quantity - covered
