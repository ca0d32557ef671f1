"""What forecasts did not learn from is told by mask and by week."""

from datetime import date, timedelta

import numpy as np

from cloud.demand.masks import MaskedDays
from cloud.demand.reading import DailyMatrix, Item
from cloud.forecasting.left_out import left_out

FIRST = date(2026, 1, 5)


def test_days_left_out_are_told_once_by_week_and_by_reason() -> None:
    days = tuple(FIRST + timedelta(days=n) for n in range(21))
    hidden = np.zeros((2, 21), dtype=bool)
    censored, masked = hidden.copy(), hidden.copy()
    censored[0, 7:10] = True
    masked[0, 9:15] = True
    masks = (MaskedDays(1, 9, 14, "disruption", "flood"), MaskedDays(9, 0, 1, "one_off", "another's"))
    demand = DailyMatrix((Item("MUG", 1), Item("TEA", 2)), days, np.zeros((2, 21)), censored, masked, masks)
    assert left_out(demand, 0) == {
        "masks": [
            {"from_day": "2026-01-14", "until_day": "2026-01-19", "kind": "disruption", "reason": "flood"}
        ],
        "left_out": [
            {"ends": "2026-01-18", "out_of_stock": 2, "masked": 5},
            {"ends": "2026-01-25", "out_of_stock": 0, "masked": 1},
        ],
    }
    assert left_out(demand, 1) == {}
