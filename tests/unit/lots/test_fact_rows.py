"""What is made of movements before anything is inferred: adjustments as one, receipts that lie near."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cloud.lots.fact_rows import FactRow, netted, received_near

START = datetime(2026, 3, 2, tzinfo=UTC)
BIN, ACCOUNT = (1, "bin", "A-01", None, None, None), (2, "virtual", "@adjustment", None, None, None)


def row(seq: int, gained: int, adjustment: int | None = 7) -> FactRow:
    ends = (ACCOUNT, BIN) if gained > 0 else (BIN, ACCOUNT)
    said = ("_cloud", "0", seq, START, "leeds", Decimal(abs(gained)), False, True)
    return FactRow(*said, *ends[0], *ends[1], adjustment, [], [], [], is_open=True)


@pytest.mark.parametrize(
    ("gained", "counts"),
    [((3, -1), (1, 2)), ((-3, 1, -1), (1, -3)), ((2, -3), (2, -1)), ((2, -2), None), ((4,), (1, 4))],
)
def test_an_adjustment_counts_once_as_what_it_comes_to_after_all_else_of_its_instant(
    gained: tuple[int, ...], counts: tuple[int, int] | None
) -> None:
    rows = [row(number, amount) for number, amount in enumerate(gained, start=1)]
    *taken, last = netted([*rows, row(9, 5, None)])[::-1]
    assert last.seq == 9
    standing = [(each.seq, int(each.gained)) for each in taken if not each.is_taken_back]
    assert standing == ([counts] if counts else [])


def test_of_a_dock_accounts_lots_those_are_near_that_came_within_a_day_and_two_are_enough() -> None:
    hours = {"L1": (-90, -23), "L2": (-26, 26), "L3": (24,), "L4": (0,)}
    receipts = {lot: [START + timedelta(hours=hour) for hour in came] for lot, came in hours.items()}
    assert received_near(receipts, START) == ["L1", "L3"]
    assert received_near(receipts, START + timedelta(hours=50)) == ["L2"]
    assert received_near({}, START) == []
