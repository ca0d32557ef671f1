"""A document of the dock typed by hand: ASN, outbound order, return of a customer, return to a supplier."""

import re
from itertools import zip_longest
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field

from cloud.db import Connection, in_transaction
from cloud.documents import service
from cloud.documents.domain import KEEPERS, DocumentError
from cloud.documents.papers import DocumentPaper
from cloud.routes import LateRoute
from cloud.web.dock_papers import MOST_LINES, TEXT, SiteId, Text, named_goods
from cloud.web.forms import refused, rows_of
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

_BETWEEN_UNITS: Final = re.compile(r"[\s;]+|(?<=[0-9]{18}),")
"""A comma may be part of a GRAI, but not after 18 digits."""
EMPTY: Final = 6
"""Lines of the form; it grows as it is sent, and a longer document comes from a file."""
Type = Literal["asn", "outbound_order", "customer_return", "supplier_return"]
TYPES: Final[dict[Type, str]] = {
    "asn": "ASN of a supplier",
    "outbound_order": "Order of a customer",
    "customer_return": "A customer sends back",
    "supplier_return": "Goes back to a supplier",
}
_PAGES: Final[dict[Type, str]] = {
    "asn": "/receiving",
    "outbound_order": "/shipping",
    "customer_return": "/returns",
    "supplier_return": "/returns",
}
Texts = Annotated[list[Text] | None, Form(max_length=MOST_LINES)]
Units = Annotated[
    list[Annotated[str, Field(max_length=4_000, pattern=TEXT)]] | None, Form(max_length=MOST_LINES)
]
"""Several in one field are parted by blanks or semicolons."""


@router.get("/documents/{site}/new")
def show_form(
    *,
    request: Request,
    visitor: Viewer,
    site: SiteId,
    type: Annotated[Type, Query()] = "asn",  # noqa: A002  the field's name
) -> Response:
    """Ask what is announced or ordered, of whom, and when it is due."""
    return _form(request, visitor, site, typed={"type": type})


@router.post("/documents/{site}/new")
def register(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    type: Annotated[Type, Form()],  # noqa: A002  the field's name
    id: Text = "",  # noqa: A002  the field's name
    partner: Text = "",
    due_on: Annotated[str, Form(max_length=10)] = "",
    item: Texts = None,
    quantity: Texts = None,
    lot: Texts = None,
    unit: Units = None,
) -> Response:
    """Register a document; the same again changes nothing."""
    typed = {"type": type, "id": id, "partner": partner, "due_on": due_on}
    rows = list(zip_longest(item or (), quantity or (), lot or (), unit or (), fillvalue=""))

    def work(conn: Connection) -> None:
        lines = [
            {"line": str(number), "quantity": amount, **named_goods(name)}
            | {"lot": of_lot or None, "units": [unit for unit in _BETWEEN_UNITS.split(held_by) if unit]}
            for number, (name, amount, of_lot, held_by) in enumerate(
                (row for row in rows_of(item, quantity, lot, unit) if any(row)), start=1
            )
        ]
        stated: dict[str, Any] = {"site": site, "type": type, "id": id.strip(), "lines": lines}
        stated |= {"partner": partner.strip() or None, "due_on": due_on or None}
        service.register_document(conn, visitor.actor, DocumentPaper.model_validate(stated))

    problem = refused(lambda: in_transaction(gate.pool, work), DocumentError)
    if problem:
        return _form(request, visitor, site, typed=typed, rows=rows, problem=problem)
    return RedirectResponse(f"{_PAGES[type]}?site={site}", 303)


def _form(
    request: Request,
    visitor: Viewer,
    site: str,
    *,
    typed: dict[str, Any],
    rows: list[tuple[str, str, str, str]] | None = None,
    problem: str = "",
) -> Response:
    visitor.actor.require(*KEEPERS, site=site)
    filled = [row for row in rows or () if any(text.strip() for text in row)]
    blank = [("", "", "", "")] * min(max(EMPTY - len(filled), 2), MOST_LINES - len(filled))
    return page(
        request,
        visitor,
        "document_new.html",
        tab=_PAGES[typed["type"]],
        status=422 if problem else 200,
        site=site,
        types=TYPES,
        typed={"id": "", "partner": "", "due_on": ""} | typed,
        rows=filled + blank,
        problem=problem,
    )
