"""Each period's forecast rolled over the same origins, and every item's own policy played with it. Pure.

The bands of a period's forecast are drawn from that forecast's own past errors, as known at each origin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np

from cloud.forecasting.batch.bands import BAND_80, BAND_95, limits
from cloud.forecasting.calibration import Calibration, calibrate
from cloud.forecasting.domain import HORIZONS
from cloud.forecasting.event_days import EventDays
from cloud.forecasting.granularity.domain import Bucket
from cloud.forecasting.policies import level_at
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.rolling import roll
from cloud.forecasting.stock import Terms, play
from cloud.forecasting.weeks import DAYS, Weeks, summed_demand

NAIVE: Final = "naive"
"""The last week again, with bands of its own errors: the yardstick in the evidence, never chosen."""
PLAYED_WEEKS: Final = 26
"""Last weeks over which policies are played, at most; as many before them teach the bands."""
CHUNK: Final = 500
"""Series whose quantiles are drawn at a time."""
_HORIZONS: Final = np.array(HORIZONS)


class Drawn(NamedTuple):
    """What a forecast's bands say of the time that each series' orders cover: series x weeks."""

    level: Floats
    """Quantile at the target; NaN where not known."""
    within_80: Floats
    """1 where what came lay within the 80 % band, else 0; NaN where one of them is not known."""
    within_95: Floats


@dataclass(frozen=True, slots=True)
class Played:
    """What stock would have cost with each forecast, how far off its sums were, and how its bands held."""

    costs: Mapping[str, Floats]
    """By bucket, and of the naive forecast: series x weeks; NaN where a level was not known."""
    errors: Mapping[str, Floats]
    """Absolute errors of the sum over what an order must cover, in the same shape; NaN where not known."""
    demand: Floats
    """Of these sums."""
    lasting_weeks: Ints
    """Of each series for how many weeks an order is felt: costs of so many weeks are not independent."""
    from_day: date
    to_day: date
    drawn: Mapping[str, Drawn] = field(default_factory=dict)
    """By bucket: levels, and how the bands held."""


def play_all(
    paths: Mapping[Bucket, Floats],
    weeks: Weeks,
    origins: Ints,
    terms: Terms,
    *,
    target: Floats,
    last_day: date,
    factors: Floats | None,
    days: EventDays | None = None,
) -> Played:
    """Play every series' policy with each bucket's forecast.

    Args:
        paths: By bucket: series x origins x weeks ahead; the last origin is the one in force.
        weeks: What is known.
        origins: Weeks, each after the other.
        terms: Of the policies.
        target: Of each series its service.
        last_day: The last one known.
        factors: By which events move the paths.
        days: How events move the days within their weeks.

    Returns:
        Costs of the last weeks.
    """
    count = min(PLAYED_WEEKS, len(origins) // 2)
    places = np.arange(len(origins) - 1 - count, len(origins) - 1)
    horizons, of_series = np.unique(terms.protection_days, return_inverse=True)
    came = summed_demand(weeks.daily, origins[places], horizons)
    actual = np.take_along_axis(came, of_series[:, None, None], axis=2)[:, :, 0]
    drawn, errors = {}, {}
    naive = _repeated(weeks, origins, next(iter(paths.values())))
    given: list[tuple[str, Floats]] = [(bucket.value, path) for bucket, path in paths.items()]
    for name, said in [*given, (NAIVE, naive)]:
        is_naive = name == NAIVE
        rolled = roll(
            said,
            weeks,
            origins,
            _HORIZONS,
            None if is_naive else factors,
            days=None if is_naive else days,
        )
        calibration = calibrate(rolled, weeks)
        sums = rolled.sums_of(said, horizons)
        drawn[name] = _drawn(calibration, sums, places, (horizons, of_series), target=target, came=actual)
        centre = np.take_along_axis(sums[:, places], of_series[:, None, None], axis=2)[:, :, 0]
        errors[name] = abs(centre - actual)
    ordered = np.stack([one.level for one in drawn.values()])
    cost = play(ordered, weeks.daily[:, origins[places] + 1], terms)
    return Played(
        costs=dict(zip(drawn, cost, strict=True)),
        errors=errors,
        demand=actual,
        lasting_weeks=terms.lasting_weeks,
        from_day=last_day - timedelta(days=DAYS * count - 1),
        to_day=last_day,
        drawn=drawn,
    )


def _repeated(weeks: Weeks, origins: Ints, like: Floats) -> Floats:
    at = np.where(np.isfinite(weeks.totals), np.arange(weeks.count)[None], -1)
    latest = np.maximum.accumulate(at, axis=1)[:, origins]
    last = np.where(latest >= 0, np.take_along_axis(weeks.totals, np.maximum(latest, 0), axis=1), np.nan)
    return np.broadcast_to(last[:, :, None], like.shape)


def _drawn(
    calibration: Calibration,
    sums: Floats,
    places: Ints,
    horizons: tuple[Ints, Ints],
    *,
    target: Floats,
    came: Floats,
) -> Drawn:
    """Draw the bands over what each series' orders must cover, some series at a time."""
    shape = (len(sums), len(places))
    found = Drawn(*(np.full(shape, np.nan) for _ in Drawn._fields))
    for first in range(0, len(sums), CHUNK):
        rows = np.arange(first, min(first + CHUNK, len(sums)))
        asked, own = np.unique(horizons[1][rows], return_inverse=True)
        weeks = horizons[0][horizons[1][rows]] / DAYS
        for column, place in enumerate(places.tolist()):
            each = calibration.quantiles(place, sums[rows, place][:, asked], horizons[0][asked], rows)
            quantiles = each[np.arange(len(rows)), own]
            found.level[rows, column] = level_at(quantiles, target[rows])
            idle, arrived = calibration.idle[rows, place] ** weeks, came[rows, column]
            is_known = np.isfinite(quantiles[:, 0]) & np.isfinite(arrived)
            for within, band in ((found.within_80, BAND_80), (found.within_95, BAND_95)):
                low, high = limits(quantiles, band, idle)
                within[rows, column] = np.where(is_known, (arrived >= low) & (arrived <= high), np.nan)
    return found
