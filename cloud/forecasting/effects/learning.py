"""Weeks of demand and events in; effects, whether they last, what they take from others out. Pure."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cloud.forecasting.event_lives import Course, courses
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.uplift import Covariates, Effect, Uplift, learn, pool_combined, pool_effects

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
