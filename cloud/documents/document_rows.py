"""A spreadsheet's rows in, documents as JSON would hold them and the line of each value out; pure."""

from collections.abc import Callable
from typing import Any, Final

from cloud.documents.json_lines import Path
from cloud.sheets import fields
from cloud.sheets.fields import Conventions, FieldError
from cloud.sheets.table import Table, TableRow

COLUMNS: Final = ("type", "id", "line", "quantity")
"""Every file has these, and `gtin` or `sku`."""
OPTIONAL: Final = (
    *("gtin", "sku", "site", "partner", "due_on", "unit_seen", "lot", "unit", "order_id", "order_line"),
)
_HEAD: Final = ("site", "type", "id", "partner", "due_on")


def documents_of(table: Table, conventions: Conventions) -> tuple[dict[str, Any], dict[Path, int], list[str]]:
    """Read a document per ``site, type, id`` and a line of it per row.

    Args:
        table: The file's rows.
        conventions: How it writes what could be read in two ways.

    Returns:
        What ``dockledger documents import`` takes of a JSON file, the line of each of its values, and a fault
        for each cell that is not what it must be.
    """
    documents: list[dict[str, Any]] = []
    numbers: dict[tuple[str, ...], int] = {}
    places: dict[Path, int] = {(): 1}
    faults: list[str] = list(table.faults)
    for row in table.rows:
        reader = _Reader(table, row, faults)
        key = tuple(row.cells.get(name, "") for name in ("site", "type", "id"))
        number = numbers.setdefault(key, len(documents))
        if number == len(documents):
            head = {name: row.cells[name] for name in _HEAD if row.cells.get(name)}
            if (due_on := reader.read("due_on", lambda text: _day(text, conventions))) is not None:
                head["due_on"] = due_on
            documents.append(head | {"lines": []})
            places["documents", number] = row.number
        lines = documents[number]["lines"]
        places["documents", number, "lines", len(lines)] = row.number
        lines.append(_line(reader, row, conventions))
    return {"documents": documents}, places, faults


class _Reader:
    """Reads cells of one row; what is wrong goes to the faults, with its place."""

    def __init__(self, table: Table, row: TableRow, faults: list[str]) -> None:
        self._table, self._row, self._faults = table, row, faults

    def read(self, column: str, check: Callable[[str], str]) -> str | None:
        """Read a cell; None if it is empty or wrong."""
        text = self._row.cells.get(column, "")
        if not text:
            return None
        try:
            return check(text)
        except FieldError as error:
            self._faults.append(f"{self._table.place(self._row.number, column)}: {error}")
            return None


def _line(reader: _Reader, row: TableRow, conventions: Conventions) -> dict[str, Any]:
    checks: dict[str, Callable[[str], str]] = {
        "line": fields.code,
        "quantity": lambda text: fields.quantity(text, conventions),
        "unit_seen": lambda text: text if text == "base" else fields.gtin(text),
        "lot": fields.code,
    }
    line: dict[str, Any] = {
        name: value for name, check in checks.items() if (value := reader.read(name, check)) is not None
    }
    if gtin := reader.read("gtin", fields.gtin):
        line["identifier"] = {"scheme": "gtin", "value": gtin}
        line.setdefault("unit_seen", gtin)
    elif sku := reader.read("sku", fields.code):
        line["identifier"] = {"scheme": "sku", "value": sku}
    if row.cells.get("order_id"):
        line["order"] = {"id": row.cells["order_id"], "line": row.cells.get("order_line", "")}
    return line | {"units": [row.cells["unit"]] if row.cells.get("unit") else []}


def _day(text: str, conventions: Conventions) -> str:
    """Read a day; one that could be two days is asked for."""
    return (fields.moment(text, Conventions(dates=conventions.dates, has_local_times=True)).local_at or text)[
        : len("2026-03-02")
    ]
