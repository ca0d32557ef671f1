"""Columns of a long-form file in, series as arrays out, each with what is wrong with it. Pure.

What is wrong with a series refuses that series and no other. Rows may stand in any order. A period without
a row, or with an empty cell, is not known; it is not taken for zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Floats, Ints

UNITS: Final = {"D": "datetime64[D]", "W": "datetime64[D]", "M": "datetime64[M]"}
"""Frequencies, and what a period is counted in."""
_DAYS_OF_A_WEEK: Final = 7
MOST_PERIODS: Final = 20_000
LEAST_PERIODS: Final = 2


class LongformError(Exception):
    """The file as a whole cannot be read; the message names value, expectation and place."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows as they stand in a file."""

    series: np.ndarray[tuple[int], np.dtype[np.object_]]
    """Of each row its series, as text; empty where the cell is."""
    at: np.ndarray[tuple[int], np.dtype[np.datetime64]]
    """Local time, in seconds; NaT where the cell is no date."""
    y: Floats
    """NaN where the cell is empty."""
    wrong: Mapping[int, str] = field(default_factory=dict)
    """Of rows with a cell that cannot be read: what is wrong."""
    covariates: Mapping[str, Floats] = field(default_factory=dict)
    is_test: np.ndarray[tuple[int], np.dtype[np.bool_]] | None = None
    """Of each row whether the official split keeps it for the test."""
    first_row: int = 1
    """Number of the first row, as messages count."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A series that is not forecast, and why."""

    series_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Series as rows, the last column being each one's last period."""

    series_ids: list[str]
    """Ascending."""
    y: Floats
    """Series x periods; NaN where not known."""
    ends: np.ndarray[tuple[int], np.dtype[np.datetime64]]
    """Of each series its last period."""
    covariates: Mapping[str, Floats]
    """Of each name series x periods; NaN where not known."""
    test_periods: Ints
    """Of each series how many of its last periods the official split keeps for the test; 0 without a split."""
    refused: list[Refusal]
    unknown_periods: int
    """Periods within series without a row or a number."""
    sorted_series: int
    """Series whose rows were not in the order of time."""


def panel(columns: Columns, *, freq: str) -> Panel:
    """Arrange rows as series of periods.

    Args:
        columns: Of the file.
        freq: D, W or M: days, weeks counted from each series' own weekday, calendar months.

    Returns:
        The series that can be forecast, and those that are refused.
    """
    names, which = np.unique(columns.series.astype(str), return_inverse=True)
    period = columns.at.astype(UNITS[freq]).astype(np.int64)
    order = np.lexsort((period, which))
    bounds = np.searchsorted(which[order], np.arange(len(names) + 1))
    wrong = _wrong_rows(columns, which)
    refused, found, unsorted = [], [], 0
    for number, name in enumerate(names.tolist()):
        rows = order[bounds[number] : bounds[number + 1]]
        reason = wrong.get(number) or _refusal(columns, rows, period, freq)
        if reason:
            refused.append(Refusal(name, reason))
            continue
        unsorted += bool((np.diff(rows) < 0).any())
        found.append((name, rows))
    return _arranged(columns, found, period, freq, refused, unsorted)


def _arranged(
    columns: Columns,
    found: list[tuple[str, Ints]],
    period: Ints,
    freq: str,
    refused: list[Refusal],
    unsorted: int,
) -> Panel:
    unit = _DAYS_OF_A_WEEK if freq == "W" else 1
    places = [(period[rows] - period[rows[-1]]) // unit for _, rows in found]
    longest = max((1 - int(place[0]) for place in places), default=0)
    y = np.full((len(found), longest), np.nan)
    beside = {name: np.full(y.shape, np.nan) for name in columns.covariates}
    tests = np.zeros(len(found), dtype=np.int64)
    unknown = 0
    for row, ((_, rows), place) in enumerate(zip(found, places, strict=True)):
        at = place + longest - 1
        y[row, at] = columns.y[rows]
        for name, values in columns.covariates.items():
            beside[name][row, at] = values[rows]
        if columns.is_test is not None and columns.is_test[rows].any():
            tests[row] = -place[columns.is_test[rows]][0] + 1
        unknown += int(np.isnan(y[row, at[0] :]).sum())
    ends = np.array([columns.at[rows[-1]] for _, rows in found], dtype="datetime64[D]")
    return Panel([name for name, _ in found], y, ends, beside, tests, refused, unknown, unsorted)


def _wrong_rows(columns: Columns, which: Ints) -> dict[int, str]:
    """Give each series the first of its cells that cannot be read."""
    found: dict[int, str] = {}
    for row in sorted(columns.wrong):
        found.setdefault(int(which[row]), f"row {row + columns.first_row}: {columns.wrong[row]}")
    return found


def _refusal(columns: Columns, rows: Ints, period: Ints, freq: str) -> str | None:
    """Say why a series is not forecast, if so."""
    y, at, named = columns.y[rows], columns.at[rows], rows + columns.first_row
    if not columns.series[rows[0]]:
        return f"row {named.min()}: the series has no name: expected a text in series_id"
    if np.isnat(at).any():
        return f"row {named[np.isnat(at)].min()}: ds is empty: expected a date"
    if np.isinf(y).any():
        place = int(np.argmax(np.isinf(y)))
        return f"row {named[place]}: y is {y[place]} on {_day(at[place])}: expected a finite number"
    if (y < 0).any():
        place = int(np.argmax(y < 0))
        return f"row {named[place]}: y is {y[place]:g} on {_day(at[place])}: expected demand, 0 or more"
    return _wrong_times(period[rows], at, freq) or _wrong_test(columns, rows, y)


def _wrong_times(
    period: Ints, at: np.ndarray[tuple[int], np.dtype[np.datetime64]], freq: str
) -> str | None:
    same = np.diff(period) == 0
    if same.any():
        place = int(np.argmax(same))
        what = {"D": "day", "W": "day", "M": "month"}[freq]
        return f"the {what} {_day(at[place])} stands twice: expected one row per period"
    if freq == "W":
        off = (period - period[0]) % _DAYS_OF_A_WEEK != 0
        if off.any():
            place = int(np.argmax(off))
            return f"{_day(at[place])} is no whole number of weeks after {_day(at[0])}: expected one weekday"
    unit = _DAYS_OF_A_WEEK if freq == "W" else 1
    span = int(period[-1] - period[0]) // unit + 1
    if span > MOST_PERIODS:
        return f"{_day(at[0])} to {_day(at[-1])} are {span} periods: expected at most {MOST_PERIODS}"
    return None


def _wrong_test(columns: Columns, rows: Ints, y: Floats) -> str | None:
    is_test = columns.is_test[rows] if columns.is_test is not None else np.zeros(len(rows), dtype=np.bool_)
    known = int(np.isfinite(y[~is_test]).sum())
    if known < LEAST_PERIODS:
        return f"{known} known periods: expected at least {LEAST_PERIODS} to forecast from"
    if columns.is_test is None:
        return None
    if not is_test.any():
        return "no row is of the test: expected some at the end of the series"
    if not is_test[np.argmax(is_test) :].all():
        return "rows of the training stand after rows of the test: expected the test at the end"
    return None


def _day(at: np.datetime64) -> str:
    return str(at.astype("datetime64[D]"))
