"""Questions about adjustments: the list, one of them, and what an item's forecast is with and without."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from cloud.db import Connection
from cloud.forecasting.admission import admit
from cloud.forecasting.overrides import store
from cloud.forecasting.overrides.applying import Adjusted, Said, adjust
from cloud.forecasting.overrides.domain import Adjustment, OverrideRow, Standing
from cloud.forecasting.overrides.service import override as override_of
from cloud.forecasting.overrides.store import BaseForecast
from cloud.identity.actor import Actor

COUNTING = (Standing.PLANNED, Standing.ACTIVE)


@dataclass(frozen=True, slots=True)
class Picture:
    """The system's forecast of an item, and what adjustments make of it."""

    item: str
    base_unit: str
    run_id: int
    first_day: date
    system: Said
    adjusted: Adjusted | None
    """None: no adjustment changes a day of it."""


def overrides(
    conn: Connection,
    actor: Actor,
    *,
    now: datetime,
    limit: int,
    site: str | None = None,
    item: str | None = None,
    author: str | None = None,
    standings: Sequence[Standing] | None = None,
    before: int | None = None,
) -> list[OverrideRow]:
    """List adjustments of the actor's sites, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        now: The present.
        limit: Most to give.
        site: Only of this site.
        item: Only what concerns this item, its category's included.
        author: Only of this author.
        standings: Only those that stand so.
        before: Only numbers below this one: the last one of the page before.

    Returns:
        The adjustments.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    return store.overrides(
        conn,
        now=now,
        limit=limit,
        site=site,
        item=item,
        author=author,
        standings=standings,
        before=before,
    )


def override(conn: Connection, actor: Actor, override_id: int, *, now: datetime) -> OverrideRow:
    """Give an adjustment.

    Args:
        conn: In a transaction.
        actor: Who asks.
        override_id: Which.
        now: The present.

    Returns:
        The adjustment.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownOverrideError: If the actor's sites hold none.
    """
    admit(conn, actor, None)
    return override_of(conn, override_id, now=now)


def picture(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    item: str,
    now: datetime,
    wished: Adjustment | None = None,
) -> Picture | None:
    """Show an item's forecast without and with adjustments.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        item: The item's code.
        now: The present.
        wished: One that is not asked for yet, before all others; None: those that are approved.

    Returns:
        Both; None if there is no forecast.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    asked = {"site": site, "item": item, "category": None, "now": now}
    found = store.rows(conn, BaseForecast, "base_forecasts", **asked)
    if not found:
        return None
    (base,) = found
    rows = store.overrides(conn, now=now, site=site, item=item, standings=COUNTING, limit=100)
    counted = [row.adjustment for row in rows] if wished is None else [wished]
    system = Said(base.mean, base.horizons, base.cum_q)
    adjusted = adjust(system, base.first_day, counted)
    return Picture(base.item, base.base_unit, base.run_id, base.first_day, system, adjusted)
