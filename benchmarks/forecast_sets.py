"""The real series that forecasting is measured on: a folder of Parquet files in, panels out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from pyarrow import compute, parquet

from cloud.forecasting.backtest.files import Wanted, read
from cloud.forecasting.batch.longform import Panel, panel
from cloud.forecasting.batch.official import Split, split_panel
from cloud.forecasting.batch.rolled import Origins, plan_origins
from cloud.forecasting.protocol import Floats

FOLDER: Final = Path(__file__).resolve().parents[2] / "shared/data/forecast"
WEEKS: Final = 104
DAYS: Final = 730
_SEED: Final = 1
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Series:
    """What one row of the table is measured on."""

    y: Floats
    told: str
    """Where they are from, how many, how long."""
    season: int
    covariates: Mapping[str, Floats] | None = None


def weekly(folder: Path, most: int | None) -> Series:
    """Read a manufacturer's weeks, the last 104 of them."""
    found = panel(read(folder / "man_weekly.parquet", Wanted()), freq="W").y[:, -WEEKS:]
    found = _some(found, most)
    return Series(found, f"man_weekly: {len(found)} series, the last {WEEKS} of 150 weeks", 52)


def weekly_mixed(folder: Path, most: int | None) -> Series:
    """Read as many regular series as intermittent ones: orange juice, and the manufacturer's."""
    juice = orange_juice(folder, None if most is None else most // 2).y[:, -WEEKS:]
    parts = weekly(folder, len(juice)).y
    told = f"{len(parts)} of man_weekly and {len(juice)} of oj_weekly_promo, the last {WEEKS} weeks"
    return Series(np.concatenate([parts, juice]), told, 52)


def daily(folder: Path, most: int | None) -> Series:
    """Read a retailer's days, each item's after themselves, as there are but 374 of them."""
    days = retail_days(folder)
    found = _some(np.concatenate([days, days], axis=1)[:, -DAYS:], most)
    told = f"onlineretail: {len(found)} items sold on 30 days, their 374 days twice over, the last {DAYS}"
    return Series(found, told, 7)


def retail_weeks(folder: Path, most: int | None) -> Series:
    """Read the same retailer's weeks, once."""
    days = retail_days(folder)
    whole = days.shape[1] // 7
    weeks = days[:, -7 * whole :].reshape(len(days), whole, 7).sum(axis=2)
    found = _some(weeks, most)
    return Series(found, f"onlineretail: {len(found)} items, {whole} weeks", 52)


def retail_days(folder: Path) -> Floats:
    """Sum the retailer's lines by item and day; what was cancelled counts for nothing.

    Args:
        folder: Of the files.

    Returns:
        Items sold on 30 days or more x days; 0 where the shop sold none.
    """
    table = parquet.read_table(
        folder / "onlineretail_pos_lines.parquet", columns=["StockCode", "Quantity", "InvoiceDate"]
    )
    table = table.filter(compute.greater(table["Quantity"], 0))
    codes, item = np.unique(np.array(table["StockCode"].to_pylist()), return_inverse=True)
    day = table["InvoiceDate"].to_numpy().astype("datetime64[D]").astype(np.int64)
    day -= day.min()
    found = np.zeros((len(codes), int(day.max()) + 1))
    np.add.at(found, (item, day), table["Quantity"].to_numpy())
    result: Floats = found[np.sum(found > 0, axis=1) >= 30]
    return result


def m3_monthly(folder: Path, most: int | None) -> Split:
    """Read the monthly series of the M3 competition with its own split."""
    wanted = Wanted(split="split", where=(("period", "monthly"),))
    found = panel(read(folder / "m3_all.parquet", wanted), freq="M")
    if most is not None and most < len(found.y):
        rows = _chosen(len(found.y), most)
        found = replace(found, y=found.y[rows], test_periods=found.test_periods[rows])
    return split_panel(found, None)


def carparts(folder: Path, most: int | None) -> Series:
    """Read intermittent spare parts; what is not available stays unknown."""
    found = _some(panel(read(folder / "carparts_monthly.parquet", Wanted()), freq="M").y, most)
    return Series(found, f"carparts_monthly: {len(found)} series of 51 months, NA kept out", 12)


def orange_juice(folder: Path, most: int | None) -> Series:
    """Read orange juice by store and brand with deal, feature and the brand's own price."""
    prices = tuple(f"price{brand}" for brand in range(1, 12))
    found: Panel = panel(
        read(folder / "oj_weekly_promo.parquet", Wanted(covariates=("brand", "deal", "feat", *prices))),
        freq="W",
    )
    brand = np.nanmax(found.covariates["brand"], axis=1).astype(int)
    price = np.stack([found.covariates[name] for name in prices], axis=2)
    own = price[np.arange(len(brand)), :, brand - 1]
    rows = np.arange(len(brand)) if most is None else _chosen(len(brand), most)
    covariates = {
        "deal": found.covariates["deal"][rows],
        "feature": found.covariates["feat"][rows],
        "price": own[rows],
    }
    y = found.y[rows]
    return Series(y, f"oj_weekly_promo: {len(y)} series of {y.shape[1]} weeks", 52, covariates)


@dataclass(frozen=True, slots=True)
class Judged:
    """A set that is measured for its bands alone."""

    series: Series
    horizon: int
    origins: Origins


def automotive(folder: Path, most: int | None) -> Judged:
    """Read spare parts of cars, two years of months each."""
    y = _some(panel(read(folder / "auto_monthly.parquet", Wanted()), freq="M").y, most)
    return _rolled(Series(y, f"auto_monthly: {len(y)} series of {y.shape[1]} months", 12), 3)


def grocery(folder: Path, most: int | None) -> Judged:
    """Sum a grocer's lines by item and week, of items sold in a quarter of its weeks."""
    file = folder / "completejourney_tx_sample.parquet"
    table = parquet.read_table(file, columns=["product_id", "quantity", "week"])
    codes, item = np.unique(np.array(table["product_id"].to_pylist()), return_inverse=True)
    week = table["week"].to_numpy() - 1
    weeks = np.zeros((len(codes), int(week.max()) + 1))
    np.add.at(weeks, (item, week), np.maximum(table["quantity"].to_numpy(), 0))
    y = _some(weeks[np.sum(weeks > 0, axis=1) >= weeks.shape[1] / 4], most)
    return _rolled(Series(y, f"completejourney: {len(y)} items of {y.shape[1]} weeks", 52), 4)


def m3(folder: Path, most: int | None, *, period: str, season: int) -> Judged:
    """Read other series of the M3 competition with their own split; their periods only follow each other."""
    wanted = Wanted(split="split", where=(("period", period),))
    columns = read(folder / "m3_all.parquet", wanted)
    _, first, row = np.unique(np.array(list(columns.series)), return_index=True, return_inverse=True)
    follows = (np.arange(len(row)) - first[row]).astype("timedelta64[M]")
    at = (np.datetime64("1900-01", "M") + follows).astype(columns.at.dtype)
    found = split_panel(panel(replace(columns, at=at), freq="M"), None)
    y = _some(found.y, most)
    told = f"m3_all, {period}: {len(y)} series, official split, {found.horizon} ahead"
    return Judged(Series(y, told, season), found.horizon, found.origins)


def _rolled(series: Series, horizon: int) -> Judged:
    planned = plan_origins(series.y.shape[1], horizon=horizon, judged=13, step=1)
    return Judged(replace(series, told=f"{series.told}, {horizon} ahead"), horizon, planned)


FURTHER: Final[dict[str, Callable[[Path, int | None], Judged]]] = {
    "automotive": automotive,
    "grocery": grocery,
    "m3_yearly": partial(m3, period="yearly", season=1),
    "m3_quarterly": partial(m3, period="quarterly", season=4),
    "m3_other": partial(m3, period="other", season=1),
}
"""Sets that are measured for their bands alone."""
READERS: Final[dict[str, Callable[[Path, int | None], Series]]] = {
    "weekly": weekly,
    "retail": retail_weeks,
    "carparts": carparts,
    "oj": orange_juice,
}


def _some(values: Floats, most: int | None) -> Floats:
    return values if most is None or most >= len(values) else values[_chosen(len(values), most)]


def _chosen(count: int, most: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.sort(np.random.default_rng(_SEED).choice(count, min(most, count), replace=False))
