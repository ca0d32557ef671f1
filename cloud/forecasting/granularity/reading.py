"""Questions about the periods that forecasts are made in: which was chosen, since when, by what evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from cloud.db import Connection
from cloud.forecasting.admission import admit
from cloud.forecasting.granularity import store
from cloud.forecasting.site_clock import SiteClock
from cloud.forecasting.store import clock as site_clock
from cloud.identity.actor import Actor

LATEST: Final = 1 << 62
"""After every choice."""


@dataclass(frozen=True, slots=True)
class BucketChoiceRow:
    """A choice of the period that a class of items is forecast in."""

    choice_id: int
    site: str
    class_name: str
    bucket: str
    decided_on: date
    evidence: Mapping[str, Any]
    run_id: int
    decided_at: datetime
    is_in_force: bool


def choices(
    conn: Connection, actor: Actor, *, site: str | None = None, before: int = LATEST, limit: int
) -> list[BucketChoiceRow]:
    """List choices, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        before: Only numbers below this one.
        limit: Most to give.

    Returns:
        The choices.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    return store.rows(conn, BucketChoiceRow, "listed", site=site, before=before, limit=limit)


def clock(conn: Connection, actor: Actor, *, site: str) -> SiteClock:
    """Tell when a site's days and weeks begin.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.

    Returns:
        Its clock.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    return site_clock(conn, site)
