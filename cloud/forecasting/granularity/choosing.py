"""Which bucket each class of items is to be forecast in: that which its stock would have cost least. Pure.

Another bucket than the one chosen before is chosen only if it costs at least one per cent less, beyond chance
from item to item (each by the share of its own cost, lest a few dear ones decide) and from week to week.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np

from cloud.forecasting.gains import LEAST_GAIN, Gain
from cloud.forecasting.granularity.domain import LEAST_SERIES, Bucket, BucketChoice, in_force
from cloud.forecasting.granularity.playing import Played
from cloud.forecasting.protocol import Bools, Floats

LEAST_T: Final = 2.13
"""One-sided 95 %, three others being tried at once (Bonferroni)."""


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
    told["coverage_80"], told["coverage_95"] = (
        {bucket: _share(getattr(one, within_band)[within]) for bucket, one in played.drawn.items()}
        for within_band in ("within_80", "within_95")
    )
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


def _gain(champion: Floats, challenger: Floats, lasting: int) -> Gain:
    less = champion - challenger
    both = (champion + challenger).sum(axis=1)
    share = np.divide(less.sum(axis=1), both, out=np.zeros_like(both), where=both > 0)
    by_week = np.sort(less, axis=0).sum(axis=0)
    return Gain.of(_total(champion), _total(challenger), np.sort(share), by_week, lasting)


def _wape(errors: Floats, demand: Floats) -> float | None:
    known = np.isfinite(errors) & np.isfinite(demand)
    whole = _total(demand[known])
    return round(_total(errors[known]) / whole, 4) if whole > 0 else None


def _share(within: Floats) -> float | None:
    known = np.isfinite(within)
    return round(float(np.nansum(within)) / int(known.sum()), 4) if known.any() else None


def _total(values: Floats) -> float:
    return float(np.sort(values, axis=None).sum())
