"""Order quantities as suppliers take them, lead times as they happen, terms as they are chosen."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cloud.replenishment.lead_times import elapsed, observed
from cloud.replenishment.position import consume, project
from cloud.replenishment.quantities import OrderRule, fault_of, round_order
from cloud.replenishment.terms import TermsRow, choose, terms_of

AMOUNTS = st.decimals("0.001", "10000", places=3)


@given(
    need=st.decimals("-100", "100000", places=3),
    least=st.none() | AMOUNTS,
    multiple=st.none() | AMOUNTS,
    is_whole=st.booleans(),
)
def test_a_rounded_order_covers_the_need_and_is_taken(
    *, need: Decimal, least: Decimal | None, multiple: Decimal | None, is_whole: bool
) -> None:
    if is_whole and multiple is not None:
        multiple = multiple.to_integral_value() or Decimal(1)
    if is_whole and least is not None:
        least = least.to_integral_value() or Decimal(1)
    rule = OrderRule(least, multiple, is_whole=is_whole)
    rounded = round_order(need, rule)
    if need <= 0:
        assert rounded.quantity == 0
        return
    assert rounded.quantity >= need
    assert fault_of(rounded.quantity, rule) is None
    if multiple is not None:
        assert rounded.quantity - multiple < max(need + 1, least or Decimal(0))


def test_a_refused_quantity_names_what_would_do() -> None:
    rule = OrderRule(Decimal(48), Decimal(12), is_whole=True)
    assert fault_of(Decimal(50), rule) == "quantity 50: expected whole multiples of 12, as 48 or 60"
    assert fault_of(Decimal(0), rule) == ("quantity 0: expected above 0 and below 100000000000000")
    assert fault_of(Decimal("1.5"), OrderRule(None, None, is_whole=True)) == (
        "quantity 1.5: expected a whole number, the item is not divided"
    )


def test_working_days_skip_the_weekend() -> None:
    assert elapsed(date(2026, 3, 6), 1, working_days={1, 2, 3, 4, 5}) == 3
    assert elapsed(date(2026, 3, 7), 0, working_days={1}) == 0
    assert elapsed(date(2026, 3, 2), 5, working_days={3}) == 30


def test_few_receipts_do_not_outweigh_a_promise() -> None:
    assert observed([3] * 7) is None
    known = observed([*([30] * 10), *([2] * 51), 4])
    assert known is not None
    assert (known.days, known.samples) == ((2, 4), 52)  # the last 52


def row(supplier: str, **fields: Any) -> TermsRow:
    known: dict[str, Any] = dict.fromkeys(TermsRow._fields) | {
        "item_id": 1,
        "supplier": supplier,
        "currency": "EUR",
        "working_days": [1, 2, 3, 4, 5],
        "pack": Decimal(1),
        "lead_time_basis": "calendar",
        "is_preferred": False,
        "updated_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return TermsRow(**(known | fields))


def test_a_preferred_supplier_goes_before_a_cheaper_one_and_a_site_before_the_network() -> None:
    cheap, dear = row("CHEAP", price=Decimal(1)), row("DEAR", price=Decimal(2))
    unknown = row("NOPRICE")
    assert choose([unknown, dear, cheap]) == cheap
    assert choose([cheap, dear._replace(is_preferred=True)]).supplier == "DEAR"
    own = row("CHEAP", price=Decimal(9), site_id="leeds")
    assert choose([cheap, own]) == own
    assert choose([]) is None


def test_terms_take_working_days_from_the_day_the_order_goes_out() -> None:
    friday = date(2026, 3, 6)
    told = terms_of(row("A", lead_time_days=2, lead_time_basis="working"), {}, friday, is_whole=True)
    assert (told.lead_time.days, told.lead_time.source) == ((4,), "promised")
    on_saturday = terms_of(
        row("A", lead_time_days=2, lead_time_basis="working"), {}, date(2026, 3, 7), is_whole=True
    )
    assert on_saturday.lead_time.days == (2,)  # sent on Monday
    known = terms_of(row("A", lead_time_days=2), {"A": [9] * 8}, friday, is_whole=True)
    assert (known.lead_time.days, known.lead_time.source) == ((9,), "observed")
    assert terms_of(row("A"), {}, friday, is_whole=True).lead_time.source == "default"


@given(
    mean=st.lists(st.floats(0, 30), min_size=1, max_size=30),
    orders=st.lists(st.tuples(st.integers(-5, 29), st.floats(0.1, 200)), max_size=8),
)
def test_consuming_loses_nothing_and_takes_no_more_than_the_forecast(
    mean: list[float], orders: list[tuple[int, float]]
) -> None:
    forecast = np.array(mean)
    beyond = consume(forecast, orders)
    within = sum(quantity for day, quantity in orders if max(0, day) < len(mean))
    assert (beyond >= 0).all()
    assert within - forecast.sum() - 1e-6 <= beyond.sum() <= within + 1e-6
    stock = project(0.0, [], forecast, beyond)
    assert stock[-1] <= -max(float(forecast.sum()), within) + 1e-6
