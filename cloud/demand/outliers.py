"""Which days of a history look like accidents, for a person to mask; pure."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST_DAYS: Final = 28
"""Days with demand below which nothing is called unusual."""
WINDOW: Final = 28
"""Days with demand on either side that a day is compared with."""
LIMIT: Final = 6.0
"""Robust standard deviations on the square-root scale: one in 10^9 of a normal law, rare in any."""
_TO_SIGMA: Final = 1.4826


class Unusual(NamedTuple):
    """A day that does not fit those around it."""

    row: int
    day: int
    quantity: float
    usual: float
    """The median of the days with demand around it."""
    sigmas: float


def unusual_days(quantity: NDArray[np.float64], is_unknown: NDArray[np.bool_]) -> list[Unusual]:
    """Find days on which far more was asked for than around them (Hampel 1974), on the square-root scale.

    Args:
        quantity: Items x days, >= 0.
        is_unknown: The same shape: censored or masked; neither judged nor compared with.

    Returns:
        By item and day. Days without demand are never among them: they may be a stock-out, which the ledger
        knows, or the way the item sells.
    """
    found = []
    for row in range(len(quantity)):
        days = np.flatnonzero((quantity[row] > 0) & ~is_unknown[row])
        if len(days) < LEAST_DAYS:
            continue
        roots = np.sqrt(quantity[row, days])
        padded = np.pad(roots, WINDOW, mode="symmetric")
        around = np.lib.stride_tricks.sliding_window_view(padded, 2 * WINDOW + 1)
        usual = np.median(around, axis=1)
        spread = np.maximum(_TO_SIGMA * np.median(abs(around - usual[:, None]), axis=1), usual / 10)
        sigmas = (roots - usual) / spread
        found += [
            Unusual(
                row,
                int(days[at]),
                float(quantity[row, days[at]]),
                round(float(usual[at]) ** 2, 9),
                float(sigmas[at]),
            )
            for at in np.flatnonzero(sigmas > LIMIT)
        ]
    return found
