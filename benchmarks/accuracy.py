"""How near the forecasts come to real demand, beside the seasonal naive, and whether their bands hold.

The forecaster as it is shipped, over the last 13 weeks of real series: 60 items of the extract in this
repository, and where `--data` is there 300 series each of a British retailer by the day, a manufacturer and a
grocery chain by the week. A week's demand of the latter stands on one of its days.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyarrow import parquet

from benchmarks.result import Limit, Result
from cloud.forecasting.engine import plan
from simulators.retail.history.sales import Sale, best_sold, sales_of

Days = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""Demand by series and day, and where it is not known."""

_DATA: Final = Path(__file__).resolve().parents[2] / "shared/data/forecast"
_LAST: Final = date(2026, 3, 1)
_SEED: Final = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--series", type=int, default=300, help="of each data set, default: 300")
    parser.add_argument("--data", type=Path, default=_DATA, help="folder of the Parquet files")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        WAPE one and four weeks ahead, that of the seasonal naive, bias and coverage, by data set.
    """
    figures: dict[str, float] = {}
    sizes: dict[str, object] = {}
    for name, read in _sets(arguments.data, arguments.series):
        print(f"  {name} …", file=sys.stderr)
        days, unknown = read()
        planned = plan(days, unknown, last_day=_LAST, protection=np.full(len(days), 14))
        told: dict[str, dict[str, Any]] = planned.outcome()["judged"]["by_horizon_days"]  # type: ignore[index]  # its own
        sizes[name] = f"{len(days)} series of {days.shape[1]} days"
        rmsse = planned.judged.rmsse[np.isfinite(planned.judged.rmsse)]
        figures[f"{name}_rmsse_week"] = float(np.mean(rmsse))
        for horizon, label in (("7", "week"), ("28", "four_weeks")):
            for figure in ("wape", "naive_wape", "bias", "coverage_80", "coverage_95"):
                figures[f"{name}_{figure}_{label}"] = told[horizon][figure]
    ratios = {
        f"{name}_to_naive": figures[f"{name}_wape_week"] / figures[f"{name}_naive_wape_week"]
        for name in sizes
    }
    return Result(
        benchmark="accuracy",
        headline="worst_to_naive",
        figures=figures,
        ratios={**ratios, "worst_to_naive": max(ratios.values())},
        limits={"worst_to_naive": Limit(must=1.0, goal=0.95, better="lower")},
        input={**sizes, "origins": 13, "seed": _SEED},
        notes=("WAPE of all series together: sum of absolute errors over sum of demand.",),
    )


def _sets(folder: Path, series: int) -> Iterator[tuple[str, Callable[[], Days]]]:
    yield "extract", lambda: _by_day(best_sold(), 60)
    retail = folder / "onlineretail_pos_lines.parquet"
    if retail.exists():
        yield "retail", lambda: _by_day(sales_of(retail), series)
    for name, file in (("manufacturer", "man_weekly.parquet"), ("grocery", "oj_weekly_promo.parquet")):
        if (folder / file).exists():
            yield name, lambda file=file: _by_week(folder / file, series)  # type: ignore[misc]  # bound at once


def _by_day(sales: Iterator[Sale], series: int) -> Days:
    """Sum sales less cancellations by item and day, of the items sold on most days."""
    asked: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for sale in sales:
        asked[sale.stock_code][sale.at.date()] += float(
            -sale.quantity if sale.is_cancelled else sale.quantity
        )
    chosen = sorted(asked, key=lambda code: (-sum(day > 0 for day in asked[code].values()), code))[:series]
    first = min(min(asked[code]) for code in chosen)
    last = max(max(asked[code]) for code in chosen)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    found = np.array([[max(asked[code].get(day, 0.0), 0.0) for day in days] for code in chosen])
    return found, np.zeros(found.shape, dtype=np.bool_)


def _by_week(file: Path, series: int) -> Days:
    """Read weekly series, drawn at random, with each week's demand on its third day."""
    table = parquet.read_table(file, columns=["series_id", "ds", "y"]).to_pydict()
    weeks: dict[str, dict[date, float]] = defaultdict(dict)
    for name, at, value in zip(table["series_id"], table["ds"], table["y"], strict=True):
        if value is not None and np.isfinite(value):
            weeks[name][at.date()] = float(value)
    first, last = min(min(found) for found in weeks.values()), max(max(found) for found in weeks.values())
    count = (last - first).days // 7 + 1
    names = sorted(name for name in weeks if len(weeks[name]) > 0.8 * count)
    chosen = np.random.default_rng(_SEED).choice(len(names), min(series, len(names)), replace=False)
    days = np.zeros((len(chosen), count * 7))
    unknown = np.ones(days.shape, dtype=np.bool_)
    for row, place in enumerate(sorted(chosen)):
        for at, value in weeks[names[place]].items():
            day = (at - first).days
            days[row, day + 2] = value
            unknown[row, day : day + 7] = False
    return days, unknown
