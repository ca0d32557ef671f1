"""Whether a record is as good as right, and how accurate many of them are: pure arithmetic."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.counting.accuracy import Accuracy, wilson
from cloud.counting.adjustments import person
from cloud.counting.domain import Tolerance, is_allowed

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "planning" / "planning-derived.json"
amounts = st.decimals(min_value=0, max_value=10_000, places=3)


def allowed(counted: str, book: str, cost: str | None = None, **limits: str) -> bool:
    tolerance = Tolerance(**{name: Decimal(limit) for name, limit in limits.items()})
    price = None if cost is None else Decimal(cost)
    return is_allowed(Decimal(counted), Decimal(book), tolerance, cost=price, is_serialised=False)


@pytest.mark.parametrize(
    ("counted", "book", "limits", "expected"),
    [
        ("10", "10", {}, True),
        ("9", "10", {}, False),
        ("9", "10", {"quantity": "1"}, True),
        ("8.999", "10", {"quantity": "1"}, False),
        ("98", "100", {"percent": "2"}, True),
        ("97.9", "100", {"percent": "2"}, False),
        ("98", "100", {"percent": "2", "quantity": "1"}, False),
        ("98", "100", {"value": "5"}, False),
        ("98", "100", {"value": "5", "cost": "2.5"}, True),
        ("98", "100", {"value": "4.99", "cost": "2.5"}, False),
        ("1", "0", {"percent": "100", "quantity": "5"}, False),
        ("0", "0", {}, True),
        ("0", "-1", {"quantity": "5"}, False),
    ],
)
def test_a_record_is_within_only_if_every_limit_holds(
    counted: str, book: str, limits: dict, expected: object
) -> None:
    assert allowed(counted, book, **limits) is expected


@given(counted=amounts.filter(bool), percent=amounts, quantity=amounts, value=amounts, cost=amounts)
def test_stock_that_the_book_does_not_know_is_always_a_variance(
    counted: Decimal, percent: Decimal, quantity: Decimal, value: Decimal, cost: Decimal
) -> None:
    tolerance = Tolerance(quantity, percent, value)
    assert not is_allowed(counted, Decimal(0), tolerance, cost=cost, is_serialised=False)


@given(counted=amounts, book=amounts)
def test_a_serial_number_is_there_or_it_is_not(counted: Decimal, book: Decimal) -> None:
    wide = Tolerance(percent=Decimal(10**6))
    assert is_allowed(counted, book, wide, cost=None, is_serialised=True) is (counted == book)


def test_accuracy_and_its_interval_reproduce_the_books_numbers() -> None:
    if not VECTORS.exists():
        pytest.skip("../shared/vectors is not here")
    vectors = {vector["id"]: vector for vector in json.loads(VECTORS.read_text())["vectors"]}
    compared = 0
    for name, vector in vectors.items():
        if name.startswith("ira-wilson-"):
            hits, records = vector["input"]["hits"], vector["input"]["records"]
            accuracy = Accuracy("leeds", is_directed=False, records=records, accurate=hits, empty_and_zero=0)
            expected = vector["expected"]
            assert accuracy.ira == pytest.approx(expected["ira"], rel=1e-6)
            assert accuracy.interval == pytest.approx((expected["lo"], expected["hi"]), rel=1e-6)
            compared += 1
    assert compared == 3
    unnetted = vectors["ira-nonet-001"]
    right = [
        allowed(str(record["count"]), str(record["book"]), percent=str(record["tol"] * 100))
        for record in unnetted["input"]["records"]
    ]
    assert sum(right) / len(right) == unnetted["expected"]["ira"]


@given(records=st.integers(1, 500), share=st.floats(0, 1))
def test_the_interval_holds_the_share_and_narrows_with_more_records(records: int, share: float) -> None:
    hits = round(share * records)
    low, high = wilson(hits, records)
    wider_low, wider_high = wilson(hits * 4, records * 4)
    assert 0 <= low <= hits / records <= high <= 1
    assert wider_high - wider_low < high - low


@pytest.mark.parametrize(("hits", "records"), [(0, 0), (-1, 4), (5, 4)])
def test_a_share_of_nothing_has_no_interval(hits: int, records: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= hits <= records"):
        wilson(hits, records)


def test_a_badge_is_the_person_of_that_name() -> None:
    assert [person(name) for name in ("ann", "user:ann", "key:4f")] == ["user:ann", "user:ann", "key:4f"]
