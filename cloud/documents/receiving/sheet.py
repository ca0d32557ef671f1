"""A spreadsheet of one delivery in, the delivery out; wrong cells are told, none is guessed (D8)."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from cloud.documents.domain import DocumentError
from cloud.documents.receiving.papers import REASONS, DeliveryLine, DeliveryPaper
from cloud.documents.sheet_rows import Columns, RowReader, UnreadRowsError, paper_of, read_lines
from cloud.sheets import fields
from cloud.sheets.fields import Conventions
from cloud.sheets.table import Encoding, TableRow

COLUMNS: Final = Columns(
    ("received",),
    (
        *("line", "of_type", "of_id", "of_line", "gtin", "sku", "damaged", "rejected", "unit_seen", "lot"),
        *("sscc", "new_unit", "location", "reason", "owner"),
    ),
)
_QUANTITIES: Final = ("received", "damaged", "rejected")
_TEXTS: Final = {"sscc": "unit"} | {name: name for name in ("lot", "new_unit", "location", "owner")}


class UnreadDeliveryError(DocumentError):
    """A sheet with rows that cannot be read; `rest` is the delivery without them, to be checked too."""

    def __init__(self, faults: str, rest: DeliveryPaper) -> None:
        """Keep the rest.

        Args:
            faults: A line each.
            rest: What can be read.
        """
        super().__init__(faults)
        self.rest = rest


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
        DocumentError: If it is no such table, or no delivery.
        UnreadDeliveryError: Naming every wrong cell.
    """
    line = partial(_line, head, conventions)
    stated = {
        "site": head.site,
        "receipt": head.receipt,
        "location": head.location,
        "delivery_note": head.delivery_note,
        "partner": head.partner,
        "is_last": head.is_last,
    }
    try:
        lines = read_lines(
            path, COLUMNS, line, DeliveryLine, conventions=conventions, encoding=encoding, sheet=sheet
        )
    except UnreadRowsError as error:
        if not error.lines:
            raise
        rest = paper_of(path, DeliveryPaper, stated | {"lines": error.lines})
        raise UnreadDeliveryError(f"{error}", rest) from error
    return paper_of(path, DeliveryPaper, stated | {"lines": lines})


def _line(
    head: Delivered, conventions: Conventions, row: TableRow, number: int, reader: RowReader
) -> dict[str, Any] | None:
    """Read a row; one without any quantity did not come."""
    cells, read = row.cells, reader.read
    amounts = {
        column: read(column, lambda text: fields.quantity(text, conventions))
        for column in _QUANTITIES
        if cells.get(column, "").strip("0.,")
    }
    if not amounts:
        return None
    stated: dict[str, Any] = {"line": read("line", fields.code) or str(number)}
    stated |= {column: amount for column, amount in amounts.items() if amount is not None}
    stated |= {name: value for column, name in _TEXTS.items() if (value := read(column, fields.code))}
    unit_seen = read("unit_seen", lambda text: text if text == "base" else fields.gtin(text))
    gtin, sku = read("gtin", fields.gtin), read("sku", fields.code)
    if gtin and sku:
        reader.refuse("", "gtin and sku: expected one of them")
    if gtin:
        stated |= {"identifier": {"scheme": "gtin", "value": gtin}, "unit_seen": unit_seen or gtin}
    elif sku:
        stated |= {"identifier": {"scheme": "sku", "value": sku}, "unit_seen": unit_seen or "base"}
    elif unit_seen:
        stated["unit_seen"] = unit_seen
    reason = cells.get("reason", "")
    if reason and reason not in REASONS:
        reader.refuse("reason", f"{reason!r:.60}: expected {', '.join(REASONS)}")
    stated["reason"] = reason or None
    of = _of(cells, head)
    return stated | ({"of": of} if of else {})


def _of(cells: dict[str, str], head: Delivered) -> dict[str, str] | None:
    kind, name = head.against or ("", "")
    if not cells.get("of_line"):
        return None
    return {"type": cells.get("of_type") or kind, "id": cells.get("of_id") or name, "line": cells["of_line"]}
