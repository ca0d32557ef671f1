"""A spreadsheet of one delivery in, the delivery out; wrong cells are told, none is guessed (D8)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from cloud.documents.domain import DocumentError
from cloud.documents.receiving.papers import REASONS, DeliveryLine, DeliveryPaper
from cloud.documents.sheet_rows import RowReader, said
from cloud.sheets import fields
from cloud.sheets.fields import Conventions
from cloud.sheets.table import Encoding, Table, TableError, TableRow, read_table

REQUIRED: Final = ("received",)
OPTIONAL: Final = (
    *("line", "of_type", "of_id", "of_line", "gtin", "sku", "damaged", "rejected", "unit_seen", "lot"),
    *("sscc", "new_unit", "location", "reason"),
)
_QUANTITIES: Final = ("received", "damaged", "rejected")
_TEXTS: Final = {"lot": "lot", "sscc": "unit", "new_unit": "new_unit", "location": "location"}


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the file does not say itself."""

    site: str
    receipt: str
    location: str
    against: tuple[str, str] | None = None
    """Type and id of the document whose lines ``of_line`` names; None: the file says it, or it is blind."""
    delivery_note: str | None = None
    partner: str | None = None
    is_last: bool = False


def read_delivery(
    path: Path,
    head: Delivered,
    *,
    conventions: Conventions,
    encoding: Encoding = "utf-8",
    sheet: str | None = None,
) -> DeliveryPaper:
    """Read a delivery from CSV or XLSX.

    Args:
        path: The file; its first row names its columns.
        head: What it does not say itself.
        conventions: How it writes what could be read in two ways.
        encoding: Of a CSV.
        sheet: Which sheet of a workbook; None: the only one.

    Returns:
        The delivery.

    Raises:
        DocumentError: Naming every wrong cell.
    """
    try:
        table = read_table(
            path,
            required=REQUIRED,
            optional=OPTIONAL,
            conventions=conventions,
            encoding=encoding,
            sheet=sheet,
        )
    except TableError as error:
        raise DocumentError(f"{error}") from error
    faults = list(table.faults)
    lines: list[DeliveryLine] = []
    for number, row in enumerate(table.rows, start=1):
        stated, wrong = _line(row, number, head, conventions, table)
        faults += wrong
        if stated is not None and not wrong:
            try:
                lines.append(DeliveryLine.model_validate(stated))
            except ValidationError as error:
                faults += [f"line {row.number}: {fault}" for fault in said(error)]
    if faults:
        raise DocumentError("\n".join(f"{path}: {fault}" for fault in faults))
    stated_head = {
        "site": head.site,
        "receipt": head.receipt,
        "location": head.location,
        "delivery_note": head.delivery_note,
        "partner": head.partner,
        "is_last": head.is_last,
    }
    try:
        return DeliveryPaper.model_validate(stated_head | {"lines": lines})
    except ValidationError as error:
        raise DocumentError("\n".join(f"{path}: {fault}" for fault in said(error))) from error


def _line(
    row: TableRow, number: int, head: Delivered, conventions: Conventions, table: Table
) -> tuple[dict[str, Any] | None, list[str]]:
    """Read a row; one without any quantity did not come."""
    cells, faults = row.cells, list[str]()

    read = RowReader(table, row, faults).read
    amounts = {
        column: read(column, lambda text: fields.quantity(text, conventions))
        for column in _QUANTITIES
        if cells.get(column, "").strip("0.,")
    }
    if not amounts:
        return None, faults
    stated: dict[str, Any] = {"line": read("line", fields.code) or str(number)}
    stated |= {column: amount for column, amount in amounts.items() if amount is not None}
    stated |= {name: value for column, name in _TEXTS.items() if (value := read(column, fields.code))}
    unit_seen = read("unit_seen", lambda text: text if text == "base" else fields.gtin(text))
    gtin, sku = read("gtin", fields.gtin), read("sku", fields.code)
    if gtin and sku:
        faults.append(f"line {row.number}: gtin and sku: expected one of them")
    if gtin:
        stated |= {"identifier": {"scheme": "gtin", "value": gtin}, "unit_seen": unit_seen or gtin}
    elif sku:
        stated |= {"identifier": {"scheme": "sku", "value": sku}, "unit_seen": unit_seen or "base"}
    elif unit_seen:
        stated["unit_seen"] = unit_seen
    reason = cells.get("reason", "")
    if reason and reason not in REASONS:
        faults.append(f"{table.place(row.number, 'reason')}: {reason!r:.60}: expected {', '.join(REASONS)}")
    stated["reason"] = reason or None
    of = _of(cells, head)
    return stated | ({"of": of} if of else {}), faults


def _of(cells: dict[str, str], head: Delivered) -> dict[str, str] | None:
    kind, name = head.against or ("", "")
    if not cells.get("of_line"):
        return None
    return {"type": cells.get("of_type") or kind, "id": cells.get("of_id") or name, "line": cells["of_line"]}
