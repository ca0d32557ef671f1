"""Forecasts of days and of four weeks by the batch engine, beside those of weeks. Pure."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np

from cloud.forecasting.batch.evaluate import Drivers, drive
from cloud.forecasting.batch.joined import join
from cloud.forecasting.batch.members import MEMBERS
from cloud.forecasting.batch.rolled import actuals, pieces, work
from cloud.forecasting.granularity.domain import BLOCK_WEEKS, DAY_WEEKS
from cloud.forecasting.protocol import Floats, Ints, Spread
from cloud.forecasting.weeks import DAYS

HISTORY_WEEKS: Final = 104
"""How far back days are looked at."""
REFRESHED: Final = 13
"""Origins for which the weekdays' parts as known at the first of them serve."""
CLOSED: Final = 0.01
"""A weekday with less of the week is one on which nothing is sold."""
BLOCKS_A_YEAR: Final = 13
LEAST_WEEKS: Final = 3
"""Known weeks of four without which their sum is not known."""
Versions = Sequence[tuple[slice, Floats]]
"""Of ranges of origins, demand without effects as it was known at them: series x periods."""


def by_day(daily: Floats, origins: Ints, shares: Floats, spread: Spread, versions: Versions = ()) -> Floats:
    """Forecast days: without their weekdays' parts of the week, which are put onto the forecasts again.

    Args:
        daily: Series x weeks x 7; NaN where not known.
        origins: Weeks from which is forecast, ascending.
        shares: Series x origins x 7: of the weekdays, as known at each.
        spread: Works on chunks of series.
        versions: Of ranges of origins, the same demand without effects.

    Returns:
        Series x origins x the days of four weeks; NaN where nothing is known.
    """
    first = max(daily.shape[1] - HISTORY_WEEKS, 0)
    at = (origins + 1 - first) * DAYS - 1
    given = versions or [(slice(0, len(origins)), daily)]
    plain = [
        (slice(begin, min(begin + REFRESHED, places.stop)), _level(y[:, first:], shares[:, begin]))
        for places, y in given
        for begin in range(places.start, places.stop, REFRESHED)
    ]
    flat = daily[:, first:].reshape(len(daily), -1)
    found = _forecast(flat, at, DAY_WEEKS * DAYS, season=1, spread=spread, versions=plain)
    for places, _ in plain:
        found[:, places] *= np.tile(DAYS * shares[:, places.start], DAY_WEEKS)[:, None]
    return found


def _level(daily: Floats, shares: Floats) -> Floats:
    """Divide days by their weekday's part of the week; weekdays without demand tell nothing of it."""
    usual = np.where(shares >= CLOSED, DAYS * shares, np.nan)
    result: Floats = (daily / usual[:, None]).reshape(len(daily), -1)
    return result


def by_block(
    totals: Floats, origins: Ints, horizon_weeks: int, spread: Spread, versions: Versions = ()
) -> Floats:
    """Forecast sums of four weeks; blocks end with the origin, so there are four ways to cut them.

    Args:
        totals: Series x weeks; NaN where not known.
        origins: Weeks from which is forecast, ascending.
        horizon_weeks: How far.
        spread: Works on chunks of series.
        versions: The same of demand without effects.

    Returns:
        Series x origins x whole blocks within the horizon; NaN where no whole block is known.
    """
    count = horizon_weeks // BLOCK_WEEKS
    found = np.full((len(totals), len(origins), count), np.nan)
    for phase in range(BLOCK_WEEKS) if count else ():
        first = BLOCK_WEEKS - 1 + phase
        places = np.flatnonzero((origins >= first) & ((origins - first) % BLOCK_WEEKS == 0))
        if not len(places):
            continue
        cut = [(part, _blocks(y, first)) for part, y in _within(versions, places)]
        at = (origins[places] - first) // BLOCK_WEEKS
        found[:, places] = _forecast(
            _blocks(totals, first), at, count, season=BLOCKS_A_YEAR, spread=spread, versions=cut
        )
    return found


def _forecast(
    y: Floats, at: Ints, horizon: int, *, season: int, spread: Spread, versions: Versions
) -> Floats:
    factors = np.ones((len(y), len(at), horizon))
    drivers = Drivers(factors, tuple(versions), {}) if versions else None
    cut = [drive(piece, drivers) for piece in pieces(y, at, horizon=horizon, season=season, members=MEMBERS)]
    parts = list(spread(work, cut))
    return join(parts, partial(actuals, y, at, horizon) if drivers is None else None, at).forecast


def _within(versions: Versions, places: Ints) -> Iterator[tuple[slice, Floats]]:
    """Give the versions of some of the origins, their ranges counted among these."""
    for range_, y in versions:
        first, last = np.searchsorted(places, [range_.start, range_.stop]).tolist()
        if first < last:
            yield slice(first, last), y


def _blocks(totals: Floats, first: int) -> Floats:
    """Sum four weeks each, from the one that ends with week `first`."""
    count = (totals.shape[1] - first + BLOCK_WEEKS - 1) // BLOCK_WEEKS
    begin = first - BLOCK_WEEKS + 1
    whole = totals[:, begin : begin + count * BLOCK_WEEKS].reshape(len(totals), count, BLOCK_WEEKS)
    known = np.isfinite(whole).sum(axis=2)
    result = np.full(known.shape, np.nan)
    enough = known >= LEAST_WEEKS
    result[enough] = np.nansum(whole, axis=2)[enough] * BLOCK_WEEKS / known[enough]
    return result
