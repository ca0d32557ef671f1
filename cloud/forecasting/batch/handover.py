"""What replenishment is given of weekly series (DOMAIN D10): demand by day, and sums by level. Pure.

A week's demand is shared out evenly over its days. Bands are calibrated on sums of whole weeks; within a week
days count as alike and independent, and between two horizons quantiles are interpolated.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cloud.forecasting.batch.bands import calibrate, draw
from cloud.forecasting.batch.evaluate import Evaluation
from cloud.forecasting.batch.scales import Targets, past_of, scale_errors
from cloud.forecasting.protocol import Floats, Ints

DAYS: Final = 7
HORIZONS: Final = (1, 7, 14, 28, 56, 91)
"""Days over which demand is summed; the protection period comes to them."""
WEEKS: Final = HORIZONS[-1] // DAYS
"""How far weekly series must be forecast."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """The columns `mean` and `cum_q` of D10."""

    mean: NDArray[np.float32]
    """Series x 91 days; NaN where nothing is known of a series."""
    horizons: Ints
    """Series x 7: days, the last the protection period."""
    cum_q: NDArray[np.float32]
    """Series x 7 x levels."""


def hand_over(y: Floats, made: Evaluation, protection_days: Ints) -> HandOver:
    """Write the forecast in force as replenishment reads it.

    Args:
        y: Series x weeks, as it was evaluated.
        made: With a horizon of 13 weeks.
        protection_days: Of each series, 1 to 91.

    Returns:
        Days and sums.

    Raises:
        ValueError: If the horizon or a protection period is another.
    """
    if made.forecast.shape[2] != WEEKS:
        raise ValueError(f"horizon is {made.forecast.shape[2]} weeks: expected {WEEKS}")
    if (protection_days < 1).any() or (protection_days > HORIZONS[-1]).any():
        raise ValueError(f"protection periods are {protection_days!r}: expected 1 to {HORIZONS[-1]} days")
    ends = np.array(HORIZONS[1:]) // DAYS
    targets = Targets(np.zeros_like(ends), ends)
    at = made.origins.at
    scaled = scale_errors(
        targets.of(made.forecast),
        targets.of(made.actual),
        past_of(y, at),
        origins=at,
        targets=targets,
        volume=made.forecast.mean(axis=2),
        one_step=made.forecast[:, :, 0] - made.actual[:, :, 0],
    )
    now = made.forecast[:, -1]
    sums = draw(calibrate(scaled, at, targets), scaled, len(at) - 1, targets.of(now))
    day = now[:, :1] / DAYS
    first = np.maximum(day + (sums[:, 0] - now[:, :1]) / np.sqrt(DAYS), 0)
    known = np.concatenate([first[:, None], sums], axis=1)
    protected = _between(known, protection_days)
    return HandOver(
        mean=np.repeat(now / DAYS, DAYS, axis=1).astype(np.float32),
        horizons=np.concatenate(
            [np.broadcast_to(HORIZONS, (len(y), len(HORIZONS))), protection_days[:, None]], axis=1
        ),
        cum_q=np.concatenate([known, protected[:, None]], axis=1).astype(np.float32),
    )


def _between(known: Floats, days: Ints) -> Floats:
    """Interpolate quantiles at a number of days (series x levels)."""
    horizons = np.array(HORIZONS)
    after = np.clip(np.searchsorted(horizons, days), 1, len(horizons) - 1)
    part = (days - horizons[after - 1]) / (horizons[after] - horizons[after - 1])
    rows = np.arange(len(days))
    low, high = known[rows, after - 1], known[rows, after]
    result: Floats = low + part[:, None] * (high - low)
    return result
