"""Whether an effect still is what it was: learned of the earlier and the later half of its weeks. Pure."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Floats
from cloud.forecasting.uplift import Covariates, Fit, learn
from cloud.forecasting.uplift_told import Effect, pool_effects

LEAST_WEEKS: Final = 3
"""Weeks of each half that an effect must have had to be compared."""
MOST_SERIES: Final = 500
"""Series, those most asked for, that tell how long effects live."""


class Lasting(StrEnum):
    """What has become of an effect."""

    LASTS = "lasts"
    FADES = "fades"
    GROWS = "grows"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Course:
    """An effect in the earlier and the later half of its weeks."""

    early: Effect
    late: Effect
    verdict: Lasting


def course_of(early: Effect, late: Effect) -> Lasting:
    """Judge what has become of an effect by its two halves.

    Args:
        early: Of the earlier weeks.
        late: Of the later weeks.

    Returns:
        Ended: the later half shows none, and is surely weaker; fades or grows: surely weaker or stronger.
    """
    differ = (np.log(late.factor) - np.log(early.factor)) * np.sign(np.log(early.factor))
    width = np.hypot(np.log(early.high / early.low), np.log(late.high / late.low)) / 2
    if differ <= -width:
        return Lasting.ENDED if late.low <= 1 <= late.high else Lasting.FADES
    return Lasting.GROWS if differ >= width else Lasting.LASTS


def courses(y: Floats, covariates: Covariates, prior: Floats) -> dict[int, Course]:
    """Learn each effect twice: of the earlier and of the later half of its weeks.

    Args:
        y: Series x weeks, NaN where not known.
        covariates: Of these weeks.
        prior: Of each covariate the log of the factor expected before any data.

    Returns:
        By place of the covariate; nothing of those with too few weeks.
    """
    split: list[Floats] = []
    names: list[str] = []
    references: list[float | None] = []
    priors: list[float] = []
    places: list[tuple[int, int]] = []
    values = covariates.values[:, : y.shape[1]]
    for place, (name, reference) in enumerate(zip(covariates.names, covariates.references, strict=True)):
        column = np.nan_to_num(values[:, :, place])
        weeks = np.flatnonzero((column != 0).any(axis=0))
        if reference is None or len(weeks) < 2 * LEAST_WEEKS:
            split.append(values[:, :, place])
            names.append(name)
            references.append(reference)
            priors.append(prior[place])
            continue
        is_late = np.arange(y.shape[1]) >= weeks[len(weeks) // 2]
        places.append((place, len(names)))
        split += [np.where(is_late, 0.0, column), np.where(is_late, column, 0.0)]
        names += [f"{name}, early", f"{name}, late"]
        references += [reference, reference]
        priors += [prior[place], prior[place]]
    if not places:
        return {}
    given = Covariates(np.stack(split, axis=2), tuple(names), tuple(references))
    told = pool_effects(learn(y, given, (y.shape[1] - 1,), prior=np.array(priors)))
    return {place: Course(told[at], told[at + 1], course_of(told[at], told[at + 1])) for place, at in places}


def as_of_late(fit: Fit, y: Floats, covariates: Covariates, prior: Floats) -> Fit:
    """Make of what was learned what is still so: an effect that has surely changed is what it was lately.

    Args:
        fit: Of all weeks.
        y: Series x weeks up to the fit's column.
        covariates: Of these weeks.
        prior: Of each covariate the log of the factor expected before any data.

    Returns:
        The fit that forecasts are made by; history is still cleaned by the other.
    """
    chosen = np.sort(np.lexsort((np.arange(len(y)), -np.nansum(y, axis=1)))[:MOST_SERIES])
    told = courses(
        y[chosen], Covariates(covariates.values[chosen], covariates.names, covariates.references), prior
    )
    changed = tuple(place for place, course in told.items() if course.verdict is not Lasting.LASTS)
    coefficients = fit.effects.coefficients.copy()
    for place in changed:
        usual = float(np.sort(coefficients[chosen, place]).mean())
        coefficients[:, place] += np.log(told[place].late.factor) - usual
    return replace(fit, effects=replace(fit.effects, coefficients=coefficients), changed=changed)
