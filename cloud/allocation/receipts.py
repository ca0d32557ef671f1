"""Scheduled receipts: orders, and notices that goods of them are under way; each piece counted once; pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

from cloud.allocation.store import ReceiptRow

ORDER: Final = "purchase_order"


def net_of_notices(receipts: Iterable[ReceiptRow]) -> list[ReceiptRow]:
    """Count goods once that are on an order and on a notice of the same supplier: by the notice's date.

    A notice uses up open orders of its sender, the soonest first; what it holds beyond them comes besides.

    Args:
        receipts: Of one item: open order lines, and notices (ASNs, transfers) not received yet.

    Returns:
        Notices as they are, and what they leave of orders, by date; last those of which no date is known.
    """
    noticed: defaultdict[str | None, Decimal] = defaultdict(Decimal)
    by_date = sorted(receipts, key=lambda each: (each.due_on or date.max, each.type, each.id))
    for each in by_date:
        if each.type != ORDER:
            noticed[each.partner] += each.quantity
    left = []
    for each in by_date:
        if each.type != ORDER or each.partner is None:
            left.append(each)
            continue
        covered = min(noticed[each.partner], each.quantity)
        noticed[each.partner] -= covered
        if covered < each.quantity:
            left.append(each._replace(quantity=each.quantity - covered))
    return left
