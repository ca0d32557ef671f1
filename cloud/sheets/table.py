"""A table of a stranger in, CSV or XLSX, its rows by column name out; faults are told by place."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple

from cloud.sheets.fields import Conventions, Unclear, is_asked, reads_twice, settles_points
from cloud.sheets.reading import Row, column_name, read_rows
from cloud.sheets.xml import SheetError

Encoding = Literal["utf-8", "windows-1252"]
_CODECS: Final[dict[Encoding, str]] = {"utf-8": "utf-8-sig", "windows-1252": "cp1252"}
_DELIMITERS: Final = ",;\t"


class TableError(Exception):
    """A file that is no table; the message names place and expectation."""


class TableRow(NamedTuple):
    """A row that is not empty."""

    number: int
    """Line of the file, or row of the sheet."""
    cells: dict[str, str]
    """By name of the column, without blanks around them; empty ones included."""


@dataclass(slots=True)
class Table:
    """A table that was read, and what of it could not be."""

    rows: list[TableRow] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Each with its line, or its cell."""
    places: dict[str, str] = field(default_factory=dict)
    """Letter of each column, where the file is a workbook."""

    def place(self, number: int, column: str) -> str:
        """Say where a cell stands.

        Args:
            number: Its row.
            column: Name of its column.

        Returns:
            ``line 7, quantity``, or ``cell C7 (quantity)``.
        """
        if column in self.places:
            return f"cell {self.places[column]}{number} ({column})"
        return f"line {number}, {column}"


def read_table(
    path: Path,
    *,
    required: Sequence[str],
    optional: Sequence[str],
    conventions: Conventions,
    encoding: Encoding = "utf-8",
    sheet: str | None = None,
) -> Table:
    """Read a table whose first row names its columns.

    Args:
        path: A file that ends with ``.xlsx``, or else CSV with comma, semicolon or tabulator between cells.
        required: Columns that it must have.
        optional: Columns that it may have.
        conventions: How its texts are written; a workbook's numbers say it themselves.
        encoding: Of a CSV.
        sheet: Which sheet of a workbook; None: the only one.

    Returns:
        Its rows, and a fault for each cell or row that cannot be taken.

    Raises:
        TableError: If it cannot be read at all, or its columns are wrong.
    """
    try:
        if path.suffix.lower() == ".xlsx":
            return _of_workbook(path, required, optional, conventions, sheet)
        return _of_csv(path, required, optional, conventions, encoding)
    except SheetError as error:
        raise TableError(f"{path}: {error}") from error
    except OSError as error:
        raise TableError(f"{path}: {error.strerror}") from error


def _of_workbook(
    path: Path, required: Sequence[str], optional: Sequence[str], conventions: Conventions, sheet: str | None
) -> Table:
    rows = read_rows(path, sheet=sheet)
    header = next(rows, None)
    if header is None:
        raise TableError(f"{path}: the sheet is empty: expected names of columns")
    names = _checked([cell.text for cell in header.cells], required, optional, path)
    table = Table(places={name: column_name(number) for number, name in enumerate(names)})
    for row in rows:
        if not (wrong := _wrong_cells(row, names)):
            texts = [
                cell.text.replace(".", ",") if cell.is_number and conventions.has_decimal_comma else cell.text
                for cell in row.cells[: len(names)]
            ]
            texts += [""] * (len(names) - len(texts))
            table.rows.append(TableRow(row.number, dict(zip(names, map(str.strip, texts), strict=True))))
        table.faults += wrong
    return table


def _wrong_cells(row: Row, names: Sequence[str]) -> list[str]:
    wrong = []
    for number, cell in enumerate(row.cells):
        place = f"cell {column_name(number)}{row.number}"
        if cell.fault:
            wrong.append(f"{place}: {cell.fault}")
        elif number >= len(names) and cell.text.strip():
            wrong.append(f"{place}: a cell beyond the columns that are named")
    return wrong


def _of_csv(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str],
    conventions: Conventions,
    encoding: Encoding,
) -> Table:
    raw = path.read_bytes()
    if raw[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        raise TableError(f"{path}, line 1: this is UTF-16: save it as CSV UTF-8")
    try:
        text = raw.decode(_CODECS[encoding])
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        other = "windows-1252" if encoding == "utf-8" else "utf-8"
        raise TableError(
            f"{path}, line {line}: byte 0x{raw[error.start]:02x} is not {encoding}: "
            f"expected {encoding}, or say --encoding {other}"
        ) from error
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = _checked(next(rows, []), required, optional, path)
        table = Table(*_rows(rows, names))
    except csv.Error as error:
        expected = "expected cells in double quotes or without any"
        raise TableError(f"{path}, line {rows.line_num}: {error}: {expected}") from error
    if is_asked(delimiter, conventions):
        _ask(table.rows, names)
    return table


def _rows(rows: "Iterator[list[str]]", names: Sequence[str]) -> tuple[list[TableRow], list[str]]:
    found, faults = [], []
    line = 1
    for cells in rows:
        line = getattr(rows, "line_num", line + 1)
        if not "".join(cells).strip():
            continue
        if len(cells) != len(names):
            faults.append(f"line {line}: expected {len(names)} cells as in the header, got {len(cells)}")
        else:
            found.append(TableRow(line, dict(zip(names, map(str.strip, cells), strict=True))))
    return found, faults


def _ask(rows: Sequence[TableRow], names: Sequence[str]) -> None:
    """Mark what is 1.5 or 1500, column by column, unless another value of the column makes it plain."""
    for name in names:
        texts = [row.cells[name] for row in rows]
        if not any(map(settles_points, texts)):
            for row, text in zip(rows, texts, strict=True):
                if reads_twice(text):
                    row.cells[name] = Unclear(text)


def _checked(
    header: Sequence[str], required: Sequence[str], optional: Sequence[str], path: Path
) -> list[str]:
    names = [name.strip().lower() for name in header]
    wrong = [
        *(f"no column {name!r}" for name in required if name not in names),
        *(f"column {name!r} is unknown" for name in names if name not in {*required, *optional}),
        *(f"column {name!r} stands there twice" for name in sorted(set(names)) if names.count(name) > 1),
    ]
    if wrong:
        raise TableError(
            f"{path}, line 1: {'; '.join(wrong)}: expected {', '.join(required)} "
            f"and perhaps {', '.join(optional)}"
        )
    return names
