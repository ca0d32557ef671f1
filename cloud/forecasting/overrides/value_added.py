"""What adjustments were worth: system, adjusted and naive forecasts beside what came, in errors and cost.

Forecast value added (Gilliland 2002): error of the system less error with the adjustment, over blocks of
seven days from its first; positive: it helped. The naive repeats the last week known before. Stock cost: what
was forecast and did not come is held for a block, what came and was not forecast costs nineteen times that.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.forecasting.admission import admit
from cloud.forecasting.overrides import store
from cloud.identity.actor import Actor

HOLDING_A_YEAR: Final = 0.25
"""Cost of holding, as a share of a unit's cost."""
SHORT_TO_HELD: Final = 19.0
LOOKED_BACK: Final = timedelta(days=366)
MOST: Final = 50_000


@dataclass(frozen=True, slots=True)
class Block:
    """Seven days, or what is left of them, of an item whose forecast was adjusted."""

    override_id: int
    site: str
    item: str
    base_unit: str
    author: str
    reason: str
    block_day: date
    days: int
    came: float
    system: float
    overridden: float
    naive: float
    cost: Decimal | None
    """Of a unit; None: not known."""
    currency: str | None

    def stock_cost(self, said: float) -> float | None:
        """Cost of having planned for so much.

        Args:
            said: What was forecast.

        Returns:
            In the currency of the unit's cost; None if that is not known.
        """
        if self.cost is None:
            return None
        held = float(self.cost) * HOLDING_A_YEAR * self.days / 365
        return held * (said - self.came) if said >= self.came else held * SHORT_TO_HELD * (self.came - said)


@dataclass(frozen=True, slots=True)
class Worth:
    """What adjustments came to, of one or of many."""

    name: str
    """Number, author or reason."""
    overrides: int
    blocks: int
    came: float
    system_error: float
    """Sum of absolute errors, base units."""
    override_error: float
    naive_error: float
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


BY: Final[dict[str, Callable[[Block], str]]] = {
    "override": lambda block: str(block.override_id),
    "author": lambda block: block.author,
    "reason": lambda block: block.reason,
}
"""What value added is summed by."""


def summed(blocks: Iterable[Block], name_of: Callable[[Block], str]) -> list[Worth]:
    """Add blocks up.

    Args:
        blocks: Of any adjustments.
        name_of: What they are added up by.

    Returns:
        What they came to; the greatest gain first.
    """
    groups: dict[str, list[Block]] = defaultdict(list)
    for block in blocks:
        groups[name_of(block)].append(block)
    found = [_worth(name, group) for name, group in groups.items()]
    return sorted(found, key=lambda worth: (-worth.added, worth.name))


def worths(
    conn: Connection,
    actor: Actor,
    *,
    now: datetime,
    site: str | None = None,
    override_id: int | None = None,
) -> list[Block]:
    """List what came in the days of the last year's adjustments, as forecast runs have kept it.

    Args:
        conn: In a transaction.
        actor: Who asks.
        now: The present.
        site: Only of this site.
        override_id: Only of this one.

    Returns:
        Their blocks, to be added up by adjustment, author or reason; those that stock-outs hid are left out.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    since = now.date() - LOOKED_BACK
    asked = {"now": now, "site": site, "override_id": override_id, "since": since}
    return store.rows(conn, Block, "outcomes", limit=MOST, **asked)


def _worth(name: str, blocks: Sequence[Block]) -> Worth:
    costs = [
        without - adjusted
        for block in blocks
        if (without := block.stock_cost(block.system)) is not None
        and (adjusted := block.stock_cost(block.overridden)) is not None
    ]
    currencies = {block.currency for block in blocks if block.cost is not None}
    is_known = bool(costs) and len(currencies) == 1
    return Worth(
        name=name,
        overrides=len({block.override_id for block in blocks}),
        blocks=len(blocks),
        came=sum(block.came for block in blocks),
        system_error=sum(abs(block.system - block.came) for block in blocks),
        override_error=sum(abs(block.overridden - block.came) for block in blocks),
        naive_error=sum(abs(block.naive - block.came) for block in blocks),
        cost_saved=sum(costs) if is_known else None,
        currency=currencies.pop() if is_known else None,
    )
