"""A spreadsheet of one shipment in, the shipment out; wrong cells are told, none is guessed (D8)."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from cloud.documents.sheet_rows import Columns, RowReader, paper_of, read_lines
from cloud.documents.shipping.papers import ShipmentPaper, ShippedLine
from cloud.sheets import fields
from cloud.sheets.fields import Conventions, FieldError
from cloud.sheets.table import Encoding, TableRow

COLUMNS: Final = Columns(
    ("of_line", "quantity"),
    (*("line", "of_type", "of_id", "unit_seen", "location", "sscc", "with_unit", "lot", "disposition"),),
)
_WITH_UNIT: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Leaving:
    """What the file does not say itself."""

    site: str
    shipment: str
    location: str | None = None
    against: tuple[str, str] | None = None
    """Type and id of the document whose lines ``of_line`` names; None: the file says it."""
    carrier: str | None = None
    has_departed: bool = False


def read_shipment(
    path: Path,
    head: Leaving,
    *,
    conventions: Conventions,
    encoding: Encoding = "utf-8",
    sheet: str | None = None,
) -> ShipmentPaper:
    """Read a shipment from CSV or XLSX.

    Args:
        path: The file; its first row names its columns.
        head: What it does not say itself.
        conventions: How it writes what could be read in two ways.
        encoding: Of a CSV.
        sheet: Which sheet of a workbook; None: the only one.

    Returns:
        The shipment.

    Raises:
        DocumentError: Naming every wrong cell.
    """
    line = partial(_line, head, conventions)
    lines = read_lines(
        path, COLUMNS, line, ShippedLine, conventions=conventions, encoding=encoding, sheet=sheet
    )
    stated = {
        "site": head.site,
        "shipment": head.shipment,
        "location": head.location,
        "carrier": head.carrier,
        "has_departed": head.has_departed,
    }
    return paper_of(path, ShipmentPaper, stated | {"lines": lines})


def _line(
    head: Leaving, conventions: Conventions, row: TableRow, number: int, reader: RowReader
) -> dict[str, Any]:
    read = reader.read
    kind, name = head.against or ("", "")
    return {
        "line": read("line", fields.code) or str(number),
        "of": {
            "type": row.cells.get("of_type") or kind,
            "id": row.cells.get("of_id") or name,
            "line": row.cells.get("of_line", ""),
        },
        "quantity": read("quantity", lambda text: fields.quantity(text, conventions)),
        "unit_seen": read("unit_seen", lambda text: text if text == "base" else fields.gtin(text)),
        "location": read("location", fields.code),
        "unit": read("sscc", fields.code),
        "lot": read("lot", fields.code),
        "disposition": row.cells.get("disposition") or None,
        "with_unit": read("with_unit", _yes_or_no) or False,
    }


def _yes_or_no(text: str) -> bool:
    if text not in _WITH_UNIT:
        raise FieldError(f"{text!r:.60}: expected yes or no")
    return _WITH_UNIT[text]
