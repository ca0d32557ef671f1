"""The demonstration's judge: every way in which a ledger can differ from the truth has its own count."""

from dataclasses import asdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.local.demo.domain import Content, Line, Movement, judge


def movement(line: str = "1", item: str = "85123A", quantity: int = 6, to: str = "@customer") -> Movement:
    content = Content(item, Decimal(quantity), "STAGING", to, None)
    return Movement(Line("leeds", "536365", line), content)


ONE = movement("1")
OTHER = movement("2", "71053")


@pytest.mark.parametrize(
    ("truth", "ledger", "expected"),
    [
        ([], [], {}),
        ([ONE, OTHER], [OTHER, ONE], {"right": 2}),
        ([ONE, OTHER], [ONE], {"right": 1, "missed": 1}),
        ([ONE], [ONE, ONE, ONE], {"right": 1, "duplicated": 2}),
        ([ONE, ONE], [ONE, ONE], {"right": 2}),
        ([ONE], [movement("1", quantity=5)], {"wrong": 1}),
        ([ONE], [movement("1", item="71053")], {"wrong": 1}),
        ([ONE], [movement("1", to="RETURNS")], {"wrong": 1}),
        ([ONE], [ONE, movement("1", quantity=5)], {"right": 1, "false": 1}),
        ([], [ONE], {"false": 1}),
        ([ONE], [OTHER], {"missed": 1, "false": 1}),
    ],
)
def test_each_difference_has_its_count(
    truth: list[Movement], ledger: list[Movement], expected: dict[str, int]
) -> None:
    found = asdict(judge(truth, ledger))
    assert found.pop("truth") == len(truth)
    assert found.pop("ledger") == len(ledger)
    assert {name: count for name, count in found.items() if count} == expected


def test_quantities_are_compared_by_value() -> None:
    posted = Movement(ONE.line, ONE.content._replace(quantity=Decimal("6.000000")))
    assert judge([ONE], [posted]).is_clean


@given(
    truth=st.lists(st.builds(movement, st.sampled_from("123"), quantity=st.integers(1, 2)), max_size=8),
    ledger=st.lists(st.builds(movement, st.sampled_from("123"), quantity=st.integers(1, 2)), max_size=8),
)
def test_nothing_is_counted_twice_or_not_at_all(truth: list[Movement], ledger: list[Movement]) -> None:
    found = judge(truth, ledger)
    assert found.right + found.wrong + found.missed == len(truth)
    assert found.right + found.wrong + found.duplicated + found.false == len(ledger)
    assert found.is_clean == (sorted(map(repr, truth)) == sorted(map(repr, ledger)))
