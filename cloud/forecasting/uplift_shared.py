"""What all series have in common in a period beside events: what it means for events all have at once. Pure.

Weather, pay day, a shop's bad week: one draw, however many series felt it. So an event that all have at
once, a holiday, is known as surely as its periods are many, not as the series are. The spread of such draws
is learned from all periods, and adds to the doubt about what series have in common (Moulton 1990). How large
effects of such events are is learned from themselves (empirical Bayes): of a few holidays, each seen once or
twice, what chance would bring about too is mostly chance.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from cloud.forecasting.protocol import Bools, Floats

SELDOM: Final = 0.1
"""Part of the periods in which an event is at most, for its effect to be learned with others of its kind."""
MOST_HAVE_IT: Final = 0.5
"""Part of the series that have an event in its periods, from which on all are said to have it at once."""
LEAST_EVENTS: Final = 3
"""Such covariates from which how large their effects are is learned."""
NO_INFORMATION: Final = 1e-6
"""Precision of a coefficient that nothing is told of."""
_GRID: Final = 1 << 20
"""Of what is summed over series the parts are whole multiples of 1 / 2^20, so that no order changes a sum."""


class Part(NamedTuple):
    """Some of the series."""

    known: Bools
    """Series x periods."""
    errors: Floats
    """Series x periods: relative, less their slow level; 0 where not known."""
    surety: Floats
    """Of each series: 1 / variance of its errors."""
    pull: Floats
    """Series x periods x covariates: what an error of 1 pulls at the coefficients that all have in common."""
    is_on: Bools
    """Series x periods x covariates: where an event is."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What follows for coefficients that series have in common."""

    covariance: Floats
    """Covariates x covariates: what periods alike for all series add to the doubt."""
    deviations: Floats
    """Of each covariate how far from what was expected its coefficient is to be before any data."""


def shared(
    parts: Iterable[Part], information: Floats, pull: Floats, prior: Floats, *, least: float, most: float
) -> Shared:
    """Learn it.

    Args:
        parts: All series.
        information: Covariates x covariates: of all series on what they have in common.
        pull: Of each covariate; the inverse information times it is the estimate.
        prior: Coefficients expected before any data.
        least: Deviation that is learned at least.
        most: Deviation of a coefficient of which nothing is known.

    Returns:
        What is shared; all of it nothing where periods are too few to tell.
    """
    width = len(prior)
    series, errors, surety, design, count = _summed(parts, width)
    usual = np.full(width, most)
    is_told = surety > 0
    free = int(is_told.sum()) - width
    if free < 1:
        return Shared(np.zeros((width, width)), usual)
    shocks = errors[is_told] / surety[is_told]
    variance = max(float((shocks**2).sum() / free - (1 / surety[is_told]).mean()), 0.0)
    alone = np.linalg.inv(information + np.eye(width) * NO_INFORMATION)
    covariance = variance * alone @ (design.T @ design) @ alone.T
    periods = (count > 0).sum(axis=0)
    is_at_once = (
        (periods > 0)
        & (periods <= SELDOM * len(errors))
        & (count.sum(axis=0) >= MOST_HAVE_IT * series * periods)
    )
    if is_at_once.sum() >= LEAST_EVENTS:
        doubt = np.diagonal(alone + covariance)[is_at_once].mean()
        square = ((alone @ pull - prior)[is_at_once] ** 2).mean()
        # As large as they may be by one standard error of the mean square.
        beyond = square - doubt + doubt * np.sqrt(2 / is_at_once.sum())
        usual[is_at_once] = np.sqrt(np.clip(beyond, least**2, most**2))
    return Shared((covariance + covariance.T) / 2, usual)


def _summed(parts: Iterable[Part], width: int) -> tuple[int, Floats, Floats, Floats, Floats]:
    """Sum over series, whatever their order.

    Returns:
        Their number; by period the errors, their surety and what they pull; how many have which event.
    """
    series, sums = 0, list[Floats]()
    for part in parts:
        weight = part.surety[:, None]
        series += len(part.surety)
        found = [
            _on_grid(part.errors * weight),
            _on_grid(part.known * weight),
            _on_grid(part.pull),
            part.is_on.sum(axis=0).astype(np.float64),
        ]
        sums = [one + other for one, other in zip(sums, found, strict=True)] if sums else found
    if not sums:
        return 0, np.zeros(0), np.zeros(0), np.zeros((0, width)), np.zeros((0, width))
    errors, surety, design, count = sums
    return series, errors, surety, design, count


def _on_grid(values: Floats) -> Floats:
    result: Floats = np.round(values * _GRID).astype(np.int64).sum(axis=0) / _GRID
    return result
