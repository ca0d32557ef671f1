"""Forecasts of days, weeks and four weeks made to agree: sums of the shorter are the longer. Pure.

Temporal hierarchies (Athanasopoulos, Hyndman, Kourentzes & Petropoulos 2017) with structural scaling: the
error of a period has a variance in proportion to its days. On such a tree generalised least squares is a pass
up and a pass down: what the parts say together and what the whole says are averaged, each by its certainty;
what the whole gains or loses its parts share. They share it in proportion to what was forecast of them, so
that nothing becomes negative.
"""

from typing import Final

import numpy as np

from cloud.forecasting.granularity.domain import BLOCK_WEEKS
from cloud.forecasting.protocol import Floats
from cloud.forecasting.weeks import DAYS

_WEEK: Final = float(DAYS)
_BLOCK: Final = float(DAYS * BLOCK_WEEKS)


def reconciled_weeks(days: Floats, weeks: Floats, blocks: Floats) -> Floats:
    """Correct weeks by what days and blocks of four weeks say.

    Args:
        days: … x weeks: sums of the days' forecasts; NaN where days are not forecast so far.
        weeks: … x weeks: forecasts of the weeks, >= 0.
        blocks: … x blocks: forecasts of four weeks each; NaN where there is none.

    Returns:
        … x weeks; those after the last whole block gain or lose as much, in proportion, as that block.

    Examples:
        The days say 12 and the week 10, in the first week only; the block says 44 instead of 41:
        >>> days, nan = np.full(4, np.nan), float("nan")
        >>> days[0] = 12.0
        >>> reconciled_weeks(days, np.full(4, 10.0), np.array([44.0])).round(3).tolist()
        [11.376, 10.341, 10.341, 10.341]
    """
    has_days = np.isfinite(days)
    own = np.where(has_days, (np.where(has_days, days, 0) + weeks) / 2, weeks)
    variance = np.where(has_days, _WEEK / 2, _WEEK)
    count = blocks.shape[-1]
    shape = (*own.shape[:-1], count, BLOCK_WEEKS)
    within, doubt = (part[..., : count * BLOCK_WEEKS].reshape(shape) for part in (own, variance))
    total, together = within.sum(axis=-1), doubt.sum(axis=-1)
    agreed = np.where(np.isfinite(blocks), (total * _BLOCK + blocks * together) / (_BLOCK + together), total)
    return in_blocks(own, agreed)


def in_blocks(weeks: Floats, blocks: Floats) -> Floats:
    """Share out sums of four weeks over their weeks.

    Args:
        weeks: … x weeks: in which proportion.
        blocks: … x blocks; NaN where there is none: those weeks stay as they are.

    Returns:
        … x weeks; those after the last whole block change as that block did.
    """
    count = blocks.shape[-1]
    if not count:
        return weeks.copy()
    within = weeks[..., : count * BLOCK_WEEKS].reshape((*weeks.shape[:-1], count, BLOCK_WEEKS))
    total = within.sum(axis=-1)
    is_told = np.isfinite(blocks)
    ratio = np.divide(blocks, total, out=np.ones_like(total), where=(total > 0) & is_told)
    even = np.broadcast_to(blocks[..., None] / BLOCK_WEEKS, within.shape)
    shared = np.where(((total == 0) & is_told)[..., None], even, within * ratio[..., None])
    rest = weeks[..., count * BLOCK_WEEKS :] * ratio[..., -1:]
    whole = shared.reshape((*weeks.shape[:-1], count * BLOCK_WEEKS))
    result: Floats = np.concatenate([whole, rest], axis=-1)
    return result


def by_days(days: Floats, weeks: Floats) -> Floats:
    """Take weeks from the days' forecasts, and those later at the level of the days.

    Args:
        days: … x weeks ahead that days are forecast: sums of the days; NaN where there is no forecast.
        weeks: … x weeks: forecasts of the weeks.

    Returns:
        … x weeks.

    Examples:
        >>> by_days(np.array([6.0, 6.0]), np.array([4.0, 4.0, 8.0])).tolist()
        [6.0, 6.0, 12.0]
    """
    near = days.shape[-1]
    before, after = weeks[..., :near].sum(axis=-1), days.sum(axis=-1)
    is_told = np.isfinite(before) & np.isfinite(after)
    ratio = np.divide(after, before, out=np.ones_like(before), where=(before > 0) & is_told)
    later = weeks[..., near:]
    level = np.where(((before == 0) & is_told)[..., None], after[..., None] / near, later * ratio[..., None])
    first = np.where(is_told[..., None], days, weeks[..., :near])
    result: Floats = np.concatenate([first, level], axis=-1)
    return result
