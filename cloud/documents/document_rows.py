"""A spreadsheet's rows in, documents as JSON would hold them and the line of each value out; pure."""

from collections.abc import Callable
from typing import Any, Final

from cloud.documents.domain import named_paper
from cloud.documents.json_lines import Path
from cloud.documents.sheet_rows import Columns, RowReader
from cloud.sheets import fields
from cloud.sheets.fields import Conventions
from cloud.sheets.table import Table, TableRow

DOCUMENT_COLUMNS: Final = Columns(
    ("type", "id", "line", "quantity"),
    (
        *("gtin", "sku", "site", "partner", "due_on", "unit_seen", "lot", "unit", "order_id", "order_line"),
        *("sent_at", "price", "to_site", "carrier"),
    ),
)
"""Every row names `gtin` or `sku`."""
VISIT_COLUMNS: Final = Columns(("visit", "door", "direction", "from_at"), ("site", "to_at", "documents"))
_PARTS: Final = {"purchase_order": "orders", "transfer": "transfers"}
"""Where documents stand that are of a kind of their own; all others are `documents`."""


def documents_of(table: Table, conventions: Conventions) -> tuple[dict[str, Any], dict[Path, int], list[str]]:
    """Read a document per ``site, type, id`` and a line of it per row.

    Args:
        table: The file's rows.
        conventions: How it writes what could be read in two ways.

    Returns:
        What ``dockledger documents import`` takes of a JSON file, the line of each of its values, and a fault
        for each cell that is not what it must be.
    """
    parts: dict[str, list[dict[str, Any]]] = {"documents": [], "orders": [], "transfers": []}
    numbers: dict[tuple[str, ...], int] = {}
    places: dict[Path, int] = {(): 1}
    faults: list[str] = list(table.faults)
    for row in table.rows:
        reader = RowReader(table, row, faults)
        key = tuple(row.cells.get(name, "") for name in ("site", "type", "id"))
        part = _PARTS.get(key[1], "documents")
        number = numbers.setdefault(key, len(parts[part]))
        if number == len(parts[part]):
            parts[part].append(_head(part, reader, row, conventions) | {"lines": []})
            places[part, number] = row.number
        lines = parts[part][number]["lines"]
        places[part, number, "lines", len(lines)] = row.number
        read = _order_line if part == "orders" else _line
        lines.append(read(reader, row, conventions))
    return {part: documents for part, documents in parts.items() if documents}, places, faults


def visits_of(table: Table, conventions: Conventions) -> tuple[dict[str, Any], dict[Path, int], list[str]]:
    """Read a visit per row; its documents are parted by semicolons or blanks, each an id or ``type/id``.

    Args:
        table: The file's rows.
        conventions: How it writes what could be read in two ways.

    Returns:
        What ``dockledger documents import`` takes of a JSON file, the line of each of its values, and a fault
        for each cell that is not what it must be.
    """
    places: dict[Path, int] = {(): 1}
    faults: list[str] = list(table.faults)
    visits: list[dict[str, Any]] = []
    for row in table.rows:
        reader = RowReader(table, row, faults)
        stated = {name: row.cells[name] for name in ("site", *VISIT_COLUMNS.required) if row.cells.get(name)}
        for name in ("from_at", "to_at"):
            at = reader.read(name, lambda text: fields.moment(text, conventions).requested_at)
            stated |= {} if at is None else {name: at}
        direction = stated.get("direction", "")
        papers = row.cells.get("documents", "").replace(";", " ").split()
        places["visits", len(visits)] = row.number
        visits.append(stated | {"documents": [named_paper(name, direction) for name in papers]})
    return {"visits": visits}, places, faults


def _head(part: str, reader: RowReader, row: TableRow, conventions: Conventions) -> dict[str, Any]:
    """Read what the first row of a document says of all of it."""
    names = {
        "documents": {"site": "site", "type": "type", "id": "id", "partner": "partner"},
        "orders": {"site": "site", "id": "id", "partner": "supplier"},
        "transfers": {"site": "from_site", "id": "id", "to_site": "to_site", "carrier": "carrier"},
    }[part]
    head = {field: row.cells[column] for column, field in names.items() if row.cells.get(column)}
    if part == "orders":
        sent_at = reader.read("sent_at", lambda text: fields.moment(text, conventions).requested_at or text)
        return head | ({} if sent_at is None else {"sent_at": sent_at})
    due_on = reader.read("due_on", lambda text: _day(text, conventions))
    return head | ({} if due_on is None else {"due_on": due_on})


def _order_line(reader: RowReader, _row: TableRow, conventions: Conventions) -> dict[str, Any]:
    """Read a line of a purchase order: goods in any unit, with price and day of its own."""
    checks: dict[str, Callable[[str], str]] = {
        "line": fields.code,
        "quantity": lambda text: fields.quantity(text, conventions),
        "price": lambda text: fields.quantity(text, conventions),
        "due_on": lambda text: _day(text, conventions),
    }
    goods = _goods(reader)
    if goods.get("identifier", {}).get("scheme") == "sku":
        goods["item"] = goods.pop("identifier")["value"]
    return goods | {
        name: value for name, check in checks.items() if (value := reader.read(name, check)) is not None
    }


def _goods(reader: RowReader) -> dict[str, Any]:
    """Read what goods are, and in which unit: a GTIN is its own, if none is said."""
    unit = reader.read("unit_seen", lambda text: text if text == "base" else fields.gtin(text))
    stated: dict[str, Any] = {} if unit is None else {"unit_seen": unit}
    if gtin := reader.read("gtin", fields.gtin):
        return {"identifier": {"scheme": "gtin", "value": gtin}, "unit_seen": gtin} | stated
    if sku := reader.read("sku", fields.code):
        return {"identifier": {"scheme": "sku", "value": sku}} | stated
    return stated


def _line(reader: RowReader, row: TableRow, conventions: Conventions) -> dict[str, Any]:
    checks: dict[str, Callable[[str], str]] = {
        "line": fields.code,
        "quantity": lambda text: fields.quantity(text, conventions),
        "lot": fields.code,
    }
    line: dict[str, Any] = {
        name: value for name, check in checks.items() if (value := reader.read(name, check)) is not None
    } | _goods(reader)
    if row.cells.get("order_id"):
        line["order"] = {"id": row.cells["order_id"], "line": row.cells.get("order_line", "")}
    return line | {"units": row.cells.get("unit", "").replace(";", " ").split()}


def _day(text: str, conventions: Conventions) -> str:
    """Read a day; one that could be two days is asked for."""
    return (fields.moment(text, Conventions(dates=conventions.dates, has_local_times=True)).local_at or text)[
        : len("2026-03-02")
    ]
