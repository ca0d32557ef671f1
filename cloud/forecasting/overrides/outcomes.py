"""What came in the days of adjustments, block by block, kept by the first run that knows it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from cloud.db import Connection
from cloud.forecasting.overrides import store

BLOCK_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Effect:
    """What an adjustment made of an item's forecast, and until when that was judged."""

    override_id: int
    item_id: int
    first_day: date
    """Of the forecast: what came before it was known."""
    from_day: date
    until_day: date
    system: list[float]
    overridden: list[float]
    naive: list[float]
    """Demand of the seven days before `first_day`."""
    judged_day: date | None
    """First day of the last block that was judged."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seven days, or what is left of them."""

    block_day: date
    days: int
    came: float | None
    """None: stock-outs hid part of it."""
    system: float
    overridden: float
    naive: float


Came = Mapping[tuple[int, date], float]


def outcomes_of(
    effect: Effect, came: Came, *, until: date, hidden: Callable[[int, date], bool]
) -> list[Outcome]:
    """Cut the days of an adjustment that have come, and were not judged yet, into blocks.

    Args:
        effect: What it made of the forecast.
        came: Demand by item and day; days without have none.
        until: Last day whose demand is known.
        hidden: Whether stock-outs hid an item's demand on a day.

    Returns:
        The blocks; none before seven days, or all that are left, have come.
    """
    whole = (effect.until_day - effect.from_day).days + 1
    known = (until - effect.from_day).days + 1
    first = 0 if effect.judged_day is None else (effect.judged_day - effect.from_day).days + BLOCK_DAYS
    found = []
    for start in range(first, whole, BLOCK_DAYS):
        stop = min(start + BLOCK_DAYS, whole)
        if stop > known:
            break
        days = [effect.from_day + timedelta(days=n) for n in range(start, stop)]
        is_hidden = any(hidden(effect.item_id, day) for day in days)
        found.append(
            Outcome(
                block_day=days[0],
                days=stop - start,
                came=None if is_hidden else sum(came.get((effect.item_id, day), 0.0) for day in days),
                system=sum(effect.system[start:stop]),
                overridden=sum(effect.overridden[start:stop]),
                naive=sum(effect.naive[(day - effect.first_day).days % BLOCK_DAYS] for day in days),
            )
        )
    return found


def week_before(conn: Connection, site: str, first_day: date, item_ids: list[int]) -> dict[int, list[float]]:
    """Read what came in the seven days before a forecast begins.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        first_day: First day that is forecast.
        item_ids: Of which items.

    Returns:
        Demand of each day, by item.
    """
    since = first_day - timedelta(days=BLOCK_DAYS)
    days = {"from_day": since, "until_day": first_day - timedelta(days=1)}
    found = {item_id: [0.0] * BLOCK_DAYS for item_id in item_ids}
    for item_id, day, quantity in store.tuples(conn, "came", site=site, item_ids=item_ids, **days):
        found[item_id][(day - since).days] = quantity
    return found


def keep_outcomes(conn: Connection, site: str, until: date) -> int:
    """Keep what came in blocks that are over since the last run.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        until: Last day whose demand is known.

    Returns:
        How many blocks were kept.
    """
    due = [
        effect
        for effect in store.rows(conn, Effect, "unjudged", site=site)
        if outcomes_of(effect, {}, until=until, hidden=lambda *_: False)
    ]
    if not due:
        return 0
    asked: dict[str, Any] = {
        "site": site,
        "from_day": min(effect.judged_day or effect.from_day for effect in due),
        "until_day": until,
        "item_ids": sorted({effect.item_id for effect in due}),
    }
    came = {(item_id, day): quantity for item_id, day, quantity in store.tuples(conn, "came", **asked)}
    hidden = set(store.tuples(conn, "hidden", **asked))
    kept = 0
    for effect in due:
        for one in outcomes_of(effect, came, until=until, hidden=lambda *cell: cell in hidden):
            kept += store.change(
                conn,
                "add_outcome",
                site=site,
                override_id=effect.override_id,
                item_id=effect.item_id,
                block_day=one.block_day,
                days=one.days,
                came=one.came,
                system=one.system,
                overridden=one.overridden,
                naive=one.naive,
            )
    return kept
