"""What adjustments do to means and bands: never negative, never out of order, whatever is asked for."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from cloud.demand.reading import DailyMatrix, Item
from cloud.forecasting.overrides.applying import Said, adjust, shifted, sums_within
from cloud.forecasting.overrides.domain import Adjustment, Mode, in_words, is_small
from cloud.forecasting.overrides.outcomes import Came, Effect, outcomes_of

FIRST = date(2026, 3, 2)


def adjustment(mode: Mode, amount: float, start: int, stop: int, **changes: object) -> Adjustment:
    wish = {"override_id": 1, "is_of_item": True, "per_days": None if mode is Mode.PERCENT else 7}
    return Adjustment(
        **(wish | changes),
        from_day=FIRST + timedelta(start),
        until_day=FIRST + timedelta(stop),
        mode=mode,
        amount=amount,
    )


def forecast(seed: int = 1, days: int = 28) -> Said:
    rng = np.random.default_rng(seed)
    mean = rng.gamma(0.5, 4, days)
    mean[rng.random(days) < 0.3] = 0
    horizons = [1, 7, 14, days]
    sums = np.cumsum(mean)[np.array(horizons) - 1]
    spread = np.sort(rng.gamma(1, 1, 15))
    cum_q = np.maximum.accumulate(np.sort(sums[:, None] * spread[None, :], axis=1), axis=0)
    return Said(mean.tolist(), horizons, cum_q.tolist())


def test_any_adjustment_leaves_bands_that_are_bands() -> None:
    for seed in range(60):
        said = forecast(seed)
        mode = list(Mode)[seed % 3]
        amount = (-100, -40, 30, 900)[seed % 4] if mode is Mode.PERCENT else (0.0, 3.0, 5000.0)[seed % 3]
        wishes = [
            adjustment(mode, amount, seed % 5, seed % 28),
            adjustment(Mode.PERCENT, 20, 10, 40, override_id=2),
        ]
        done = adjust(said, FIRST, wishes)
        assert done is not None
        cum_q = np.array(done.said.cum_q)
        assert (np.array(done.said.mean) >= 0).all()
        assert (cum_q >= 0).all()
        assert (np.diff(cum_q, axis=0) >= 0).all()
        assert (np.diff(cum_q, axis=1) >= 0).all()
        assert done.system is said


def test_percent_units_and_a_number_instead_do_what_they_say_on_their_days_only() -> None:
    said = Said([2.0, 4.0] * 7, [14], [[10.0] * 15])
    by = {
        (Mode.PERCENT, -50.0): [1, 2] * 7,
        (Mode.ADD, 7.0): [2 + 2 / 3, 4 + 4 / 3] * 7,
        (Mode.REPLACE, 42.0): [4, 8] * 7,
        (Mode.ADD, -999.0): [0, 0] * 7,
    }
    for (mode, amount), mean in by.items():
        done = adjust(said, FIRST, [adjustment(mode, amount, 0, 13)])
        assert done is not None
        assert done.said.mean == pytest.approx(mean)
    within = adjust(said, FIRST, [adjustment(Mode.PERCENT, 100, 1, 2)])
    assert within is not None
    assert within.said.mean[:4] == [2, 8, 4, 4]
    assert adjust(said, FIRST, [adjustment(Mode.PERCENT, 100, -9, -1)]) is None
    silent = adjust(Said([0.0] * 4, [4], [[0.0] * 15]), FIRST, [adjustment(Mode.REPLACE, 14, 0, 1)])
    assert silent is not None
    assert silent.said.mean == [2, 2, 0, 0]
    assert silent.said.cum_q[0] == [4.0] * 15


def test_what_is_said_of_the_item_counts_before_what_is_said_of_its_category() -> None:
    said = Said([10.0] * 6, [6], [[60.0] * 15])
    item = adjustment(Mode.PERCENT, -100, 2, 3, override_id=9)
    category = adjustment(Mode.PERCENT, 50, 0, 4, override_id=3, is_of_item=False)
    for wishes in ([item, category], [category, item]):
        done = adjust(said, FIRST, wishes)
        assert done is not None
        assert done.said.mean == [15, 15, 0, 0, 15, 10]
        assert done.override_ids == [3, 9]
        assert done.days == [3, 3, 9, 9, 3, None]


def test_bands_widen_with_the_root_of_a_rise_and_shrink_with_a_fall() -> None:
    said = Said([10.0] * 2, [1, 2], [[5.0, 10.0, 20.0], [12.0, 20.0, 34.0]])
    assert shifted(said, [10.0, 30.0]) == [
        [5.0, 10.0, 20.0],
        [pytest.approx(40 - 8 * 2**0.5), 40.0, pytest.approx(40 + 14 * 2**0.5)],
    ]
    assert shifted(said, [100.0, 10.0])[0] == [90.0, 100.0, 120.0]
    assert shifted(said, [0.0, 10.0]) == [[0.0, 0.0, 0.0], [6.0, 10.0, 17.0]]


def test_the_change_is_measured_over_all_its_days_and_small_ones_are_known() -> None:
    said = Said(
        [10.0] * 14, [7, 14], [[60.0] * 5 + [70.0] * 5 + [90.0] * 5, [120.0] * 5 + [140.0] * 5 + [180.0] * 5]
    )
    assert sums_within(said, FIRST, adjustment(Mode.PERCENT, 20, 0, 6)) == (70, 84, 15)
    assert sums_within(said, FIRST, adjustment(Mode.PERCENT, 20, 7, 34)) == (280, 336, 30)
    assert sums_within(said, FIRST, adjustment(Mode.PERCENT, 20, 50, 60)) == (0, 0, 0)
    assert is_small(system=100, overridden=91, half_width=10)
    assert not is_small(system=100, overridden=90, half_width=20)
    assert in_words(Mode.ADD, Decimal(-5), 1, "kg") == "5 kg a day less"


def test_blocks_are_judged_once_they_are_over_and_not_where_stock_outs_hid_them() -> None:
    effect = Effect(
        override_id=4,
        item_id=1,
        first_day=FIRST,
        from_day=FIRST + timedelta(2),
        until_day=FIRST + timedelta(18),
        system=[10.0] * 28,
        overridden=[20.0] * 28,
        naive=[float(n) for n in range(7)],
        judged_day=None,
    )
    quantity, hidden = np.full((2, 41), 20.0), np.zeros((2, 41), dtype=bool)
    quantity[0], hidden[1, 10] = 7.0, True
    items = (Item("OTHER", 9), Item("TEA", 1))
    days = tuple(FIRST + timedelta(n) for n in range(41))
    nothing = np.zeros_like(hidden)
    came = Came.of(DailyMatrix(items, days, quantity, hidden, nothing))
    told = outcomes_of(effect, came)
    assert [(one.days, one.came, one.system, one.overridden) for one in told] == [
        (7, 140, 70, 140),
        (7, None, 70, 140),
        (3, 60, 30, 60),
    ]
    assert [one.naive for one in told] == [21, 21, 2 + 3 + 4]
    masked = Came.of(DailyMatrix(items, days, quantity, nothing, hidden))
    assert [one.came for one in outcomes_of(effect, masked)] == [140, None, 60]
    elsewhere = Came.of(DailyMatrix(items[:1], days, quantity[:1], nothing[:1], nothing[:1]))
    assert [one.came for one in outcomes_of(effect, elsewhere)] == [None] * 3  # it is read as another by now
    early = outcomes_of(effect, Came.of(DailyMatrix(items, days[:18], quantity[:, :18], nothing, nothing)))
    assert [one.block_day for one in early] == [FIRST + timedelta(2), FIRST + timedelta(9)]
    later = replace(effect, judged_day=FIRST + timedelta(9))
    assert [one.block_day for one in outcomes_of(later, came)] == [FIRST + timedelta(16)]
    assert came.week_before(1, FIRST + timedelta(11)) == [20, 20, 20, 20, 20, 20, None]
    # A day of the week that it repeats is not known: of the blocks with that day there is no naive forecast.
    partly = replace(effect, naive=[0.0, 1.0, 2.0, 3.0, None, 5.0, 6.0])
    assert [one.naive for one in outcomes_of(partly, came)] == [None, None, None]
    assert [one.naive for one in outcomes_of(replace(partly, until_day=FIRST + timedelta(3)), came)] == [5]
    assert {one.naive for one in outcomes_of(replace(effect, naive=[]), came)} == {None}
