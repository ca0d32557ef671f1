"""Stages of an item's life: seldom a false one, and those that are there are found with their week."""

import numpy as np
import pytest

from cloud.forecasting.lifecycle import Life, Stage, life_of


def weeks(values: np.ndarray) -> list[float | None]:
    return [float(value) for value in values]


@pytest.mark.parametrize("kind", ["poisson", "intermittent", "autocorrelated", "lumpy"])
def test_demand_that_has_not_changed_is_seldom_called_otherwise(kind: str) -> None:
    rng = np.random.default_rng(17)
    wrong = 0
    for _ in range(300):
        if kind == "poisson":
            values = rng.poisson(12, 104)
        elif kind == "intermittent":
            values = rng.poisson(3, 104) * (rng.random(104) < 0.2)
        elif kind == "lumpy":
            values = rng.gamma(0.5, 30, 104) * (rng.random(104) < 0.4)
        else:
            noise = rng.normal(0, 8, 104)
            values = np.maximum(50 + np.convolve(noise, 0.6 ** np.arange(12))[:104], 0)
        wrong += life_of(weeks(values)).stage is not Stage.MATURE
    assert wrong <= 0.025 * 300


def test_a_level_that_rose_or_fell_is_found_with_its_week() -> None:
    rng = np.random.default_rng(5)
    found = []
    for share, stage in ((1.8, Stage.GROWING), (0.5, Stage.DECLINING)):
        for _ in range(40):
            values = rng.poisson(20, 104).astype(float)
            values[-12:] = rng.poisson(20 * share, 12)
            life = life_of(weeks(values))
            if life.stage is stage:
                assert life.ratio == pytest.approx(share, rel=0.35)
                found.append(abs((life.since_weeks or 0) - 12))
    assert len(found) >= 76
    assert np.mean(found) < 1.5


def test_a_season_is_no_change_and_silence_is_judged_by_the_items_own_rhythm() -> None:
    rng = np.random.default_rng(6)
    season = 20 * (1 + 0.8 * np.sin(2 * np.pi * (np.arange(120) + 40) / 52))
    assert life_of(weeks(rng.poisson(season))).stage is Stage.MATURE
    often, seldom = [3.0] * 40, [3.0, 0, 0, 0, 0, 0, 0, 0] * 8
    assert life_of(often + [0.0] * 8) == Life(Stage.SILENT, 8, None)
    assert life_of(often + [0.0] * 7).stage is not Stage.SILENT
    assert life_of(seldom + [0.0] * 20).stage is not Stage.SILENT
    assert life_of(seldom + [0.0] * 40).stage is Stage.SILENT
    assert life_of([*often, *[None] * 20]).stage is not Stage.SILENT


def test_the_unborn_the_new_and_the_unknown() -> None:
    assert life_of([]) == Life(Stage.NONE, None, None)
    assert life_of([0.0, None, 0.0]).stage is Stage.NONE
    assert life_of([0.0] * 50 + [1.0] * 13) == Life(Stage.NEW, 13, None)
    assert life_of([1.0] * 14).stage is Stage.MATURE
    assert "60% of what it was" in Life(Stage.DECLINING, 5, 0.6).in_words
