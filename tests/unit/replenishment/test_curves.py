"""Lead-time demand against the textbooks: their numbers come out of a forecast's quantiles alone."""

import json
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.replenishment.curves import LEVELS, Curve, CurveError, demand_at, lead_time_demand

FILE: Final = Path(__file__).parents[4] / "shared" / "vectors" / "planning" / "planning-derived.json"
VECTORS: Final[dict[str, Any]] = (
    {each["id"]: each for each in json.loads(FILE.read_text())["vectors"]} if FILE.exists() else {}
)
SCORES: Final = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
beside_the_repository = pytest.mark.skipif(not VECTORS, reason="shared vectors are not beside the repository")


def vector(name: str) -> tuple[dict[str, float], dict[str, float], float]:
    found = VECTORS[name]
    return found["input"], found["expected"], found["tolerance_rel"]


def normal(mean: float, deviation: float) -> Curve:
    return Curve(np.array([mean + SCORES * deviation]), np.ones(1))


def days_of(mean: float, deviation: float, horizons: tuple[int, ...] = (1, 7, 14, 28)) -> Any:
    return np.array([mean * days + SCORES * deviation * days**0.5 for days in horizons])


@beside_the_repository
def test_chopra_meindl_safety_stock_and_reorder_point() -> None:
    given_, expected, tolerance = vector("ss-001")
    deviation = (given_["L"] * given_["sd"] ** 2 + given_["d"] ** 2 * given_["sL"] ** 2) ** 0.5
    level = normal(given_["d"] * given_["L"], deviation).level_at(given_["csl"])
    assert level == pytest.approx(expected["rop"], rel=tolerance)
    assert level - given_["d"] * given_["L"] == pytest.approx(expected["ss"], rel=tolerance)


@beside_the_repository
def test_chopra_meindl_fill_rate_and_its_inverse() -> None:
    given_, expected, tolerance = vector("fill-001")
    curve = normal(5_000, given_["sigma_DL"])
    short = curve.expected_shortage(5_000 + given_["ss"])
    assert short == pytest.approx(expected["esc"], rel=tolerance)
    assert 1 - short / given_["Q"] == pytest.approx(expected["fill_rate"], rel=tolerance)
    level = curve.level_for_fill(0.975, given_["Q"])
    assert level - 5_000 == pytest.approx(
        67, abs=1
    )  # 97.5 % of units need 67, where 97.5 % of cycles need 1,386
    assert curve.probability_below(level) == pytest.approx(0.54, abs=0.005)


@beside_the_repository
def test_chopra_meindl_periodic_review_over_lead_time_and_review() -> None:
    given_, expected, tolerance = vector("rs-001")
    protects = given_["R"] + given_["L"]
    curve = lead_time_demand((1, 7, 14, 28), days_of(given_["d"], given_["sd"]), [protects], [1.0])
    level = curve.level_at(given_["csl"])
    assert level == pytest.approx(expected["S"], rel=tolerance)
    assert level - given_["d"] * protects == pytest.approx(expected["ss"], rel=tolerance)


@beside_the_repository
def test_random_lead_time_spreads_demand_as_eppen_martin_say() -> None:
    given_, expected, _ = vector("ss-lt-02")
    curve = lead_time_demand(
        (1, 7, 14, 28), days_of(given_["d"], given_["sd"]), [8, 9, 10], [0.125, 0.75, 0.125]
    )
    grid = np.linspace(0, 1_200, 1_201)
    beyond = np.array([curve.expected_shortage(each) for each in grid])
    mean = beyond[0]
    variance = 2 * np.trapezoid(beyond, grid) - mean**2  # E[D^2] = 2 times the integral of E[(D - x)+]
    assert mean == pytest.approx(given_["L"] * given_["d"], rel=1e-6)
    assert variance**0.5 == pytest.approx(expected["sigma_DL"], rel=2e-3)
    # The book takes the mixture for a normal; the mixture's own quantile lies within a hundredth.
    assert curve.level_at(0.95) - mean == pytest.approx(expected["ss95"], rel=0.01)


@beside_the_repository
def test_quantiles_keep_a_gamma_shape_where_a_normal_understates() -> None:
    scipy = pytest.importorskip("scipy.stats")
    given_, expected, tolerance = vector("ltd-gamma-01")
    shape = (given_["mu"] / given_["sd"]) ** 2
    quantiles = scipy.gamma.ppf(LEVELS, shape, scale=given_["mu"] / shape)
    curve = Curve(np.array([quantiles]), np.ones(1))
    level = curve.level_at(given_["csl"])
    assert level == pytest.approx(expected["r"], rel=tolerance)
    assert level > expected["normal_r"] + 45
    assert curve.expected_shortage(level) == pytest.approx(expected["esc"], rel=0.02)


def test_a_horizon_of_no_days_has_no_demand() -> None:
    curve = lead_time_demand((1, 7), days_of(10, 3, (1, 7)), [0], [1.0])
    assert (curve.level_at(0.95), curve.expected_shortage(0)) == (0, 0)
    assert curve.probability_below(0) == 1


def test_demand_between_horizons_grows_as_independent_days_do() -> None:
    quantiles = demand_at((1, 7, 14, 28), days_of(10, 3), 20)
    assert quantiles == pytest.approx(200 + SCORES * 3 * 20**0.5)


def test_what_a_forecast_does_not_tell_is_not_guessed() -> None:
    with pytest.raises(CurveError, match="reaches from 0 to 28 days"):
        demand_at((1, 7, 14, 28), days_of(10, 3), 29)
    with pytest.raises(CurveError, match=r"from 0\.005 to 0\.995"):
        normal(100, 10).level_at(0.999)
    with pytest.raises(CurveError, match="expected a sum of 1"):
        lead_time_demand((1, 7), days_of(10, 3, (1, 7)), [1, 2], [0.5, 0.4])
    with pytest.raises(CurveError, match="fill rate"):
        normal(100, 10).level_for_fill(0.95, 0)


@given(
    weights=st.lists(st.floats(0.05, 1), min_size=1, max_size=4),
    probability=st.floats(0.01, 0.995),
    mean=st.floats(0, 50),
    deviation=st.floats(0.01, 40),
)
def test_a_level_covers_its_probability_and_no_more(
    weights: list[float], probability: float, mean: float, deviation: float
) -> None:
    shares = [weight / sum(weights) for weight in weights]
    days = [3 * (number + 1) for number in range(len(shares))]
    curve = lead_time_demand((1, 7, 14, 28), days_of(mean, deviation), days, shares)
    level = curve.level_at(probability)
    assert curve.probability_below(level) == pytest.approx(probability, abs=1e-6)
    assert curve.expected_shortage(level) <= curve.expected_shortage(level - 1) + 1e-9


def test_sporadic_demand_with_many_days_of_nothing_has_a_level() -> None:
    quantiles = np.array([[0.0] * 9 + [1.0, 2.0, 3.0, 4.0, 5.0, 5.0]])
    curve = Curve(quantiles, np.ones(1))
    assert curve.level_at(0.95) == 3
    assert curve.probability_below(0) == pytest.approx(0.7)
    assert curve.probability_below(5) == 1
    assert curve.expected_shortage(5) == 0
