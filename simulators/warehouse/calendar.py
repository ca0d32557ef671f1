"""When a warehouse works: spreads a flow's ticks over hours, weekdays and seasons."""

from datetime import datetime, timedelta
from typing import Final

import numpy as np

from simulators.warehouse.flow import Flow
from simulators.warehouse.layout import Floats

_HOUR_US: Final = 3_600_000_000
_BY_HOUR: Final = (1, 1, 1, 1, 2, 5, 12, 16, 16, 15, 14, 12, 12, 14, 14, 12, 10, 8, 6, 5, 3, 2, 1, 1)
"""Activity of each hour of the day, UTC: two shifts and a thin night."""
_BY_WEEKDAY: Final = (11, 10, 10, 10, 12, 4, 1)
_SEASON: Final = 0.35
"""The year's peak, in early December, lies this share above its mean."""
_PEAK_DAY: Final = 340


def dated(flow: Flow, *, start_at: datetime, end_at: datetime, is_year: bool) -> Flow:
    """Give every record its instant.

    Args:
        flow: Records whose ``at_us`` are ticks in order.
        start_at: Instant of the first record; aware.
        end_at: Instant of the last; later.
        is_year: True for the rhythm of shifts, weeks and seasons; False for an even stream.

    Returns:
        The same records, ``at_us`` in microseconds since 1970.
    """
    start_us, end_us = _micros(start_at), _micros(end_at)
    share = flow.at_us / max(int(flow.at_us[-1]), 1) if len(flow) else np.zeros(0)
    if not is_year:
        return flow.with_column("at_us", start_us + (share * (end_us - start_us)).astype(np.int64))
    hours = np.arange(start_us, end_us + _HOUR_US, _HOUR_US)
    worked = np.concatenate(([0.0], np.cumsum(_activity(start_at, len(hours) - 1))))
    at_us = np.interp(share * worked[-1], worked, np.minimum(hours, end_us))
    return flow.with_column("at_us", at_us.astype(np.int64))


def _activity(start_at: datetime, hours: int) -> Floats:
    hour = start_at.hour + np.arange(hours)
    day = start_at.timetuple().tm_yday + hour // 24
    weekday = (start_at.weekday() + hour // 24) % 7
    season = 1 + _SEASON * np.cos(2 * np.pi * (day - _PEAK_DAY) / 365.25)
    return np.asarray(np.asarray(_BY_HOUR)[hour % 24] * np.asarray(_BY_WEEKDAY)[weekday] * season)


def _micros(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, at.tzinfo)) // timedelta(microseconds=1)
