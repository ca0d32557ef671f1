"""Columns of a long-form file in, series as arrays out, each with what is wrong with it. Pure.

What is wrong with a series refuses that series and no other. Rows may stand in any order. A period without
a row, or with an empty cell, is not known; it is not taken for zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from cloud.forecasting.batch.checked import LARGEST
from cloud.forecasting.protocol import Floats, Ints

Times = np.ndarray[tuple[int], np.dtype[np.datetime64]]
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

    names: Sequence[str]
    """Of the series, each once; empty where cells are."""
    series: Ints
    """Of each row the place of its series among the names."""
    at: Times
    """Local time, in seconds; NaT where the cell is no date."""
    y: Floats
    """NaN where the cell is empty."""
    wrong: Mapping[int, str] = field(default_factory=dict)
    """Of rows with a cell that cannot be read: what is wrong."""
    covariates: Mapping[str, Floats] = field(default_factory=dict)
    is_test: np.ndarray[tuple[int], np.dtype[np.bool_]] | None = None
    """Of each row whether the official split keeps it for the test."""
    numbers: Ints | None = None
    """Of each row its number in the file, from 1; None: they are counted."""

    def number(self, row: int) -> int:
        """Give the number of a row as messages name it."""
        return row + 1 if self.numbers is None else int(self.numbers[row])


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
    ends: Times
    """Of each series its last period."""
    covariates: Mapping[str, Floats]
    """Of each name series x periods; NaN where not known."""
    test_periods: Ints
    """Of each series how many of its last periods are the official split's test; 0 without one."""
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
    ranked = sorted(range(len(columns.names)), key=columns.names.__getitem__)
    ranks = np.empty(len(ranked), dtype=np.int64)
    ranks[ranked] = np.arange(len(ranked))
    names, which = [columns.names[place] for place in ranked], ranks[columns.series]
    period = columns.at.astype(UNITS[freq]).astype(np.int64)
    order = np.lexsort((period, which))
    bounds = np.searchsorted(which[order], np.arange(len(names) + 1))
    wrong = _wrong_rows(columns, which)
    refused, found, unsorted = [], [], 0
    for number, name in enumerate(names):
        rows = order[bounds[number] : bounds[number + 1]]
        if not len(rows):
            continue
        reason = wrong.get(number) or _refusal(name, columns, rows, period, freq)
        if reason:
            refused.append(Refusal(name, reason))
            continue
        unsorted += bool((np.diff(rows) < 0).any())
        found.append((name, rows))
    return _arranged(columns, found, period=period, freq=freq, refused=refused, unsorted=unsorted)


def _arranged(
    columns: Columns,
    found: list[tuple[str, Ints]],
    *,
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
        found.setdefault(int(which[row]), f"row {columns.number(row)}: {columns.wrong[row]}")
    return found


def _refusal(name: str, columns: Columns, rows: Ints, period: Ints, freq: str) -> str | None:
    """Say why a series is not forecast, if so."""
    y, at = columns.y[rows], columns.at[rows]
    if not name:
        return f"row {columns.number(int(rows.min()))}: the series has no name: expected a text in series_id"
    if np.isnat(at).any():
        return f"row {columns.number(int(rows[np.isnat(at)].min()))}: ds is empty: expected a date"
    if np.isinf(y).any():
        place = int(np.argmax(np.isinf(y)))
        where = f"row {columns.number(int(rows[place]))}: y is {y[place]} on {_day(at[place])}"
        return f"{where}: expected a finite number"
    if (y < 0).any():
        place = int(np.argmax(y < 0))
        where = f"row {columns.number(int(rows[place]))}: y is {y[place]:g} on {_day(at[place])}"
        return f"{where}: expected demand, 0 or more"
    if (y > LARGEST).any():
        place = int(np.argmax(y > LARGEST))
        where = f"row {columns.number(int(rows[place]))}: y is {y[place]:g} on {_day(at[place])}"
        return f"{where}: expected at most {LARGEST:g}"
    return (
        _wrong_times(period[rows], at, freq)
        or _wrong_covariate(columns, rows, at)
        or _wrong_test(columns, rows, y)
    )


def _wrong_times(period: Ints, at: Times, freq: str) -> str | None:
    same = np.diff(period) == 0
    if same.any():
        place = int(np.argmax(same))
        what = {"D": "day", "W": "day", "M": "month"}[freq]
        return f"the {what} {_day(at[place])} stands twice: expected one row per period"
    unit = _DAYS_OF_A_WEEK if freq == "W" else 1
    span = int(period[-1] - period[0]) // unit + 1
    if span > MOST_PERIODS:
        return f"{_day(at[0])} to {_day(at[-1])} are {span} periods: expected at most {MOST_PERIODS}"
    if freq == "W":
        off = (period - period[0]) % _DAYS_OF_A_WEEK != 0
        if off.any():
            place = int(np.argmax(off))
            return f"{_day(at[place])} is no whole number of weeks after {_day(at[0])}: expected one weekday"
    return None


def _wrong_covariate(columns: Columns, rows: Ints, at: Times) -> str | None:
    for name, values in columns.covariates.items():
        value = values[rows]
        is_price = "price" in name.lower()
        is_wrong = (abs(value) > LARGEST) | (is_price & (value <= 0))
        if is_wrong.any():
            place = int(np.argmax(is_wrong))
            expected = "a price above 0" if is_price else f"a finite number, at most {LARGEST:g}"
            return (
                f"row {columns.number(int(rows[place]))}: {name} is {value[place]:g} on {_day(at[place])}: "
                f"expected {expected}, or nothing where it is not known"
            )
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
