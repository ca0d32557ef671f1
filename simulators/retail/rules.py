"""One POS line in; what it means for stock out, by rules that leave no line without an answer.

1. The stock code is a service, fee, voucher or correction (POST, D, M, BANK CHARGES ...): no goods.
2. No customer and no price: an adjustment somebody typed in; nothing passed a dock.
3. The invoice begins with C: goods came back from the customer.
4. The quantity is positive: goods left for the customer.
5. Anything else is unexplained.

Only lines of 3 and 4 are scanned; the others are counted by verdict in the truth file.
"""

import re
from enum import StrEnum
from typing import Final

from simulators.retail.lines import PosLine

STOCK_CODE: Final = re.compile(r"[0-9]{5}[A-Za-z]{0,2}|DCGS[0-9A-Z]+|PADS")
"""In-house codes of goods: five digits with up to two letters, party goods, cushion pads."""


class Verdict(StrEnum):
    """What a line means for stock."""

    SHIPMENT = "shipment"
    CUSTOMER_RETURN = "customer_return"
    NOT_GOODS = "not_goods"
    ADJUSTMENT = "adjustment"
    UNEXPLAINED = "unexplained"


SCANNED: Final = frozenset({Verdict.SHIPMENT, Verdict.CUSTOMER_RETURN})


def judge(line: PosLine) -> Verdict:
    """Judge one line by the rules above.

    Args:
        line: Any line.

    Returns:
        The verdict.
    """
    if STOCK_CODE.fullmatch(line.stock_code) is None:
        return Verdict.NOT_GOODS
    if line.customer is None and line.unit_price == 0:
        return Verdict.ADJUSTMENT
    if line.invoice.startswith("C") and line.quantity < 0:
        return Verdict.CUSTOMER_RETURN
    if line.invoice.isdigit() and line.quantity > 0:
        return Verdict.SHIPMENT
    return Verdict.UNEXPLAINED
