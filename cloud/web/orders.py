"""*Orders*: purchase orders with what was received, their export, and receipts against them."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Annotated, Final, Literal, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from cloud.db import Connection, in_transaction
from cloud.documents import order_receipts, order_steps, orders
from cloud.documents.domain import ConflictingDocumentError, DocumentError, UnknownDocumentError
from cloud.documents.order_papers import OrderLineRow, OrderStory, ReceiptPaper
from cloud.documents.receiving.service import RECEIVERS
from cloud.identity.actor import Actor, Role
from cloud.identity.gate import Gate
from cloud.ledger.domain import LedgerError
from cloud.master.domain import BASE_UNIT
from cloud.replenishment import confirming, ordering
from cloud.replenishment.confirming import ConfirmationPaper
from cloud.routes import LateRoute
from cloud.sheets.listing import columns_of
from cloud.web.files import FileForm, answer
from cloud.web.forms import may, rows_of, words_of
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer
from contracts.base import ID_PATTERN

router: Final = APIRouter(route_class=LateRoute)

SHOWN: Final = 100
_AFTER: Final = r"^([A-Za-z0-9_-]{1,64}\|[A-Za-z0-9_.-]{1,64})?$"

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
OrderId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$")]
Short = Annotated[str, Form(max_length=128)]


class _OrderedLine(NamedTuple):
    """A line as its supplier reads it."""

    order: str
    site: str
    supplier: str
    line: str
    supplier_code: str | None
    item: str
    item_name: str | None
    quantity: Decimal
    unit: str
    ordered_quantity: Decimal
    """As it was ordered, in ``ordered_unit``."""
    ordered_unit: str
    price: Decimal | None
    currency: str
    value: Decimal | None
    due_on: date


@router.get("/orders")
def list_orders(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    state: Literal["", "approved", "sent", "closed", "cancelled"] = "",
    site: Annotated[str, Query(max_length=64)] = "",
    after: Annotated[str, Query(max_length=140, pattern=_AFTER)] = "",
) -> Response:
    """Show purchase orders by site and id."""
    start_site, _, start_id = after.partition("|")
    with gate.acting(visitor.actor) as conn:
        rows = orders.orders(
            conn,
            visitor.actor,
            site=site or None,
            state=state or None,
            after=(start_site, start_id),
            limit=SHOWN + 1,
        )
    shown = rows[:SHOWN]
    key = {"state": state, "site": site, "after": f"{shown[-1].site}|{shown[-1].id}" if shown else ""}
    following = urlencode({name: value for name, value in key.items() if value}) if len(rows) > SHOWN else ""
    return page(
        request,
        visitor,
        "orders.html",
        tab="/orders",
        orders=shown,
        state=state,
        site=site,
        following=following,
        may_buy=Role.BUYER in visitor.actor.roles_anywhere,
    )


@router.get("/orders/{site}/{order}.{form:form}")
def export_order(*, gate: TheGate, visitor: Viewer, site: SiteId, order: OrderId, form: FileForm) -> Response:
    """Give an order as a file, for its supplier."""
    story = _found(gate, visitor.actor, site, order)
    lines = map(partial(_as_ordered, story), story.lines)
    return answer(f"order-{order}", columns_of(_OrderedLine), lines, form, at=gate.clock(), site=site)


@router.get("/orders/{site}/{order}")
def show_order(*, request: Request, gate: TheGate, visitor: Viewer, site: SiteId, order: OrderId) -> Response:
    """Show an order, what came of it, and a form for what comes."""
    return _opened(request, gate, visitor, _found(gate, visitor.actor, site, order))


@router.post("/orders/{site}/{order}/sent")
def send(*, request: Request, gate: TheGate, visitor: Sender, site: SiteId, order: OrderId) -> Response:
    """Say that it went to its supplier."""

    def work(conn: Connection) -> object:
        return ordering.send(conn, visitor.actor, site=site, name=order, now=gate.clock())

    return _sent(request, gate, visitor, (site, order), work)


@router.post("/orders/{site}/{order}/confirmation")
def confirm(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    order: OrderId,
    reference: Short = "",
    note: Annotated[str, Form(max_length=1_000)] = "",
    line: Annotated[list[str] | None, Form(max_length=5_000)] = None,
    quantity: Annotated[list[str] | None, Form(max_length=5_000)] = None,
    price: Annotated[list[str] | None, Form(max_length=5_000)] = None,
    due_on: Annotated[list[str] | None, Form(max_length=5_000)] = None,
) -> Response:
    """Record what the supplier confirmed; what is left out it confirms as it stands."""
    columns = [list(column or ()) for column in (line, quantity, price, due_on)]

    def work(conn: Connection) -> object:
        names = ("line", "quantity", "price", "due_on")
        lines = [dict(zip(names, (text or None for text in row), strict=True)) for row in rows_of(*columns)]
        stated = {"reference": reference.strip(), "note": note.strip(), "lines": lines}
        paper = ConfirmationPaper.model_validate(stated)
        return confirming.confirm(conn, visitor.actor, paper, site=site, name=order)

    return _sent(request, gate, visitor, (site, order), work, typed={"reference": reference, "note": note})


@router.post("/orders/{site}/{order}/close")
def close(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    order: OrderId,
    reason: Short = "",
) -> Response:
    """Expect nothing more of it."""

    def work(conn: Connection) -> object:
        where = {"site": site, "name": order}
        return ordering.close(conn, visitor.actor, reason=reason, now=gate.clock(), **where)

    return _sent(request, gate, visitor, (site, order), work)


@router.post("/orders/{site}/{order}/receipts")
def receive(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    order: OrderId,
    receipt: Short = "",
    location: Short = "",
    line: Annotated[list[str] | None, Form(max_length=5_000)] = None,
    received: Annotated[list[str] | None, Form(max_length=5_000)] = None,
    damaged: Annotated[list[str] | None, Form(max_length=5_000)] = None,
    lot: Annotated[list[str] | None, Form(max_length=5_000)] = None,
) -> Response:
    """Receive a delivery; lines without a quantity did not come."""
    columns = [list(column or ()) for column in (line, received, damaged, lot)]

    def work(conn: Connection) -> object:
        paper = _paper(receipt, location, columns)
        return order_receipts.receive(conn, visitor.actor, paper, site=site, name=order, now=gate.clock())

    typed = {"receipt": receipt, "location": location}
    return _sent(request, gate, visitor, (site, order), work, typed=typed)


def _paper(receipt: str, location: str, columns: list[list[str]]) -> ReceiptPaper:
    lines = []
    for name, received, damaged, lot in rows_of(*columns):
        if received or damaged:
            counted = {"received": received or "0", "damaged": damaged or "0"}
            lines.append({"line": name, **counted, "lot": lot or None})
    return ReceiptPaper.model_validate(
        {"receipt": receipt.strip(), "location": location.strip(), "lines": lines}
    )


def _sent(
    request: Request,
    gate: Gate,
    visitor: Sender,
    name: tuple[str, str],
    work: Callable[[Connection], object],
    *,
    typed: dict[str, str] | None = None,
) -> Response:
    site, order = name
    try:
        in_transaction(gate.pool, work)
    except UnknownDocumentError as error:
        raise HTTPException(404, f"{error}") from error
    except ConflictingDocumentError:
        pass  # somebody was faster: the page tells how it stands
    except (ValidationError, DocumentError, LedgerError) as error:
        words = words_of(error) if isinstance(error, ValidationError) else f"{error}"
        story = _found(gate, visitor.actor, site, order)
        return _opened(request, gate, visitor, story, problem=words, typed=typed)
    return RedirectResponse(f"/orders/{site}/{order}", 303)


def _found(gate: Gate, actor: Actor, site: str, order: str) -> OrderStory:
    with gate.acting(actor) as conn:
        try:
            return orders.order(conn, actor, site=site, name=order)
        except UnknownDocumentError as error:
            raise HTTPException(404, f"{error}") from error


def _opened(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    story: OrderStory,
    *,
    problem: str = "",
    typed: dict[str, str] | None = None,
) -> Response:
    may_buy = may(visitor.actor, story.order.site, Role.BUYER)
    limits = None
    if may_buy and story.order.state == "sent":
        with gate.acting(visitor.actor) as conn:
            limits = confirming.tolerance(conn, visitor.actor, site=story.order.site)
    return page(
        request,
        visitor,
        "order.html",
        tab="/orders",
        status=422 if problem else 200,
        story=story,
        order=story.order,
        today=gate.clock().date(),
        may_buy=may_buy,
        may_receive=may(visitor.actor, story.order.site, *RECEIVERS),
        reasons=order_steps.END_REASONS,
        problem=problem,
        tolerance=limits,
        typed={"receipt": "", "location": "", "reference": "", "note": ""} | (typed or {}),
    )


def _as_ordered(story: OrderStory, line: OrderLineRow) -> _OrderedLine:
    order = story.order
    return _OrderedLine(
        order.id,
        order.site,
        order.supplier,
        line.line,
        line.supplier_code,
        line.item,
        line.item_name,
        line.quantity,
        line.base_unit,
        line.stated_quantity,
        line.base_unit if line.unit_seen == BASE_UNIT else line.unit_seen,
        line.price,
        order.currency,
        None if line.price is None else (line.quantity * line.price).quantize(Decimal("0.000001")),
        line.due_on,
    )
