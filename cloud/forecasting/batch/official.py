"""A fixed official split, as a competition states it: sMAPE, MASE and OWA against Naive2. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from cloud.forecasting.batch import metrics
from cloud.forecasting.batch.longform import Panel
from cloud.forecasting.batch.naive2 import naive2
from cloud.forecasting.batch.rolled import WARM_UP, Origins
from cloud.forecasting.protocol import Floats

_THIRDS: Final = 3


@dataclass(frozen=True, slots=True)
class Split:
    """Series whose training ends in the same column."""

    y: Floats
    """Series x periods: training, then the test."""
    covariates: Mapping[str, Floats]
    origin: int
    """Last column of the training."""
    horizon: int
    """Of the longest test; a shorter one is not known beyond its end."""

    @property
    def origins(self) -> Origins:
        """The origin that is judged, and those before it that weights and bands are learned from."""
        apart = max(1, -(-self.horizon // _THIRDS))
        at = [self.origin - apart * n for n in range(WARM_UP, 0, -1) if self.origin - apart * n >= 0]
        return Origins(np.array([*at, self.origin], dtype=np.int64), slice(len(at), len(at) + 1))


def split_panel(panel: Panel, horizon: int | None) -> Split:
    """Align series where their training ends.

    Args:
        panel: Each series with test periods.
        horizon: Steps of the test that count; None: all.

    Returns:
        The split.
    """
    longest = int(panel.test_periods.max())
    steps = min(longest, horizon) if horizon else longest
    training = panel.y.shape[1] - int(panel.test_periods.min())

    def aligned(values: Floats) -> Floats:
        found = np.full((len(values), training + steps), np.nan)
        for row, test in enumerate(panel.test_periods.tolist()):
            known = values[row, : values.shape[1] - test]
            found[row, training - len(known) : training] = known
            ahead = values[row, values.shape[1] - test :][:steps]
            found[row, training : training + len(ahead)] = ahead
        return found

    covariates = {name: aligned(values) for name, values in panel.covariates.items()}
    return Split(aligned(panel.y), covariates, training - 1, steps)


def compared(split: Split, forecast: Floats, *, season: int) -> dict[str, Any]:
    """Hold forecasts of the test against Naive2.

    Args:
        split: The series.
        forecast: Series x horizon, made at its origin.
        season: Periods per cycle.

    Returns:
        ``smape`` in per cent and ``mase``, means over series; those of Naive2; and ``owa``, the mean of both
        ratios to Naive2 (M4). None where nothing can be told.
    """
    actual = split.y[:, split.origin + 1 :]
    yardstick = np.full(forecast.shape, np.nan)
    for row, history in enumerate(split.y[:, : split.origin + 1]):
        known = history[np.isfinite(history)]
        if len(known) and np.isfinite(forecast[row]).any():
            yardstick[row] = naive2(known, split.horizon, season)
    told: dict[str, Any] = {}
    for name, said in (("", forecast), ("naive2_", yardstick)):
        errors = metrics.measure(
            said[:, None], actual[:, None], before=split.y[:, : split.origin + 1], season=season
        )
        told[f"{name}smape"] = metrics.mean(metrics.smape(said, actual))
        told[f"{name}mase"] = metrics.mean(errors.mase)
    ratios = [
        metrics.share(told[name], told[f"naive2_{name}"])
        for name in ("smape", "mase")
        if told[name] is not None and told[f"naive2_{name}"] is not None
    ]
    known = [ratio for ratio in ratios if ratio is not None]
    return {**told, "owa": sum(known) / len(known) if len(known) == len(ratios) == 2 else None}  # noqa: PLR2004  both
