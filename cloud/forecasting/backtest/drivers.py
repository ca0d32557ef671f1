"""Covariates of a backtest in, what they do to demand and to forecasts out; each origin sees what it knew."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from cloud.forecasting import uplift
from cloud.forecasting.batch.evaluate import Drivers
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.uplift import Covariates, Uplift

BOOSTED: Final = "lightgbm"
"""Name of the learned global member."""


def learned(
    y: Floats, covariates: Mapping[str, Floats], origins: Ints, horizon: int, *, known_future: tuple[str, ...]
) -> tuple[Drivers, dict[str, Any]]:
    """Learn effects, and prepare what the members see and what their forecasts are multiplied by.

    A covariate that is not known in the future explains the past only: ahead it stands at its usual value.

    Args:
        y: Series x periods.
        covariates: Of each name series x periods; at least one.
        origins: Columns.
        horizon: Steps.
        known_future: Names whose values over the horizon were known at the origin.

    Returns:
        The drivers, and the effects in force as JSON holds them.
    """
    values = np.stack(list(covariates.values()), axis=2)
    told = uplift.as_covariates(values, tuple(covariates), until=int(origins[0]))
    found = uplift.learn(y, told, uplift.fit_columns(origins))
    is_known = np.array([name in known_future for name in covariates])
    factors = _factors(told, found, origins, horizon, is_known)
    return Drivers(
        factors=factors, versions=((slice(0, len(origins)), uplift.clean(y, told, found)),), beside={}
    ), {
        effect.name: {
            "factor": effect.factor,
            "low": effect.low,
            "high": effect.high,
            "is_known_in_future": bool(is_known[place]),
        }
        for place, effect in enumerate(uplift.pool_effects(found))
    }


def _factors(covariates: Covariates, found: Uplift, origins: Ints, horizon: int, is_known: Bools) -> Floats:
    series, periods, _ = covariates.values.shape
    ahead = np.full((series, horizon, len(is_known)), np.nan)
    values = _held(np.concatenate([covariates.values, ahead], axis=1))
    result = np.ones((series, len(origins), horizon))
    for fit in found.fits:
        within = np.array([found.at(int(origin)) is fit for origin in origins])
        if not within.any():
            continue
        usual = fit.references[:, None]
        seen = np.where(is_known & np.isfinite(values), values, usual)
        result[:, within] = uplift.factors(replace(covariates, values=seen), found, origins[within], horizon)
    # Beyond the last row of the file nothing is known: what stands there is not held to be.
    beyond = origins[:, None] + 1 + np.arange(horizon) >= periods
    return np.where(beyond, 1.0, result)


def _held(values: Floats) -> Floats:
    """Let the last known value stand where none is known after it."""
    place = np.where(np.isfinite(values), np.arange(values.shape[1])[None, :, None], -1)
    last = np.maximum.accumulate(place, axis=1)
    found: Floats = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    return np.where(last >= 0, found, np.nan)
