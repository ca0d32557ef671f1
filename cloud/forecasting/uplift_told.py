"""What was learned of events, as factors with their intervals. Numpy on arrays, pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Floats
from cloud.forecasting.uplift import Uplift

Z95: Final = 1.959964
BEYOND_DOUBT: Final = 3.0
"""Standard errors by which an effect differs from none that is used only where it is beyond doubt."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one unit of a covariate does to demand, as a factor, with its 95 % interval."""

    name: str
    factor: float
    low: float
    high: float

    @property
    def is_beyond_doubt(self) -> bool:
        """Whether it differs from none by more than chance brings about among many."""
        deviation = np.log(self.high / self.low) / (2 * Z95)
        return bool(abs(np.log(self.factor)) >= BEYOND_DOUBT * deviation)


def pool_effects(uplift: Uplift, pool: int = 0, at: int = -1) -> tuple[Effect, ...]:
    """Tell the effects of a pool.

    Args:
        uplift: As learned.
        pool: Its number.
        at: Place of the fit; the last by default.

    Returns:
        One per covariate: of the typical series of the pool.
    """
    found = uplift.fits[at].effects
    deviations = np.sqrt(np.diagonal(found.pooled_covariances[pool]))
    return _told(uplift.names, found.pooled[pool], deviations)


def series_effects(uplift: Uplift, series: int, at: int = -1) -> tuple[Effect, ...]:
    """Tell the effects of one series.

    Args:
        uplift: As learned.
        series: Its row.
        at: Place of the fit; the last by default.

    Returns:
        One per covariate.
    """
    found = uplift.fits[at].effects
    return _told(uplift.names, found.coefficients[series], np.sqrt(np.diagonal(found.covariances[series])))


def pool_combined(uplift: Uplift, shift: Floats, pool: int = 0, at: int = -1) -> Effect:
    """Tell what several covariates do together to the typical series of a pool.

    Args:
        uplift: As learned.
        shift: Of each covariate, by how much it stands above its value without effect.
        pool: Its number.
        at: Place of the fit; the last by default.

    Returns:
        The joint factor, with the interval of the joint estimate.
    """
    found = uplift.fits[at].effects
    log = float(shift @ found.pooled[pool])
    deviation = float(np.sqrt(max(shift @ found.pooled_covariances[pool] @ shift, 0.0)))
    return _told(("together",), np.array([log]), np.array([deviation]))[0]


def combined_effect(uplift: Uplift, series: int, shift: Floats, at: int = -1) -> Effect:
    """Tell what several covariates do together: a promotion of this depth, in this price.

    Args:
        uplift: As learned.
        series: Its row.
        shift: Of each covariate, by how much it stands above its value without effect.
        at: Place of the fit; the last by default.

    Returns:
        The joint factor, with the interval of the joint estimate.
    """
    found = uplift.fits[at].effects
    log = float(shift @ found.coefficients[series])
    deviation = float(np.sqrt(max(shift @ found.covariances[series] @ shift, 0.0)))
    return _told(("together",), np.array([log]), np.array([deviation]))[0]


def _told(names: Sequence[str], logs: Floats, deviations: Floats) -> tuple[Effect, ...]:
    return tuple(
        Effect(name, float(np.exp(log)), float(np.exp(log - Z95 * sd)), float(np.exp(log + Z95 * sd)))
        for name, log, sd in zip(names, logs, deviations, strict=True)
    )
