"""LightGBM over all series at once: direct, on features of arrays, one model for every horizon. Extra `ml`.

The horizon is a feature, the target is demand over the series' own scale, so one model serves large series
and small. It is fitted at few columns and serves from there on; what is fitted at a column has only seen
targets up to it. The same arrays give the same model: seeded, deterministic, rows thinned by a fixed stride.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import numpy as np

from cloud.forecasting.features import Design, design, rows_at
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.uplift import Covariates, fit_columns

NAME: Final = "lightgbm"
MOST_ROWS: Final = 250_000
"""Rows that a model is fitted to; beyond them origins are thinned."""
LOOKED_BACK: Final = 78
"""Origins before a fit whose targets are learned from."""
LEAST_ROWS: Final = 500
TREES: Final = 250
PARAMETERS: Final[dict[str, Any]] = {
    "objective": "tweedie",
    "tweedie_variance_power": 1.3,
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "max_bin": 127,
    "seed": 20260101,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}


class BoostingError(Exception):
    """Boosting cannot be used as wished; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A model as it was fitted at a column."""

    text: str
    """As LightGBM writes it; empty: there were too few rows, and there is none."""
    features: tuple[str, ...]
    rows: int
    """That it was fitted to."""
    gains: tuple[float, ...]
    """Share of each feature in the gain."""


@dataclass(frozen=True, slots=True)
class Boosted:
    """What the models said."""

    paths: Floats
    """Series x origins x horizon, >= 0; NaN where a history is too short, or no model was there yet."""
    columns: tuple[int, ...]
    """At which models were fitted."""
    models: tuple[Learned, ...]


def is_installed() -> bool:
    """Tell whether the extra is there.

    Returns:
        True if LightGBM can be imported.
    """
    try:
        _library()
    except BoostingError:
        return False
    return True


def boost(
    y: Floats,
    covariates: Covariates | None,
    origins: Ints,
    horizon: int,
    *,
    season: int = 1,
    columns: Sequence[int] | None = None,
    pools: Ints | None = None,
    baseline: Floats | None = None,
    threads: int = 1,
) -> Boosted:
    """Forecast from each origin with the last model fitted at or before it.

    Args:
        y: Series x periods, >= 0, NaN where not known.
        covariates: Known until the horizon of the last origin; None: history and season alone.
        origins: Columns, ascending.
        horizon: Periods ahead.
        season: Periods of a cycle; 1: none.
        columns: At which to fit; None: the first origin and every 13 periods after.
        pools: Of each series its class, a feature; None: one class.
        baseline: Series x periods: log factors of learned effects (`uplift.effects`), a feature; None: none.
        threads: Of LightGBM; the result does not depend on it.

    Returns:
        The forecasts.

    Raises:
        BoostingError: If LightGBM is not installed.
        ValueError: If a future covariate is not known, or shapes do not fit.
    """
    plan = design(y, covariates, horizon, season=season, pools=pools, baseline=baseline)
    plan.require_future(origins)
    columns = fit_columns(origins) if columns is None else tuple(columns)
    paths = np.full((len(y), len(origins), horizon), np.nan)
    models = []
    for place, column in enumerate(columns):
        until = columns[place + 1] if place + 1 < len(columns) else int(origins[-1]) + 1
        models.append(fitted(plan, column, threads=threads))
        speak = speaker(models[-1], threads=threads)
        for which in np.flatnonzero((origins >= column) & (origins < until)).tolist():
            paths[:, which] = speak(plan, int(origins[which]))
    return Boosted(paths, columns, tuple(models))


def _library() -> ModuleType:
    try:
        import lightgbm  # noqa: PLC0415  an extra
    except (ImportError, OSError) as error:  # the wheel needs the system's libgomp
        raise BoostingError(
            f"LightGBM, which boosting needs, is not installed or cannot be loaded ({error}): install the "
            "extra with `pip install 'dockledger[ml]'` and the system's libgomp (on Debian: libgomp1), or "
            "leave the member 'lightgbm' out"
        ) from error
    found: ModuleType = lightgbm
    return found


@contextmanager
def _loaded() -> Iterator[ModuleType]:
    """Give LightGBM; what it refuses fails boosting, and nothing else."""
    lightgbm = _library()
    try:
        yield lightgbm
    except lightgbm.basic.LightGBMError as error:
        raise BoostingError(f"LightGBM refuses: {error}") from error


def fitted(plan: Design, column: int, *, threads: int = 1) -> Learned:
    """Fit a model to targets up to a column.

    Args:
        plan: How features are made; what it holds of later columns is not looked at.
        column: The last that is known.
        threads: Of LightGBM; the result does not depend on it.

    Returns:
        The model, the same for the same arrays.

    Raises:
        BoostingError: If LightGBM is not installed, or refuses the rows.
    """
    matrix, target = _rows(plan, column)
    if len(target) < LEAST_ROWS or not target.any():
        return Learned("", plan.names, 0, ())
    # What never moved is no feature: else a driver that nobody knew of yet would change the draws of trees.
    moves = ~((matrix == matrix[:1]) | (np.isnan(matrix) & np.isnan(matrix[:1]))).all(axis=0)
    matrix, names = matrix[:, moves], tuple(np.array(plan.names)[moves].tolist())
    # Rows in an order of their own values: the order of the series changes nothing.
    order = np.lexsort(np.concatenate([matrix, target[:, None]], axis=1).T)
    with _loaded() as lightgbm:
        data = lightgbm.Dataset(
            matrix[order],
            target[order],
            # Numbered: LightGBM takes names that people gave for the same where they differ in signs alone.
            feature_name=[f"f{number}" for number in range(len(names))],
            categorical_feature=[number for number, name in enumerate(names) if name == "pool"],
            params={"verbosity": -1, "max_bin": PARAMETERS["max_bin"], "num_threads": threads},
        )
        model = lightgbm.train({**PARAMETERS, "num_threads": threads}, data, num_boost_round=TREES)
    gains = model.feature_importance(importance_type="gain").astype(np.float64)
    whole = float(gains.sum())
    shares = gains / whole if whole else gains
    return Learned(model.model_to_string(), names, len(target), tuple(shares.tolist()))


def speaker(learned: Learned, *, threads: int = 1) -> Callable[[Design, int], Floats]:
    """Load a model, to forecast with.

    Args:
        learned: As it was fitted, now or by an earlier run.
        threads: Of LightGBM; the result does not depend on it.

    Returns:
        Gives of a design and an origin the forecasts, series x horizon, >= 0; NaN where a history is too
        short, or there is no model. A feature that the design does not have is not known; one that the model
        has not learned is not looked at.

    Raises:
        BoostingError: If LightGBM is not installed, or cannot read the model.
    """
    with _loaded() as lightgbm:
        model = lightgbm.Booster(model_str=learned.text) if learned.text else None

    def speak(plan: Design, origin: int) -> Floats:
        said = np.full((len(plan.y), plan.horizon), np.nan)
        if model is None:
            return said
        rows, scale = rows_at(plan, origin)
        usable = np.isfinite(scale)
        if usable.any():
            flat = _arranged(rows[usable].reshape(-1, rows.shape[-1]), plan.names, learned.features)
            with _loaded():
                told = np.maximum(model.predict(flat, num_threads=threads), 0).reshape(-1, plan.horizon)
            said[usable] = told * scale[usable, None]
        return said

    return speak


def _arranged(rows: Floats, names: tuple[str, ...], wanted: tuple[str, ...]) -> Floats:
    """Put features in the order of a model."""
    if names == wanted:
        return rows
    place = {name: number for number, name in enumerate(names)}
    found = np.full((len(rows), len(wanted)), np.nan)
    for number, name in enumerate(wanted):
        if name in place:
            found[:, number] = rows[:, place[name]]
    return found


def _rows(plan: Design, column: int) -> tuple[Floats, Floats]:
    """Gather features, and targets over their series' scale, as far as they had come by a column."""
    y, origins = plan.y, np.arange(max(column - LOOKED_BACK, 0), column)
    stride = max(-(-len(y) * len(origins) * plan.horizon // MOST_ROWS), 1)
    features = [np.empty((0, len(plan.names)))]
    targets = [np.empty(0)]
    for origin in origins[::-1][::stride].tolist():
        rows, scale = rows_at(plan, origin)
        ahead = np.arange(origin + 1, origin + 1 + plan.horizon)
        known = ahead <= column
        wanted = np.full((len(y), plan.horizon), np.nan)
        wanted[:, known] = y[:, ahead[known]] / scale[:, None]
        usable = np.isfinite(wanted)
        features.append(rows[usable])
        targets.append(wanted[usable])
    return np.concatenate(features), np.concatenate(targets)
