"""A site's method, forecasting each class of items in the bucket chosen for it. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np

from cloud.forecasting.batch.classes import NAMES, patterns
from cloud.forecasting.domain import JUDGED_WEEKS
from cloud.forecasting.granularity.base import by_block, by_day
from cloud.forecasting.granularity.choosing import choose
from cloud.forecasting.granularity.domain import (
    CHOSEN_FOR,
    DAY_WEEKS,
    LEAST_SERIES,
    Bucket,
    BucketChoice,
    review_class,
)
from cloud.forecasting.granularity.playing import play_all
from cloud.forecasting.granularity.temporal import by_days, in_blocks, reconciled_weeks
from cloud.forecasting.policies import Policies
from cloud.forecasting.protocol import Floats, Ints, Method, Said, Spread
from cloud.forecasting.stock import terms_of
from cloud.forecasting.weekdays import weekday_shares
from cloud.forecasting.weeks import DAYS, Weeks


@dataclass(frozen=True, slots=True)
class Decided:
    """Which bucket each series is forecast in, and what was decided for its class."""

    classes: tuple[str, ...]
    """Of each series."""
    buckets: tuple[Bucket, ...]
    """Of each series: in which it is forecast."""
    choices: Mapping[str, BucketChoice]
    """By class, the latest."""
    anew: tuple[BucketChoice, ...]
    """Those of this run."""

    @property
    def kinds(self) -> Ints:
        """Number the periods that series are forecast in."""
        places = [list(Bucket).index(bucket) for bucket in self.buckets]
        return np.array(places, dtype=np.int64)


class Granular:
    """Forecasts as the method it stands for, each series in the period that is approved for it.

    That is weeks, days, blocks of four weeks, or all three. All origins are forecast in the same: so what is
    told of past weeks, and the bands, are of the period that is forecast in now. Where a class of series is
    due it also finds what stock would have cost with each, and chooses; replenishment makes that a parameter.
    """

    def __init__(
        self,
        inner: Method,
        policies: Policies,
        unit_cost: Floats,
        *,
        choices: Sequence[BucketChoice] = (),
        buckets: Sequence[Bucket] = (),
    ) -> None:
        """Take what is known.

        Args:
            inner: Forecasts weeks.
            policies: Of each series.
            unit_cost: Of each series; NaN: not known.
            choices: Made before, the oldest first.
            buckets: Of each series the period that is approved for it; empty: weeks for all.
        """
        self._inner = inner
        self._policies = policies
        self._unit_cost = unit_cost
        self._choices = tuple(choices)
        self._buckets = tuple(buckets)

    @property
    def inner(self) -> Method:
        """The method it stands for."""
        return self._inner

    @property
    def name(self) -> str:
        """That of the method it stands for."""
        return self._inner.name

    @property
    def min_weeks(self) -> int:
        """The same."""
        return self._inner.min_weeks

    def parameters(self) -> Mapping[str, Any]:
        """Tell those of the method, and how many series are forecast in which period."""
        counts = Counter(bucket.value for bucket in self._buckets)
        return {**self._inner.parameters(), "buckets": dict(sorted(counts.items()))}

    def said(self, weeks: Weeks, origins: Ints, horizon_weeks: int, *, last_day: int, spread: Spread) -> Said:
        """Forecast weeks; then in the other periods that are approved for series, or may be chosen.

        Args:
            weeks: What is known.
            origins: The weeks from which is forecast.
            horizon_weeks: How far, > 0.
            last_day: The last day known, as an ordinal.
            spread: Works on chunks of series.

        Returns:
            What was said, with the choices.
        """
        said = self._inner.said(weeks, origins, horizon_weeks, last_day=last_day, spread=spread)
        today = date.fromordinal(last_day)
        classes = self._classes(weeks, origins)
        due = self._due(classes, today) if len(origins) > JUDGED_WEEKS else set()
        wanted = set(Bucket) if due else set(self._buckets) - {Bucket.WEEK}
        anew: tuple[BucketChoice, ...] = ()
        if wanted:
            paths = paths_in(said, weeks, origins, spread=spread, wanted=wanted)
            if due:
                played = play_all(
                    paths,
                    weeks,
                    origins,
                    terms_of(self._policies, self._unit_cost),
                    target=self._policies.service,
                    last_day=today,
                    factors=said.factors,
                    days=said.days,
                )
                anew = tuple(choose(played, classes, self._choices, due))
            said = replace(said, paths=_each_in_its_own(paths, self._buckets))
        latest = {one.class_name: one for one in (*self._choices, *anew)}
        decided = Decided(classes, self._buckets or (Bucket.WEEK,) * len(classes), latest, anew)
        return replace(
            said, why=partial(_why, said.why, decided, Counter(classes)), decided=decided, versions=()
        )

    def _classes(self, weeks: Weeks, origins: Ints) -> tuple[str, ...]:
        """Name each series' class: its pattern of demand, and how often it is ordered."""
        names = (*NAMES, "without demand")
        return tuple(
            f"{names[pattern]}, {review_class(int(days))}"
            for pattern, days in zip(
                patterns(weeks.totals, origins[-1:])[:, 0], self._policies.review_days, strict=True
            )
        )

    def _due(self, classes: Sequence[str], today: date) -> set[str]:
        """Tell which classes of enough items have no choice yet, or one that is older than it holds."""
        latest = {one.class_name: one.decided_on for one in self._choices}
        return {
            name
            for name, count in Counter(classes).items()
            if today - latest.get(name, date.min) >= CHOSEN_FOR and count >= LEAST_SERIES
        }


def _why(
    told: Callable[[int], Mapping[str, Any]], decided: Decided, sizes: Mapping[str, int], row: int
) -> Mapping[str, Any]:
    name = decided.classes[row]
    choice = decided.choices.get(name)
    found: dict[str, Any] = {
        "class": name,
        "items": sizes[name],
        "bucket": decided.buckets[row].value,
        "chosen": None if choice is None else choice.bucket.value,
        "decided_on": None if choice is None else choice.decided_on.isoformat(),
        "evidence": None if choice is None else _shown(choice.evidence),
    }
    return {**told(row), "granularity": found}


def _shown(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of the evidence what an item's page shows; all of it stays with the choice."""
    return {name: evidence[name] for name in ("why", "cost", "wape") if name in evidence}


def paths_in(
    said: Said, weeks: Weeks, origins: Ints, *, spread: Spread, wanted: set[Bucket]
) -> dict[Bucket, Floats]:
    """Forecast in other buckets.

    Args:
        said: In weeks.
        weeks: What is known.
        origins: The weeks from which is forecast.
        spread: Works on chunks of series.
        wanted: Which buckets.

    Returns:
        By bucket, that of weeks among them: series x origins x weeks ahead, with effects.
    """
    factors = 1.0 if said.factors is None else said.factors
    plain = said.paths / factors
    near = slice(DAY_WEEKS)
    found = {Bucket.WEEK: plain}
    days = blocks = None
    if wanted & {Bucket.DAY, Bucket.RECONCILED}:
        versions = [(places, _by_day(weeks, y)) for places, y in said.versions]
        weekdays = said.days.weekdays if said.days else weekday_shares(weeks.daily, origins)
        shape = (*plain.shape[:2], DAY_WEEKS, DAYS)
        days = by_day(weeks.daily, origins, weekdays.shares, spread, versions).reshape(shape).sum(axis=3)
        days = days[:, :, : plain.shape[2]]
    if wanted & {Bucket.FOUR_WEEKS, Bucket.RECONCILED}:
        blocks = by_block(weeks.totals, origins, plain.shape[2], spread, said.versions)
    if days is not None and Bucket.DAY in wanted:
        found[Bucket.DAY] = by_days(days, plain)
    if blocks is not None and Bucket.FOUR_WEEKS in wanted:
        found[Bucket.FOUR_WEEKS] = in_blocks(plain, blocks)
    if days is not None and blocks is not None and Bucket.RECONCILED in wanted:
        padded = np.full(plain.shape, np.nan)
        padded[:, :, near] = days
        found[Bucket.RECONCILED] = reconciled_weeks(padded, plain, blocks)
    return {Bucket.WEEK: said.paths} | {
        bucket: path * factors for bucket, path in found.items() if bucket is not Bucket.WEEK
    }


def _by_day(weeks: Weeks, cleaned: Floats) -> Floats:
    """Take from days what was taken from their week."""
    ratio = np.divide(cleaned, weeks.totals, out=np.ones_like(cleaned), where=weeks.totals > 0)
    result: Floats = weeks.daily * ratio[:, :, None]
    return result


def _each_in_its_own(paths: Mapping[Bucket, Floats], buckets: Sequence[Bucket]) -> Floats:
    """Take each series from the forecast in its period; without any, weeks."""
    result = paths[Bucket.WEEK].copy()
    named = np.array([bucket.value for bucket in buckets])
    for bucket in set(buckets) - {Bucket.WEEK}:
        rows = named == bucket.value
        result[rows] = paths[bucket][rows]
    return result
