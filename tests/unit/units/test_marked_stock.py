"""A file of stock says beside each row whether its lot has expired or is recalled."""

from decimal import Decimal

from cloud.inquiry.domain import BalanceRow
from cloud.inquiry.marking import Marked
from cloud.lots.unfit import FIT, Unfit
from cloud.sheets.listing import columns_of
from cloud.web.unfit import marked_columns

ROW = BalanceRow(1, "leeds", "UTC", "HAM", None, "kg", "A-01", "bin", "L1", None, None, Decimal(5))


def test_a_marked_row_keeps_its_columns_and_gets_two() -> None:
    columns = columns_of(BalanceRow, "item", "lot", "quantity", "base_unit=unit")
    marked = marked_columns(columns)
    assert [column.name for column in marked] == ["item", "lot", "quantity", "unit", "expired", "recall"]
    rows = (Marked(ROW, FIT), Marked(ROW, Unfit(is_expired=True, recall=7)))
    assert [[column.value(row) for column in marked] for row in rows] == [
        ["HAM", "L1", 5, "kg", False, None],
        ["HAM", "L1", 5, "kg", True, 7],
    ]
    assert [column.name for column in marked_columns(columns, with_marks=False)] == [
        "item",
        "lot",
        "quantity",
        "unit",
    ]
