"""A stock list as somebody exported it: read as its conventions say, or every fault told at once."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from cloud.counting.reconciling.domain import ReconciliationError, StatedList, faults_of
from cloud.counting.reconciling.reading import read_list
from cloud.sheets.fields import Conventions
from cloud.sheets.table import Encoding

AT = datetime(2026, 11, 1, tzinfo=UTC)
COMMA = Conventions(has_decimal_comma=True)


def listed(tmp_path: Path, text: str, conventions: Conventions, encoding: Encoding = "utf-8") -> StatedList:
    file = tmp_path / "stock.csv"
    file.write_bytes(text.encode("cp1252"))
    return read_list(file, site="leeds", observed_at=AT, conventions=conventions, encoding=encoding)


def test_a_list_is_read_as_it_says_that_it_is_written(tmp_path: Path) -> None:
    text = "Item;Location;Quantity;Lot\nTEA;A-01;12,5;Köln\nTEA;A-02;0;\n"
    stated = listed(tmp_path, text, COMMA, "windows-1252")
    assert [(line.location, line.quantity, line.lot) for line in stated.lines] == [
        ("A-01", Decimal("12.5"), "Köln"),
        ("A-02", Decimal(0), None),
    ]
    assert not stated.faults


def test_cells_that_cannot_be_read_and_names_that_nobody_knows_are_told_in_one_answer(tmp_path: Path) -> None:
    text = (
        "item;location;quantity\nTEA;A-01;12,5\nNOPE;A-01;3\nTEA;A-02;\nTEA;NOWHERE;-3\nTEA;A-02;1E+3\nTEA\n"
    )
    stated = listed(tmp_path, text, Conventions())
    found = list(faults_of(stated, {"TEA": 1}, {"A-01": 1, "A-02": 2}, AT, merged={}))
    assert [fault.message.replace(f"{tmp_path / 'stock.csv'}: ", "") for fault in found] == [
        "line 7: expected 3 cells as in the header, got 1",
        (
            "line 2, quantity: '12,5': a comma may part decimals or thousands: "
            "say --decimal-comma, or write a decimal point"
        ),
        "line 4, quantity: '': expected zero or more: blank is never zero",
        "line 5, quantity: '-3': expected zero or more",
        "line 6, quantity: '1E+3': expected all digits, not a number that a spreadsheet has rounded",
        "line 3: there is no item 'NOPE'",
        "line 5: there is no place 'NOWHERE' at leeds",
        "line 6: TEA at A-02 stands in line 4 already",
    ]


def test_a_file_that_is_no_table_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ReconciliationError, match=r"line 1: .*expected item, location, quantity"):
        listed(tmp_path, "Artikel;Ort;Menge\n", COMMA)
    with pytest.raises(ReconciliationError, match="say --encoding windows-1252"):
        listed(tmp_path, "item;location;quantity\nTee aus Köln;A-01;1\n", COMMA)
