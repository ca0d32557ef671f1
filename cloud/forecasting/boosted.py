"""LightGBM beside the members of the nightly combination: models that are kept, drivers as known then.

A model is fitted at the first origin, 13 weeks later and so on, and at the last one; a run takes over those
of the training in force and fits only where a training is due. An origin is forecast by the latest model
whose last day it knows, with the drivers ahead as they were known then. Pure, but for LightGBM itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from cloud.forecasting.boosting import NAME, PARAMETERS, TREES, Learned, fitted, speaker
from cloud.forecasting.drivers import Driven
from cloud.forecasting.features import Design, design
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.uplift import Covariates, effects, fit_columns
from cloud.forecasting.weeks import DAYS

SEASON_WEEKS: Final = 52
REFIT_WEEKS: Final = 13
MOST_TOLD: Final = 12
"""Features whose gain is told."""


@dataclass(frozen=True, slots=True)
class DatedTrees:
    """A model, and the last day that it was fitted to."""

    day: int
    """As an ordinal."""
    learned: Learned


@dataclass(frozen=True, slots=True)
class Further:
    """What a member beside the others said."""

    paths: Floats
    """Series x origins x weeks ahead; NaN where it says nothing."""
    models: tuple[DatedTrees, ...]
    is_new: bool
    """Whether a model was fitted at the last origin."""

    def told(self) -> Mapping[str, Any]:
        """Tell of the newest model, as JSON holds it."""
        if not self.models:
            return {}
        newest = self.models[-1].learned
        gains = sorted(zip(newest.features, newest.gains, strict=False), key=lambda one: -one[1])
        return {"rows": newest.rows, "gains": {name: round(gain, 4) for name, gain in gains[:MOST_TOLD]}}


@dataclass(frozen=True, slots=True)
class Boosting:
    """LightGBM as a further member."""

    kept: tuple[DatedTrees, ...] = ()
    """Of the training in force, by day."""
    is_due: bool = True
    """Whether a model is fitted to what is known now; else those that are kept serve on."""

    name = NAME

    def parameters(self) -> Mapping[str, Any]:
        """Tell what models are fitted with."""
        return {**PARAMETERS, "trees": TREES, "refitted_every_weeks": REFIT_WEEKS}

    def said(
        self,
        totals: Floats,
        origins: Ints,
        horizon_weeks: int,
        *,
        last_day: int,
        driven: Driven | None,
        without: Sequence[str] = (),
    ) -> Further:
        """Forecast from each origin.

        Args:
            totals: Series x weeks; the last week ends with the last day.
            origins: Weeks from which is forecast, ascending.
            horizon_weeks: How far.
            last_day: As an ordinal.
            driven: What drives the series; None: nothing is known to.
            without: Names of drivers that it may not look at.

        Returns:
            The forecasts, and the models they are of.

        Raises:
            BoostingError: If LightGBM is not installed.
        """
        paths = np.full((len(totals), len(origins), horizon_weeks), np.nan)
        day_of = last_day - DAYS * (totals.shape[1] - 1 - np.arange(totals.shape[1]))
        models = list(self._still_of_use(int(day_of[origins[0]])))
        wanted = self._columns(origins, day_of, models)
        for part in _parts(totals, origins, horizon_weeks, driven, without):
            here = origins[part.places]
            models += [
                DatedTrees(int(day_of[column]), fitted(part.plan, column))
                for column in wanted
                if int(here[0]) <= column <= int(here[-1])
            ]
            models.sort(key=lambda one: one.day)
            for model in models:
                after = [one.day for one in models if one.day > model.day]
                until = min(after, default=last_day + 1)
                served = here[(day_of[here] >= model.day) & (day_of[here] < until)].tolist()
                if served:
                    speak = speaker(model.learned)
                for origin in served:
                    paths[:, np.searchsorted(origins, origin)] = speak(part.ahead_of(origin), origin)
        return Further(paths, tuple(models), bool(wanted) and wanted[-1] == int(origins[-1]))

    def _still_of_use(self, first_day: int) -> Iterator[DatedTrees]:
        """Give the kept models that an origin may be forecast by."""
        for place, one in enumerate(self.kept):
            is_last = place + 1 == len(self.kept)
            if is_last or self.kept[place + 1].day > first_day:
                yield one

    def _columns(self, origins: Ints, day_of: Ints, models: Sequence[DatedTrees]) -> list[int]:
        """Choose the columns at which a model is fitted: where none is kept of the weeks before."""
        if models and not self.is_due:
            return []
        last = int(origins[-1])
        wanted = sorted({*fit_columns(origins, REFIT_WEEKS), last})
        days = [one.day for one in models]
        return [
            column
            for column in wanted
            if column == last
            or not any(day_of[column] - REFIT_WEEKS * DAYS < day <= day_of[column] for day in days)
        ]


@dataclass(frozen=True, slots=True)
class _Part:
    """Origins between two fits of the effects, and what is known of demand and drivers at them."""

    places: slice
    plan: Design
    """With the drivers of the past as known at the first of them, each later week's at its end."""
    driven: Driven | None
    number: int
    """Of the fit of the effects."""
    without: tuple[str, ...]

    def ahead_of(self, origin: int) -> Design:
        """Give the design with the drivers after an origin as they were known at it."""
        if self.driven is None or self.driven.known is None:
            return self.plan
        coming = _hidden(self.driven.known.ahead(origin), self.without)
        fit = self.driven.uplift.fits[self.number]
        past, baseline = self.plan.ahead[:, : origin + 1], self.plan.baseline
        effect = effects(coming, fit)
        return replace(
            self.plan,
            ahead=np.concatenate([past, coming.values], axis=1),
            baseline=None
            if baseline is None
            else np.concatenate([baseline[:, : origin + 1], effect], axis=1),
        )


def _parts(
    totals: Floats, origins: Ints, horizon: int, driven: Driven | None, without: Sequence[str]
) -> Iterator[_Part]:
    if driven is None or driven.known is None:
        plan = design(totals, None, horizon, season=SEASON_WEEKS, pools=None, baseline=None)
        yield _Part(slice(0, len(origins)), plan, None, 0, ())
        return
    for number, (fit, (places, cleaned)) in enumerate(zip(driven.uplift.fits, driven.versions, strict=True)):
        until = int(origins[places.stop - 1])
        known = driven.known.history(0, fit.column)
        later = [driven.known.history(week, week).values for week in range(fit.column + 1, until + 1)]
        seen = _hidden(replace(known, values=np.concatenate([known.values, *later], axis=1)), without)
        effect = effects(seen, fit)
        demand = np.full_like(totals, np.nan)
        demand[:, : until + 1] = cleaned[:, : until + 1] * np.exp(effect)
        padding = np.full((len(totals), totals.shape[1] - until - 1), np.nan)
        plan = design(
            demand,
            replace(
                seen,
                values=np.concatenate(
                    [seen.values, np.repeat(padding[:, :, None], len(seen.names), axis=2)], axis=1
                ),
            ),
            horizon,
            season=SEASON_WEEKS,
            pools=driven.uplift.pools,
            baseline=np.concatenate([effect, np.nan_to_num(padding)], axis=1),
        )
        yield _Part(places, plan, driven, number, tuple(without))


def _hidden(covariates: Covariates, without: Sequence[str]) -> Covariates:
    """Let some drivers be unknown: they have no effect, and trees cannot ask for them."""
    if not without:
        return covariates
    values = covariates.values.copy()
    values[:, :, [name in without for name in covariates.names]] = np.nan
    return replace(covariates, values=values)


def as_array(models: Sequence[DatedTrees]) -> NDArray[np.uint8]:
    """Write models, to be kept.

    Args:
        models: They.

    Returns:
        Bytes that `from_array` takes.
    """
    told = [{"day": one.day, **asdict(one.learned)} for one in models]
    return np.frombuffer(orjson.dumps(told), dtype=np.uint8)


def from_array(held: NDArray[np.uint8]) -> tuple[DatedTrees, ...]:
    """Read models again.

    Args:
        held: As `as_array` gave it.

    Returns:
        The models.
    """
    return tuple(
        DatedTrees(one["day"], Learned(one["text"], tuple(one["features"]), one["rows"], tuple(one["gains"])))
        for one in orjson.loads(held.tobytes())
    )
