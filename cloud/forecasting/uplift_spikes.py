"""Spikes that no covariate explains: drawn in as far as past forecasts were the better for it. Pure."""

from typing import Final

import numpy as np

from cloud.forecasting.protocol import Floats

LIMITS: Final = (np.inf, 3.0, 2.0, 1.5)
"""Standard deviations of log demand around the level before, beyond which a period may be drawn in."""
LEVEL_WEIGHT: Final = 0.15
"""Of the newest period in the level."""
JUDGED: Final = 52
"""Last periods over which limits are compared."""
MOST_LOSS: Final = 0.002
"""The usual limit stays unless the mean square error rises by more than this part."""
USUAL: Final = 2.0
"""Limit where the past speaks neither for nor against one: a forecast is better for it in absolute error."""


def tamed(plain: Floats, level: Floats, noise: Floats, limit: float) -> tuple[Floats, Floats]:
    """Draw values beyond the limit to it; zeros and what is not known stay.

    Args:
        plain: Series x periods, without effects; NaN where not known.
        level: Of each series before the first of them; NaN where there is none yet.
        noise: Of each series the variance of the relative error.
        limit: Standard deviations of log demand.

    Returns:
        The values, and the level after each period.
    """
    width = np.exp(np.minimum(limit * np.sqrt(np.log1p(noise)), 50))
    result, levels = np.empty_like(plain), np.empty_like(plain)
    for period in range(plain.shape[1]):
        value = plain[:, period]
        has_level = np.isfinite(level) & (level > 0) & (value > 0)
        around = np.where(has_level, level, 1.0)
        value = np.where(has_level, np.clip(value, around / width, around * width), value)
        result[:, period] = value
        moved = np.where(np.isnan(level), value, level + LEVEL_WEIGHT * (value - level))
        level = np.where(np.isnan(value), level, moved)
        levels[:, period] = level
    return result, levels


def best_limit(y: Floats, factor: Floats, noise: Floats) -> float:
    """Choose the limit with the least mean square error of one-period forecasts, all series together.

    Args:
        y: Series x periods, NaN where not known.
        factor: The same shape: effect on each period, > 0.
        noise: Of each series the variance of the relative error.

    Returns:
        One of `LIMITS`; the usual one where too little is known to judge.
    """
    mean = np.nanmean(np.where(np.isfinite(y).any(axis=1, keepdims=True), y, 0.0), axis=1)
    scale = np.where(mean > 0, mean, np.inf)
    errors = {}
    for limit in LIMITS:
        _, levels = tamed(y / factor, np.full(len(y), np.nan), noise, limit)
        said = levels[:, :-1] * factor[:, 1:]
        square = ((said - y[:, 1:]) / scale[:, None])[:, -JUDGED:] ** 2
        errors[limit] = float(np.sort(np.nan_to_num(square), axis=None).sum())
    best = min(errors, key=lambda limit: errors[limit])
    return USUAL if errors[USUAL] <= (1 + MOST_LOSS) * errors[best] else best
