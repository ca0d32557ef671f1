"""Supplier files with every fault named, workbooks without formulas, the picture of expected stock."""

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from cloud.master.supplier_papers import SupplierFileError, read_suppliers
from cloud.sheets.listing import FormError
from cloud.sheets.workbook import workbook
from cloud.web.stockline import stockline

GOOD = """\
supplier;item;name;currency;working_days;price;lead_time_days;min_order;pack;is_preferred
ACME;TEA;Acme Trading;EUR;1 2 3 4;2.50;0;48;12;yes
ACME;CUP;Acme Trading;EUR;1 2 3 4;;;;;
"""


def test_a_file_gives_suppliers_and_terms_by_line() -> None:
    suppliers, terms = read_suppliers(GOOD, "terms.csv")
    assert suppliers[2].working_days == (1, 2, 3, 4)
    assert (terms[2].price, terms[2].lead_time_days, terms[2].is_preferred) == (Decimal("2.50"), 0, True)
    assert (terms[3].price, terms[3].lead_time_days, terms[3].pack) == (None, None, 1)


def test_every_fault_of_a_file_is_named_with_its_line() -> None:
    bad = (
        "supplier,item,price,lead_time_days,pack,multiple,is_preferred,currency\n"
        "ACME,TEA,-1,7,,,,\n"
        'ACME,CUP,"2,50",soon,,,,\n'
        "AC ME,POT,1,7,,,maybe,\n"
        "ACME,JAR,1,7,12,30,,\n"
        "ACME,LID,1,7,,,,euro\n"
        "ACME,PAN,1,9999,,,,\n"
    )
    with pytest.raises(SupplierFileError) as caught:
        read_suppliers(bad, "terms.csv")
    told = str(caught.value)
    for line, words in (
        (2, "price: quantity '-1' must be a whole number or a string"),
        (3, "price: quantity '2,50' must be"),
        (3, "lead_time_days: Input should be a valid integer"),
        (4, "supplier: String should match pattern"),
        (4, "is_preferred: Input should be a valid boolean"),
        (5, "multiple 30: expected whole packs of 12"),
        (6, "currency: String should match pattern"),
        (7, "lead_time_days: Input should be less than or equal to 730, got 9999"),
    ):
        assert f"terms.csv, line {line}: " in told
        assert words in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column 'supplier'; no column 'item'"),
        ("supplier,item,prize\nA,B,1\n", "column 'prize' is unknown"),
        ("supplier,item\n", "expected at least one row"),
        ("supplier,item\nA,B,C\n", "line 2: expected 2 cells, got 3"),
        ('supplier,item\nA,"B\n', "line 2: unexpected end of data"),
    ],
)
def test_a_file_that_is_no_table_is_refused(text: str, words: str) -> None:
    with pytest.raises(SupplierFileError, match=words):
        read_suppliers(text, "terms.csv")


def test_a_workbook_holds_texts_and_numbers_and_no_formula() -> None:
    rows = [
        ["=HYPERLINK(1)", Decimal("12.5"), 7, None, date(2026, 3, 4), datetime(2026, 3, 4, 9, tzinfo=UTC)],
        ["http://x.example", Decimal("12345678901234567.123456"), -1, "007", None, None],
        ["x" * 32_767, Decimal(0), 0, "@SUM(A1)", None, None],
    ]
    header = ["text", "exact", "count", "code", "day", "instant"]
    with zipfile.ZipFile(io.BytesIO(workbook("A/B: all [orders]" * 4, header, rows))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        names = book.namelist()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert not any("external" in name for name in names)
    for text in ("=HYPERLINK(1)", "http://x.example", "12345678901234567.123456", "007", "@SUM(A1)"):
        assert text in sheet
    assert "<v>12.5</v>" in sheet
    with pytest.raises(FormError, match="row 2, column 1 holds 32768 characters, a cell at most 32767"):
        workbook("long", ["text"], [["x" * 32_768]])


def test_the_picture_reaches_from_the_lowest_stock_to_the_highest_level() -> None:
    drawn = stockline(
        {"first_day": "2026-03-04", "stock": [10.0, -30.0], "with_order": [10.0, 70.0], "reorder_point": 95.0}
    )
    assert drawn.levels[0].label == "-50"
    assert drawn.levels[-1].label == "100"
    assert drawn.without.startswith(f"{drawn.left}.0,") or drawn.without.startswith(f"{drawn.left},")
    assert drawn.short_x == drawn.right
    flat = stockline({"first_day": "2026-03-04", "stock": [0.0], "with_order": [0.0], "reorder_point": 0.0})
    assert flat.short_x is None
