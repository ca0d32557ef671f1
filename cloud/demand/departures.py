"""What departures alone would tell of demand: an item x day matrix of what was asked for in, theirs out."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cloud.db import Connection, NamedStatements
from cloud.demand.reading import DailyMatrix

_SQL: Final = NamedStatements("cloud.demand", "substitutions.sql")


def as_left(conn: Connection, site: str, demand: DailyMatrix) -> NDArray[np.float64]:
    """Take from demand what was short, and give what was sent instead to what was sent.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        demand: As `daily_matrix` gave it.

    Returns:
        Items x days, in base units, never below 0; the demand itself where the warehouse sent what was asked
        for.
    """
    rows = {item.item_id: row for row, item in enumerate(demand.items)}
    left = demand.quantity.copy()
    asked = {"site": site, "from_day": demand.days[0], "until_day": demand.days[-1]}
    for item_id, day, quantity in _SQL.tuples(conn, "left_days", **asked):
        if item_id in rows:
            left[rows[item_id], day] += quantity
    result: NDArray[np.float64] = np.maximum(left, 0.0)
    return result
