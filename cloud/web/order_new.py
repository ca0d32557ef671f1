"""A purchase order that was placed elsewhere, typed by hand: it counts as sent."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.db import Connection, in_transaction
from cloud.documents import orders, store
from cloud.documents.domain import DocumentError, UnknownDocumentError
from cloud.documents.lines import goods_of
from cloud.documents.order_papers import OrderPaper
from cloud.identity.actor import Role
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.master.domain import BASE_UNIT
from cloud.routes import LateRoute
from cloud.web.dock_papers import MOST_LINES, Text, named_goods
from cloud.web.forms import may, refused, rows_of
from cloud.web.instants import InstantError, instant_of
from cloud.web.rendering import page, zone_of
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

EMPTY: Final = 6
"""Lines of the form; it grows as it is sent, and a longer order comes from a file."""
Texts = Annotated[list[Text] | None, Form(max_length=MOST_LINES)]


@router.get("/orders/new")
def show_form(
    *, request: Request, gate: TheGate, visitor: Viewer, site: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """Ask what was ordered of whom, and when it is due."""
    return _form(request, gate, visitor, typed={"site": site})


@router.post("/orders/new")
def register(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: Text = "",
    id: Text = "",  # noqa: A002  the field's name
    supplier: Text = "",
    sent_at: Text = "",
    item: Texts = None,
    quantity: Texts = None,
    unit_seen: Texts = None,
    price: Texts = None,
    due_on: Texts = None,
) -> Response:
    """Register an order; the same again changes nothing."""
    typed = {"site": site.strip(), "id": id.strip(), "supplier": supplier.strip(), "sent_at": sent_at}
    columns = (item, quantity, unit_seen, price, due_on)
    rows = list(zip_longest(*(column or () for column in columns), fillvalue=""))
    now = gate.clock()

    def work(conn: Connection) -> None:
        sites = operations.sites(conn, visitor.actor)
        zone = next((each.time_zone for each in sites if each.site == typed["site"]), "UTC")
        asked = _Asked(conn, _codes_registered(conn, visitor, typed["site"], typed["id"]))
        lines = [
            {"line": str(number), "quantity": amount, "price": each or None, "due_on": day}
            | asked.named(f"{number}", name, unit)
            for number, (name, amount, unit, each, day) in enumerate(
                (row for row in rows_of(*columns) if any(row)), start=1
            )
        ]
        stated = typed | {"lines": lines, "sent_at": instant_of(sent_at, zone_of(zone)) if sent_at else now}
        orders.register_order(
            conn, visitor.actor, OrderPaper.model_validate(stated), now=now, says_when=bool(sent_at)
        )

    problem = refused(lambda: in_transaction(gate.pool, work), DocumentError, InstantError)
    if problem:
        return _form(request, gate, visitor, typed=typed, rows=rows, problem=problem)
    return RedirectResponse(f"/orders/{typed['site']}/{typed['id']}", 303)


class _Asked(NamedTuple):
    """What the ledger knows of what is typed."""

    conn: Connection
    codes: dict[str, str]
    """Of the order, if it is registered: the code that a line named its item by."""

    def named(self, line: str, name: str, unit: str) -> dict[str, Any]:
        """Say what is ordered and in which unit: a GTIN is its own, an item's code means base units."""
        goods = named_goods(name)
        is_code = goods["identifier"]["scheme"] == "sku" or self._is_code(line, name, goods["unit_seen"])
        stated = {"item": name, "unit_seen": BASE_UNIT} if is_code else goods
        return stated | ({"unit_seen": named_goods(unit)["identifier"]["value"]} if unit else {})

    def _is_code(self, line: str, name: str, gtin: str) -> bool:
        """Tell whether what may be a GTIN is a code: the line's own, or an item's where none has the GTIN."""
        if self.codes.get(line) == name:
            return True
        known = goods_of(self.conn, [("gtin", gtin)]).get(("gtin", gtin))
        if known is not None and not known.is_provisional:
            return False
        return bool(store.tuples(self.conn, "items_by_code", codes=[name]))


def _codes_registered(conn: Connection, visitor: Viewer, site: str, name: str) -> dict[str, str]:
    if not may(visitor.actor, site, Role.BUYER):
        return {}
    try:
        lines = orders.order(conn, visitor.actor, site=site, name=name).lines
    except UnknownDocumentError:
        return {}
    return {each.line: each.identifier for each in lines if each.identifier_scheme == "sku"}


def _form(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    *,
    typed: dict[str, str],
    rows: Sequence[tuple[str, ...]] = (),
    problem: str = "",
) -> Response:
    visitor.actor.require(Role.BUYER)
    with gate.acting(visitor.actor) as conn:
        sites = [
            each.site
            for each in operations.sites(conn, visitor.actor)
            if may(visitor.actor, each.site, Role.BUYER)
        ]
    filled = [row for row in rows if any(text.strip() for text in row)]
    blank = [("",) * 5] * min(max(EMPTY - len(filled), 2), MOST_LINES - len(filled))
    return page(
        request,
        visitor,
        "order_new.html",
        tab="/orders",
        status=422 if problem else 200,
        sites=sites,
        typed={"id": "", "supplier": "", "sent_at": ""} | typed,
        rows=filled + blank,
        problem=problem,
    )
