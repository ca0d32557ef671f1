"""The members of a combined forecast, rolled through time once over all series. Pure."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from cloud.forecasting.batch.panel import Floats, Ints, Panel, Real, Reals, panel_of
from cloud.forecasting.batch.recent import longest_needed
from cloud.forecasting.batch.seasonal import epochs, indices, is_seasonal
from cloud.forecasting.batch.zoo import LEADING_ZEROS, zoo_of

MEMBERS: Final = (
    "ses",
    "damped_trend",
    "theta",
    "optimised_theta",
    "seasonal",
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
    by them. They are estimated at the first origin, and anew as `seasonal.epochs` says; a series with a
    season is passed over once more for it.

    Args:
        y: Series x periods, >= 0, NaN where not known.
        origins: Columns, ascending: the last period known to a forecast.
        horizon: Periods ahead, > 0.
        season: Periods per cycle; 1 for none.
        members: Which, of `MEMBERS` and `REFERENCES`.

    Returns:
        By member, series x origins x horizon, >= 0; NaN where nothing is known of the series. Not to be
        written into: a flat forecast is one value seen many times.
    """
    at = np.asarray(origins, dtype=np.int64)
    panel = panel_of(y[:, : int(at[-1]) + 1])
    own = [name for name in members if name != "seasonal_naive"]
    found = _Found(panel, at, horizon)
    before = np.zeros(panel.count, dtype=np.bool_)
    for place in epochs(at, season):
        known_until = int(at[place]) + 1
        test = is_seasonal(panel.y[:known_until], panel.known[:known_until], season)[: panel.count]
        columns = np.flatnonzero(test | before) if place else np.arange(panel.count)
        before = test
        if len(columns):
            part = panel.of(columns)
            index = np.ones((season, part.y.shape[1]))
            index[:, : len(columns)][:, test[columns]] = indices(
                part.y[:known_until, : len(columns)][:, test[columns]],
                part.known[:known_until, : len(columns)][:, test[columns]],
                season,
            )
            found.run(part, columns, index.astype(Real), place, own)
    shape = (panel.count, len(at), horizon)
    result = {name: np.broadcast_to(found.paths[name], shape) for name in own}
    if "seasonal_naive" in members:
        result["seasonal_naive"] = _seasonal_naive(y, at, horizon, season)
    return result


class _Found:
    """Forecasts as they are gathered."""

    def __init__(self, panel: Panel, origins: Ints, horizon: int) -> None:
        self.paths: dict[str, Reals] = {}
        self._count = panel.count
        self._origins = origins
        self._horizon = horizon

    def run(self, panel: Panel, columns: Ints, index: Reals, first: int, members: Sequence[str]) -> None:
        """Run series through time, and keep what is forecast at the origins from a place on."""
        season = len(index)
        has_season = bool((index != 1).any())
        y = panel.y
        if has_season:
            y = y / index[np.arange(panel.periods) % season]
        zoo = zoo_of(y.shape[1], longest_needed(panel.y, panel.known))
        wanted = {int(origin): place for place, origin in enumerate(self._origins) if place >= first}
        for t in range(panel.periods):
            zoo.step(y[t], panel.known[t], max(season, LEADING_ZEROS))
            if t in wanted:
                ahead = index[(t + 1 + np.arange(self._horizon)) % season].T if has_season else None
                self._keep(zoo.read(self._horizon), panel, columns, wanted[t], ahead, members)

    def _keep(
        self,
        read: dict[str, Reals],
        panel: Panel,
        columns: Ints,
        place: int,
        ahead: Reals | None,
        members: Sequence[str],
    ) -> None:
        for name in members:
            path = read[name] * panel.scale[:, None]
            if ahead is not None:
                path = path * ahead
            path = path[: len(columns)]
            held = self.paths.get(name)
            if held is None:
                held = np.full((self._count, len(self._origins), path.shape[1]), np.nan, dtype=Real)
            elif held.shape[2] < path.shape[1]:
                held = np.repeat(held, path.shape[1], axis=2)
            held[columns, place] = path
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
            found[:, place] = np.where(is_open & (earlier >= 0), y[:, np.maximum(earlier, 0)], found[:, place])
    return found.astype(Real)
