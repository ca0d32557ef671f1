"""Questions about reviews: weeks with what was expected and found, and the odd forecasts themselves."""

import math
from typing import Final

from cloud.db import Connection
from cloud.forecasting.admission import admit
from cloud.forecasting.reviewing import store
from cloud.forecasting.reviewing.domain import FlaggedRow, ReviewError, ReviewRow, Setting
from cloud.forecasting.reviewing.service import setting_of
from cloud.identity.actor import Actor

FIRST: Final = (-1.0, "", "")
"""Before every flagged item."""


def reviews(
    conn: Connection, actor: Actor, *, site: str | None = None, before: int | None = None, limit: int
) -> list[ReviewRow]:
    """List reviews, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        before: Only numbers below this one.
        limit: Most to give.

    Returns:
        The reviews.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    return store.rows(conn, ReviewRow, "reviews", site=site, before=before, limit=limit)


def flagged(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    after: tuple[float, str, str] = FIRST,
    limit: int,
) -> list[FlaggedRow]:
    """List what each site's latest review found odd, the oddest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        after: Chance, site and item of the last one of the page before.
        limit: Most to give.

    Returns:
        The forecasts, with their tickets.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    keys = dict(zip(("after_chance", "after_site", "after_item"), after, strict=True))
    return store.rows(conn, FlaggedRow, "flagged", site=site, item=None, limit=limit, **keys)


def flagged_item(conn: Connection, actor: Actor, *, site: str, item: str) -> FlaggedRow | None:
    """Give what the latest review of a site says of an item.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        item: The item's code.

    Returns:
        What was odd, or None.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    keys = dict(zip(("after_chance", "after_site", "after_item"), FIRST, strict=True))
    return store.row(conn, FlaggedRow, "flagged", site=site, item=item, limit=1, **keys)


def setting(conn: Connection, actor: Actor, site: str) -> Setting:
    """Give how a site is told of odd forecasts.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.

    Returns:
        What was set, or the defaults.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    return setting_of(conn, site)


def chance_of(text: str) -> float:
    """Read the chance out of the address of a next page.

    Args:
        text: As `repr` writes it.

    Returns:
        The chance.

    Raises:
        ReviewError: If it is none.
    """
    try:
        chance = float(text)
    except ValueError:
        chance = math.nan
    if not 0 <= chance <= 1:
        raise ReviewError(f"after={text!r:.60} is not the address of a next page")
    return chance
