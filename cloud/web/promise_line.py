"""What may be promised by day in, the points of its picture out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Final

from cloud.allocation.promise import Promise
from cloud.web.stockline import Stockline, stockline

_SHORTEST: Final = 15
_LONGEST: Final = 120


def promise_line(rows: Sequence[Promise]) -> Stockline:
    """Draw what is projected and what may be promised, each holding until the next row's day.

    Args:
        rows: As `available_to_promise` gives them, at least one.

    Returns:
        What SVG needs: projected stock, and above it nothing, below it what may be promised.

    Examples:
        >>> from datetime import date
        >>> from decimal import Decimal as D
        >>> promise_line([Promise(date(2026, 3, 2), D(0), D(5), D(0), D(15), D(12))]).summary
        'From 2026-03-02: 12 may be promised at once, 12 at the end; no order waits'
    """
    first = rows[0].on
    last = min(max((rows[-1].on - first).days + 3, _SHORTEST), _LONGEST)
    projected, promised = list[float](), list[float]()
    ends = [*(after.on for _, after in pairwise(rows)), first + timedelta(days=last)]
    for row, until in zip(rows, ends, strict=True):
        days = max(0, min((until - first).days, last) - len(projected))
        projected += [float(row.projected)] * days
        promised += [float(row.available)] * days
    drawn = stockline(
        {"first_day": str(first), "stock": projected, "with_order": promised, "reorder_point": 0.0}
    )
    late = next((row for row in rows if row.projected < 0), None)
    waits = "no order waits" if late is None else f"orders wait from {late.on}"
    summary = (
        f"From {first}: {rows[0].available.normalize():f} may be promised at once, "
        f"{rows[-1].available.normalize():f} at the end; {waits}"
    )
    return replace(drawn, summary=summary)
