"""Rows as CSV that a spreadsheet reads as data, never as formulas."""

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")

Value = str | int | Decimal | datetime | None


def guarded(text: str) -> str:
    """Keep a spreadsheet from running a text (OWASP: CSV injection).

    Args:
        text: Any text.

    Returns:
        The text, after an apostrophe if it begins like a formula.

    Examples:
        >>> guarded("=1+1"), guarded("@supplier"), guarded("A-01")
        ("'=1+1", "'@supplier", 'A-01')
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[str]:
    """Write a table as CSV, line by line.

    Args:
        header: Names of the columns.
        rows: Values; numbers as they are, instants in ISO 8601 with offset, None empty.

    Yields:
        Lines ending in CR LF, the first after a byte order mark, which Excel needs to read UTF-8.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    for row in itertools.chain([header], rows):
        writer.writerow([_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _cell(value: Value) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat()
        case Decimal():
            return f"{value.normalize():f}"
        case int():
            return str(value)
        case _:
            return guarded(value)
