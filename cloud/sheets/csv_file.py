"""A list as CSV that a spreadsheet reads as data, never as formulas."""

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Final

from cloud.sheets.listing import Listing, Value

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the first four in full width, which some spreadsheets take for the same."""


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


def write_csv(listing: Listing, target: IO[bytes]) -> None:
    """Write a list as CSV.

    Args:
        listing: What to write.
        target: Where it goes.
    """
    for line in csv_lines([column.name for column in listing.columns], listing.values()):
        target.write(line.encode())


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
        case str():
            text = guarded(value)
        case bool():
            text = "true" if value else "false"
        case datetime():
            text = value.astimezone(UTC).isoformat()
        case date():
            text = value.isoformat()
        case Decimal():
            text = f"{value.normalize():f}"
        case _:
            text = "" if value is None else repr(value)
    return text
