"""Lists of the dock as files: a receipt's lines, a shipment's, and what is open."""

from functools import partial
from typing import Annotated, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import Response

from cloud.documents import reading as documents
from cloud.documents.domain import UnknownDocumentError
from cloud.documents.lines import LineNow
from cloud.documents.receiving import reading as receiving
from cloud.documents.receiving.papers import ReceiptLineRow
from cloud.documents.shipping import reading as shipping
from cloud.documents.shipping.papers import ShipmentLineRow
from cloud.routes import LateRoute
from cloud.sheets.listing import Column, Kind, columns_of
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.visitors import TheGate, Viewer
from contracts.base import ID_PATTERN

router: Final = APIRouter(route_class=LateRoute)

_ITEM: Final = Column("item", Kind.TEXT, lambda line: line.item or line.identifier)
RECEIPT: Final = (
    *columns_of(ReceiptLineRow, "line", "of_type", "of_id", "of_line"),
    _ITEM,
    *columns_of(
        ReceiptLineRow,
        *("item_name", "base_unit=unit", "expected", "declared", "received", "damaged", "rejected", "held"),
        *("over", "short", "is_unexpected=unexpected", "reason", "lot", "unit=sscc", "location"),
        *("owner", "is_unchecked=unchecked", "reversed_at"),
    ),
)
SHIPMENT: Final = columns_of(
    ShipmentLineRow,
    *("line", "of_type", "of_id", "of_line", "item", "item_name", "base_unit=unit", "open_before"),
    *("quantity", "lot", "unit=sscc", "location", "disposition=condition", "reversed_at"),
)
OPEN: Final = (
    *columns_of(LineNow, "site", "type", "id=document", "line", "partner", "due_on"),
    _ITEM,
    *columns_of(
        LineNow,
        *("item_name", "base_unit=unit", "lot", "unit=sscc", "ordered", "moved", "damaged", "rejected"),
        "open_quantity=open",
    ),
)

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
Number = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[^/\x00-\x1f\x7f-\x9f]*$")]
DocumentKind = Literal[
    "asn", "purchase_order", "customer_return", "transfer", "outbound_order", "supplier_return"
]


@router.get("/receiving/{site}/receipts/{receipt}/lines.{form:form}")
def export_receipt(
    *, gate: TheGate, visitor: Viewer, site: SiteId, receipt: Number, form: FileForm
) -> Response:
    """Give a receipt's lines."""
    with looking(gate, visitor) as conn:
        try:
            story = receiving.receipt(conn, visitor.actor, site=site, name=receipt)
        except UnknownDocumentError as error:
            raise HTTPException(404, f"{error}") from error
        columns = (_named("receipt", receipt), *RECEIPT)
        return answer(f"receipt-{receipt}", columns, story.lines, form, at=gate.clock(), site=site)


@router.get("/shipping/{site}/shipments/{shipment}/lines.{form:form}")
def export_shipment(
    *, gate: TheGate, visitor: Viewer, site: SiteId, shipment: Number, form: FileForm
) -> Response:
    """Give a shipment's lines."""
    with looking(gate, visitor) as conn:
        try:
            story = shipping.shipment(conn, visitor.actor, site=site, name=shipment)
        except UnknownDocumentError as error:
            raise HTTPException(404, f"{error}") from error
        columns = (_named("shipment", shipment), *SHIPMENT)
        return answer(f"shipment-{shipment}", columns, story.lines, form, at=gate.clock(), site=site)


@router.get("/open-lines.{form:form}")
def export_open_lines(
    *,
    gate: TheGate,
    visitor: Viewer,
    form: FileForm,
    type: Annotated[DocumentKind, Query()] = "asn",  # noqa: A002  the field's name
    site: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Give every line of which something is open."""
    with looking(gate, visitor) as conn:
        read = partial(documents.open_lines_page, conn, visitor.actor, kind=type, site=site or None)
        rows = whole(
            lambda after, limit: read(after=after, limit=limit),
            start=("", "", 0),
            key=lambda line: (line.site, line.id, line.ordinal),
        )
        return answer(f"open-{type}", OPEN, rows, form, at=gate.clock(), site=site)


def _named(kind: str, name: str) -> Column:
    return Column(kind, Kind.TEXT, lambda _: name)
