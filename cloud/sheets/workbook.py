"""Rows as an XLSX workbook whose texts are texts: nothing in it is a formula or a link."""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

import xlsxwriter

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}
_EXACT_DIGITS: Final = 15
"""A spreadsheet's numbers are binary floats; longer ones are written as texts."""
_LONGEST_TEXT: Final = 32_767
_WIDEST: Final = 60

Value = str | int | Decimal | date | datetime | None


def workbook(title: str, header: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """Write a table as a workbook of one sheet.

    Args:
        title: Name of the sheet; cut to the 31 characters that a spreadsheet allows.
        header: Names of the columns.
        rows: Values; instants in UTC, quantities as numbers where those are exact, None empty.

    Returns:
        The file's bytes.
    """
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, _OPTIONS) as book:
        sheet = book.add_worksheet("".join(c for c in title if c not in "[]:*?/\\'")[:31] or "Sheet")
        bold = book.add_format({"bold": True})
        widths = [len(name) for name in header]
        for column, name in enumerate(header):
            sheet.write_string(0, column, name, bold)
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                widths[column] = max(widths[column], len(str(value or "")))
                _write(sheet, number, column, value)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, min(_WIDEST, width + 2))
        sheet.freeze_panes(1, 0)
    return target.getvalue()


def _write(sheet: "xlsxwriter.worksheet.Worksheet", row: int, column: int, value: Value) -> None:
    match value:
        case None:
            return
        case datetime():
            sheet.write_string(row, column, value.astimezone(UTC).isoformat(timespec="seconds"))
        case date():
            sheet.write_datetime(row, column, datetime(value.year, value.month, value.day, tzinfo=None))  # noqa: DTZ001  a day has no zone
        case int() | Decimal() if len(Decimal(value).normalize().as_tuple().digits) <= _EXACT_DIGITS:
            sheet.write_number(row, column, float(value))
        case _:
            sheet.write_string(row, column, str(value)[:_LONGEST_TEXT])
