"""What kind of demand a series has, as known at an origin: for pooling and reports, not for routing. Pure."""

from typing import Final

import numpy as np

from cloud.forecasting.protocol import Floats, Ints

ADI_LIMIT: Final = 1.32
"""Mean interval between periods with demand (Syntetos, Boylan & Croston 2005)."""
CV2_LIMIT: Final = 0.49
"""Squared coefficient of variation of what is asked for in them."""
NAMES: Final = ("smooth", "erratic", "intermittent", "lumpy")
"""By class."""
NONE: Final = -1
"""Class of a series without any demand yet."""


def patterns(y: Floats, at: Ints) -> Ints:
    """Class each series by what was known at each origin.

    Args:
        y: Series x periods, >= 0; NaN where not known.
        at: Origins: the last column that may be looked at.

    Returns:
        Series x origins: 0 smooth, 1 erratic, 2 intermittent, 3 lumpy; -1 where nothing was asked for.

    Examples:
        >>> patterns(np.array([[4.0, 0, 0, 4, 0, 0]]), np.array([5])).tolist()
        [[2]]
    """
    known = np.nan_to_num(y)
    with_demand = _until(known > 0, at)
    periods = _until(np.isfinite(y) & (np.cumsum(known > 0, axis=1) > 0), at)
    total, squares = _until(known, at), _until(known * known, at)
    has_demand = with_demand > 0
    count = np.maximum(with_demand, 1)
    mean = total / count
    variance = np.maximum(squares / count - mean * mean, 0)
    adi = periods / count
    cv2 = np.divide(variance, mean * mean, out=np.zeros_like(mean), where=mean * mean > 0)
    found = (cv2 >= CV2_LIMIT).astype(np.int64) + 2 * (adi >= ADI_LIMIT)
    result: Ints = np.where(has_demand, found, NONE)
    return result


def strata(volume: Floats, count: int) -> Ints:
    """Cut series by volume into strata of like size.

    Args:
        volume: Of each series, >= 0; NaN where it has none.
        count: Strata, > 0.

    Returns:
        Of each series its stratum, 0 the smallest; -1 where it has no volume. Series of like volume are in
        the same one.

    Examples:
        >>> strata(np.array([5.0, 1, np.nan, 3]), 3).tolist()
        [2, 0, -1, 1]
    """
    found = np.full(volume.shape, NONE, dtype=np.int64)
    has_volume = np.isfinite(volume)
    if has_volume.any():
        edges = np.quantile(volume[has_volume], np.arange(1, count) / count)
        found[has_volume] = np.searchsorted(edges, volume[has_volume], side="right")
    return found


def _until(values: Floats | np.ndarray[tuple[int, ...], np.dtype[np.bool_]], at: Ints) -> Floats:
    summed: Floats = np.cumsum(values, axis=1, dtype=np.float64)[:, at]
    return summed
