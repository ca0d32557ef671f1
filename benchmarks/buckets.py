"""What the choice of the period saves in stock, what shrunk weekdays and events on days save in error.

Each beside the naive alternative, on real demand: 60 items of the extract in this repository; where `--data`
is there, items of a British retailer and of a grocery chain, and a manufacturer's weeks. The period is chosen
by demand that ends 13 weeks earlier, and its stock played over the 13 weeks after. Promotions from Friday to
Sunday, which double a day's demand, are planted, as no data tells of such days.
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from pyarrow import parquet

from benchmarks.accuracy import _by_day
from benchmarks.result import Limit, Result
from cloud.events.domain import EventRow, Subject
from cloud.forecasting.batch.classes import NAMES, patterns
from cloud.forecasting.combining import Combination
from cloud.forecasting.domain import HORIZONS
from cloud.forecasting.engine import plan
from cloud.forecasting.granularity.choosing import choose
from cloud.forecasting.granularity.domain import Bucket
from cloud.forecasting.granularity.method import paths_in
from cloud.forecasting.granularity.playing import Played, play_all
from cloud.forecasting.moves import Moves
from cloud.forecasting.policies import Policies
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.rolling import origins_of
from cloud.forecasting.stock import terms_of
from cloud.forecasting.weekdays import weekday_shares
from cloud.forecasting.weeks import DAYS, Weeks, weeks_of
from simulators.retail.history.sales import best_sold, sales_of

_DATA: Final = Path(__file__).resolve().parents[2] / "shared/data/forecast"
_LAST: Final = date(2026, 3, 1)
_SEED: Final = 1
_JUDGED: Final = 13
_AHEAD: Final = 4
_UPLIFT: Final = 2.0
_PROMOTED: Final = 1 / 8


class Demand(NamedTuple):
    """Series to measure on."""

    days: Floats
    review: int
    """Days between two orders."""
    lead: int
    cost: Floats
    is_daily: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--series", type=int, default=500, help="of each data set, default: 500")
    parser.add_argument("--data", type=Path, default=_DATA, help="folder of the Parquet files")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Stock cost over that of weeks, error of days, by data set.
    """
    figures: dict[str, float] = {}
    sizes: dict[str, object] = {}
    notes: list[str] = []
    for name, demand in _sets(arguments.data, arguments.series):
        print(f"  {name} …", file=sys.stderr)
        sizes[name] = f"{len(demand.days)} series of {demand.days.shape[1]} days"
        for review in (demand.review, 4 * DAYS):
            label = f"{name}_review_{review}"
            told, chosen = _stock(demand, review)
            figures |= {f"{label}_{key}": value for key, value in told.items()}
            notes.append(f"{label}: {chosen}")
        if demand.is_daily:
            figures |= {f"{name}_days_{key}": value for key, value in _weekdays(demand.days).items()}
            figures |= {f"{name}_planted_{key}": value for key, value in _planted(demand.days).items()}
    return Result(
        benchmark="buckets",
        headline="worst_chosen_to_week",
        figures=figures,
        ratios={
            "worst_chosen_to_week": max(
                value for key, value in figures.items() if key.endswith("cost_chosen_to_week")
            )
        },
        limits={"worst_chosen_to_week": Limit(must=1.02, goal=1.0, better="lower")},
        input={**sizes, "judged_weeks": _JUDGED, "seed": _SEED},
        notes=tuple(notes),
    )


def _sets(folder: Path, series: int) -> Iterator[tuple[str, Demand]]:
    def daily(days: Floats) -> Demand:
        return Demand(days, DAYS, DAYS, np.full(len(days), np.nan), is_daily=True)

    yield "extract", daily(_by_day(best_sold(), 60)[0])
    if (folder / "onlineretail_pos_lines.parquet").exists():
        yield "retail", daily(_by_day(sales_of(folder / "onlineretail_pos_lines.parquet"), series)[0])
    if (folder / "completejourney_tx_sample.parquet").exists():
        yield "grocery", daily(_grocery(folder / "completejourney_tx_sample.parquet", series))
    if (folder / "man_weekly.parquet").exists():
        yield "manufacturer", _manufacturer(folder, series)


def _grocery(file: Path, series: int) -> Floats:
    table = parquet.read_table(file, columns=["product_id", "quantity", "transaction_timestamp"])
    codes, item = np.unique(np.array(table["product_id"].to_pylist()), return_inverse=True)
    day = table["transaction_timestamp"].to_numpy().astype("datetime64[D]").astype(np.int64)
    found = np.zeros((len(codes), int(day.max() - day.min()) + 1))
    np.add.at(found, (item, day - day.min()), np.maximum(table["quantity"].to_numpy(), 0))
    sold = (found > 0).sum(axis=1)
    chosen = np.lexsort((np.arange(len(sold)), -sold))[:series]
    result: Floats = found[np.sort(chosen)]
    return result


def _manufacturer(folder: Path, series: int) -> Demand:
    """Read weeks, each spread evenly over its days, with the items' own cost and lead time."""
    table = parquet.read_table(folder / "man_weekly.parquet").to_pydict()
    names = sorted(set(table["series_id"]))
    place = {name: row for row, name in enumerate(names)}
    at = np.array([one.toordinal() for one in table["ds"]])
    weeks = np.zeros((len(names), (int(at.max()) - int(at.min())) // DAYS + 1))
    weeks[[place[name] for name in table["series_id"]], (at - at.min()) // DAYS] = table["y"]
    items = parquet.read_table(folder / "man_items.parquet").to_pydict()
    cost = dict(zip(items["series_id"], items["cost_price"], strict=True))
    chosen = np.sort(np.random.default_rng(_SEED).choice(len(names), min(series, len(names)), replace=False))
    days = np.repeat(weeks[chosen] / DAYS, DAYS, axis=1)
    lead = DAYS * int(np.median(items["lead_time_weeks"]))
    return Demand(days, DAYS, lead, np.array([cost[names[row]] for row in chosen]), is_daily=False)


def _stock(demand: Demand, review: int) -> tuple[dict[str, float], str]:
    """Choose by all but the last weeks, and say what stock cost in these, over that of weeks."""
    days = demand.days[:, -(demand.days.shape[1] // DAYS) * DAYS :]
    count = len(days)
    policies = Policies(
        np.full(count, review), np.full(count, review + demand.lead), np.full(count, 0.95), count
    )
    terms = terms_of(policies, demand.cost)
    horizon = -(-max(HORIZONS[-1], review + demand.lead) // DAYS)

    def played(back: int) -> tuple[Played, list[str]]:
        weeks = weeks_of(
            days[:, : days.shape[1] - back], np.zeros((count, days.shape[1] - back), dtype=np.bool_)
        )
        origins = origins_of(weeks)
        last = _LAST - timedelta(days=back)
        said = Combination().said(weeks, origins, horizon, last_day=last.toordinal(), spread=map)
        paths = paths_in(said, weeks, origins, spread=map, wanted=set(Bucket))
        found = play_all(paths, weeks, origins, terms, target=policies.service, last_day=last, factors=None)
        names = [NAMES[place] for place in patterns(weeks.totals, origins[-1:])[:, 0]]
        return found, names

    before, classes = played(DAYS * _JUDGED)
    chosen = {one.class_name: one.bucket for one in choose(before, classes, (), set(classes))}
    after, _ = played(0)
    costs = {name: cost[:, -_JUDGED:].sum(axis=1) for name, cost in after.costs.items()}
    known = np.isfinite(sum(costs.values()))
    own = np.array([costs[chosen[name].value][row] for row, name in enumerate(classes)])
    week = float(costs["week"][known].sum())
    told = {f"cost_{name}_to_week": float(cost[known].sum()) / week for name, cost in costs.items()}
    told["cost_chosen_to_week"] = float(own[known].sum()) / week
    del told["cost_week_to_week"]
    return told, ", ".join(
        f"{classes.count(name)} {name} in {bucket.value}" for name, bucket in chosen.items()
    )


def _weekdays(days: Floats) -> dict[str, float]:
    """Give the error of days, their week's total known: with shrunk shares, the item's, the site's, none."""
    weeks = weeks_of(days, np.zeros(days.shape, dtype=np.bool_))
    origins = np.arange(weeks.count - _JUDGED - _AHEAD, weeks.count - _AHEAD)
    shrunk = weekday_shares(weeks.daily, origins).shares
    filled = np.nan_to_num(weeks.daily)
    own, pooled = np.full_like(shrunk, 1 / DAYS), np.full_like(shrunk, 1 / DAYS)
    for place, origin in enumerate(origins.tolist()):
        sums = filled[:, : origin + 1].sum(axis=1)
        totals = sums.sum(axis=1, keepdims=True)
        own[:, place] = np.where(totals > 0, sums / np.maximum(totals, 1e-9), 1 / DAYS)
        pooled[:, place] = sums.sum(axis=0) / sums.sum()
    shares = {"shrunk": shrunk, "own": own, "pooled": pooled, "alike": np.full_like(own, 1 / DAYS)}
    return {
        f"{figure}_{name}": value
        for name, given in shares.items()
        for figure, value in _day_errors(weeks, origins, given).items()
    }


def _day_errors(weeks: Weeks, origins: Ints, shares: Floats) -> dict[str, float]:
    """Give the absolute error over demand, and the root of the mean squared error of a day's share."""
    error = demand = squares = cells = 0.0
    for place, origin in enumerate(origins.tolist()):
        came = weeks.daily[:, origin + 1 : origin + 1 + _AHEAD]
        total = came.sum(axis=2, keepdims=True)
        off = came - total * shares[:, place, None]
        asked = total[:, :, 0] > 0
        error, demand = error + float(np.nansum(abs(off))), demand + float(np.nansum(total))
        squares += float(((off[asked] / total[asked]) ** 2).sum())
        cells += DAYS * float(asked.sum())
    return {"wape": error / demand, "share_rmse": float(np.sqrt(squares / cells))}


def _planted(days: Floats) -> dict[str, float]:
    """Give the error of the days of weeks with a planted promotion, a week ahead."""
    rng = np.random.default_rng(_SEED)
    count = days.shape[1] // DAYS
    days = days[:, -count * DAYS :].copy()
    first = _LAST - timedelta(days=count * DAYS - 1)
    events = []
    for number, (row, week) in enumerate(np.argwhere(rng.random((len(days), count)) < _PROMOTED).tolist()):
        start = week * DAYS + 4
        days[row, start : start + 3] *= _UPLIFT
        events.append(_event(number + 1, row + 1, first + timedelta(days=start)))
    subjects = [Subject(row + 1, None) for row in range(len(days))]
    moves = Moves(events, subjects, _LAST, datetime(2026, 3, 2, tzinfo=UTC))
    off: dict[str, list[Floats]] = {"by_day": [], "by_week": [], "without": [], "naive": []}
    demand: list[Floats] = []
    typical = np.nanmean(days, axis=1)
    weeks = weeks_of(days, np.zeros(days.shape, dtype=np.bool_))
    made = {
        name: plan(
            days,
            np.zeros(days.shape, dtype=np.bool_),
            last_day=_LAST,
            protection=np.full(len(days), 14),
            method=Combination(moves=given),
            processes=1,
        )
        for name, given in (("by_week", moves), ("without", None))
    }
    promoted = np.zeros(weeks.totals.shape, dtype=np.bool_)
    for one in events:
        promoted[(one.item_id or 0) - 1, (one.from_day - first).days // DAYS] = True
    origins = made["by_week"].rolled.origins
    for place, origin in enumerate(origins.tolist()):
        if not count - 1 - _JUDGED <= origin < count - 1:
            continue
        rows = np.flatnonzero(promoted[:, origin + 1])
        came = weeks.daily[rows, origin + 1]
        demand.append(came / typical[rows, None])
        for name, planned in made.items():
            rolled, level = planned.rolled, planned.said.paths[rows, place, :1]
            usual = level * rolled.weekdays.shares[rows, place]
            off[name].append((usual - came) / typical[rows, None])
            if name == "by_week":
                moved = level * rolled.past_shares(rows)[:, place, 0]
                off["by_day"].append((moved - came) / typical[rows, None])
        off["naive"].append((weeks.daily[rows, origin] - came) / typical[rows, None])
    asked = float(np.nansum(np.concatenate(demand)))
    figures = {}
    for name, parts in off.items():
        error = np.concatenate(parts)
        figures[f"wape_{name}"] = float(np.nansum(abs(error)) / asked)
        figures[f"bias_{name}"] = float(np.nansum(error) / asked)
        figures[f"rmse_{name}"] = float(np.sqrt(np.nanmean(error**2)))
    return figures


def _event(number: int, item_id: int, day: date) -> EventRow:
    known = datetime(2020, 1, 1, tzinfo=UTC)
    return EventRow(
        event_id=number,
        revision=1,
        site="bench",
        item=None,
        item_id=item_id,
        category=None,
        from_day=day,
        to_day=day + timedelta(days=2),
        kind="promotion",
        name="planted",
        attributes={},
        effect_prior=None,
        known_at=known,
        source="bench",
        reference=str(number),
        is_withdrawn=False,
        reason="",
        author="user:bench",
        recorded_at=known,
    )
