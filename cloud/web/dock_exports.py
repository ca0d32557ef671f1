"""Lists of the dock as CSV and workbooks: a receipt's lines, a shipment's, and what is open."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import Response, StreamingResponse

from cloud.documents import reading as documents
from cloud.documents.domain import UnknownDocumentError
from cloud.documents.receiving import reading as receiving
from cloud.documents.shipping import reading as shipping
from cloud.sheets.workbook import MEDIA_TYPE, workbook
from cloud.web.spreadsheet import csv_lines
from cloud.web.visitors import TheGate, Viewer
from contracts.base import ID_PATTERN

router: Final = APIRouter()

MOST: Final = 200_000
"""Lines of one file."""
RECEIPT: Final = (
    *("receipt", "line", "of_type", "of_id", "of_line", "item", "item_name", "unit", "expected", "declared"),
    *("received", "damaged", "rejected", "held", "over", "short", "unexpected", "reason", "lot", "sscc"),
    *("location", "reversed_at"),
)
SHIPMENT: Final = (
    *("shipment", "line", "of_type", "of_id", "of_line", "item", "item_name", "unit", "open_before"),
    *("quantity", "lot", "sscc", "location", "condition", "reversed_at"),
)
OPEN: Final = (
    *("site", "type", "document", "line", "partner", "due_on", "item", "item_name", "unit", "lot", "sscc"),
    *("ordered", "moved", "damaged", "rejected", "open"),
)

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
Number = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[^/\x00-\x1f\x7f-\x9f]*$")]
Form = Literal["csv", "xlsx"]
Kind = Literal["asn", "purchase_order", "customer_return", "transfer", "outbound_order", "supplier_return"]


@router.get("/receiving/{site}/receipts/{receipt}/lines.{form}")
def export_receipt(*, gate: TheGate, visitor: Viewer, site: SiteId, receipt: Number, form: Form) -> Response:
    """Give a receipt's lines."""
    with gate.acting(visitor.actor) as conn:
        try:
            story = receiving.receipt(conn, visitor.actor, site=site, name=receipt)
        except UnknownDocumentError as error:
            raise HTTPException(404, f"{error}") from error
    rows = [
        [
            *(receipt, line.line, line.of_type, line.of_id, line.of_line, line.item or line.identifier),
            *(line.item_name, line.base_unit, line.expected, line.declared, line.received, line.damaged),
            *(line.rejected, line.held, line.over, line.short, "yes" if line.is_unexpected else None),
            *(line.reason, line.lot, line.unit, line.location, line.reversed_at),
        ]
        for line in story.lines
    ]
    return _file(form, f"receipt-{site}", RECEIPT, rows)


@router.get("/shipping/{site}/shipments/{shipment}/lines.{form}")
def export_shipment(
    *, gate: TheGate, visitor: Viewer, site: SiteId, shipment: Number, form: Form
) -> Response:
    """Give a shipment's lines."""
    with gate.acting(visitor.actor) as conn:
        try:
            story = shipping.shipment(conn, visitor.actor, site=site, name=shipment)
        except UnknownDocumentError as error:
            raise HTTPException(404, f"{error}") from error
    rows = [
        [
            *(shipment, line.line, line.of_type, line.of_id, line.of_line, line.item, line.item_name),
            *(line.base_unit, line.open_before, line.quantity, line.lot, line.unit, line.location),
            *(line.disposition, line.reversed_at),
        ]
        for line in story.lines
    ]
    return _file(form, f"shipment-{site}", SHIPMENT, rows)


@router.get("/open-lines.{form}")
def export_open_lines(
    *,
    gate: TheGate,
    visitor: Viewer,
    form: Form,
    type: Annotated[Kind, Query()] = "asn",  # noqa: A002  the field's name
    site: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Give every line of which something is open."""
    with gate.acting(visitor.actor) as conn:
        lines = documents.open_lines_page(conn, visitor.actor, kind=type, site=site or None, limit=MOST)
    rows = [
        [
            *(line.site, line.type, line.id, line.line, line.partner, _day(line.due_on)),
            *(line.item or line.identifier, line.item_name, line.base_unit, line.lot, line.unit),
            *(line.ordered, line.moved, line.damaged, line.rejected, line.open_quantity),
        ]
        for line in lines
    ]
    return _file(form, f"open-{type}", OPEN, rows)


def _day(on: date | None) -> str | None:
    return None if on is None else on.isoformat()


def _file(form: Form, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    if form == "csv":
        lines = csv_lines(header, rows)
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
    return Response(workbook(name, header, rows), media_type=MEDIA_TYPE, headers=headers)
