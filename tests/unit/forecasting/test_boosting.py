"""Boosting: direct, from what was known, the same each time; and whether it earns its place."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from cloud.forecasting.ablation import ablate, score
from cloud.forecasting.batch.rolled import actuals
from cloud.forecasting.boosting import BoostingError, boost, is_installed, speaker
from cloud.forecasting.protocol import Floats
from cloud.forecasting.uplift import Covariates

SERIES, PERIODS, HORIZON = 30, 70, 3
ORIGINS = np.arange(PERIODS - HORIZON - 13, PERIODS - HORIZON)


def world(seed: int = 1) -> tuple[Floats, Covariates]:
    """Promotions act, the weather does not."""
    random = np.random.default_rng(seed)
    deal = (random.random((SERIES, PERIODS)) < 0.2).astype(float)
    weather = random.normal(size=deal.shape)
    level = 10 * np.exp(random.normal(size=(SERIES, 1)))
    y = random.poisson(level * np.exp(1.2 * deal)).astype(float)
    return y, Covariates(np.stack([deal, weather], axis=-1), ("deal", "weather, local"), (0.0, None))


def flat(y: Floats) -> Floats:
    means = np.stack([y[:, origin - 12 : origin + 1].mean(axis=1) for origin in ORIGINS], axis=1)
    return np.repeat(means[:, :, None], HORIZON, axis=2)


def test_it_learns_what_drives_demand_and_says_what_each_group_adds() -> None:
    if not is_installed():
        pytest.skip("LightGBM is not installed, or libgomp is missing")
    y, covariates = world()
    place = {"promotion": 0, "weather": 1}

    def said(group: str | None) -> Floats:
        values = covariates.values.copy()
        if group is not None:
            values[:, :, place[group]] = 0
        return boost(y, Covariates(values, covariates.names, (0.0, None)), ORIGINS, HORIZON).paths

    actual = actuals(y, ORIGINS, HORIZON)
    whole, found = ablate(said, ("promotion", "weather"), actual)
    worse = {one.group: one.worse_by for one in found}
    assert found[0].group == "promotion"
    assert worse["promotion"] > 0.5
    assert abs(worse["weather"]) < 0.1
    assert whole.wape < 0.7 * score(flat(y), actual, np.isfinite(actual)).wape
    assert abs(whole.bias) < 0.1


def test_nothing_later_changes_what_was_said_and_every_run_says_the_same() -> None:
    if not is_installed():
        pytest.skip("LightGBM is not installed, or libgomp is missing")
    y, covariates = world()
    origins = ORIGINS[:5]
    said = boost(y, covariates, origins, HORIZON, season=13)
    later = np.where(np.arange(PERIODS) > origins[-1], 50.0, y)
    values = covariates.values.copy()
    values[:, origins[-1] + HORIZON + 1 :] = 9.0
    moved = Covariates(values, covariates.names, covariates.references)
    assert np.array_equal(said.paths, boost(later, moved, origins, HORIZON, season=13).paths)
    order = np.random.default_rng(3).permutation(SERIES)
    turned = Covariates(covariates.values[order], covariates.names, covariates.references)
    again = boost(y[order], turned, origins, HORIZON, season=13)
    np.testing.assert_allclose(again.paths, said.paths[order], rtol=1e-6)


def test_short_and_empty_series_get_none_and_a_few_rows_no_model() -> None:
    if not is_installed():
        pytest.skip("LightGBM is not installed, or libgomp is missing")
    y, covariates = world()
    y[0, :-5], y[1] = np.nan, 0.0
    said = boost(y, covariates, ORIGINS, HORIZON).paths
    assert np.isnan(said[:2]).all()
    assert (said[2:] >= 0).all()
    few = boost(y[:3, :20], None, np.array([12]), HORIZON)
    assert [one.rows for one in few.models] == [0]
    assert np.isnan(few.paths).all()


def test_names_that_people_gave_are_features_of_their_own_and_what_is_refused_is_told() -> None:
    if not is_installed():
        pytest.skip("LightGBM is not installed, or libgomp is missing")
    y, covariates = world()
    named = Covariates(covariates.values, ("lag 0", "winter, sale"), (0.0, None))
    said = boost(y, named, ORIGINS, HORIZON)
    assert {"lag 0", "lag 0 ahead", "winter, sale ahead"} <= set(said.models[0].features)
    np.testing.assert_array_equal(said.paths, boost(y, covariates, ORIGINS, HORIZON).paths)
    with pytest.raises(BoostingError, match="LightGBM refuses"):
        speaker(replace(said.models[0], text="no model"))


def test_a_missing_future_covariate_is_named() -> None:
    if not is_installed():
        pytest.skip("LightGBM is not installed, or libgomp is missing")
    y, covariates = world()
    values = covariates.values.copy()
    values[4, PERIODS - 1, 0] = np.nan
    with pytest.raises(ValueError, match="'deal' of series 4 is not known in period 69"):
        boost(y, Covariates(values, covariates.names, (0.0, None)), ORIGINS, HORIZON)


def test_without_the_extra_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    y, covariates = world()
    with pytest.raises(BoostingError, match=r"dockledger\[ml\]"):
        boost(y, covariates, ORIGINS, HORIZON)
