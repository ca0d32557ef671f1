"""Questions about forecasts: the rows in force, one whole, how the runs went. SQL only; no numpy.

Every function checks its actor, shows the actor's sites only and gives at most `limit` rows.
"""

from typing import Final

from cloud.db import Connection
from cloud.forecasting import store
from cloud.forecasting.admission import admit
from cloud.forecasting.domain import (
    BacktestRow,
    Content,
    Forecast,
    ForecastRow,
    Order,
    SiteRun,
    UnknownForecastError,
)
from cloud.identity.actor import Actor

FIRST: Final = (float("-inf"), "", "")
"""Before every row."""


def forecasts(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    item_like: str | None = None,
    is_sufficient: bool | None = None,
    order: Order = Order.ITEM,
    after: tuple[float, str, str] = FIRST,
    limit: int,
) -> list[ForecastRow]:
    """List the forecasts in force.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        item_like: Only items whose code or name fits this pattern of SQL's LIKE.
        is_sufficient: Only those with, or without, enough history.
        order: What comes first; then by site and item.
        after: Place, site and item of the last one of the page before.
        limit: Most to give.

    Returns:
        The forecasts.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    return _listed(
        conn,
        site=site,
        item_like=item_like,
        is_sufficient=is_sufficient,
        order=order,
        after=after,
        limit=limit,
    )


def forecast(conn: Connection, actor: Actor, *, site: str, item: str) -> Forecast:
    """Give the forecast in force of an item at a site.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        item: The item's code.

    Returns:
        The forecast with its backtest and what it rests on.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownForecastError: If there is none.
    """
    admit(conn, actor, site)
    found = _listed(conn, site=site, item=item, limit=1)
    if not found:
        raise UnknownForecastError(f"there is no forecast of item {item!r} at site {site!r}")
    (row,) = found
    asked = {"run_id": row.run_id, "site": site, "item_id": row.item_id}
    (content,) = store.rows(conn, Content, "forecast_content", **asked)
    return Forecast(row, content, store.rows(conn, BacktestRow, "backtest", **asked))


def site_runs(conn: Connection, actor: Actor, *, site: str | None = None) -> list[SiteRun]:
    """Give the run in force at each site.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.

    Returns:
        The runs, by site.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    return store.rows(conn, SiteRun, "site_runs", site=site)


def _listed(
    conn: Connection,
    *,
    site: str | None,
    item: str | None = None,
    item_like: str | None = None,
    is_sufficient: bool | None = None,
    order: Order = Order.ITEM,
    after: tuple[float, str, str] = FIRST,
    limit: int,
) -> list[ForecastRow]:
    keys = dict(zip(("after_place", "after_site", "after_item"), after, strict=True))
    return store.rows(
        conn,
        ForecastRow,
        "forecasts",
        site=site,
        item=item,
        item_like=item_like,
        is_sufficient=is_sufficient,
        order=order.value,
        limit=limit,
        **keys,
    )
