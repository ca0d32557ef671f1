"""Covariates of a backtest in, what they do to demand and to forecasts out; each origin sees what it knew."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cloud.forecasting.batch.evaluate import Drivers
from cloud.forecasting.boosting import NAME as BOOSTED
from cloud.forecasting.boosting import boost
from cloud.forecasting.drivers import Driven, driven
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.uplift import Covariates, Uplift, as_covariates, factors


def learned(
    y: Floats,
    covariates: Mapping[str, Floats],
    origins: Ints,
    horizon: int,
    *,
    known_future: tuple[str, ...],
    season: int,
    with_boosting: bool = False,
) -> tuple[Drivers, dict[str, Any]]:
    """Learn effects, and prepare what the members see and what their forecasts are multiplied by.

    A covariate that is not known in the future explains the past only: ahead it stands at its usual value.

    Args:
        y: Series x periods.
        covariates: Of each name series x periods; none: only boosting, if wished for, is beside the members.
        origins: Columns.
        horizon: Steps.
        known_future: Names whose values over the horizon were known at the origin.
        season: Periods per cycle.
        with_boosting: Whether LightGBM is a further member.

    Returns:
        The drivers, and the effects in force as JSON holds them.
    """
    if not covariates:
        beside = {BOOSTED: boost(y, None, origins, horizon, season=season).paths} if with_boosting else {}
        return Drivers(np.ones((len(y), len(origins), horizon)), (), beside), {}
    is_known = np.array([name in known_future for name in covariates])
    told = _until_the_horizon(covariates, origins, horizon)
    whole = driven(
        y, told, origins, horizon, season=season, with_boosting=with_boosting and bool(is_known.all())
    )
    beside = dict(whole.beside)
    if with_boosting and not is_known.all():
        known = {name: values for name, values in covariates.items() if name in known_future}
        beside = dict(
            learned(y, known, origins, horizon, known_future=known_future, season=season, with_boosting=True)[
                0
            ].beside
        )
    drivers = Drivers(
        factors=_factors(told, whole.uplift, origins, horizon, is_known=is_known, periods=y.shape[1]),
        versions=whole.versions,
        beside=beside,
    )
    return drivers, _effects(whole, is_known)


def _effects(whole: Driven, is_known: Bools) -> dict[str, Any]:
    return {
        effect["name"]: {
            "factor": effect["factor"],
            "low": effect["low"],
            "high": effect["high"],
            "is_known_in_future": bool(known),
        }
        for effect, known in zip(whole.pools()[0], is_known, strict=True)
    }


def _until_the_horizon(covariates: Mapping[str, Floats], origins: Ints, horizon: int) -> Covariates:
    """Add the periods beyond the file, and let the last known value stand where none is known after it.

    Before the first known one, and where none ever is, the covariate is without effect.
    """
    values = np.stack(list(covariates.values()), axis=2)
    ahead = np.full((len(values), horizon, values.shape[2]), np.nan)
    values = np.concatenate([values, ahead], axis=1)
    place = np.where(np.isfinite(values), np.arange(values.shape[1])[None, :, None], -1)
    last = np.maximum.accumulate(place, axis=1)
    held = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    until = int(origins[0])
    found = as_covariates(np.where(last >= 0, held, np.nan), tuple(covariates), until=until)
    for which, reference in enumerate(found.references):
        column = found.values[:, :, which]
        known = column[:, : until + 1][np.isfinite(column[:, : until + 1])]
        usual = float(np.median(known)) if reference is None and len(known) else 0.0
        np.nan_to_num(column, copy=False, nan=usual)
    return found


def _factors(
    covariates: Covariates, found: Uplift, origins: Ints, horizon: int, *, is_known: Bools, periods: int
) -> Floats:
    """Give the factors, without those of covariates that are not known ahead."""
    result = np.ones((len(covariates.values), len(origins), horizon))
    for fit in found.fits:
        within = np.array([found.at(int(origin)) is fit for origin in origins])
        if within.any():
            is_seen = is_known & np.isfinite(covariates.values)
            seen = np.where(is_seen, covariates.values, fit.references[:, None])
            result[:, within] = factors(replace(covariates, values=seen), found, origins[within], horizon)
    # Beyond the last row of the file nothing is known: what stands there is not held to be.
    beyond = origins[:, None] + 1 + np.arange(horizon) >= periods
    return np.where(beyond, 1.0, result)
