"""The file itself, summed by columns: an account of its own, that shares no rule with the plan.

The plan says by patterns what is goods; this says by list what is not. Both must come to the same net per
stock code, or one of them reads the file wrongly.
"""

from collections import Counter
from collections.abc import Container, Iterable
from decimal import Decimal
from typing import Final

from simulators.retail.lines import PosLine

NO_GOODS: Final = frozenset({
    "AMAZONFEE", "B", "BANK CHARGES", "C2", "CRUK", "D", "DOT", "M", "POST", "S", "m",
    "gift_0001_10", "gift_0001_20", "gift_0001_30", "gift_0001_40", "gift_0001_50",
})  # fmt: skip
"""Services, fees, corrections and gift vouchers, as the file spells them."""


def fold(lines: Iterable[PosLine], *, replayed: Container[int]) -> dict[str, dict[str, Decimal]]:
    """Sum what left for customers and what came back, per stock code.

    Args:
        lines: The file's lines.
        replayed: Numbers of the lines that were scanned: how far the replay came, not what it made of them.

    Returns:
        Per stock code the totals ``shipped`` and ``returned``, in pieces.
    """
    shipped: Counter[str] = Counter()
    returned: Counter[str] = Counter()
    for line in lines:
        if line.number not in replayed or line.stock_code in NO_GOODS:
            continue
        if line.customer is None and not line.unit_price:
            continue
        (returned if line.quantity < 0 else shipped)[line.stock_code] += int(abs(line.quantity))
    return {
        code: {"shipped": Decimal(shipped[code]), "returned": Decimal(returned[code])}
        for code in sorted(shipped.keys() | returned.keys())
    }
