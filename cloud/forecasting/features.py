"""Arrays in, features of boosting out: lags, means, season, covariates ahead; only what was known. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.uplift import Covariates

LAGS: Final = (0, 1, 2, 3, 5, 8, 12)
"""Periods before the origin whose demand is a feature; 0: the origin's."""
WINDOWS: Final = (4, 13, 26, 52)
"""Periods whose mean, and share without demand, is one."""
OLD: Final = 26
"""Ages beyond are alike: else trees would know single weeks of the past by the age of all series then."""
NAMED: Final = "lag, mean, zeros, ahead, over usual"
"""How features are named: a model that was kept under other names would find none of them again."""
LEAST_KNOWN: Final = 8
"""Known periods below which a series is not forecast this way."""


@dataclass(frozen=True, slots=True)
class Design:
    """How features are made."""

    y: Floats
    clean: Floats
    """Demand over the effects already learned; demand itself without them."""
    ahead: Floats
    """Series x periods x covariates."""
    baseline: Floats | None
    pools: Floats
    horizon: int
    season: int
    names: tuple[str, ...]
    covariates: tuple[str, ...]
    sums: Floats
    """Running sums of clean demand, known periods and periods without demand: 3 x series x periods + 1."""

    def require_future(self, origins: Ints) -> None:
        """Check that covariates are known over the horizon of every origin.

        Args:
            origins: Columns.

        Raises:
            ValueError: If one is not; it names the covariate, the series and the period.
        """
        needed = int(origins[-1]) + self.horizon
        if self.covariates and self.ahead.shape[1] <= needed:
            raise ValueError(
                f"covariates {', '.join(self.covariates)} end in period {self.ahead.shape[1] - 1}: expected "
                f"them known until {needed}"
            )
        first = int(origins[0]) + 1
        unknown = np.argwhere(np.isnan(self.ahead[:, first : needed + 1]))
        if len(unknown):
            row, period, which = unknown[0]
            raise ValueError(
                f"covariate {self.covariates[which]!r} of series {row} is not known in period "
                f"{first + period}: expected a number over the horizon of each origin"
            )


def design(
    y: Floats,
    covariates: Covariates | None,
    horizon: int,
    *,
    season: int,
    pools: Ints | None,
    baseline: Floats | None,
) -> Design:
    """Prepare what features are made of.

    Args:
        y: Series x periods, NaN where not known.
        covariates: None: none.
        horizon: Periods ahead.
        season: Periods of a cycle; 1: none.
        pools: Class of each series; None: none.
        baseline: Series x periods: log factors of learned effects; None: none.

    Returns:
        The design.

    Raises:
        ValueError: If shapes do not fit.
    """
    series, periods = y.shape
    values = np.zeros((series, periods + horizon, 0)) if covariates is None else covariates.values
    for what, given in (("covariates", values), ("baseline", baseline)):
        if given is not None and (given.shape[0] != series or given.shape[1] < periods):
            raise ValueError(f"{what} have shape {given.shape}: expected {series} series, {periods} periods")
    clean = y if baseline is None else y / np.exp(baseline[:, :periods])
    known = np.isfinite(clean)
    parts = np.stack([np.where(known, clean, 0), known, known & (y == 0)])
    sums = np.concatenate([np.zeros((3, series, 1)), np.cumsum(parts, axis=2)], axis=2)
    told = () if covariates is None else covariates.names
    return Design(
        y=y,
        clean=clean,
        ahead=values,
        baseline=baseline,
        pools=np.zeros(series) if pools is None else pools.astype(np.float64),
        horizon=horizon,
        season=season,
        names=_names(told, season, has_baseline=baseline is not None),
        covariates=told,
        sums=sums,
    )


def rows_at(plan: Design, origin: int) -> tuple[Floats, Floats]:
    """Make the features of every series and step ahead of an origin.

    Args:
        plan: The design.
        origin: Column.

    Returns:
        Series x horizon x features, and each series' scale; NaN where too little is known by then.
    """
    series = len(plan.y)
    scale, state = _state(plan, origin)
    steps = np.arange(1, plan.horizon + 1)
    blocks = [
        np.broadcast_to(state[:, None, :], (series, plan.horizon, state.shape[1])),
        np.broadcast_to(steps[None, :, None], (series, plan.horizon, 1)),
        np.broadcast_to(plan.pools[:, None, None], (series, plan.horizon, 1)),
    ]
    ahead = origin + steps
    if plan.season > 1:
        blocks.append(_seasonal(plan, ahead, origin, scale))
    if plan.covariates:
        width = plan.ahead.shape[1]
        coming = np.full((series, plan.horizon, len(plan.covariates)), np.nan)
        coming[:, ahead < width] = plan.ahead[:, ahead[ahead < width]]
        past = plan.ahead[:, max(origin - 12, 0) : origin + 1]
        usual = _mean(past)
        blocks += [coming, coming - usual[:, None]]
    if plan.baseline is not None:
        effect = np.full((series, plan.horizon, 1), np.nan)
        inside = ahead < plan.baseline.shape[1]
        effect[:, inside, 0] = plan.baseline[:, ahead[inside]]
        blocks.append(effect)
    return np.concatenate(blocks, axis=2), scale


def without(covariates: Covariates, groups: Mapping[str, str], group: str) -> Covariates | None:
    """Leave a group of covariates out.

    Args:
        covariates: All of them.
        groups: Of each covariate's name its group.
        group: To leave out.

    Returns:
        The others; None if there are none.
    """
    kept = [which for which, name in enumerate(covariates.names) if groups.get(name, name) != group]
    if not kept:
        return None
    return Covariates(
        covariates.values[:, :, kept],
        tuple(covariates.names[which] for which in kept),
        tuple(covariates.references[which] for which in kept),
    )


def _state(plan: Design, origin: int) -> tuple[Floats, Floats]:
    """Give each series' scale and what its last periods were, over the scale."""
    means, zeros = [], []
    for window in WINDOWS:
        first = max(origin + 1 - window, 0)
        total, known, empty = plan.sums[:, :, origin + 1] - plan.sums[:, :, first]
        means.append(_over(total, known, known > 0))
        zeros.append(_over(empty, known, known > 0))
    is_ready = plan.sums[1, :, origin + 1] >= LEAST_KNOWN
    scale = np.where(is_ready & (means[-1] > 0), means[-1], np.nan)
    lags = [plan.clean[:, origin - lag] if origin >= lag else np.full(len(scale), np.nan) for lag in LAGS]
    over = [column / scale for column in (*lags, *means[:-1])]
    return scale, np.stack([*over, *zeros, np.minimum(plan.sums[1, :, origin + 1], OLD)], axis=1)


def _seasonal(plan: Design, ahead: Ints, origin: int, scale: Floats) -> Floats:
    """Give the place in the cycle and what the same place was a cycle before."""
    series = len(scale)
    place = np.broadcast_to((ahead % plan.season)[None, :, None], (series, len(ahead), 1))
    back = -(-(ahead - origin) // plan.season) * plan.season
    then = ahead - back
    before = np.where(then >= 0, plan.clean[:, np.maximum(then, 0)], np.nan)
    return np.concatenate([place, (before / scale[:, None])[:, :, None]], axis=2)


def _names(covariates: Sequence[str], season: int, *, has_baseline: bool) -> tuple[str, ...]:
    return (
        *(f"lag {lag}" for lag in LAGS),
        *(f"mean {window}" for window in WINDOWS[:-1]),
        *(f"zeros {window}" for window in WINDOWS),
        "age",
        "step",
        "pool",
        *(("place", "a season before") if season > 1 else ()),
        *(f"{name} ahead" for name in covariates),
        *(f"{name} over usual" for name in covariates),
        *(("learned effect",) if has_baseline else ()),
    )


def _mean(past: Floats) -> Floats:
    known = np.isfinite(past)
    return _over(np.where(known, past, 0).sum(axis=1), known.sum(axis=1), np.asarray(known.any(axis=1)))


def _over(part: Floats, whole: Floats | Ints, is_known: Bools) -> Floats:
    result: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=is_known)
    return result
