"""Questions about series with models of their own: which are tried, what came of each and why."""

from typing import Final

from cloud.db import Connection
from cloud.forecasting.admission import admit
from cloud.forecasting.chosen import store
from cloud.forecasting.chosen.domain import SeriesRow
from cloud.identity.actor import Actor

FIRST: Final = ("", "")
"""Before every series."""


def series(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    item: str | None = None,
    after: tuple[str, str] = FIRST,
    limit: int,
) -> list[SeriesRow]:
    """List the series that are chosen, with what came of each.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        item: Only of this item.
        after: Site and item of the last one of the page before.
        limit: Most to give.

    Returns:
        By site and item.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    keys = dict(zip(("after_site", "after_item"), after, strict=True))
    return store.rows(conn, SeriesRow, "listed", site=site, item=item, limit=limit, **keys)
