"""Laws of combination and bands: no leak, no unit, no order, no chunk; weights and coverage as in theory."""

import numpy as np
import pytest

from cloud.forecasting.batch import bands, combination
from cloud.forecasting.batch import evaluate as engine
from cloud.forecasting.batch.bias import corrections
from cloud.forecasting.batch.combination import combined, pool, weigh
from cloud.forecasting.batch.evaluate import Evaluation, evaluate
from cloud.forecasting.batch.known import Known, known_errors
from cloud.forecasting.batch.rolled import Origins, plan_origins
from cloud.forecasting.protocol import Floats

RANDOM = 20261126
MEMBERS = ("ses", "theta", "tsb", "mean13")


def demand(series: int = 120, periods: int = 70, seed: int = RANDOM) -> Floats:
    """Make series of all sizes: a third often idle, some late, some with gaps, one without any demand."""
    generator = np.random.default_rng(seed)
    mean = np.exp(generator.normal(2, 1.5, (series, 1)))
    y = generator.negative_binomial(2, 2 / (2 + mean), (series, periods)).astype(float)
    y[::3] *= generator.random((len(y[::3]), periods)) < 0.4
    y[1::9, :40] = np.nan
    y[generator.random(y.shape) < 0.02] = np.nan
    y[5] = 0
    return y


def judged(y: Floats, *, planned: Origins | None = None, chunk: int | None = None) -> Evaluation:
    return evaluate(y, horizon=4, season=1, origins=5, members=MEMBERS, planned=planned, chunk=chunk)


@pytest.fixture(scope="module")
def whole() -> Evaluation:
    return judged(demand())


def test_what_comes_later_changes_no_past_forecast_weight_or_band(whole: Evaluation) -> None:
    y = demand()
    origins = whole.origins.at[:-1]
    cut = int(origins[-3])
    shorter = Origins(origins[origins <= cut], slice(1, len(origins) - 2))
    before = judged(y[:, : cut + 1], planned=shorter)
    for place in range(len(shorter.at)):
        np.testing.assert_array_equal(before.forecast[:, place], whole.forecast[:, place])
        np.testing.assert_array_equal(before.weights[:, place], whole.weights[:, place])
        np.testing.assert_array_equal(before.quantiles(place=place), whole.quantiles(place=place))


def test_the_order_of_series_and_the_size_of_chunks_change_nothing(whole: Evaluation) -> None:
    y = demand()
    order = np.random.default_rng(RANDOM).permutation(len(y))
    other = judged(y[order], chunk=17)
    np.testing.assert_array_equal(other.forecast, whole.forecast[order])
    np.testing.assert_array_equal(other.quantiles(), whole.quantiles()[order])
    assert other.figures() == whole.figures()


def test_forecasts_made_twice_to_spare_memory_are_the_same(
    whole: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MOST_KEPT", 0)
    other = judged(demand(), chunk=50)
    np.testing.assert_array_equal(other.forecast, whole.forecast)
    assert other.figures() == whole.figures()


def test_a_unit_a_thousand_times_smaller_makes_figures_a_thousand_times_larger(whole: Evaluation) -> None:
    other = judged(demand() * 1024)
    np.testing.assert_allclose(other.forecast, whole.forecast * 1024, rtol=1e-5)
    np.testing.assert_allclose(other.quantiles(), whole.quantiles() * 1024, rtol=1e-4, atol=1e-2)
    ours, theirs = whole.figures(), other.figures()
    for name in ("rmsse", "wape", "mase", "bias_pct", "pinball", "coverage_80"):
        assert theirs[name] == pytest.approx(ours[name], rel=1e-4), name


def test_forecasts_and_quantiles_are_never_negative_and_rise_with_the_level(whole: Evaluation) -> None:
    for place in range(len(whole.origins.at)):
        drawn = whole.quantiles(place=place)
        known = drawn[np.isfinite(drawn).all(axis=2)]
        assert (known >= 0).all()
        assert (np.diff(known, axis=1) >= 0).all()
    assert np.isfinite(whole.quantiles()[0]).all()


def test_a_series_without_demand_is_forecast_as_nothing(whole: Evaluation) -> None:
    assert (whole.forecast[5] == 0).all()
    assert whole.errors.absolute[5] == 0


def test_unknown_periods_are_in_no_error_measure() -> None:
    y = demand()
    hidden = y.copy()
    hidden[:, -3:] = np.nan
    wild = y.copy()
    wild[:, -3:] = 1e6
    assert judged(hidden).errors.count.sum() < judged(wild).errors.count.sum()
    assert (judged(hidden).figures()["wape"] or 0) < (judged(wild).figures()["wape"] or 0)


def test_wrong_demand_is_refused() -> None:
    for wrong in (-1.0, np.inf):
        y = demand()
        y[3, 20] = wrong
        with pytest.raises(ValueError, match="finite and >= 0"):
            judged(y)


def paths_of(*levels: float, series: int = 30, origins: int = 10, horizon: int = 2) -> Floats:
    """Make members that always forecast their own number."""
    return np.stack([np.full((series, origins, horizon), level) for level in levels])


def weights_of(paths: Floats, actual: Floats) -> Floats:
    series, origins = actual.shape[:2]
    at, classes = np.arange(origins), np.zeros((series, origins), dtype=np.int64)
    lengths = np.full((series, origins), 50)
    known = known_errors(paths, actual, origins=at, lengths=lengths)
    ready = np.moveaxis(np.isfinite(paths).all(axis=3), 0, 2)
    return weigh(known, classes, pool(paths, known, classes), ready)


def test_equal_members_weigh_the_same_and_before_any_error_all_do() -> None:
    actual = np.full((30, 10, 2), 10.0)
    np.testing.assert_allclose(weights_of(paths_of(9.0, 11.0), actual), 0.5)
    np.testing.assert_allclose(weights_of(paths_of(9.0, 10.5), actual)[:, 0], 0.5)


def test_weights_are_inverse_to_the_mean_square_error() -> None:
    """Squares of 1 and 1.21, as 1 / 1.21 is not left out; the class says the same as each series."""
    weights = weights_of(paths_of(9.0, 11.1), np.full((30, 10, 2), 10.0))
    np.testing.assert_allclose(weights[:, -1, 0] / weights[:, -1, 1], 1.21, rtol=0.02)


def test_a_member_is_left_out_only_beyond_five_quarters_of_the_best() -> None:
    weights = weights_of(paths_of(9.0, 10 + 1.26**0.5), np.full((30, 10, 2), 10.0))
    assert (weights[:, 0] > 0).all(), "nothing is known yet: all stand for it"
    assert (weights[:, -1, 1] == 0).all()
    kept = weights_of(paths_of(9.0, 10 + 1.2**0.5), np.full((30, 10, 2), 10.0))
    assert (kept[:, -1, 1] > 0).all()


def test_a_series_own_errors_move_its_weights_but_not_all_the_way() -> None:
    actual = np.full((60, 14, 2), 10.0)
    actual[0] = 11.0
    weights = weights_of(paths_of(9.0, 11.0, series=60, origins=14), actual)
    assert 0.5 < weights[0, -1, 1] < 0.99
    np.testing.assert_allclose(weights[1:, -1, 1], 0.5, atol=0.02)


def test_members_that_say_the_same_share_a_vote() -> None:
    """Three copies of one forecast and one other, which has more than its quarter."""
    weights = weights_of(paths_of(9.0, 9.0, 9.0, 11.0), np.full((30, 10, 2), 10.0))
    assert weights[0, -1, 3] > 1 / 3


def test_families_weigh_as_wholes() -> None:
    paths = paths_of(9.0, 11.0, 8.9, 11.1)
    actual = np.full((30, 10, 2), 10.0)
    at, classes = np.arange(10), np.zeros((30, 10), dtype=np.int64)
    known = known_errors(paths, actual, origins=at, lengths=np.full((30, 10), 50))
    ready = np.ones((30, 10, 4), dtype=bool)
    weights = weigh(
        known, classes, pool(paths, known, classes), ready, families=np.array([0, 0, 0, 1], dtype=np.int64)
    )
    assert 0.4 < weights[0, -1, 3] < 0.5


def test_an_error_is_known_only_once_its_step_has_come() -> None:
    """A member that is right but for the second step: at the next origin nothing is held against it."""
    paths = paths_of(10.0, 9.9)
    paths[0, :, :, 1] = 100.0
    actual = np.full((30, 10, 2), 10.0)
    known = known_errors(paths, actual, origins=np.arange(10), lengths=np.full((30, 10), 50))
    assert np.isnan(known.relative[:, 0]).all()
    assert (known.relative[:, 1, 0] == 0).all()
    assert (known.relative[:, 2, 0] > 1).all()


def test_errors_of_a_much_younger_series_are_forgotten() -> None:
    lengths = np.tile(np.arange(2, 12), (30, 1))
    known = known_errors(
        paths_of(9.0, 11.0), np.full((30, 10, 2), 10.0), origins=np.arange(10), lengths=lengths
    )
    whole = known_errors(
        paths_of(9.0, 11.0), np.full((30, 10, 2), 10.0), origins=np.arange(10), lengths=lengths + 50
    )
    assert (known.steps[:, -1] < whole.steps[:, -1]).all()
    np.testing.assert_allclose(known.relative[:, -1], 1)


def test_weights_add_up_and_a_member_that_is_not_ready_has_none() -> None:
    paths = paths_of(9.0, 11.0)
    paths[1, :10] = np.nan
    weights = weights_of(paths, np.full((30, 10, 2), 10.0))
    np.testing.assert_allclose(weights.sum(axis=2), 1)
    assert (weights[:10, :, 1] == 0).all()
    np.testing.assert_allclose(combined(paths, weights)[:10], 9.0)


def test_sums_of_chunks_are_those_of_the_whole() -> None:
    y = np.random.default_rng(RANDOM).poisson(5, (40, 8, 3)).astype(float)
    paths = np.stack([y + 1, y - 1.5, np.roll(y, 1, axis=0)])
    classes = np.arange(40)[:, None] % 4 + np.zeros((1, 8), dtype=np.int64)

    def pooled(rows: slice) -> combination.Pooled:
        known: Known = known_errors(
            paths[:, rows], y[rows], origins=np.arange(8), lengths=np.full((len(y[rows]), 8), 9)
        )
        return pool(paths[:, rows], known, classes[rows])

    parts, all_ = pooled(slice(0, 13)) + pooled(slice(13, 40)), pooled(slice(0, 40))
    for name in ("sums", "counts", "gaps", "pairs"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(all_, name))


@pytest.mark.parametrize(("lean", "expected"), [(0.8, 0.8 ** (13 / 14)), (1.0, 1.0)])
def test_a_steady_lean_is_found_and_none_is_not_invented(lean: float, expected: float) -> None:
    generator = np.random.default_rng(RANDOM)
    forecast = np.full((400, 14, 2), 10.0)
    actual = generator.poisson(10 * lean, forecast.shape).astype(float)
    factors = corrections(
        forecast,
        actual,
        classes=np.zeros((400, 14), dtype=np.int64),
        level=np.full((400, 14), 10.0),
        origins=2 * np.arange(14),
    )
    assert factors[0, -1] == pytest.approx(expected, abs=0.01)
    assert (factors[:, :2] == 1).all(), "two whole horizons must have come"


def test_a_lean_that_turns_is_left_alone() -> None:
    forecast, actual = np.full((400, 20, 2), 10.0), np.full((400, 20, 2), 10.0)
    actual[:, ::2], actual[:, 1::2] = 13.0, 7.0
    factors = corrections(
        forecast,
        actual,
        classes=np.zeros((400, 20), dtype=np.int64),
        level=np.full((400, 20), 10.0),
        origins=2 * np.arange(20),
    )
    np.testing.assert_allclose(factors[0], 1, atol=0.02)


@pytest.mark.parametrize(
    ("periods", "judged_", "expected"),
    [(20, 4, [11, 12, 13, 14, 15, 16, 19]), (5, 4, [0, 1, 4]), (3, 2, [2])],
)
def test_origins_end_a_horizon_before_the_end_and_short_histories_have_fewer(
    periods: int, judged_: int, expected: list[int]
) -> None:
    planned = plan_origins(periods, horizon=3, judged=judged_, step=1, warm_up=2)
    assert planned.at.tolist() == expected


def test_bands_of_sums_are_wider_than_those_of_steps(whole: Evaluation) -> None:
    drawn = whole.quantiles()
    regular = np.nanmean(whole.forecast[:, -1], axis=1) > 20
    width = drawn[regular][..., bands.BAND_80[1]] - drawn[regular][..., bands.BAND_80[0]]
    assert (width[:, -1] > width[:, 0]).mean() > 0.95
