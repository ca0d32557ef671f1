"""What events did at a site: learned, tested for having ended, and what they took from neighbours."""

import numpy as np
import pytest

from cloud.forecasting.effects.learning import SiteEffects, learn_effects, others_promoted
from cloud.forecasting.event_lives import Lasting
from cloud.forecasting.protocol import Floats
from cloud.forecasting.uplift import Covariates

SERIES, WEEKS = 60, 104
POOLS = np.arange(SERIES) // 3  # twenty categories of three


def learned(early: float, late: float, *, taken: float = 1.0, seed: int = 1) -> SiteEffects:
    """Promotions multiply demand by one factor in the first year and another in the second."""
    random = np.random.default_rng(seed)
    deal = (random.random((SERIES, WEEKS)) < 0.08).astype(float)
    covariates = Covariates(deal[:, :, None], ("promotion",), (0.0,))
    factor = np.where(np.arange(WEEKS) < WEEKS // 2, early, late)
    beside = others_promoted(covariates, POOLS)
    assert beside is not None
    mean = 80 * factor[None, :] ** deal * taken**beside
    y = random.poisson(mean).astype(float)
    return learn_effects(y, covariates, ("promotion",), POOLS, np.zeros(1))


@pytest.mark.parametrize(
    ("early", "late", "verdict"),
    [
        (2.0, 2.0, Lasting.LASTS),
        (2.0, 1.0, Lasting.ENDED),
        (2.0, 1.4, Lasting.FADES),
        (1.4, 2.0, Lasting.GROWS),
        (0.5, 1.0, Lasting.ENDED),
    ],
)
def test_what_became_of_an_effect_is_told(early: float, late: float, verdict: Lasting) -> None:
    course = learned(early, late).learned[0].course
    assert course is not None
    assert course.verdict is verdict
    assert course.early.low < early < course.early.high
    assert course.late.low < late < course.late.high


def test_what_a_promotion_takes_from_its_neighbours_is_told_with_an_interval() -> None:
    taking, harmless = learned(2.0, 2.0, taken=0.8), learned(2.0, 2.0)
    assert taking.cannibalisation is not None
    assert taking.cannibalisation.effect.low < 0.8 < taking.cannibalisation.effect.high < 0.9
    assert harmless.cannibalisation is not None
    assert harmless.cannibalisation.effect.low < 1 < harmless.cannibalisation.effect.high
    assert taking.learned[0].effect.factor == pytest.approx(2.0, rel=0.05)


def test_only_others_of_the_same_category_are_neighbours() -> None:
    deal = np.array([[1.0, 0.0], [0.0, 0.5], [1.0, 1.0], [1.0, 1.0]])
    found = others_promoted(Covariates(deal[:, :, None], ("promotion",), (0.0,)), np.array([0, 0, 1, -1]))
    assert found is not None
    assert found.tolist() == [[0.0, 0.5], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    alone: Floats | None = others_promoted(Covariates(deal[:, :, None], ("promotion",), (0.0,)), np.arange(4))
    assert alone is None
