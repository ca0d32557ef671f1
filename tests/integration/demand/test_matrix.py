"""Demand as arrays: days of a site's own, censored where it could not sell."""

from datetime import date

import numpy as np
from asking import Demand, line

from cloud.demand.reading import daily_matrix


def test_a_matrix_holds_every_day_and_only_items_that_were_asked_for(demand: Demand) -> None:
    demand.tell(line("2"), line("3", "2026-03-05T23:59:00Z", number="2"))
    found = demand.ledger.as_app(lambda conn: daily_matrix(conn, "leeds", date(2026, 3, 1), date(2026, 3, 6)))
    assert [item.code for item in found.items] == ["TEA"]
    assert found.days[0] == date(2026, 3, 1)
    assert found.days[-1] == date(2026, 3, 6)
    assert np.array_equal(found.quantity, [[0, 2, 0, 0, 3, 0]])
    assert not found.censored.any()
