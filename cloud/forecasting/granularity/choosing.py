"""Which bucket each class of items is to be forecast in: that which its stock would have cost least. Pure.

Each bucket's forecast is rolled over the same origins, its bands are drawn from errors known then, and the
item's own policy is played with the levels they give (`cloud.forecasting.stock`). Another bucket than the one
chosen before is chosen only if it costs at least one per cent less, beyond chance from item to item (each by
the share of its own cost, lest a few dear ones decide) and from week to week.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from cloud.forecasting.calibration import Calibration, calibrate
from cloud.forecasting.domain import HORIZONS
from cloud.forecasting.event_days import EventDays
from cloud.forecasting.gains import LEAST_GAIN, Gain, t_of
from cloud.forecasting.granularity.domain import LEAST_SERIES, Bucket, BucketChoice, in_force
from cloud.forecasting.policies import level_at
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.rolling import roll
from cloud.forecasting.stock import Terms, play
from cloud.forecasting.weeks import DAYS, Weeks, summed_demand

NAIVE: Final = "naive"
"""The last week again, with bands of its own errors: the yardstick in the evidence, never chosen."""
PLAYED_WEEKS: Final = 26
"""Last weeks over which policies are played, at most; as many before them teach the bands."""
LEAST_T: Final = 2.13
"""One-sided 95 %, three others being tried at once (Bonferroni)."""
CHUNK: Final = 500
"""Series whose quantiles are drawn at a time."""
_HORIZONS: Final = np.array(HORIZONS)


@dataclass(frozen=True, slots=True)
class Played:
    """What stock would have cost with each forecast, and how far off its sums were."""

    costs: Mapping[str, Floats]
    """By bucket, and of the naive forecast: series x weeks; NaN where a level was not known."""
    errors: Mapping[str, Floats]
    """Absolute errors of the sum over what an order must cover, in the same shape; NaN where not known."""
    demand: Floats
    """Of these sums."""
    lasting_weeks: Ints
    """Of each series for how many weeks an order is felt: costs of so many weeks are not independent."""
    from_day: date
    to_day: date


def play_all(
    paths: Mapping[Bucket, Floats],
    weeks: Weeks,
    origins: Ints,
    terms: Terms,
    *,
    target: Floats,
    last_day: date,
    factors: Floats | None,
    days: EventDays | None = None,
) -> Played:
    """Play every series' policy with each bucket's forecast.

    Args:
        paths: By bucket: series x origins x weeks ahead; the last origin is the one in force.
        weeks: What is known.
        origins: Weeks, each after the other.
        terms: Of the policies.
        target: Of each series its service.
        last_day: The last one known.
        factors: By which events move the paths.
        days: How events move the days within their weeks.

    Returns:
        Costs of the last weeks.
    """
    count = min(PLAYED_WEEKS, len(origins) // 2)
    places = np.arange(len(origins) - 1 - count, len(origins) - 1)
    horizons, of_series = np.unique(terms.protection_days, return_inverse=True)
    came = summed_demand(weeks.daily, origins[places], horizons)
    actual = np.take_along_axis(came, of_series[:, None, None], axis=2)[:, :, 0]
    levels, errors = {}, {}
    naive = _repeated(weeks, origins, next(iter(paths.values())))
    given: list[tuple[str, Floats]] = [(bucket.value, path) for bucket, path in paths.items()]
    for name, said in [*given, (NAIVE, naive)]:
        is_naive = name == NAIVE
        rolled = roll(
            said,
            weeks,
            origins,
            _HORIZONS,
            None if is_naive else factors,
            days=None if is_naive else days,
        )
        calibration = calibrate(rolled, weeks)
        sums = rolled.sums_of(said, horizons)
        levels[name] = _levels(calibration, sums, places, (horizons, of_series), target)
        centre = np.take_along_axis(sums[:, places], of_series[:, None, None], axis=2)[:, :, 0]
        errors[name] = abs(centre - actual)
    ordered = np.stack(list(levels.values()))
    cost = play(ordered, weeks.daily[:, origins[places] + 1], terms)
    return Played(
        costs=dict(zip(levels, cost, strict=True)),
        errors=errors,
        demand=actual,
        lasting_weeks=terms.lasting_weeks,
        from_day=last_day - timedelta(days=DAYS * count - 1),
        to_day=last_day,
    )


def choose(
    played: Played, classes: Sequence[str], before: Sequence[BucketChoice], due: Collection[str]
) -> list[BucketChoice]:
    """Choose a bucket for each class.

    Args:
        played: What stock would have cost.
        classes: Of each series its class.
        before: What was chosen before, the oldest first.
        due: Classes to choose for.

    Returns:
        One choice per class, with its evidence.
    """
    named = np.array(classes)
    return [
        _choice(played, named == name, name, in_force(before, name, played.to_day)) for name in sorted(due)
    ]


def _choice(played: Played, within: Bools, name: str, champion: Bucket) -> BucketChoice:
    costs = {bucket: cost[within] for bucket, cost in played.costs.items()}
    finite = np.isfinite(sum(costs.values()))
    known = finite.any(axis=1)
    series = int(known.sum())
    costs = {bucket: np.where(finite, cost, 0) for bucket, cost in costs.items()}
    told: dict[str, Any] = {
        "series": series,
        "from_day": played.from_day.isoformat(),
        "to_day": played.to_day.isoformat(),
        "before": champion.value,
        "least_gain": LEAST_GAIN,
        "least_t": LEAST_T,
    }
    if series < LEAST_SERIES:
        told["why"] = f"{series} items with a backtest: expected at least {LEAST_SERIES} to choose by"
        return BucketChoice(name, champion, played.to_day, told)
    told["cost"] = {bucket: round(_total(cost[known]), 6) for bucket, cost in costs.items()}
    told["wape"] = {
        bucket: _wape(error[within], played.demand[within]) for bucket, error in played.errors.items()
    }
    lasting = int(np.median(played.lasting_weeks[within][known]))
    gains = {
        bucket: _gain(costs[champion.value][known], costs[bucket.value][known], lasting)
        for bucket in Bucket
        if bucket is not champion and bucket.value in costs
    }
    told["gains"] = {bucket.value: gain.told() for bucket, gain in gains.items()}
    sure = [bucket for bucket, gain in gains.items() if gain.is_sure(LEAST_T)]
    chosen = min(sure, key=lambda one: told["cost"][one.value], default=champion)
    told["why"] = (
        f"stock by {chosen.words} would have cost {gains[chosen].share:.1%} less than by {champion.words}"
        if chosen is not champion
        else f"nothing else would have cost {LEAST_GAIN:.0%} less than {champion.words}, beyond chance"
    )
    return BucketChoice(name, chosen, played.to_day, told)


def _repeated(weeks: Weeks, origins: Ints, like: Floats) -> Floats:
    at = np.where(np.isfinite(weeks.totals), np.arange(weeks.count)[None], -1)
    latest = np.maximum.accumulate(at, axis=1)[:, origins]
    last = np.where(latest >= 0, np.take_along_axis(weeks.totals, np.maximum(latest, 0), axis=1), np.nan)
    return np.broadcast_to(last[:, :, None], like.shape)


def _levels(
    calibration: Calibration, sums: Floats, places: Ints, horizons: tuple[Ints, Ints], target: Floats
) -> Floats:
    """Give the quantiles at each series' target, over what its orders must cover: series x places."""
    found = np.full((len(sums), len(places)), np.nan)
    for first in range(0, len(sums), CHUNK):
        rows = np.arange(first, min(first + CHUNK, len(sums)))
        asked, own = np.unique(horizons[1][rows], return_inverse=True)
        for column, place in enumerate(places.tolist()):
            drawn = calibration.quantiles(place, sums[rows, place][:, asked], horizons[0][asked], rows)
            found[rows, column] = level_at(drawn[np.arange(len(rows)), own], target[rows])
    return found


def _gain(champion: Floats, challenger: Floats, lasting: int) -> Gain:
    less = champion - challenger
    both = (champion + challenger).sum(axis=1)
    share = np.divide(less.sum(axis=1), both, out=np.zeros_like(both), where=both > 0)
    by_week = np.sort(less, axis=0).sum(axis=0)
    return Gain(_total(champion), _total(challenger), t_of(np.sort(share)), t_of(by_week, lasting))


def _wape(errors: Floats, demand: Floats) -> float | None:
    known = np.isfinite(errors) & np.isfinite(demand)
    whole = _total(demand[known])
    return round(_total(errors[known]) / whole, 4) if whole > 0 else None


def _total(values: Floats) -> float:
    return float(np.sort(values, axis=None).sum())
