"""The members of a combined forecast, rolled through time once over all series. Pure."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from cloud.forecasting.batch.checked import checked
from cloud.forecasting.batch.panel import Panel, Real, Reals, panel_of
from cloud.forecasting.batch.recent import longest_asked
from cloud.forecasting.batch.seasonal import GROWTH, epochs, is_seasonal, seasonal_factors
from cloud.forecasting.batch.zoo import steps_of, zoo_of
from cloud.forecasting.protocol import Floats, Ints

MEMBERS: Final = (
    "ses",
    "damped_trend",
    "theta",
    "optimised_theta",
    "seasonal",
    "lasting",
    "tsb",
    "tsb_mean",
    "sba",
    "adida",
    "imapa",
    "mean13",
)
"""Names of the members."""
REFERENCES: Final = ("naive2", "seasonal_naive")
"""Yardsticks, given on request."""


def roll(
    y: Floats, *, origins: Ints | Sequence[int], horizon: int, season: int, members: Sequence[str] = MEMBERS
) -> dict[str, Reals]:
    """Forecast from each origin with what was known then, in one pass over time.

    Where a test finds a season, the series is divided by its indices first, and the forecasts are multiplied
    by them; `seasonal`, Holt and Winters' method, is only of these series. Indices are estimated at the first
    origin, and anew at one in the middle and at the last, if by then the series has grown by a quarter; it
    is passed over once more for it.

    Args:
        y: Series x periods, >= 0, NaN where not known.
        origins: Columns, ascending: the last period known to a forecast.
        horizon: Periods ahead, > 0.
        season: Periods per cycle; 1 for none.
        members: Which, of `MEMBERS` and `REFERENCES`.

    Returns:
        By member, series x origins x horizon, >= 0; NaN where nothing is known of the series; beside
        `lasting` of `seasonal` where there is no season; and beside `ses` of the members in
        `zoo.INTERMITTENT` where every known period has demand. Not to be written into: a flat forecast is one
        value seen many times.

    Raises:
        ValueError: If a number is no demand, or a wish cannot be met.
    """
    at = _wish(checked(y), np.asarray(origins, dtype=np.int64), horizon, season, members)
    if not len(y):
        return {name: np.empty((0, len(at), horizon), dtype=Real) for name in members}
    panel = panel_of(y[:, : int(at[-1]) + 1])
    own = [name for name in members if name != "seasonal_naive"]
    found = _Found(panel, at, horizon)
    begun = panel.begun[: panel.count]
    estimated = np.full(panel.count, -1, dtype=np.int64)
    had_season = np.zeros(panel.count, dtype=np.bool_)
    for place in epochs(at):
        until = int(at[place]) + 1
        is_due = until - estimated >= GROWTH * (estimated - begun) if place else had_season | True
        has_season = is_due & is_seasonal(panel.y[:until], panel.known[:until], season)[: panel.count]
        columns = np.flatnonzero(has_season | (is_due & had_season)) if place else np.arange(panel.count)
        estimated[is_due] = until
        had_season = np.where(is_due, has_season, had_season)
        for alike in (columns[has_season[columns]], columns[~has_season[columns]]):
            if len(alike):
                part = panel.of(alike)
                index = seasonal_factors(part, has_season[alike], until, season)
                found.run(part, alike, index, place, own)
    shape = (panel.count, len(at), horizon)
    result = {name: np.broadcast_to(found.paths[name], shape) for name in own}
    if "seasonal_naive" in members:
        result["seasonal_naive"] = _seasonal_naive(y, at, horizon, season)
    return result


def _wish(y: Floats, origins: Ints, horizon: int, season: int, members: Sequence[str]) -> Ints:
    """Give the origins back if all that is asked for can be given."""
    if not len(origins) or (np.diff(origins) <= 0).any() or origins[0] < 0 or origins[-1] >= y.shape[1]:
        raise ValueError(f"origins are {origins.tolist()}: expected columns of {y.shape[1]}, ascending")
    if horizon < 1 or season < 1:
        raise ValueError(f"horizon is {horizon} and season {season}: expected both > 0")
    unknown = set(members) - {*MEMBERS, *REFERENCES}
    if unknown or not members:
        raise ValueError(f"members are {list(members)}: expected some of {[*MEMBERS, *REFERENCES]}")
    return origins


class _Found:
    """Forecasts as they are gathered."""

    def __init__(self, panel: Panel, origins: Ints, horizon: int) -> None:
        self.paths: dict[str, Reals] = {}
        self._count = panel.count
        self._origins = origins
        self._horizon = horizon

    def run(self, panel: Panel, columns: Ints, index: Reals, first: int, members: Sequence[str]) -> None:
        """Run series through time, and keep what is forecast at the origins from a place on."""
        has_season = bool((index != 1).any())
        longest = int(longest_asked(panel.y, panel.known).max())
        zoo = zoo_of(panel.y.shape[1], longest, len(index) if has_season else None)
        wanted = {int(origin): place for place, origin in enumerate(self._origins) if place >= first}
        steps = 1 + np.arange(self._horizon)
        for row, (y, known) in enumerate(steps_of(panel, index)):
            zoo.step(y, known, len(index))
            if row in wanted:
                factor = panel.scale[:, None]
                if has_season:
                    factor = factor * index[(row + steps) % len(index)].T
                for name, path in zoo.read(self._horizon, members).items():
                    self._keep(name, (path * factor)[: len(columns)], columns, wanted[row])

    def _keep(self, name: str, path: Reals, columns: Ints, place: int) -> None:
        held = self.paths.get(name)
        if held is None:
            # Series lie together in memory, as they do in a period.
            shape = (len(self._origins), path.shape[1], self._count)
            held = np.moveaxis(np.full(shape, np.nan, dtype=Real), 2, 0)
        elif held.shape[2] < path.shape[1]:
            held = held + np.zeros(path.shape[1], dtype=Real)
        held[slice(None) if len(columns) == self._count else columns, place] = path
        self.paths[name] = held


def _seasonal_naive(y: Floats, origins: Ints, horizon: int, season: int) -> Reals:
    """Say for each period what came a cycle before it, or the last known cycle before that."""
    steps = np.arange(horizon)
    found = np.full((len(y), len(origins), horizon), np.nan)
    for place, origin in enumerate(origins):
        column = origin + 1 + steps - season * (1 + steps // season)
        for back in range(0, int(origin) + 1, season):
            earlier = column - back
            is_open = np.isnan(found[:, place])
            if not is_open.any():
                break
            found[:, place] = np.where(
                is_open & (earlier >= 0), y[:, np.maximum(earlier, 0)], found[:, place]
            )
    return found.astype(Real)
