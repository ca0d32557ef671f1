"""Which days of an item forecasts did not learn from, and why. Numpy on arrays, pure."""

from datetime import timedelta
from typing import Any, Final

import numpy as np

from cloud.demand.reading import DailyMatrix
from cloud.forecasting.weeks import DAYS

TOLD_WEEKS: Final = 52
"""Last weeks of which it is told week by week."""


def left_out(demand: DailyMatrix, row: int) -> dict[str, Any]:
    """Tell which days of an item were left out.

    Args:
        demand: Of a site; whole weeks.
        row: Of the item.

    Returns:
        ``masks``; and ``left_out``, by week that ends on a day how many were ``out_of_stock`` and how many
        ``masked``. Neither where there is none.
    """
    days, item = demand.days, demand.items[row]
    masks = [
        {
            "from_day": days[mask.first].isoformat(),
            "until_day": days[mask.last].isoformat(),
            "kind": mask.kind,
            "reason": mask.reason,
        }
        for mask in demand.masks
        if mask.item_id in {None, item.item_id}
    ]
    weeks = min(len(days) // DAYS, TOLD_WEEKS)
    out, masked = (
        hidden[len(days) - weeks * DAYS :].reshape(weeks, DAYS).sum(axis=1)
        for hidden in (demand.censored[row] & ~demand.masked[row], demand.masked[row])
    )
    told = [
        {
            "ends": (days[-1] - timedelta(days=DAYS * (weeks - 1 - week))).isoformat(),
            "out_of_stock": int(out[week]),
            "masked": int(masked[week]),
        }
        for week in np.flatnonzero(out + masked).tolist()
    ]
    return {name: value for name, value in (("masks", masks), ("left_out", told)) if value}
