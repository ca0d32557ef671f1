"""What statsforecast takes, and how near it comes, for the same series: imported only when measured."""

import time
import warnings
from typing import Any, Final

import numpy as np

from cloud.forecasting.batch import metrics
from cloud.forecasting.batch.evaluate import Evaluation
from cloud.forecasting.protocol import Floats

_HORIZON: Final = 4
_MONTHS: Final = 12


def seconds_per_1000(y: Floats, *, season: int, sample: int) -> dict[str, float]:
    """Time one fit and forecast of each of some series, after one to warm up.

    Args:
        y: Series x periods; NaN where not known.
        season: Periods per cycle.
        sample: Series.

    Returns:
        CPU seconds per 1,000 series, by model.

    Raises:
        ImportError: If statsforecast is not installed.
    """
    from statsforecast.models import AutoETS, CrostonSBA, DynamicOptimizedTheta  # noqa: PLC0415  measured only here

    histories = [row[np.isfinite(row)] for row in _spread(y, sample)]
    histories = [history for history in histories if len(history) > _HORIZON]
    models = {
        "croston_sba": (CrostonSBA(), len(histories)),
        "dynamic_optimized_theta": (DynamicOptimizedTheta(season_length=season), len(histories)),
        "auto_ets": (AutoETS(season_length=season), max(len(histories) // 10, 3)),
    }
    found = {}
    for name, (model, count) in models.items():
        _forecast(model, histories[0], _HORIZON)
        began = time.process_time()
        for history in histories[:count]:
            _forecast(model, history, _HORIZON)
        found[name] = 1000 * (time.process_time() - began) / count
    return found


def carparts(y: Floats) -> dict[str, float]:
    """Forecast the last 12 months of series with models for intermittent demand.

    Args:
        y: Series x months; NaN where not known.

    Returns:
        RMSSE and bias in per cent by model.

    Raises:
        ImportError: If statsforecast is not installed.
    """
    from statsforecast.models import ADIDA, IMAPA, CrostonSBA  # noqa: PLC0415  measured only here

    before, actual = y[:, :-_MONTHS], y[:, None, -_MONTHS:]
    found = {}
    for name, model in (("imapa", IMAPA()), ("adida", ADIDA()), ("croston_sba", CrostonSBA())):
        said = np.full(actual.shape, np.nan)
        for row, history in enumerate(before):
            known = history[np.isfinite(history)]
            if len(known) > 1:
                said[row, 0] = _forecast(model, known, _MONTHS)
        told = metrics.overall(metrics.measure(said, actual, before=before, season=1))
        for figure in ("rmsse", "bias_pct"):
            value = told[figure]
            if value is not None:
                found[f"{name}_{figure}"] = value
    return found


def rmsse_whole_history(y: Floats, made: Evaluation) -> float:
    """Scale by all changes known before the judged origin, leading zeros included.

    Args:
        y: Series x periods.
        made: One evaluation of them.

    Returns:
        The mean over the series that change at all.
    """
    before = y[:, : int(made.origins.at[made.origins.judged.start]) + 1]
    square = np.diff(before, axis=1) ** 2
    count = np.isfinite(square).sum(axis=1)
    scale = np.nansum(square, axis=1) / np.maximum(count, 1)
    error = made.errors.square / np.maximum(made.errors.count, 1)
    is_told = (scale > 0) & (made.errors.count > 0)
    return float(np.sqrt(error[is_told] / scale[is_told]).mean())


def _forecast(model: Any, history: Floats, horizon: int) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer warns of short series; its forecast counts all the same
        result: Floats = np.asarray(model.forecast(history, horizon)["mean"], dtype=np.float64)
    return result


def _spread(y: Floats, count: int) -> Floats:
    """Take every n-th series."""
    return y[:: max(len(y) // max(count, 1), 1)][:count]
