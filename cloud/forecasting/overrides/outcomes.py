"""What came in the days of adjustments, block by block, kept by the first run that knows it.

What came is what forecasts learn from: with the history of superseded items, and not known where stock-outs
hid it, where somebody masked it, or where the item is read as another one by now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from cloud.db import Connection
from cloud.demand.reading import DailyMatrix
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
    naive: list[float | None]
    """Demand of the seven days before `first_day`; None: not known. Empty: nobody kept it."""
    judged_day: date | None
    """First day of the last block that was judged."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seven days, or what is left of them."""

    block_day: date
    days: int
    came: float | None
    """None: part of it is not known."""
    system: float
    overridden: float
    naive: float | None
    """None: of a day that it repeats demand is not known, so there is no naive forecast."""


@dataclass(frozen=True, slots=True)
class Came:
    """A site's demand as its forecasts know it."""

    rows: Mapping[int, int]
    """By item id."""
    first_day: date
    demand: DailyMatrix

    @classmethod
    def of(cls, demand: DailyMatrix) -> "Came":
        """Take the demand of a run.

        Args:
            demand: As it was read.

        Returns:
            The same, by item id.
        """
        rows = {item.item_id: row for row, item in enumerate(demand.items)}
        return cls(rows, demand.days[0], demand)

    @property
    def until(self) -> date:
        """The last day known."""
        return self.demand.days[-1]

    def on(self, item_id: int, day: date) -> float | None:
        """Give an item's demand on a day; None: not known."""
        row, place = self.rows.get(item_id), (day - self.first_day).days
        if row is None or not 0 <= place < len(self.demand.days):
            return None
        if self.demand.censored[row, place] or self.demand.masked[row, place]:
            return None
        return float(self.demand.quantity[row, place])

    def week_before(self, item_id: int, first_day: date) -> list[float | None]:
        """Give what came in the seven days before a forecast begins; None where it is not known."""
        return [self.on(item_id, first_day - timedelta(days=n)) for n in range(BLOCK_DAYS, 0, -1)]


def outcomes_of(effect: Effect, came: Came) -> list[Outcome]:
    """Cut the days of an adjustment that have come, and were not judged yet, into blocks.

    Args:
        effect: What it made of the forecast.
        came: The site's demand.

    Returns:
        The blocks; none before seven days, or all that are left, have come.
    """
    whole = (effect.until_day - effect.from_day).days + 1
    known = (came.until - effect.from_day).days + 1
    first = 0 if effect.judged_day is None else (effect.judged_day - effect.from_day).days + BLOCK_DAYS
    found = []
    for start in range(first, whole, BLOCK_DAYS):
        stop = min(start + BLOCK_DAYS, whole)
        if stop > known:
            break
        days = [effect.from_day + timedelta(days=n) for n in range(start, stop)]
        places = [(day - effect.first_day).days % BLOCK_DAYS for day in days]
        found.append(
            Outcome(
                block_day=days[0],
                days=stop - start,
                came=_whole([came.on(effect.item_id, day) for day in days]),
                system=sum(effect.system[start:stop]),
                overridden=sum(effect.overridden[start:stop]),
                naive=_whole([effect.naive[place] for place in places] if effect.naive else [None]),
            )
        )
    return found


def _whole(days: list[float | None]) -> float | None:
    """Add up days; None: one is not known."""
    known = [day for day in days if day is not None]
    return sum(known) if len(known) == len(days) else None


def keep_outcomes(conn: Connection, site: str, came: Came) -> int:
    """Keep what came in blocks that are over since the last run.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        came: The site's demand.

    Returns:
        How many blocks were kept.
    """
    return sum(
        store.change(
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
        for effect in store.rows(conn, Effect, "unjudged", site=site)
        for one in outcomes_of(effect, came)
    )
