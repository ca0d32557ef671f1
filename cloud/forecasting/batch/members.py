"""The members of a combined forecast, rolled through time once over all series. Pure."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from cloud.forecasting.batch.intermittent import intermittent_of
from cloud.forecasting.batch.panel import Floats, Ints, Reals, panel_of
from cloud.forecasting.batch.smoothing_grid import grid_of

MEMBERS: Final = ("ses", "damped_trend", "theta", "optimised_theta", "tsb", "tsb_mean", "sba")
"""Names of the members, in the order in which they are given."""


def roll(
    y: Floats, *, origins: Ints | Sequence[int], horizon: int, season: int, members: Sequence[str] = MEMBERS
) -> dict[str, Reals]:
    """Forecast from each origin with what was known then, in one pass over time.

    Args:
        y: Series x periods, >= 0, NaN where not known.
        origins: Columns, ascending: the last period known to a forecast.
        horizon: Periods ahead, > 0.
        season: Periods per cycle; 1 for none.
        members: Which.

    Returns:
        By member, series x origins x horizon, >= 0; NaN where nothing is known of the series. Not to be
        written into: a flat forecast is one value seen many times.
    """
    panel = panel_of(y)
    grid, croston = grid_of(panel.y.shape[1]), intermittent_of(panel.y.shape[1])
    wanted = {int(origin): place for place, origin in enumerate(origins)}
    found: dict[str, Reals] = {}
    for t in range(max(wanted) + 1):
        grid.step(panel.y[t], panel.known[t])
        croston.step(panel.y[t], panel.known[t])
        if t in wanted:
            ready = grid.number[: panel.count] > 0
            for name, path in (grid.read(horizon) | croston.read(horizon)).items():
                if name not in found:
                    found[name] = np.empty((panel.count, len(wanted), path.shape[1]), dtype=path.dtype)
                scaled = path[: panel.count] * panel.scale[: panel.count, None]
                found[name][:, wanted[t]] = np.where(ready[:, None], scaled, np.nan)
    del season
    shape = (panel.count, len(wanted), horizon)
    return {name: np.broadcast_to(found[name], shape) for name in members}
