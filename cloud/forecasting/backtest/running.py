"""A long-form file in, a judged backtest out, as JSON holds it; no database is needed."""

import resource
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

from cloud.forecasting.backtest import drivers as driving
from cloud.forecasting.backtest.files import Wanted, read
from cloud.forecasting.batch.classes import NAMES
from cloud.forecasting.batch.evaluate import Drivers, Evaluation, Progress, evaluate
from cloud.forecasting.batch.longform import LongformError, Panel, Refusal, panel
from cloud.forecasting.batch.members import MEMBERS
from cloud.forecasting.batch.official import Split, compared, split_panel
from cloud.forecasting.batch.rolled import Origins, plan_origins
from cloud.forecasting.boosting import NAME as BOOSTED
from cloud.forecasting.boosting import BoostingError
from cloud.forecasting.pool import in_processes
from cloud.forecasting.protocol import Floats

_PACKAGES: Final = ("dockledger", "numpy", "pyarrow", "lightgbm")
_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    data: Path
    freq: str
    season: int
    horizon: int | None
    """None: as long as the split's test."""
    origins: int = 13
    step: int = 1
    wanted: Wanted = Wanted()  # noqa: RUF009  frozen
    known_future: tuple[str, ...] = ()
    members: tuple[str, ...] = MEMBERS
    processes: int = 1


@dataclass(frozen=True, slots=True)
class _Data:
    """Series as they are judged."""

    y: Floats
    covariates: Mapping[str, Floats]
    origins: Origins
    horizon: int
    split: Split | None


def run(wish: Wish, *, progress: Progress | None = None) -> dict[str, Any]:
    """Backtest a file.

    Args:
        wish: What is asked for.
        progress: Told after each chunk of series.

    Returns:
        Figures, weights, refused series, and on what they were measured.

    Raises:
        LongformError: If the file or the wish as a whole makes no sense.
    """
    _check(wish)
    arranged = panel(read(wish.data, wish.wanted), freq=wish.freq)
    if not arranged.series_ids:
        first = arranged.refused[0]
        raise LongformError(
            f"{wish.data}: all {len(arranged.refused)} series are refused; the first, {first.series_id!r}: "
            f"{first.reason}"
        )
    data = _data(arranged, wish)
    began = _cpu_s()
    drivers, effects = _drivers(data, wish)
    evaluation = evaluate(
        data.y,
        horizon=data.horizon,
        season=wish.season,
        planned=data.origins,
        members=tuple(name for name in wish.members if name != BOOSTED),
        drivers=drivers,
        spread=partial(in_processes, processes=wish.processes),
        progress=progress,
    )
    cpu_s = _cpu_s() - began
    official = {}
    if data.split is not None:
        official = compared(data.split, evaluation.forecast[:, -1], season=wish.season)
    return {
        **_counts(arranged, evaluation, data, wish),
        **evaluation.figures(),
        **official,
        "cpu_seconds_per_1000": 1000 * cpu_s / len(data.y),
        "peak_rss_mb": _peak_rss_mb(),
        "weights": _weights(evaluation),
        "effects": effects,
        "refused": [asdict(refusal) for refusal in _refused(arranged, evaluation)],
        "versions": _versions(),
    }


def _check(wish: Wish) -> None:
    possible = (*MEMBERS, BOOSTED)
    unknown = [name for name in wish.members if name not in possible]
    if unknown or not wish.members:
        raise LongformError(f"members {unknown or 'none'}: expected some of {', '.join(possible)}")
    stray = [name for name in wish.known_future if name not in wish.wanted.covariates]
    if stray:
        raise LongformError(
            f"--known-future {','.join(stray)}: expected some of --covariates, "
            f"which are {','.join(wish.wanted.covariates) or 'none'}"
        )
    own = {wish.wanted.series, wish.wanted.at, wish.wanted.y} & set(wish.wanted.covariates)
    if own:
        raise LongformError(
            f"--covariates {','.join(sorted(own))}: expected other columns than the series' own"
        )
    if wish.horizon is None and wish.wanted.split is None:
        raise LongformError("--horizon is missing: expected periods ahead, or --split-column")


def _data(arranged: Panel, wish: Wish) -> _Data:
    if wish.wanted.split is not None:
        split = split_panel(arranged, wish.horizon)
        return _Data(split.y, split.covariates, split.origins, split.horizon, split)
    horizon = wish.horizon or 1
    planned = plan_origins(arranged.y.shape[1], horizon=horizon, judged=wish.origins, step=wish.step)
    if planned.judged.start == planned.judged.stop:
        raise LongformError(
            f"{wish.data}: the longest series has {arranged.y.shape[1]} periods: expected more than the "
            f"horizon of {horizon}"
        )
    return _Data(arranged.y, arranged.covariates, planned, horizon, None)


def _drivers(data: _Data, wish: Wish) -> tuple[Drivers | None, dict[str, Any]]:
    with_boosting = BOOSTED in wish.members
    if not data.covariates and not with_boosting:
        return None, {}
    try:
        return driving.learned(
            data.y,
            data.covariates,
            data.origins.at,
            data.horizon,
            known_future=wish.known_future,
            season=wish.season,
            with_boosting=with_boosting,
        )
    except BoostingError as error:
        raise LongformError(f"member {BOOSTED}: {error}") from error


def _counts(arranged: Panel, evaluation: Evaluation, data: _Data, wish: Wish) -> dict[str, Any]:
    judged = evaluation.errors.count > 0
    return {
        "series": int(judged.sum()),
        "origins": data.origins.judged.stop - data.origins.judged.start,
        "horizon": data.horizon,
        "step": wish.step,
        "freq": wish.freq,
        "season": wish.season,
        "periods": int(data.y.shape[1]),
        "judged_steps": int(evaluation.errors.count.sum()),
        "unknown_periods": arranged.unknown_periods,
        "unsorted_series": arranged.sorted_series,
    }


def _refused(arranged: Panel, evaluation: Evaluation) -> list[Refusal]:
    """Add the series that nothing could be judged of."""
    found = list(arranged.refused)
    for row in np.flatnonzero(evaluation.errors.count == 0).tolist():
        known = int(np.isfinite(arranged.y[row]).sum())
        reason = (
            f"insufficient data: {known} known periods, and none of them after an origin that forecasts it"
        )
        found.append(Refusal(arranged.series_ids[row], reason))
    return sorted(found, key=lambda one: one.series_id)


def _weights(evaluation: Evaluation) -> dict[str, Any]:
    """Tell the weights in force, in the mean of all series and of each class, and what a class leaves out."""
    newest, classes = evaluation.weights[:, -1], evaluation.classes[:, -1]
    relative, dropped = evaluation.pooled.relative()[:, -1], evaluation.pooled.dropped()[:, -1]

    def means(rows: Any) -> dict[str, float]:
        known = newest[rows & newest.any(axis=1)]
        ordered = np.sort(known, axis=0).mean(axis=0) if len(known) else np.zeros(len(evaluation.members))
        return {name: round(float(w), 4) for name, w in zip(evaluation.members, ordered, strict=True)}

    by_class = {}
    for number, name in enumerate(NAMES):
        within = classes == number
        if within.any():
            by_class[name] = {
                "series": int(within.sum()),
                "weights": means(within),
                "relative_mse": {
                    member: round(float(value), 4)
                    for member, value in zip(evaluation.members, relative[number], strict=True)
                },
                "dropped": [
                    member for member, out in zip(evaluation.members, dropped[number], strict=True) if out
                ],
            }
    return {"all": means(np.ones(len(newest), dtype=np.bool_)), "by_class": by_class}


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak_rss_mb() -> float:
    """Of this process, and of the largest of its children beside it."""
    found = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(found / _KIB, 1)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
