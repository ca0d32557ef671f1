"""What the *Forecast* page shows of adjustments: those of the item, and both forecasts if one counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cloud.db import Connection
from cloud.forecasting.lifecycle import Life, life_of
from cloud.forecasting.overrides import reading
from cloud.forecasting.overrides.domain import AUTHORS, OverrideRow, Standing
from cloud.forecasting.reviewing import reading as reviewing
from cloud.forecasting.reviewing.domain import FlaggedRow
from cloud.identity.actor import Actor
from cloud.web.override_chart import OverrideChart, override_chart

SHOWN = (Standing.WAITING, Standing.PLANNED, Standing.ACTIVE)


@dataclass(frozen=True, slots=True)
class Adjustments:
    """Of an item at a site."""

    rows: list[OverrideRow]
    """Those that wait or count, the latest first."""
    chart: OverrideChart | None
    """Without and with those that count; None: none does."""
    odd: FlaggedRow | None
    """What the latest review says of it, if it found it odd."""
    life: Life
    """Where the item stands in its life."""
    may_add: bool


def adjustments(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    item: str,
    weeks: Sequence[float | None],
    now: datetime,
) -> Adjustments:
    """Gather what is shown.

    Args:
        conn: In a transaction.
        actor: Who looks.
        site: Site id.
        item: The item's code.
        weeks: Its demand by week.
        now: The present.

    Returns:
        The item's adjustments.

    Raises:
        NotAllowedError: If the actor may not.
    """
    rows = reading.overrides(conn, actor, now=now, site=site, item=item, standings=SHOWN, limit=20)
    found = reading.picture(conn, actor, site=site, item=item, now=now)
    is_changed = found is not None and found.adjusted is not None
    return Adjustments(
        rows=rows,
        chart=override_chart(found) if found is not None and is_changed else None,
        odd=reviewing.flagged_item(conn, actor, site=site, item=item),
        life=life_of(weeks),
        may_add=not actor.roles_anywhere.isdisjoint(AUTHORS),
    )
