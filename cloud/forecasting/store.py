"""Forecasts in the database."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import orjson
from psycopg import Connection

from cloud.db import NamedStatements
from cloud.forecasting.domain import Stated
from cloud.forecasting.site_clock import SiteClock

_SQL: Final = NamedStatements("cloud.forecasting")
_ARRAYS: Final = ("mean", "horizons", "cum_q", "history", "mean_system", "cum_q_system")
"""Columns of a forecast that hold numbers."""
_BRACES: Final = bytes.maketrans(b"[]", b"{}")
rows, tuples = _SQL.rows, _SQL.tuples


class Place(NamedTuple):
    """A site, until when its demand is known, and its last site day that is over."""

    site: str
    demand_until: date | None
    yesterday: date


def places(conn: Connection, *, sites: Sequence[str] | None, now: datetime) -> list[Place]:
    """List sites with the days that are known.

    Args:
        conn: In a transaction that shows the actor's sites.
        sites: Only these; None for all.
        now: The present.

    Returns:
        The sites by id.
    """
    return rows(conn, Place, "sites", sites=None if sites is None else list(sites), now=now)


def clock(conn: Connection, site: str) -> SiteClock:
    """Read when a site's days and weeks begin.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.

    Returns:
        Its clock.
    """
    ((zone, day_start, week_start),) = tuples(conn, "clock", site=site)
    return SiteClock(zone, day_start, week_start)


def policies(conn: Connection, site: str) -> dict[int, Stated]:
    """Read how replenishment last stated that items are ordered.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.

    Returns:
        By item id.
    """
    return {item_id: Stated(*rest) for item_id, *rest in tuples(conn, "policies", site=site)}


def likes(conn: Connection, site: str, item_ids: Sequence[int]) -> dict[int, tuple[str | None, float | None]]:
    """Read what makes items alike.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        item_ids: Of the items.

    Returns:
        Category and cost at the site by item id; None: not known.
    """
    found = tuples(conn, "likes", site=site, item_ids=list(item_ids))
    return {item_id: (category, cost) for item_id, category, cost in found}


def add_forecasts(conn: Connection, forecasts: Iterable[dict[str, Any]]) -> int:
    """Store forecasts.

    Args:
        conn: In a transaction that shows their site.
        forecasts: Their columns.

    Returns:
        How many they were.
    """
    given = [
        {
            **one,
            **{name: _array(one[name]) for name in _ARRAYS},
            "why": orjson.dumps(one["why"]).decode(),
        }
        for one in forecasts
    ]
    with conn.cursor() as cursor:
        cursor.executemany(_SQL["add_forecast"], given)
    return len(given)


def add_backtest(conn: Connection, **columns: Any) -> int:
    """Store lines of a backtest.

    Args:
        conn: In a transaction that shows their site.
        **columns: `run_id`, `site`, and a list per column.

    Returns:
        How many they were.
    """
    given = {name: _array(value) if isinstance(value, list) else value for name, value in columns.items()}
    return conn.execute(_SQL["add_backtest"], given).rowcount


def _array(values: Sequence[Any] | None) -> str | None:
    """Write numbers, days, and lists of them, as PostgreSQL reads arrays: faster than one by one."""
    if values is None:
        return None
    return orjson.dumps(values, default=float).translate(_BRACES).decode()


def forget_backtests(conn: Connection, *, site: str, kind: str, keep: int) -> int:
    """Delete the lines of old backtests; what they summed up to stays with the forecasts.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        kind: Of the runs.
        keep: How many of the latest runs keep theirs.

    Returns:
        How many lines were deleted.
    """
    return conn.execute(_SQL["forget_backtests"], {"site": site, "kind": kind, "keep": keep}).rowcount
