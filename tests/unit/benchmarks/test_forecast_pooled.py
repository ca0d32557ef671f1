"""Coverage over all sets together counts each judged step once, by the like deciles of each set."""

from typing import Any

import pytest

from benchmarks.forecast_pooled import furthest, pooled


def _stratum(decile: int, judged: int, share: float) -> dict[str, Any]:
    names = ("coverage_80", "coverage_95", "least_80", "least_95", "pit_80", "pit_95", "zero_share")
    return {"decile": decile, "judged": judged, **dict.fromkeys(names, share)}


def test_each_step_counts_once_however_many_its_set_has() -> None:
    large = [_stratum(1, 200, 0.7), _stratum(10, 100, 0.8)]
    small = [_stratum(1, 50, 0.9), _stratum(10, 50, 0.4)]

    whole, lowest, highest = pooled([large, small])

    assert (whole["decile"], whole["judged"], lowest["judged"], highest["judged"]) == (0, 400, 250, 150)
    assert whole["coverage_80"] == pytest.approx((140 + 80 + 45 + 20) / 400)
    assert lowest["coverage_80"] == pytest.approx((140 + 45) / 250)


def test_strata_of_a_small_set_count_where_they_end() -> None:
    rows = pooled([[_stratum(1, 10, 0.8), _stratum(2, 10, 0.9)]])

    assert [row["decile"] for row in rows] == [0, 5, 10]


def test_the_furthest_decile_is_told_and_not_the_whole() -> None:
    rows = pooled([[_stratum(1, 10, 0.9), _stratum(10, 10, 0.75)]])

    assert furthest(rows, "coverage_80", 0.8) == pytest.approx(10)
    assert furthest(rows, "coverage_80", "least_80") == 0
