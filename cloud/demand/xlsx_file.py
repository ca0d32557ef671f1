"""A workbook of demand in, staged lines out; known lines as a workbook; a fault is told by its cell."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from cloud.demand.csv_file import Progress
from cloud.demand.domain import DemandError, Fault, Faults, Scheme, StagedLine
from cloud.demand.rows import Defaults, LineReader
from cloud.demand.service import LineRow
from cloud.sheets.fields import Conventions
from cloud.sheets.listing import Column, Kind, columns_of
from cloud.sheets.reading import Cell, Row, column_name, read_rows
from cloud.sheets.workbook import workbook
from cloud.sheets.xml import SheetError

_EVERY: Final = 2048
"""Rows between two reports of progress."""
_SCHEMES: Final = tuple(scheme.value for scheme in Scheme)
_UNNAMED: Final = "a cell beyond the columns that are named"
MOST_EXPORTED: Final = 200_000
"""Lines of one workbook."""


def read_xlsx(
    path: Path,
    *,
    defaults: Defaults,
    conventions: Conventions,
    faults: Faults,
    progress: Progress,
    sheet: str | None = None,
) -> Iterator[StagedLine]:
    """Read a workbook of demand lines, in the columns of the CSV; its first row names them.

    Args:
        path: The file.
        defaults: What the lines do not say.
        conventions: How its texts are written; its numbers and dates say it themselves.
        faults: Where wrong cells go, by their column and row.
        progress: Told at the end how large the file was; a packed file has no other measure.
        sheet: Which sheet; None: the only one.

    Yields:
        Lines that are right in themselves; their place is the row's number.

    Raises:
        DemandError: If the file cannot be read or its columns are wrong.
    """
    try:
        rows = read_rows(path, sheet=sheet)
        header = next(rows, None)
        if header is None:
            raise DemandError(f"{path}: the sheet is empty: expected names of columns")
        names = [cell.text.strip().lower() for cell in header.cells]
        faults.columns = {name: column_name(number) for number, name in enumerate(names)}
        reader = LineReader(names, file=str(path), defaults=defaults, conventions=conventions, faults=faults)
        for row in rows:
            if _is_whole(row, names, faults):
                cells = [_text(cell, conventions) for cell in row.cells[: len(names)]]
                cells += [""] * (len(names) - len(cells))
                if (line := reader.line(row.number, cells)) is not None:
                    yield line
        progress(path.stat().st_size)
    except SheetError as error:
        raise DemandError(f"{path}: {error}") from error


def _text(cell: Cell, conventions: Conventions) -> str:
    """Give a cell as a file of these conventions has it: the point of a number needs none to be read."""
    return cell.text.replace(".", ",") if cell.is_number and conventions.has_decimal_comma else cell.text


def _is_whole(row: Row, names: list[str], faults: Faults) -> bool:
    wrong = [
        Fault(row.number, names[number] if number < len(names) else f"column {column_name(number)}", message)
        for number, cell in enumerate(row.cells)
        if (message := cell.fault or ("" if number < len(names) or not cell.text.strip() else _UNNAMED))
    ]
    for fault in wrong:
        faults.add(fault)
    return not wrong


def lines_as_workbook(rows: Iterable[LineRow]) -> bytes:
    """Write lines as a workbook that `read_xlsx` reads: imported again, it changes nothing.

    Args:
        rows: At most `MOST_EXPORTED`.

    Returns:
        The file; its texts are texts, whatever they begin with.
    """
    return workbook(
        "Demand", [column.name for column in COLUMNS], ([c.value(row) for c in COLUMNS] for row in rows)
    )


def _named_by(scheme: str, row: LineRow) -> str | None:
    return row.identifier if row.identifier_scheme == scheme else None


COLUMNS: Final = (
    *columns_of(LineRow, "site", "source", "document", "line"),
    *(Column(scheme, Kind.TEXT, partial(_named_by, scheme)) for scheme in _SCHEMES),
    *columns_of(
        LineRow,
        *("quantity_seen=quantity", "requested_at", "kind", "channel", "revision", "of_document", "of_line"),
    ),
)
"""A line as it was said: an item that was merged since keeps its name and units."""
