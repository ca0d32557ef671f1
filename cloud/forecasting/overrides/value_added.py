"""What adjustments were worth: system, adjusted and naive forecasts beside what came, in errors and cost.

Forecast value added (Gilliland 2002): error of the system less error with the adjustment, over blocks of
seven days from its first; positive: it helped. The naive repeats the last week known before. Stock cost: what
was forecast and did not come is held for a block, what came and was not forecast costs nineteen times that.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from cloud.db import Connection
from cloud.forecasting.admission import admit
from cloud.forecasting.overrides import store
from cloud.identity.actor import Actor

HOLDING_A_YEAR: Final = 0.25
"""Cost of holding, as a share of a unit's cost."""
SHORT_TO_HELD: Final = 19.0
LOOKED_BACK: Final = timedelta(days=366)
BY: Final = ("override", "author", "reason", "item")
"""What value added is summed by."""
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Block:
    """Seven days, or what is left of them, of an item whose forecast was adjusted."""

    item: str
    base_unit: str
    block_day: date
    days: int
    came: float
    system: float
    overridden: float
    naive: float | None
    """None: the week that it repeats is not known."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What adjustments came to, of one or of many."""

    name: str
    """Number, author, reason or item."""
    overrides: int
    blocks: int
    came: float
    system_error: float
    """Sum of absolute errors, base units."""
    override_error: float
    naive_blocks: int
    """Those of which the naive forecast is known."""
    naive_error: float | None
    """Of these; None: of none."""
    over_naive: float | None
    """Error of the naive less error with the adjustment, of these."""
    cost_saved: float | None
    """Stock cost without less with it; None: of none the cost is known."""
    currency: str | None

    @property
    def added(self) -> float:
        """Error that it took away; negative: it did harm."""
        return self.system_error - self.override_error

    @property
    def share(self) -> float | None:
        """The same as a share of what came."""
        return self.added / self.came if self.came else None


def worths(
    conn: Connection,
    actor: Actor,
    *,
    now: datetime,
    by: str = ALL,
    site: str | None = None,
    override_id: int | None = None,
) -> list[Worth]:
    """Add up what came in the days of the last year's adjustments, as forecast runs have kept it.

    Args:
        conn: In a transaction.
        actor: Who asks.
        now: The present.
        by: What they are added up by: one of `BY`; else all together.
        site: Only of this site.
        override_id: Only of this one.

    Returns:
        What they came to, the greatest gain first; blocks that stock-outs hid are left out.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    asked = {"now": now, "site": site, "override_id": override_id, "since": now.date() - LOOKED_BACK}
    terms = {"holding": HOLDING_A_YEAR / 365, "short": SHORT_TO_HELD}
    return store.rows(conn, Worth, "worths", by=by, **asked, **terms)


def blocks(
    conn: Connection, actor: Actor, override_id: int, *, now: datetime, site: str, limit: int
) -> list[Block]:
    """List what came in the days of an adjustment.

    Args:
        conn: In a transaction.
        actor: Who asks.
        override_id: Of the adjustment.
        now: The present.
        site: Its site.
        limit: Most to give.

    Returns:
        Its blocks of the last year by item and day; those that stock-outs hid are left out.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    since = now.date() - LOOKED_BACK
    return store.rows(conn, Block, "blocks", override_id=override_id, since=since, limit=limit)
