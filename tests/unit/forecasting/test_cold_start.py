"""Items without a history of their own: their likes speak first, their own days soon louder."""

import numpy as np

from cloud.forecasting.cold_start import analogue_rates, blended

KNOWN = np.array([True, True, True, False])


def test_likes_are_of_the_same_category_and_near_in_price() -> None:
    rates, prices = np.array([10.0, 2.0, 500.0, 0.0]), np.array([1.0, 8.0, 1.0, 1.0])
    found, likes = analogue_rates(rates, KNOWN, ["cup", "cup", "plate", "cup"], prices)
    assert 9 < found[3] < 10
    assert likes[3] == 2


def test_without_a_price_all_of_the_category_weigh_alike() -> None:
    rates = np.array([10.0, 2.0, 500.0, 0.0])
    found, _ = analogue_rates(rates, KNOWN, ["cup", "cup", "plate", "cup"], np.array([1.0, 8.0, 1.0, np.nan]))
    assert found[3] == 6


def test_an_item_without_a_category_or_without_likes_has_none() -> None:
    rates = np.array([10.0, 2.0, 500.0, 0.0])
    found, likes = analogue_rates(rates, KNOWN, ["cup", None, "plate", None], np.ones(4))
    assert np.isnan(found).all()
    assert not likes.any()


def test_own_days_soon_count_more() -> None:
    weeks = np.array([0.0, 7.0, 28.0])
    drawn = blended(np.array([0.0, 1.0, 1.0]), weeks, np.full(3, 5.0))
    assert drawn[0] == 5
    assert drawn[0] > drawn[1] > drawn[2] > 1
    assert drawn[2] < 1.5
    assert blended(np.array([1.0]), np.array([7.0]), np.array([np.nan])).tolist() == [1.0]


def test_many_of_a_category_are_held_against_all_of_it() -> None:
    rates = np.arange(600.0)
    found, likes = analogue_rates(rates, np.ones(600, dtype=np.bool_), ["cup"] * 600, np.ones(600))
    np.testing.assert_allclose(found, (rates.sum() - rates) / 599)
    assert (likes == 599).all()
