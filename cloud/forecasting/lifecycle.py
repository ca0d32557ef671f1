"""Where an item stands in its life, and whether its level has changed: weeks in, a stage out. Pure.

Silence is an end once chance would keep an item of its rhythm silent so long less than once in a hundred. A
level has changed if the last 13 weeks rank differently from the year before (Mann & Whitney 1947), the
variance widened by the first autocorrelation of that year, and by a quarter or more; and, where a year before
is known, if they differ from the same weeks of it in the same direction: a season is no change. The week of
the change is where the sum of deviations from the mean turns (Page 1955).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, pairwise
from typing import Final

RECENT: Final = 13
"""Weeks that are held against those before."""
BEFORE: Final = 52
YEAR: Final = 52
LEAST_SILENCE: Final = 8
SILENCE_CHANCE: Final = 0.01
SIGMAS: Final = 3.3
"""One item in a thousand whose demand has not changed."""
LEAST_RATIO: Final = 1.25
LEAST_YEARLY: Final = 1.1


class Stage(StrEnum):
    """Of an item's life."""

    NONE = "none"
    """Nothing was ever asked for."""
    NEW = "new"
    """First asked for within the last 13 weeks."""
    GROWING = "growing"
    MATURE = "mature"
    DECLINING = "declining"
    SILENT = "silent"
    """Longer without demand than its rhythm explains."""


WORDS: Final = {
    Stage.NONE: "no demand is known",
    Stage.NEW: "new: first asked for within the last 13 weeks",
    Stage.GROWING: "growing: its level has risen",
    Stage.MATURE: "mature: no change of level is seen",
    Stage.DECLINING: "declining: its level has fallen",
    Stage.SILENT: "silent: longer without demand than its rhythm explains",
}


@dataclass(frozen=True, slots=True)
class Life:
    """Where an item stands, and since when."""

    stage: Stage
    since_weeks: int | None
    """So many weeks ago its demand began, changed or ended; None: that does not apply."""
    ratio: float | None
    """Mean of the last 13 weeks over that of the weeks before; None where nothing has changed."""

    @property
    def in_words(self) -> str:
        """Say it for people."""
        told = WORDS[self.stage]
        if self.ratio is not None:
            told += f", to {self.ratio:.0%} of what it was"
        if self.since_weeks is not None:
            told += f", {self.since_weeks} week{'s' if self.since_weeks != 1 else ''} ago"
        return told


def life_of(weeks: Sequence[float | None]) -> Life:
    """Tell an item's stage.

    Args:
        weeks: Demand by week, the last one last; None where it is not known; each >= 0.

    Returns:
        The stage.

    Examples:
        >>> life_of([0, 0, 3, 4]).stage.value, life_of([5, 4, 6] * 10 + [0] * 9).in_words
        ('new', 'silent: longer without demand than its rhythm explains, 9 weeks ago')
    """
    first = next((n for n, value in enumerate(weeks) if value), None)
    if first is None:
        return Life(Stage.NONE, None, None)
    lived = weeks[first:]
    if len(lived) <= RECENT:
        return Life(Stage.NEW, len(lived), None)
    silent = _silence(lived)
    if silent is not None:
        return Life(Stage.SILENT, silent, None)
    return _changed(lived) or Life(Stage.MATURE, None, None)


def _silence(lived: Sequence[float | None]) -> int | None:
    """Count the weeks since the last demand, if they are too many for chance."""
    last = max(n for n, value in enumerate(lived) if value)
    known = [value for value in lived[: last + 1] if value is not None]
    share = sum(value > 0 for value in known) / len(known)
    quiet = sum(value is not None for value in lived[last + 1 :])
    if quiet < LEAST_SILENCE or (1 - share) ** quiet >= SILENCE_CHANCE:
        return None
    return len(lived) - 1 - last


def _changed(lived: Sequence[float | None]) -> Life | None:
    recent = [value for value in lived[-RECENT:] if value is not None]
    before = [value for value in lived[-RECENT - BEFORE : -RECENT] if value is not None]
    if len(recent) < RECENT // 2 or len(before) < RECENT or not sum(before):
        return None
    ratio = _mean(recent) / _mean(before)
    is_up = ratio > 1
    if max(ratio, 1 / ratio if ratio else math.inf) < LEAST_RATIO or abs(_rank_z(before, recent)) < SIGMAS:
        return None
    last_year = [value for value in lived[-RECENT - YEAR : -YEAR] if value is not None]
    if len(last_year) >= RECENT // 2:
        yearly = _mean(recent) / _mean(last_year) if sum(last_year) else math.inf
        if (is_up and yearly < LEAST_YEARLY) or (not is_up and yearly > 1 / LEAST_YEARLY):
            return None
    stage = Stage.GROWING if is_up else Stage.DECLINING
    return Life(stage, len([*before, *recent]) - _turn([*before, *recent]), ratio)


def _rank_z(before: Sequence[float], recent: Sequence[float]) -> float:
    """Rank recent weeks among all: normal approximation with ties, widened by the first autocorrelation."""
    pairs = sum((new > old) - (new < old) for new in recent for old in before) / 2
    both = sorted([*before, *recent])
    count = len(both)
    ties = sum(run**3 - run for run in (both.count(value) for value in set(both)))
    variance = len(before) * len(recent) / 12 * (count + 1 - ties / (count * (count - 1)))
    if variance <= 0:
        return 0.0
    correlation = min(max(_autocorrelation(before), 0.0), 0.9)
    return pairs / math.sqrt(variance * (1 + correlation) / (1 - correlation))


def _autocorrelation(values: Sequence[float]) -> float:
    mean = _mean(values)
    spread = sum((value - mean) ** 2 for value in values)
    return sum((one - mean) * (two - mean) for one, two in pairwise(values)) / spread if spread else 0.0


def _turn(values: Sequence[float]) -> int:
    """Give the first week of the later level."""
    mean = _mean(values)
    sums = list(accumulate(value - mean for value in values))
    return max(range(len(sums)), key=lambda n: abs(sums[n])) + 1


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
