"""What may be promised by date: the textbook's law where nothing expires, brute force where it does."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

import hypothesis.strategies as st
from hypothesis import given, settings

from cloud.allocation.arrivals import net_of_notices
from cloud.allocation.promise import Demand, Supply, available_to_promise
from cloud.allocation.store import ReceiptRow

DAY = date(2026, 3, 2)
days = st.integers(0, 8).map(lambda after: DAY + timedelta(after))
amounts = st.integers(1, 9).map(Decimal)
keeping = st.builds(Supply, on=days, quantity=amounts)
expiring = st.builds(
    lambda on, quantity, lasts: Supply(on, quantity, on + timedelta(lasts)), days, amounts, st.integers(1, 6)
)
demands = st.lists(st.builds(Demand, on=days, quantity=amounts), max_size=4)
lasting = st.lists(st.builds(Demand, on=days, quantity=amounts, minimum_days=st.integers(0, 3)), max_size=4)


@given(st.lists(keeping, max_size=4), demands)
def test_where_nothing_expires_it_is_the_least_projected_balance_from_that_day_on(
    supplies: list[Supply], ordered: list[Demand]
) -> None:
    rows = available_to_promise(supplies, ordered, from_day=DAY)
    projected = [
        sum(each.quantity for each in supplies if each.on <= row.on)
        - sum(each.quantity for each in ordered if each.on <= row.on)
        for row in rows
    ]
    ahead = list(accumulate(reversed(projected), min))[::-1]
    assert [row.projected for row in rows] == projected
    assert [row.available for row in rows] == [max(least, Decimal(0)) for least in ahead]


@settings(max_examples=60)
@given(st.lists(expiring | keeping, max_size=4), lasting)
def test_what_may_be_promised_makes_no_order_later_and_one_more_would(
    supplies: list[Supply], ordered: list[Demand]
) -> None:
    rows = available_to_promise(supplies, ordered, from_day=DAY)
    lateness = served_by(supplies, ordered)
    for row in rows:
        for extra, expected in ((row.available, True), (row.available + 1, False)):
            first = [Demand(row.on, extra)] if extra else []
            assert (served_by(supplies, ordered, first) == lateness) is expected, (row, extra)


def served_by(
    supplies: list[Supply], ordered: list[Demand], first: list[Demand] | None = None
) -> list[Decimal] | None:
    """Serve what expires first; gives what is late at each day's end, None if `first` is not served."""
    left = [[each.on, each.expires_on or date.max, each.quantity] for each in supplies]
    left.sort(key=lambda lot: lot[1])
    waiting: list[list] = []
    late = []

    def take(day: date, quantity: Decimal, lasts: int) -> Decimal:
        for lot in left:
            if lot[0] <= day and day + timedelta(lasts) < lot[1]:
                taken = min(quantity, lot[2])
                lot[2] -= taken
                quantity -= taken
        return quantity

    for after in range(20):
        day = DAY + timedelta(after)
        for each in first or []:
            if each.on == day and take(day, each.quantity, 0) > 0:
                return None
        waiting += [[each.quantity, each.minimum_days] for each in ordered if each.on == day]
        for order in waiting:
            order[0] = take(day, *order)
        late.append(sum((quantity for quantity, _ in waiting), Decimal(0)))
    return late


def test_goods_on_an_order_and_on_its_notice_are_counted_once() -> None:
    def receipt(kind: str, name: str, after: int | None, quantity: int, *order: str) -> ReceiptRow:
        day = None if after is None else DAY + timedelta(after)
        of = order or (None, None)
        return ReceiptRow(kind, name, "1", "ACME", day, Decimal(quantity), *of)

    rows = net_of_notices(
        [
            receipt("purchase_order", "P-1", 5, 10, "P-1", "1"),
            receipt("purchase_order", "P-2", 9, 10, "P-2", "1"),
            receipt("asn", "A-1", 2, 4, "P-2", "1"),
            receipt("asn", "A-2", 3, 12),
            receipt("asn", "A-3", None, 1),
        ]
    )
    assert [(row.id, row.quantity) for row in rows] == [("A-1", 4), ("A-2", 12), ("P-2", 3), ("A-3", 1)]
