"""What statsforecast takes, and how near it comes, for the same series: imported only when measured."""

import time
import warnings
from typing import Any, Final

import numpy as np

from cloud.forecasting.batch import metrics
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
        RMSSE and bias in per cent by model, RMSSE scaled by the whole history too, and that with what is not
        known taken as zero.

    Raises:
        ImportError: If statsforecast is not installed.
    """
    from statsforecast.models import ADIDA, IMAPA, CrostonSBA  # noqa: PLC0415  measured only here

    found = {}
    for name, model in (("imapa", IMAPA()), ("adida", ADIDA()), ("croston_sba", CrostonSBA())):
        said = _year_ahead(model, y)
        errors = metrics.measure(said[:, None], y[:, None, -_MONTHS:], before=y[:, :-_MONTHS], season=1)
        told = metrics.overall(errors)
        for figure in ("rmsse", "bias_pct"):
            value = told[figure]
            if value is not None:
                found[f"{name}_{figure}"] = value
        found[f"{name}_rmsse_whole_history"] = rmsse_whole_history(y, said)
        filled = np.nan_to_num(y)
        said = _year_ahead(model, filled)
        found[f"{name}_rmsse_whole_history_na_as_zero"] = rmsse_whole_history(filled, said)
    return found


def _year_ahead(model: Any, y: Floats) -> Floats:
    said = np.full((len(y), _MONTHS), np.nan)
    for row, history in enumerate(y[:, :-_MONTHS]):
        known = history[np.isfinite(history)]
        if len(known) > 1:
            said[row] = _forecast(model, known, _MONTHS)
    return said


def rmsse_whole_history(y: Floats, said: Floats) -> float:
    """Scale by all changes known before the last 12 months, leading zeros included.

    Args:
        y: Series x months.
        said: Series x 12: what was forecast of these.

    Returns:
        The mean over the series that change at all.
    """
    square = np.diff(y[:, :-_MONTHS], axis=1) ** 2
    scale = np.nansum(square, axis=1) / np.maximum(np.isfinite(square).sum(axis=1), 1)
    error = (said - y[:, -_MONTHS:]) ** 2
    count = np.isfinite(error).sum(axis=1)
    is_told = (scale > 0) & (count > 0)
    return float(np.sqrt(np.nansum(error, axis=1)[is_told] / count[is_told] / scale[is_told]).mean())


def _forecast(model: Any, history: Floats, horizon: int) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer warns of short series; its forecast counts all the same
        result: Floats = np.asarray(model.forecast(history, horizon)["mean"], dtype=np.float64)
    return result


def _spread(y: Floats, count: int) -> Floats:
    """Take every n-th series."""
    return y[:: max(len(y) // max(count, 1), 1)][:count]
