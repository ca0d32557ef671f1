"""Laws of serving lines from cells: no piece twice, first expired first, nothing that expires too soon."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import hypothesis.strategies as st
from hypothesis import given

from cloud.allocation.domain import Cell, LineName, Want
from cloud.allocation.fefo import allocate, lasts_until

DAY = date(2026, 3, 2)
QUANTITY = st.decimals("0.5", 30, places=1)

cells = st.lists(
    st.builds(
        Cell,
        cell_id=st.integers(1, 9),
        item_id=st.integers(1, 2),
        free=st.decimals(-5, 30, places=1),
        location=st.sampled_from(["A-1", "A-2"]),
        lot=st.sampled_from([None, "L1", "L2"]),
        expires_on=st.none() | st.integers(0, 60).map(lambda days: DAY + timedelta(days)),
        is_doubted=st.booleans(),
    ),
    unique_by=lambda cell: cell.cell_id,
)
wants = st.lists(
    st.builds(
        Want,
        name=st.integers(1, 99).map(lambda number: LineName("outbound_order", "O", str(number))),
        item_id=st.integers(1, 2),
        quantity=QUANTITY,
        needed_on=st.integers(0, 20).map(lambda days: DAY + timedelta(days)),
        minimum_days=st.integers(0, 20),
        lot=st.sampled_from([None, None, "L1"]),
        priority=st.integers(1, 3),
        is_claim=st.booleans(),
    ),
    unique_by=lambda want: want.name,
)


@given(wants, cells)
def test_what_is_claimed_and_short_is_what_was_wanted_and_no_cell_gives_more_than_it_has(
    wanted: list[Want], held: list[Cell]
) -> None:
    plan = allocate(wanted, held)
    given_by, got = defaultdict[int, Decimal](Decimal), defaultdict[LineName, Decimal](Decimal)
    asked = {want.name: want for want in wanted}
    for claim in plan.claims:
        want = asked[claim.name]
        given_by[claim.cell.cell_id] += claim.quantity
        got[claim.name] += claim.quantity
        assert claim.quantity > 0
        assert (claim.item_id, claim.cell.item_id) == (want.item_id, want.item_id)
        assert want.lot in {None, claim.cell.lot}
        assert not claim.cell.is_doubted
        assert claim.cell.expires_on is None or claim.cell.expires_on > lasts_until(want)
    for cell in held:
        assert given_by[cell.cell_id] <= max(cell.free, Decimal(0))
    short = {each.name: each.quantity for each in plan.shortfalls}
    assert all(got[want.name] + short.get(want.name, 0) == want.quantity for want in wanted)


@given(wants, cells)
def test_nothing_that_fits_a_short_line_is_left_and_a_line_takes_what_expires_first(
    wanted: list[Want], held: list[Cell]
) -> None:
    plan = allocate(wanted, held)
    left = {cell.cell_id: cell.free for cell in held}
    for claim in plan.claims:
        left[claim.cell.cell_id] -= claim.quantity
    asked = {want.name: want for want in wanted}

    def fits(want: Want, cell: Cell) -> bool:
        lasts = cell.expires_on is None or cell.expires_on > lasts_until(want)
        is_right = cell.item_id == want.item_id and want.lot in {None, cell.lot}
        return lasts and is_right and not cell.is_doubted

    for short in plan.shortfalls:
        assert not [cell for cell in held if left[cell.cell_id] > 0 and fits(asked[short.name], cell)]
    for claim in plan.claims:
        want, taken = asked[claim.name], claim.cell.expires_on or date.max
        earlier = [cell for cell in held if fits(want, cell) and (cell.expires_on or date.max) < taken]
        assert all(left[cell.cell_id] <= 0 for cell in earlier)


def test_who_comes_first_is_served_first_and_a_pick_face_goes_before_reserve() -> None:
    def want(line: str, **more: object) -> Want:
        return Want(LineName("o", "1", line), 1, Decimal(4), DAY, **more)  # type: ignore[arg-type]

    cells = [
        Cell(1, 1, Decimal(3), "R-1"),
        Cell(2, 1, Decimal(3), "F-1", is_pick_face=True),
        Cell(3, 1, Decimal(3), "C-1", owner="ACME"),
    ]
    plan = allocate(
        [want("late", priority=2), want("soft", is_claim=True, priority=3), want("now", priority=1)], cells
    )
    assert [(each.name.line, each.cell.location, int(each.quantity)) for each in plan.claims] == [
        ("soft", "F-1", 3),
        ("soft", "R-1", 1),
        ("now", "R-1", 2),
        ("now", "C-1", 2),
        ("late", "C-1", 1),
    ]
    assert [(each.name.line, each.quantity) for each in plan.shortfalls] == [("late", 3)]


def test_what_must_last_beyond_the_calendar_must_last_to_its_end() -> None:
    want = Want(LineName("outbound_order", "O", "1"), 1, Decimal(1), date.max - timedelta(9), minimum_days=30)
    assert lasts_until(want) == date.max
