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
from cloud.forecasting.effects.learning import OTHERS, SiteEffects, learn_effects, with_days
from cloud.forecasting.event_days import FARTHEST
from cloud.forecasting.event_traces import KINDS, MARGIN, Traces
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.uplift import Covariates
from cloud.forecasting.uplift_told import combined_effect
from cloud.forecasting.weekdays import weekday_shares
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
    around = [demand.days[0] + timedelta(days=number) for number in range(-MARGIN, len(demand.days) + MARGIN)]
    known = events.matrix(conn, site, ids, around, as_known_at=now)
    if not any(one.from_day <= last and one.to_day >= demand.days[0] for one in known.events):
        raise ForecastError(
            f"site {site!r}: no event is known in its {WEEKS} weeks of demand; state some first, as with "
            "`dockledger forecast events add`"
        )
    kept = np.sort(np.argsort(-demand.quantity.sum(axis=1), kind="stable")[:MOST_ITEMS])
    weeks = weeks_of(demand.quantity[kept], demand.censored[kept] | demand.masked[kept])
    subjects = events.subjects(conn, ids)
    categories = tuple(subjects[row].category for row in kept.tolist())
    traces = Traces(known.names)
    daily = traces.of(known.values[kept])
    shares = weekday_shares(weeks.daily, np.array([weeks.count - 1])).shares[:, 0]
    extra = len(traces.added)
    on_weeks = learn_effects(
        weeks.totals,
        Covariates(
            traces.beside(by_week(daily, shares), daily), traces.every, (*known.references, *[0.0] * extra)
        ),
        (*known.kinds, *(KINDS[name] for name in traces.added)),
        _numbered(categories),
        np.array([*known.priors, *[0.0] * extra]),
    )
    effects = with_days(on_weeks, weeks, daily, traces)
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
        effect = combined_effect(told.effects.uplift, row, shift)
        beyond = _beyond(told.effects, shift)
        days = np.array(mean)
        base = float(days[start : end + 1].sum())
        expected, low, high = (
            float(_moved(days, start, end, np.log(factor), beyond)[start : end + 1].sum())
            for factor in (effect.factor, effect.low, effect.high)
        )
        made.append(
            Expected(
                item=code,
                base_unit=unit,
                is_own=is_own,
                factor=expected / base if base else effect.factor,
                low=low / base if base else effect.low,
                high=high / base if base else effect.high,
                base=base,
                expected=expected,
                expected_low=low,
                expected_high=high,
            )
        )
    if not any(one.is_own for one in made):
        raise ForecastError(f"there is no forecast in force of it at {told.site!r}: run one first")
    return sorted(made, key=lambda one: (not one.is_own, one.item))


def _beyond(effects: SiteEffects, shift: Floats) -> float:
    """Give by how much more its days are moved than its weeks: a log."""
    if effects.days is None:
        return 0.0
    beyond = effects.days.beyond[0]
    return float(shift[: len(beyond)] @ beyond)


def _moved(days: Floats, start: int, end: int, log: float, beyond: float) -> Floats:
    """Move the days of an event and the other days of its weeks, as a forecast does.

    Args:
        days: As forecast, the first one that of a week.
        start: First day of the event.
        end: Its last day.
        log: Of what it does to a whole week of it.
        beyond: By how much more its days are moved.

    Returns:
        The days.
    """
    count = -(-len(days) // DAYS)
    filled, on_days = np.zeros(count * DAYS), np.zeros(count * DAYS)
    filled[: len(days)] = days
    on_days[start : end + 1] = 1
    weeks, is_on = filled.reshape(count, DAYS), on_days.reshape(count, DAYS)
    total = weeks.sum(axis=1, keepdims=True)
    part = np.divide(
        (weeks * is_on).sum(axis=1, keepdims=True), total, out=np.zeros_like(total), where=total > 0
    )
    moved = weeks * np.exp(np.clip(is_on * (log + beyond), -FARTHEST, FARTHEST))
    whole = moved.sum(axis=1, keepdims=True)
    scale = np.divide(total * np.exp(log * part), whole, out=np.zeros_like(total), where=whole > 0)
    result: Floats = (moved * scale).reshape(-1)[: len(days)]
    return result


def _numbered(categories: tuple[str | None, ...]) -> Ints:
    known = {one: place for place, one in enumerate(sorted({one for one in categories if one is not None}))}
    return np.array([-1 if one is None else known[one] for one in categories], dtype=np.int64)
