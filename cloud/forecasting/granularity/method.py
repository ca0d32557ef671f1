"""A site's method, forecasting each class of items in the bucket chosen for it. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np

from cloud.forecasting.batch.classes import NAMES, patterns
from cloud.forecasting.domain import JUDGED_WEEKS
from cloud.forecasting.granularity.base import by_block, by_day
from cloud.forecasting.granularity.choosing import choose, play_all
from cloud.forecasting.granularity.domain import (
    CHOSEN_FOR,
    DAY_WEEKS,
    LEAST_SERIES,
    Bucket,
    Choice,
    in_force,
    review_class,
)
from cloud.forecasting.granularity.stock import terms_of
from cloud.forecasting.granularity.temporal import by_days, in_blocks, reconciled_weeks
from cloud.forecasting.policies import Policies
from cloud.forecasting.protocol import Floats, Ints, Method, Said, Spread
from cloud.forecasting.weekdays import weekday_shares
from cloud.forecasting.weeks import DAYS, Weeks

Names = np.ndarray[tuple[int, ...], np.dtype[np.str_]]


@dataclass(frozen=True, slots=True)
class Decided:
    """Which bucket each series is forecast in, and what was decided anew."""

    classes: tuple[str, ...]
    """Of each series."""
    choices: Mapping[str, Choice]
    """By class, in force."""
    anew: tuple[Choice, ...]
    """Those of this run."""


class Granular:
    """Forecasts as the method it stands for, in weeks, days, blocks of four weeks or all three.

    What was said of past weeks is what the choice of that time said.
    """

    def __init__(
        self, inner: Method, policies: Policies, unit_cost: Floats, choices: Sequence[Choice] = ()
    ) -> None:
        """Take what is known.

        Args:
            inner: Forecasts weeks.
            policies: Of each series.
            unit_cost: Of each series; NaN: not known.
            choices: Made before, the oldest first.
        """
        self._inner = inner
        self._policies = policies
        self._unit_cost = unit_cost
        self._choices = tuple(choices)

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
        """Tell those of the method, and what was chosen before."""
        return {
            **self._inner.parameters(),
            "buckets": {one.class_name: one.bucket.value for one in self._choices},
        }

    def said(self, weeks: Weeks, origins: Ints, horizon_weeks: int, *, last_day: int, spread: Spread) -> Said:
        """Forecast weeks; then, of the classes for which another bucket is or may be chosen, in that.

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
        at_each = self._classes(weeks, origins)
        classes = tuple(at_each[:, -1].tolist())
        due = self._due(classes, today) if len(origins) > JUDGED_WEEKS else set()
        wanted = set(Bucket) if due else {one.bucket for one in self._choices} - {Bucket.WEEK}
        choices = list(self._choices)
        anew: tuple[Choice, ...] = ()
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
                choices += anew
            said = replace(said, paths=_chosen(paths, at_each, choices, today))
        decided = Decided(classes, {one.class_name: one for one in choices}, anew)
        return replace(said, why=partial(_why, said.why, decided), decided=decided)

    def _classes(self, weeks: Weeks, origins: Ints) -> Names:
        """Name each series' class at each origin: its pattern of demand, and how often it is ordered."""
        pattern = np.array([*NAMES, "without demand"])[patterns(weeks.totals, origins)]
        review = np.array([review_class(int(days)) for days in self._policies.review_days])
        named = np.char.add(np.char.add(pattern, ", "), review[:, None])
        return np.asarray(named, dtype=np.str_)

    def _due(self, classes: Sequence[str], today: date) -> set[str]:
        """Tell which classes of enough items have no choice yet, or one that is older than it holds."""
        latest = {one.class_name: one.decided_on for one in self._choices}
        return {
            name
            for name, count in Counter(classes).items()
            if today - latest.get(name, date.min) >= CHOSEN_FOR and count >= LEAST_SERIES
        }


def _why(told: Callable[[int], Mapping[str, Any]], decided: Decided, row: int) -> Mapping[str, Any]:
    name = decided.classes[row]
    choice = decided.choices.get(name)
    found: dict[str, Any] = {
        "class": name,
        "items": decided.classes.count(name),
        "bucket": Bucket.WEEK.value if choice is None else choice.bucket.value,
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


def _chosen(paths: Mapping[Bucket, Floats], classes: Names, choices: Sequence[Choice], today: date) -> Floats:
    """Put in what the choice of each origin's time said."""
    result = paths[Bucket.WEEK].copy()
    count = result.shape[1]
    for place in range(count):
        day = today - timedelta(days=DAYS * (count - 1 - place))
        for name in np.unique(classes[:, place]).tolist():
            bucket = in_force(choices, name, day)
            if bucket is not Bucket.WEEK:
                rows = classes[:, place] == name
                result[rows, place] = paths[bucket][rows, place]
    return result
