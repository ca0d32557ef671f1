"""What departures alone would tell of demand: shorts left out, what was sent instead as what it is."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cloud.db import Connection, NamedStatements
from cloud.demand.reading import DailyMatrix, asked_days, inherited, matrix_of
from cloud.demand.supersession import successions

_SQL: Final = NamedStatements("cloud.demand", "substitutions.sql")


def as_left(conn: Connection, site: str, demand: DailyMatrix) -> NDArray[np.float64]:
    """Read the same items and days as departures would tell them.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        demand: As `daily_matrix` gave it.

    Returns:
        Items x days, in base units; the demand itself where the warehouse sent what was asked for.
    """
    first, last = demand.days[0], demand.days[-1]
    asked = {"sites": [site], "from_day": first, "until_day": last}
    found = asked_days(conn, _SQL["left_days"], asked)
    known = successions(conn, site, first, last)
    told = inherited(matrix_of(found, known, demand.days), known)
    rows = {item.item_id: row for row, item in enumerate(told.items)}
    left = np.zeros_like(demand.quantity)
    for row, item in enumerate(demand.items):
        if item.item_id in rows:
            left[row] = told.quantity[rows[item.item_id]]
    return left
