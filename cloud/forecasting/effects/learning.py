"""Weeks of demand and events in; effects, whether they last, what they take from others out. Pure."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cloud.forecasting.event_days import Cells, DayEffects, learn_days, quiet, weeks_moved
from cloud.forecasting.event_lives import Course, courses
from cloud.forecasting.event_traces import Traces
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.uplift import Covariates, Uplift, learn
from cloud.forecasting.uplift_told import Z95, Effect, pool_combined, pool_effects
from cloud.forecasting.weekdays import weekday_shares
from cloud.forecasting.weeks import Weeks

OTHERS: Final = "promotion of another item of its category"


@dataclass(frozen=True, slots=True)
class Learned:
    """One effect at a site."""

    effect: Effect
    kind: str
    weeks: int
    """Series x weeks that it was learned from."""
    items: int
    course: Course | None
    """None: too few weeks to compare."""
    day: Effect | None = None
    """On one of its days beside the other days of the week; None: no week tells."""


@dataclass(frozen=True, slots=True)
class SiteEffects:
    """What events do at a site."""

    uplift: Uplift
    covariates: Covariates
    learned: tuple[Learned, ...]
    usual_promotion: Effect | None
    """Of a promotion as they were on average, its depth and advertising together; None: there was none."""
    cannibalisation: Learned | None
    """Of a promotion upon the other items of the category; None: no category had one beside others."""
    days: DayEffects | None = None
    """By how much more its days are moved than its weeks; None: not learned."""


def learn_effects(
    y: Floats, covariates: Covariates, kinds: tuple[str, ...], pools: Ints, prior: Floats
) -> SiteEffects:
    """Learn what events do, from all weeks that are known.

    Args:
        y: Series x weeks, NaN where not known.
        covariates: Of these weeks.
        kinds: Of each covariate the kind of its events.
        pools: Of each series its category's number, -1 where it has none.
        prior: Of each covariate the log of the factor expected before any data.

    Returns:
        The effects; weeks in which a covariate stands at its reference tell nothing of it.
    """
    last = y.shape[1] - 1
    beside = others_promoted(covariates, pools)
    given = covariates if beside is None else _with(covariates, beside)
    stated = prior if beside is None else np.append(prior, 0.0)
    uplift = learn(y, given, (last,), prior=stated)
    told = pool_effects(uplift)
    halves = courses(y, given, stated)
    made = []
    for place, effect in enumerate(told):
        acted = _acted(y, given, uplift, place)
        made.append(
            Learned(
                effect=effect,
                kind=kinds[place] if place < len(kinds) else "promotion",
                weeks=int(acted.sum()),
                items=int(acted.any(axis=1).sum()),
                course=halves.get(place),
            )
        )
    return SiteEffects(
        uplift=uplift,
        covariates=given,
        learned=tuple(made[: len(covariates.names)]),
        usual_promotion=_usual_promotion(y, covariates, uplift),
        cannibalisation=made[-1] if beside is not None else None,
    )


def with_days(effects: SiteEffects, weeks: Weeks, daily: Floats, traces: Traces) -> SiteEffects:
    """Learn what events do to the days within a week.

    Args:
        effects: On weeks.
        weeks: Of the items.
        daily: Items x days of these weeks x covariates.
        traces: Whose traces stand at the end of the covariates; told only where they are sure.

    Returns:
        The same, and days.
    """
    width = len(traces.every)
    acts = np.array([reference is not None for reference in effects.covariates.references[:width]])
    moved = weeks_moved(daily, acts)
    cells = Cells.of(daily, moved, acts)
    last = weeks.count - 1
    usual = weekday_shares(quiet(weeks.daily, moved, last), np.array([last])).shares[:, 0]
    fit = effects.uplift.fits[-1].effects
    pools = np.zeros(len(daily), dtype=np.int64)
    days = learn_days(weeks.daily, cells, fit.coefficients[:, :width], pools, usual)
    logs = fit.pooled[0, :width] + days.beyond[0]
    doubt = np.sqrt(np.diagonal(fit.pooled_covariances[0])[:width] + days.deviations**2)
    told = tuple(
        replace(one, day=_on_its_days(one.effect.name, log, sd) if np.isfinite(sd) else None)
        for one, log, sd in zip(effects.learned, logs.tolist(), doubt.tolist(), strict=True)
    )
    sure = [one for one in told if one.effect.name not in traces.added or one.effect.is_beyond_doubt]
    return replace(effects, learned=tuple(sure), days=days)


def _on_its_days(name: str, log: float, deviation: float) -> Effect:
    low, high = np.exp(log - Z95 * deviation), np.exp(log + Z95 * deviation)
    return Effect(name, float(np.exp(log)), float(low), float(high))


def others_promoted(covariates: Covariates, pools: Ints) -> Floats | None:
    """Tell for each series the part of a week in which another one of its category is promoted.

    Args:
        covariates: One of them named "promotion".
        pools: Of each series its category's number, -1 where it has none.

    Returns:
        Series x weeks; None where no promotion had any neighbour.
    """
    if "promotion" not in covariates.names:
        return None
    own = np.nan_to_num(covariates.values[:, :, covariates.names.index("promotion")])
    found = np.zeros_like(own)
    for pool in np.unique(pools[pools >= 0]):
        rows = np.flatnonzero(pools == pool)
        greatest = np.sort(own[rows], axis=0)[::-1]
        second = greatest[1] if len(rows) > 1 else np.zeros(own.shape[1])
        # Of the most promoted series the others' greatest is the second one.
        found[rows] = np.where(own[rows] >= greatest[0], second, greatest[0])
    return found if found.any() else None


def _usual_promotion(y: Floats, covariates: Covariates, uplift: Uplift) -> Effect | None:
    if "promotion" not in covariates.names:
        return None
    values = np.nan_to_num(covariates.values[:, : y.shape[1]])
    promoted = values[:, :, covariates.names.index("promotion")]
    whole = np.isfinite(y) & (promoted > 0)
    if not whole.any():
        return None
    shift = np.zeros(len(uplift.names))
    for place, name in enumerate(covariates.names):
        if name.startswith("promotion"):  # over the part of the week that it took
            shift[place] = float(values[:, :, place][whole].sum() / promoted[whole].sum())
    return replace(pool_combined(uplift, shift), name="promotion, as usual")


def _with(covariates: Covariates, beside: Floats) -> Covariates:
    return Covariates(
        np.concatenate([covariates.values, beside[:, :, None]], axis=2),
        (*covariates.names, OTHERS),
        (*covariates.references, 0.0),
    )


def _acted(y: Floats, covariates: Covariates, uplift: Uplift, place: int) -> Bools:
    reference = uplift.fits[-1].references[:, place]
    values = covariates.values[:, : y.shape[1], place]
    result: Bools = np.isfinite(y) & np.isfinite(values) & (values != reference[:, None])
    return result
