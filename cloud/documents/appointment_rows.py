"""A spreadsheet's rows in, visits with their new doors and windows out; every fault with its place."""

from functools import partial
from pathlib import Path
from typing import Any, Final

from cloud.documents.appointments import MovedVisit
from cloud.documents.sheet_rows import Columns, RowReader, read_lines
from cloud.sheets import fields
from cloud.sheets.fields import Conventions
from cloud.sheets.table import Encoding, TableRow

COLUMNS: Final = Columns(("visit", "door", "from_at"), ("site", "to_at", "carrier"))


def read_appointments(
    path: Path,
    *,
    site: str | None = None,
    conventions: Conventions,
    encoding: Encoding = "utf-8",
    sheet: str | None = None,
) -> list[MovedVisit]:
    """Read appointments from CSV or XLSX.

    Args:
        path: The file; its first row names its columns.
        site: Of rows that name none.
        conventions: How it writes what could be read in two ways.
        encoding: Of a CSV.
        sheet: Which sheet of a workbook; None: the only one.

    Returns:
        The visits in order; an empty cell says that there is no end, or carrier, and without their column
        nothing is said of them.

    Raises:
        DocumentError: If it is no such table.
        UnreadRowsError: Naming every wrong cell and row; it holds the others.
    """
    line = partial(_line, path, site, conventions)
    return read_lines(
        path, COLUMNS, line, MovedVisit, conventions=conventions, encoding=encoding, sheet=sheet
    )


def _line(
    path: Path, site: str | None, conventions: Conventions, row: TableRow, _number: int, reader: RowReader
) -> dict[str, Any]:
    stated = {name: row.cells[name] for name in ("visit", "door") if row.cells.get(name)}
    times = {
        name: at
        for name in ("from_at", "to_at")
        if (at := reader.read(name, lambda text: fields.moment(text, conventions).requested_at)) is not None
    }
    of_site = row.cells.get("site") or site
    none = {name: None for name in ("to_at", "carrier") if row.cells.get(name) == ""}
    carrier = {"carrier": reader.read("carrier", fields.code)} if row.cells.get("carrier") else {}
    more = ({"site": of_site} if of_site else {}) | {"place": f"{path}: line {row.number}: "}
    return stated | none | times | carrier | more
