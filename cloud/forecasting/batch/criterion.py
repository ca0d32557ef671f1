"""Models of one series weighed by Akaike's criterion, from the sums of their squared errors. Pure."""

from typing import Final

import numpy as np

from cloud.forecasting.batch.panel import Real, Reals

SIMPLE_PARAMETERS: Final = 2
"""Of a simple smoothing: its weight and its first level."""
FLOOR: Final = 1e-9
"""Part of the sum of squared demand below which errors are rounding."""
_TOO_FEW: Final = 1e4
"""Put on a model for each of its parameters if there are too few errors."""


def likelihood(errors: Reals, number: Reals, squares: Reals, parameters: int) -> Reals:
    """Give minus half of the corrected criterion: AICc = n log(SSE / n) + 2k + 2k(k + 1) / (n - k - 1).

    Hurvich & Tsai 1989. What is the same for all models of a series is left out.

    Args:
        errors: Models x columns: sums of squares.
        number: Of each column, how many errors.
        squares: Sum of squared demand, which errors are held against, so that no unit matters.
        parameters: k.

    Returns:
        Models x columns: the larger the better.
    """
    left = number - Real(parameters + 1)
    correction = np.where(
        left > 0, parameters * (parameters + 1) / np.maximum(left, 1), _TOO_FEW * parameters
    )
    relative = errors / np.maximum(squares, np.finfo(Real).tiny)
    found: Reals = np.log(np.maximum(relative, Real(FLOOR)))
    found *= number * Real(-0.5)
    found -= (correction + parameters).astype(Real)
    return found


def weights(likelihoods: Reals) -> Reals:
    """Weigh models by their likelihoods (Burnham & Anderson 2002).

    Args:
        likelihoods: Models x columns.

    Returns:
        The same shape; each column sums to 1.

    Examples:
        >>> weights(np.array([[0.0], [0.0]], dtype=np.float32)).tolist()
        [[0.5], [0.5]]
    """
    found: Reals = np.exp(likelihoods - likelihoods.max(axis=0))
    found /= found.sum(axis=0)
    return found
