"""Effects of a site's events, and what a planned one would do. Needs numpy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np

from cloud.db import Connection
from cloud.demand.reading import DailyMatrix, daily_matrix
from cloud.events import reading as events
from cloud.events.arrays import shifts
from cloud.events.domain import Kind, faults_of
from cloud.forecasting import store
from cloud.forecasting.domain import READERS, ForecastError, UnknownForecastError
from cloud.forecasting.drivers import by_week
from cloud.forecasting.effects.learning import OTHERS, SiteEffects, learn_effects
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.uplift import Covariates, combined_effect
from cloud.forecasting.weeks import DAYS, weeks_of
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

WEEKS: Final = 104
"""How far back effects are learned from."""
MOST_ITEMS: Final = 3000
"""Items, those most asked for, that effects are learned from while somebody waits."""


@dataclass(frozen=True, slots=True)
class Told:
    """A site's effects, and what they rest on."""

    site: str
    first_day: date
    last_day: date
    items: int
    of_items: int
    known_at: datetime
    effects: SiteEffects
    demand: DailyMatrix
    categories: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a planned event would do to an item over its days, in base units."""

    item: str
    base_unit: str
    is_own: bool
    """False: an item of the same category that it takes demand from, or brings some to."""
    factor: float
    low: float
    high: float
    base: float
    """Forecast in force over the days."""
    expected: float
    expected_low: float
    expected_high: float
    """The interval is the effect's alone; the forecast's own band comes on top."""


def site_effects(conn: Connection, actor: Actor, *, site: str, now: datetime) -> Told:
    """Learn what events do at a site, from all that is known now.

    Args:
        conn: In a transaction.
        actor: Who may see its forecasts.
        site: Site id.
        now: The present.

    Returns:
        The effects.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownForecastError: If there is no such site within reach.
        ForecastError: If no demand, or no event, is known there.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor)
    found = store.places(conn, sites=[site], now=now)
    if not found:
        raise UnknownForecastError(f"there is no site {site!r} that you may see")
    if found[0].demand_until is None:
        raise ForecastError(f"site {site!r}: no demand is known, from which effects could be learned")
    last = min(found[0].demand_until, found[0].yesterday)
    demand = daily_matrix(conn, site, last - timedelta(days=WEEKS * DAYS - 1), last)
    ids = [item.item_id for item in demand.items]
    known = events.matrix(conn, site, ids, demand.days, as_known_at=now)
    if not known.events:
        raise ForecastError(
            f"site {site!r}: no event is known in its {WEEKS} weeks of demand; state some first, as with "
            "`dockledger forecast events add`"
        )
    kept = np.sort(np.argsort(-demand.quantity.sum(axis=1), kind="stable")[:MOST_ITEMS])
    weeks = weeks_of(demand.quantity[kept], demand.censored[kept] | demand.masked[kept])
    subjects = events.subjects(conn, ids)
    categories = tuple(subjects[row].category for row in kept.tolist())
    effects = learn_effects(
        weeks.totals,
        Covariates(by_week(known.values[kept]), known.names, known.references),
        known.kinds,
        _numbered(categories),
        np.array(known.priors),
    )
    return Told(
        site=site,
        first_day=demand.days[0],
        last_day=last,
        items=len(kept),
        of_items=len(ids),
        known_at=now,
        effects=effects,
        demand=demand._replace(items=tuple(demand.items[row] for row in kept.tolist())),
        categories=categories,
    )


def what_if(
    told: Told,
    conn: Connection,
    *,
    kind: Kind,
    attributes: Mapping[str, Any],
    from_day: date,
    to_day: date,
    item: str | None = None,
    category: str | None = None,
    name: str = "",
) -> list[Expected]:
    """Say what an event would do to the forecast in force, by what was learned.

    Args:
        told: The site's effects.
        conn: In the same transaction.
        kind: Of the event.
        attributes: Of the event, as depth 0.2 for a price 20 % lower.
        from_day: First day.
        to_day: Last day.
        item: Which item; or
        category: which category.
        name: Of a holiday or another named event.

    Returns:
        Items that it is about, then those of the same category, by code.

    Raises:
        ForecastError: If the scope holds no item with a forecast, the days are not forecast, or nothing was
            learned of such an event.
    """
    if faults := faults_of(kind, attributes):
        raise ForecastError("; ".join(faults))
    if (item is None) == (category is None):
        raise ForecastError("expected an item or a category, and not both")
    effects = told.effects
    names = effects.covariates.names
    wanted = shifts(kind.value, name, attributes)
    shift = np.zeros(len(names))
    for which, value in wanted.items():
        if which not in names:
            known = ", ".join(names)
            raise ForecastError(f"of {which!r} nothing was learned at {told.site!r}: known are {known}")
        shift[names.index(which)] = value
    own = [
        row
        for row, one in enumerate(told.demand.items)
        if (one.code == item if item is not None else told.categories[row] == category)
    ]
    if not own:
        what = f"item {item!r}" if item is not None else f"category {category!r}"
        raise ForecastError(f"{what}: nothing of it was asked for at {told.site!r} in {WEEKS} weeks")
    rows = [(row, shift, True) for row in own]
    if kind is Kind.PROMOTION and OTHERS in names:
        beside = np.zeros(len(names))
        beside[names.index(OTHERS)] = 1.0
        groups = {told.categories[row] for row in own} - {None}
        rows += [
            (row, beside, False)
            for row, group in enumerate(told.categories)
            if group in groups and row not in own
        ]
    return _expected(told, conn, rows, from_day, to_day)


def _expected(
    told: Told, conn: Connection, rows: list[tuple[int, Floats, bool]], from_day: date, to_day: date
) -> list[Expected]:
    ids = [told.demand.items[row].item_id for row, _, _ in rows]
    bases = {
        item_id: (unit, first, mean)
        for item_id, unit, first, mean in store.tuples(conn, "means_in_force", site=told.site, item_ids=ids)
    }
    made = []
    for row, shift, is_own in rows:
        code, item_id = told.demand.items[row]
        if item_id not in bases:
            continue
        unit, first, mean = bases[item_id]
        start, end = (from_day - first).days, (to_day - first).days
        if not 0 <= start <= end < len(mean):
            last = first + timedelta(days=len(mean) - 1)
            raise ForecastError(
                f"days {from_day} to {to_day}: expected days of {first} to {last}, as forecast"
            )
        base = float(sum(mean[start : end + 1]))
        effect = combined_effect(told.effects.uplift, row, shift)
        made.append(
            Expected(
                item=code,
                base_unit=unit,
                is_own=is_own,
                factor=effect.factor,
                low=effect.low,
                high=effect.high,
                base=base,
                expected=base * effect.factor,
                expected_low=base * effect.low,
                expected_high=base * effect.high,
            )
        )
    if not any(one.is_own for one in made):
        raise ForecastError(f"there is no forecast in force of it at {told.site!r}: run one first")
    return sorted(made, key=lambda one: (not one.is_own, one.item))


def _numbered(categories: tuple[str | None, ...]) -> Ints:
    known = {one: place for place, one in enumerate(sorted({one for one in categories if one is not None}))}
    return np.array([-1 if one is None else known[one] for one in categories], dtype=np.int64)
