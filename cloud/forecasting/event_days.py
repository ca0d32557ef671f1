"""What events do to the days within a week: learned, and put onto the days of a forecast week. Pure.

How much a week gains is learned on weeks (`uplift`). How it is shared out is learned here: given a week's
total, the share of a day is proportional to its weekday's share times exp(effect of the day's events), a
conditional (multinomial) quasi-likelihood with each series' own dispersion. An event that takes a whole week
tells nothing of days; until days tell otherwise, its days are moved as its weeks are. Days thus always sum to
their week.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.uplift_fit import LONGEST_STEP, PRIOR_SD, USUAL_SPREAD, exact_total
from cloud.forecasting.weekdays import DAYS, WINDOW_WEEKS, Weekdays

ROUNDS: Final = 12
OF_A_POOL: Final = 2
"""Steps from what all pools have in common to what a pool does."""
SETTLED: Final = 1e-3
FARTHEST: Final = 7.0
"""A day's effect is between 1/1000 and 1000."""
LEAST_DISPERSION: Final = 0.01
"""Of a week's demand: no split of a week is taken to be surer."""
MOST_SERIES: Final = 3000
"""Series, those most asked for, that days are learned from."""
AT_ONCE: Final = 200
"""Series whose cells are worked on at a time."""
MOST_LEFT_OUT: Final = 0.5
"""Part of a series' weeks above which those with events are not left out of its weekdays' shares."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Weeks of series within which events differ from day to day."""

    series: Ints
    week: Ints
    values: Floats
    """Cells x 7 x covariates, less their values without effect."""

    @classmethod
    def of(cls, values: Floats, differs: Bools, acts: Bools, *, first_series: int = 0) -> "Cells":
        """Pick them.

        Args:
            values: Series x days x covariates, finite; whole weeks.
            differs: Series x weeks: which.
            acts: Of each covariate whether it acts on single days.
            first_series: Number of the first series.

        Returns:
            The cells.
        """
        series, days, width = values.shape
        rows, columns = np.nonzero(differs)
        picked = values.reshape(series, days // DAYS, DAYS, width)[rows, columns]
        return cls(rows + first_series, columns, np.where(acts, picked, 0))

    def without(self, changed: Sequence[int], week: int) -> "Cells":
        """Leave out what was before a week of covariates whose effect has changed since.

        Args:
            changed: Their places.
            week: The first that counts.

        Returns:
            The others.
        """
        told = (self.values[:, :, list(changed)] != 0).any(axis=(1, 2))
        kept = (self.week >= week) | ~told
        return Cells(self.series[kept], self.week[kept], self.values[kept])

    @classmethod
    def joined(cls, parts: "list[Cells]") -> "Cells":
        """Put cells of several chunks or weeks together."""
        names = ("series", "week", "values")
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))


def weeks_moved(values: Floats, acts: Bools) -> Bools:
    """Tell in which weeks events differ from day to day.

    Args:
        values: Series x days x covariates; whole weeks.
        acts: Of each covariate whether it acts on single days.

    Returns:
        Series x weeks.
    """
    series, days, width = values.shape
    weeks = values.reshape(series, days // DAYS, DAYS, width)
    found = np.zeros((series, days // DAYS), dtype=np.bool_)
    for which in np.flatnonzero(acts).tolist():
        of_one = weeks[:, :, :, which]
        found |= (of_one != of_one[:, :, :1]).any(axis=2)
    return found


def most_asked_for(daily: Floats) -> Bools:
    """Choose the series that days are learned from.

    Args:
        daily: Series x weeks x 7, NaN where not known.

    Returns:
        Of each series whether it is one of them.
    """
    volume = np.nansum(daily, axis=(1, 2))
    kept = np.zeros(len(daily), dtype=np.bool_)
    kept[np.lexsort((np.arange(len(daily)), -volume))[:MOST_SERIES]] = True
    return kept


@dataclass(frozen=True, slots=True)
class DayEffects:
    """By how much more a day is moved than its week's effect says, in logs."""

    beyond: Floats
    """Pools x covariates."""
    deviations: Floats
    """Covariates: standard errors of what all pools have in common; infinite where weeks tell too little."""

    def factors(self, values: Floats, coefficients: Floats, pools: Ints) -> Floats:
        """Give what days are multiplied by, before they are made to sum to their week.

        Args:
            values: Series x days x covariates, less their values without effect.
            coefficients: Series x covariates: effects on weeks.
            pools: Of each series its pool.

        Returns:
            Series x days, > 0.
        """
        logs = np.einsum("stc,sc->st", values, coefficients + self.beyond[pools])
        result: Floats = np.exp(np.clip(logs, -FARTHEST, FARTHEST))
        return result


@dataclass(frozen=True, slots=True)
class EventDays:
    """How the weeks of each origin are shared out over their days."""

    weekdays: Weekdays
    """Without the weeks that events moved."""
    fortnight: Floats
    """Series x origins x 2 x 7: factors of the days of the first two weeks after each origin."""
    in_force: Floats
    """Series x weeks ahead x 7: of all days after the last origin."""
    names: tuple[str, ...]
    """Of the covariates."""
    effects: DayEffects
    """As known at the last origin."""


def learn_days(daily: Floats, cells: Cells, coefficients: Floats, pools: Ints, shares: Floats) -> DayEffects:
    """Learn what events do to days, given what they do to weeks.

    Args:
        daily: Series x weeks x 7, NaN where not known.
        cells: Of these weeks.
        coefficients: Series x covariates: effects on weeks, logs of factors.
        pools: Of each series its pool, from 0.
        shares: Series x 7: of the weekdays.

    Returns:
        The effects; 0 where no week tells of one.
    """
    width = coefficients.shape[1]
    count = int(pools.max(initial=0)) + 1
    told = _Told.of(daily, cells, coefficients, shares, pools)
    flat = np.full(width, 1 / PRIOR_SD**2)
    everywhere, information = _solved(told, np.zeros(width), flat, slice(None))
    doubt = np.sqrt(np.diagonal(np.linalg.inv(information + np.diag(flat))))
    is_told = np.diagonal(information) >= flat
    beyond = np.repeat(everywhere[None], count, axis=0)
    near = np.full(width, 1 / USUAL_SPREAD**2)
    bounds = np.searchsorted(pools[told.series], np.arange(count + 1)).tolist()
    for pool, within in enumerate(pairwise(bounds) if count > 1 else ()):
        beyond[pool] = _solved(told, everywhere, near, slice(*within), OF_A_POOL)[0]
    return DayEffects(beyond, np.where(is_told, doubt, np.inf))


def quiet(daily: Floats, moved: Bools, week: int) -> Floats:
    """Leave out weeks in which events moved days, where enough others are left to tell the weekdays by.

    Args:
        daily: Series x weeks x 7, NaN where not known.
        moved: Series x weeks: in which events moved days, as known at their ends.
        week: By the weeks up to which is judged whether enough others are left.

    Returns:
        The same shape, NaN in these weeks.
    """
    window = slice(max(week + 1 - WINDOW_WEEKS, 0), week + 1)
    recent = moved[:, window]
    known = np.isfinite(daily[:, window]).any(axis=2)
    is_rare = (recent & known).sum(axis=1) <= MOST_LEFT_OUT * known.sum(axis=1)
    return np.where((moved & is_rare[:, None])[:, :, None], np.nan, daily)


def shared_out(shares: Floats, factors: Floats) -> Floats:
    """Move the shares of a week's days by what events do to them.

    Args:
        shares: … x 7.
        factors: … x weeks x 7.

    Returns:
        … x weeks x 7, each week summing to 1.
    """
    moved = shares[..., None, :] * factors
    whole = moved.sum(axis=-1, keepdims=True)
    usual = np.broadcast_to(shares[..., None, :], moved.shape)
    return np.where(whole > 0, moved / np.where(whole > 0, whole, 1), usual)


@dataclass(frozen=True, slots=True)
class _Told:
    """Cells that tell something, with what they came to; sorted by pool, then series."""

    series: Ints
    values: Floats
    demand: Floats
    total: Floats
    base: Floats
    """Logs of the shares that are expected without `beyond`; of a day that is not known minus infinity."""
    weight: Floats
    """1 / dispersion."""

    @classmethod
    def of(cls, daily: Floats, cells: Cells, coefficients: Floats, shares: Floats, pools: Ints) -> "_Told":
        kept = most_asked_for(daily)
        demand = daily[cells.series, cells.week]
        known = np.isfinite(demand) & (shares[cells.series] > 0)
        demand = np.where(known, demand, 0)
        total = demand.sum(axis=1)
        use = kept[cells.series] & (total > 0) & (known.sum(axis=1) > 1)
        order = np.flatnonzero(use)[
            np.lexsort((cells.week[use], cells.series[use], pools[cells.series[use]]))
        ]
        series, values = cells.series[order], cells.values[order]
        safe = np.where(known[order], shares[series], 1)
        base = np.log(safe) + np.einsum("ndc,nc->nd", values, coefficients[series])
        return cls(
            series,
            values,
            demand[order],
            total[order],
            np.where(known[order], base, -np.inf),
            1 / _dispersion(daily, shares)[series],
        )

    def pulled(self, rows: slice, starts: Ints, found: Floats) -> tuple[Floats, Floats]:
        """Say which way the cells of some series pull the effects, and how surely.

        Args:
            rows: The cells.
            starts: Where each series' begin among them.
            found: Effects so far.

        Returns:
            Series x covariates, and series x covariates x covariates.
        """
        values, total, weight = self.values[rows], self.total[rows], self.weight[rows]
        across = values.transpose(0, 2, 1)
        logs = self.base[rows] + values @ found
        odds = np.exp(logs - logs.max(axis=1, keepdims=True))
        share = odds / odds.sum(axis=1, keepdims=True)
        weighed = values * share[:, :, None]
        centre = weighed.sum(axis=1)
        off = (self.demand[rows] - total[:, None] * share) * weight[:, None]
        score = (across @ off[:, :, None])[:, :, 0]
        spread = across @ weighed - centre[:, :, None] * centre[:, None]
        spread *= (total * weight)[:, None, None]
        return np.add.reduceat(score, starts), np.add.reduceat(spread, starts)


def _dispersion(daily: Floats, shares: Floats) -> Floats:
    """Give how far days vary around their weekday's part of a week: variance over what is expected."""
    recent = daily[:, -WINDOW_WEEKS:]
    whole = np.asarray(np.isfinite(recent).all(axis=2))
    filled = np.where(whole[:, :, None], recent, 0)
    total = filled.sum(axis=2)
    off = ((filled - total[:, :, None] * shares[:, None]) ** 2).sum(axis=(1, 2))
    asked = total.sum(axis=1)
    weeks = np.maximum((total > 0).sum(axis=1), 1)
    own = np.divide(off, asked, out=np.ones_like(off), where=asked > 0)
    result: Floats = np.maximum(own, LEAST_DISPERSION * asked / weeks + 1e-9)
    return result


def _solved(
    told: _Told, prior: Floats, precision: Floats, use: slice, rounds: int = ROUNDS
) -> tuple[Floats, Floats]:
    """Find the effects of some series by Newton's steps; and the information they give."""
    first, last, _ = use.indices(len(told.series))
    found, information = prior.copy(), np.zeros((len(prior), len(prior)))
    if first == last:
        return found, information
    starts = first + np.flatnonzero(np.diff(told.series[use], prepend=-1))
    bounds = [*starts[::AT_ONCE].tolist(), last]
    for _ in range(rounds):
        parts = [
            told.pulled(slice(*rows), starts[AT_ONCE * n : AT_ONCE * (n + 1)] - rows[0], found)
            for n, rows in enumerate(pairwise(bounds))
        ]
        scores, spreads = (np.concatenate(part) for part in zip(*parts, strict=True))
        information = exact_total(spreads)
        pull = exact_total(scores) - precision * (found - prior)
        step = np.clip(np.linalg.solve(information + np.diag(precision), pull), -LONGEST_STEP, LONGEST_STEP)
        found = found + step
        if np.abs(step).max() < SETTLED:
            break
    return found, information
