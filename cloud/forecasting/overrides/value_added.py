"""What adjustments were worth: system, adjusted and naive forecasts beside what came, in errors and cost.

Forecast value added (Gilliland 2002): error of the system less error with the adjustment, over blocks of
seven days from its first; positive: it helped. The naive repeats the last week known before. Stock cost: what
was forecast and did not come is held for a block, what came and was not forecast costs nineteen times that.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.forecasting.domain import READERS
from cloud.forecasting.overrides import store
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

BLOCK_DAYS: Final = 7
HOLDING_A_YEAR: Final = 0.25
"""Cost of holding, as a share of a unit's cost."""
SHORT_TO_HELD: Final = 19.0
LOOKED_BACK: Final = timedelta(days=366)
MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Effect:
    """What an adjustment made of an item's forecast."""

    override_id: int
    site: str
    item_id: int
    item: str
    base_unit: str
    category: str | None
    author: str
    reason: str
    first_day: date
    from_day: date
    until_day: date
    system: list[float]
    overridden: list[float]
    cost: Decimal | None
    currency: str | None


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


@dataclass(frozen=True, slots=True)
class Block:
    """Seven days, or what is left of them, of an item."""

    effect: Effect
    came: float
    system: float
    overridden: float
    naive: float
    days: int

    def stock_cost(self, said: float) -> float | None:
        """Cost of having planned for so much.

        Args:
            said: What was forecast.

        Returns:
            In the currency of the unit's cost; None if that is not known.
        """
        if self.effect.cost is None:
            return None
        held = float(self.effect.cost) * HOLDING_A_YEAR * self.days / 365
        return held * (said - self.came) if said >= self.came else held * SHORT_TO_HELD * (self.came - said)


Came = Mapping[tuple[int, date], float]


def blocks_of(effect: Effect, came: Came, *, until: date, hidden: Callable[[int, date], bool]) -> list[Block]:
    """Cut the days of an adjustment that have come into blocks.

    Args:
        effect: What it made of the forecast.
        came: Demand by item and day; days without have none.
        until: Last day whose demand is known.
        hidden: Whether stock-outs hid an item's demand on a day; its block is left out.

    Returns:
        The blocks; none before seven days, or all of its days, have come.
    """
    whole = min(len(effect.system), (effect.until_day - effect.from_day).days + 1)
    known = min(whole, (until - effect.from_day).days + 1)
    found = []
    for start in range(0, known, BLOCK_DAYS):
        stop = min(start + BLOCK_DAYS, whole)
        if stop > known:
            break
        days = [effect.from_day + timedelta(days=n) for n in range(start, stop)]
        if any(hidden(effect.item_id, day) for day in days):
            continue
        found.append(
            Block(
                effect,
                came=sum(came.get((effect.item_id, day), 0.0) for day in days),
                system=sum(effect.system[start:stop]),
                overridden=sum(effect.overridden[start:stop]),
                naive=sum(came.get((effect.item_id, _week_before(effect, day)), 0.0) for day in days),
                days=stop - start,
            )
        )
    return found


def summed(blocks: Iterable[Block], name_of: Callable[[Effect], str]) -> list[Worth]:
    """Add blocks up.

    Args:
        blocks: Of any adjustments.
        name_of: What they are added up by.

    Returns:
        What they came to; the greatest gain first.
    """
    groups: dict[str, list[Block]] = defaultdict(list)
    for block in blocks:
        groups[name_of(block.effect)].append(block)
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
    """Hold the adjustments of the last year against what came.

    Args:
        conn: In a transaction.
        actor: Who asks.
        now: The present.
        site: Only of this site.
        override_id: Only of this one.

    Returns:
        Their blocks, to be added up by adjustment, author or reason.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    effects = store.rows(
        conn,
        Effect,
        "effects",
        now=now,
        site=site,
        override_id=override_id,
        since=now.date() - LOOKED_BACK,
        limit=MOST,
    )
    by_site: dict[str, list[Effect]] = defaultdict(list)
    for effect in effects:
        by_site[effect.site].append(effect)
    return [block for place, own in by_site.items() for block in _of_site(conn, place, own)]


def _of_site(conn: Connection, site: str, effects: Sequence[Effect]) -> list[Block]:
    ((until,),) = store.tuples(conn, "demand_until", site=site)
    if until is None:
        return []
    first = min(effect.first_day for effect in effects) - timedelta(days=BLOCK_DAYS)
    asked = {"site": site, "from_day": first, "until_day": max(until, first)}
    ids = sorted({effect.item_id for effect in effects})
    came = {
        (item_id, day): quantity
        for item_id, day, quantity in store.tuples(conn, "came", item_ids=ids, **asked)
    }
    hidden = set(store.tuples(conn, "hidden", item_ids=ids, **asked))
    return [
        block
        for effect in effects
        for block in blocks_of(effect, came, until=until, hidden=lambda *cell: cell in hidden)
    ]


def _week_before(effect: Effect, day: date) -> date:
    """Give the same weekday of the last week known when the forecast was made."""
    return effect.first_day - timedelta(days=BLOCK_DAYS - (day - effect.first_day).days % BLOCK_DAYS)


def _worth(name: str, blocks: Sequence[Block]) -> Worth:
    costs = [
        without - adjusted
        for block in blocks
        if (without := block.stock_cost(block.system)) is not None
        and (adjusted := block.stock_cost(block.overridden)) is not None
    ]
    currencies = {block.effect.currency for block in blocks if block.effect.cost is not None}
    is_known = bool(costs) and len(currencies) == 1
    return Worth(
        name=name,
        overrides=len({block.effect.override_id for block in blocks}),
        blocks=len(blocks),
        came=sum(block.came for block in blocks),
        system_error=sum(abs(block.system - block.came) for block in blocks),
        override_error=sum(abs(block.overridden - block.came) for block in blocks),
        naive_error=sum(abs(block.naive - block.came) for block in blocks),
        cost_saved=sum(costs) if is_known else None,
        currency=currencies.pop() if is_known else None,
    )
