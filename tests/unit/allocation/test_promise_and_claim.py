"""Whatever is claimed and ordered: what may be promised for a day is what claiming for that day gives."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import hypothesis.strategies as st
from hypothesis import given, settings

from cloud.allocation.domain import LineName, Want
from cloud.allocation.fefo import allocate
from cloud.allocation.promising import HeldCell, promised_by_date
from cloud.allocation.store import LineRow

DAY = date(2026, 3, 2)
amounts = st.integers(0, 9).map(Decimal)
life = st.sampled_from([0, 0, 5, 30])
held = st.builds(
    lambda number, holds, claimed, lot, lasts, is_doubted: HeldCell(
        number,
        1,
        holds - claimed,
        f"A-{number}",
        lot=lot,
        expires_on=None if lasts is None else DAY + timedelta(lasts),
        is_doubted=is_doubted,
        held=holds,
    ),
    st.integers(1, 9),
    st.integers(-2, 12).map(Decimal),
    st.sampled_from([0, 0, 2, 7]).map(Decimal),
    st.sampled_from([None, "L1", "L2"]),
    st.none() | st.integers(-3, 60),
    st.sampled_from([False, False, False, True]),
)
cells = st.lists(held, max_size=6, unique_by=lambda cell: cell.cell_id)


def line(number: int, after: int, parts: tuple[Decimal, Decimal], days: int, lot: str | None) -> LineRow:
    name = ("outbound_order", f"O-{number}", "1", 1, "TEA")
    on, (free, soft) = DAY + timedelta(after), parts
    return LineRow(*name, free + soft, lot, None, None, None, 1 + number % 2, on, days, soft, Decimal(0))


lines = st.lists(
    st.builds(
        line,
        st.integers(1, 9),
        st.integers(0, 30),
        st.tuples(amounts, amounts),
        life,
        st.sampled_from([None, None, "L1"]),
    ),
    max_size=4,
    unique_by=lambda line: line.id,
)


def claimable(cells: Sequence[HeldCell], orders: Sequence[LineRow], on: date, quantity: Decimal) -> Decimal:
    """Claim for a new order now, as `claiming.claim` does: soft claims of others are served before."""
    softs = [
        Want(
            each.name,
            1,
            each.soft,
            each.needed_on,
            each.minimum_days,
            each.lot,
            priority=each.priority,
            is_claim=True,
        )
        for each in orders
        if each.soft > 0
    ]
    new = Want(LineName("outbound_order", "NEW", "1"), 1, quantity, on)
    claims = allocate([*softs, new], cells).claims
    return sum((claim.quantity for claim in claims if claim.name == new.name), Decimal(0))


@settings(max_examples=300)
@given(cells, lines)
def test_what_may_be_promised_for_a_day_can_be_claimed(cells: list[HeldCell], orders: list[LineRow]) -> None:
    for row in promised_by_date(cells, [], orders, today=DAY):
        if row.available > 0:
            assert claimable(cells, orders, row.on, row.available) == row.available, row


@given(cells)
def test_where_nobody_waits_all_that_can_be_claimed_may_be_promised(cells: list[HeldCell]) -> None:
    cells = [cell for cell in cells if cell.free >= 0]
    for row in promised_by_date(cells, [], [], today=DAY):
        assert row.available == claimable(cells, [], row.on, Decimal(1000)), row


def test_a_later_lot_that_is_claimed_is_promised_to_nobody_else() -> None:
    cells = [
        HeldCell(1, 1, Decimal(10), "A-1", lot="D1", expires_on=DAY + timedelta(10), held=Decimal(10)),
        HeldCell(2, 1, Decimal(0), "A-1", lot="D2", expires_on=DAY + timedelta(60), held=Decimal(10)),
    ]
    first, last, _ = promised_by_date(cells, [], [], today=DAY)
    assert (first.receipts, first.orders, first.projected, first.available) == (20, 10, 10, 10)
    assert (last.on, last.expiring, last.projected, last.available) == (DAY + timedelta(10), 10, 0, 0)


def test_an_order_is_kept_what_lasts_long_enough_for_its_customer() -> None:
    lots = {1: 10, 2: 60}
    cells = [
        HeldCell(nth, 1, Decimal(10), "A-1", expires_on=DAY + timedelta(days), held=Decimal(10))
        for nth, days in lots.items()
    ]
    picky = line(1, 1, (Decimal(10), Decimal(0)), 30, None)
    rows = promised_by_date(cells, [], [picky], today=DAY)
    assert [(row.on - DAY).days for row in rows] == [0, 1, 10, 60]
    assert [int(row.available) for row in rows] == [10, 10, 0, 0]
