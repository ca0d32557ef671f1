"""A list as an XLSX workbook whose texts are texts: nothing in it is a formula or a link."""

import io
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Final

import xlsxwriter

from cloud.sheets.listing import FormError, Listing, Value

_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}
_MADE_AT: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""What a workbook says of itself: the same list is the same bytes."""
_EXACT_DIGITS: Final = 15
"""A spreadsheet's numbers are binary floats; longer ones are written as texts."""
_LONGEST_TEXT: Final = 32_767
MOST_ROWS: Final = 1_048_575
"""Below the header."""
_WIDEST: Final = 60


def write_workbook(listing: Listing, target: IO[bytes]) -> None:
    """Write a list as a workbook of one sheet, a row at a time.

    Args:
        listing: What to write.
        target: Where it goes.

    Raises:
        FormError: If a spreadsheet cannot hold it.
    """
    _write(listing.name, [column.name for column in listing.columns], listing.values(), target)


def workbook(title: str, header: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """Write a table as a workbook of one sheet.

    Args:
        title: Name of the sheet; cut to the 31 characters that a spreadsheet allows.
        header: Names of the columns.
        rows: Values; instants in UTC, quantities as numbers where those are exact (what is no number, as
            ``NaN``, as text), None empty.

    Returns:
        The file's bytes.

    Raises:
        FormError: If a spreadsheet cannot hold it.
    """
    target = io.BytesIO()
    _write(title, header, rows, target)
    return target.getvalue()


def _write(title: str, header: Sequence[str], rows: Iterable[Sequence[Value]], target: IO[bytes]) -> None:
    with xlsxwriter.Workbook(target, _OPTIONS) as book:
        book.set_properties({"created": _MADE_AT})
        sheet = book.add_worksheet("".join(c for c in title if c not in "[]:*?/\\'")[:31] or "Sheet")
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        widths = [len(name) for name in header]
        for column, name in enumerate(header):
            sheet.write_string(0, column, name, bold)
        for number, row in enumerate(rows, start=1):
            if number > MOST_ROWS:
                raise FormError(
                    f"the list has more than the {MOST_ROWS} rows that a sheet holds: "
                    "ask for CSV or Parquet, or filter it"
                )
            for column, value in enumerate(row):
                widths[column] = max(widths[column], len(str(value or "")))
                _write_cell(sheet, number, column, value, day)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, min(_WIDEST, width + 2))
        sheet.freeze_panes(1, 0)


def _is_exact(value: Decimal | int) -> bool:
    number = Decimal(value)
    return number.is_finite() and len(number.normalize().as_tuple().digits) <= _EXACT_DIGITS


def _write_cell(
    sheet: "xlsxwriter.worksheet.Worksheet",
    row: int,
    column: int,
    value: Value,
    day: "xlsxwriter.format.Format",
) -> None:
    match value:
        case None:
            return
        case bool():
            sheet.write_boolean(row, column, value)
        case float() if math.isfinite(value):
            sheet.write_number(row, column, value)
        case datetime():
            sheet.write_string(row, column, value.astimezone(UTC).isoformat())
        case date():
            sheet.write_datetime(row, column, datetime(value.year, value.month, value.day, tzinfo=None), day)  # noqa: DTZ001  a day has no zone
        case int() | Decimal() if _is_exact(value):
            sheet.write_number(row, column, float(value))
        case _:
            text = str(value)
            if len(text) > _LONGEST_TEXT:
                raise FormError(
                    f"row {row + 1}, column {column + 1} holds {len(text)} characters, "
                    f"a cell at most {_LONGEST_TEXT}: ask for CSV or Parquet"
                )
            sheet.write_string(row, column, text)
