"""A forecast's backtest in, error by how far ahead out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud.forecasting.domain import BacktestRow


@dataclass(frozen=True, slots=True)
class Judged:
    """How forecasts of so many days went."""

    days: int
    judged: int
    wape: float | None
    """Sum of errors over the sum of demand; None: there was none."""
    naive_wape: float | None
    bias: float | None
    coverage: float | None
    """Share within the 80 % band; None: nothing is known."""


def by_horizon(lines: Sequence[BacktestRow]) -> list[Judged]:
    """Sum a backtest by how far ahead was forecast.

    Args:
        lines: Of one item.

    Returns:
        One per horizon, the nearest first.
    """
    return [
        _judged(days, [one for one in lines if one.horizon_days == days])
        for days in sorted({one.horizon_days for one in lines})
    ]


def _judged(days: int, lines: Sequence[BacktestRow]) -> Judged:
    known = [(one, one.actual) for one in lines if one.actual is not None]
    came = sum(actual for _, actual in known)

    def share(total: float) -> float | None:
        return total / came if came else None

    within = sum(one.low <= actual <= one.high for one, actual in known)
    return Judged(
        days,
        len(known),
        share(sum(abs(one.forecast - actual) for one, actual in known)),
        share(sum(abs(one.naive - actual) for one, actual in known)),
        share(sum(one.forecast - actual for one, actual in known)),
        within / len(known) if known else None,
    )
