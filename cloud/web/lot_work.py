"""*Expiring* and *Not stated*: lots that will not last, and goods of which nobody knows the lot."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.db import in_transaction
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.lots import expiry, stating
from cloud.lots.domain import KEEPERS, LotError, UnknownLotError
from cloud.lots.expiry import ExpiringRow
from cloud.lots.stating import UnstatedRow
from cloud.routes import LateRoute
from cloud.sheets.listing import columns_of
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.forms import may
from cloud.web.lot_picture import lot_href
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

ROWS: Final = 100
SiteName = Annotated[str, Query(max_length=64)]
Text = Annotated[str, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Days = Annotated[int, Query(ge=0, le=expiry.MOST_DAYS)]
Number = Annotated[str, Query(max_length=18, pattern=r"^\d*$")]
LotName = Annotated[str, Form(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


@router.get("/expiring")
def show_expiring(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: SiteName = "",
    item: Text = "",
    days: Days = expiry.DAYS,
    after: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """Show lots on hand that have expired or will soon."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        rows = expiry.expiring(
            conn,
            actor,
            site=site or None,
            item=item.strip() or None,
            days=days,
            now=gate.clock(),
            after=_place(after),
            limit=ROWS + 1,
        )
        watches = [row for row in expiry.watches(conn, actor) if site in {"", row.site}]
    last = rows[ROWS - 1] if len(rows) > ROWS else None
    return page(
        request,
        visitor,
        "expiring.html",
        tab="/expiring",
        sites=sites,
        asked={"site": site, "item": item, "days": days},
        rows=rows[:ROWS],
        watches=watches,
        following="\n".join(map(str, last.place)) if last else "",
        lot_href=lot_href,
    )


@router.get("/expiring.{form:form}")
def export_expiring(
    *,
    gate: TheGate,
    visitor: Viewer,
    form: FileForm,
    site: SiteName = "",
    item: Text = "",
    days: Days = expiry.DAYS,
) -> Response:
    """Give lots on hand that have expired or will soon as a file."""
    now = gate.clock()
    with looking(gate, visitor) as conn:
        rows = whole(
            lambda after, limit: expiry.expiring(
                conn,
                visitor.actor,
                site=site or None,
                item=item.strip() or None,
                days=days,
                now=now,
                after=after,
                limit=limit,
            ),
            start=expiry.FIRST,
            key=lambda row: row.place,
        )
        return answer("expiring", columns_of(ExpiringRow), rows, form, at=now, site=site or None)


@router.get("/unstated")
def show_unstated(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: SiteName = "",
    item: Text = "",
    after: Number = "",
) -> Response:
    """Show goods of which nobody knows the lot, each with a form for whoever has looked."""
    return _unstated(request, gate, visitor, site=site, item=item, after=int(after or 0))


@router.get("/unstated.{form:form}")
def export_unstated(
    *, gate: TheGate, visitor: Viewer, form: FileForm, site: SiteName = "", item: Text = ""
) -> Response:
    """Give goods of which nobody knows the lot as a file."""
    wanted = {"site": site or None, "item": item.strip() or None}
    with looking(gate, visitor) as conn:
        rows = whole(
            lambda after, limit: stating.unstated(conn, visitor.actor, **wanted, after=after, limit=limit),
            start=0,
            key=lambda row: row.cell_id,
        )
        return answer(
            "lots-not-stated", columns_of(UnstatedRow), rows, form, at=gate.clock(), site=site or None
        )


@router.post("/unstated")
def state_lot(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    cell: Annotated[int, Form(ge=1, le=2**62)],
    lot: LotName = "",
    quantity: Annotated[str, Form(max_length=24)] = "",
) -> Response:
    """Say which lot goods are."""
    try:
        amount = _amount(quantity)
        in_transaction(
            gate.pool,
            lambda conn: stating.state_lot(
                conn, visitor.actor, cell_id=cell, lot=lot.strip(), quantity=amount, now=gate.clock()
            ),
        )
    except UnknownLotError as error:
        raise HTTPException(404, str(error)) from error
    except LotError as error:
        return _unstated(request, gate, visitor, problem=str(error))
    return RedirectResponse("/unstated", 303)


def _unstated(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    *,
    site: str = "",
    item: str = "",
    after: int = 0,
    problem: str = "",
) -> Response:
    actor = visitor.actor
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        rows = stating.unstated(
            conn, actor, site=site or None, item=item.strip() or None, after=after, limit=ROWS + 1
        )
    return page(
        request,
        visitor,
        "unstated.html",
        tab="/lots",
        status=422 if problem else 200,
        sites=sites,
        asked={"site": site, "item": item},
        rows=rows[:ROWS],
        following=rows[ROWS - 1].cell_id if len(rows) > ROWS else 0,
        may_state={row.site for row in rows if may(actor, row.site, *KEEPERS)},
        problem=problem,
    )


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text.strip())
        is_exact = amount.is_finite() and amount == amount.quantize(Decimal("0.000001"))
    except InvalidOperation as error:
        raise LotError(f"quantity {text!r}: expected an amount as 12.5") from error
    if not is_exact:
        raise LotError(f"quantity {text!r}: expected an amount of at most six decimals")
    return amount


def _place(after: str) -> tuple[date, str, str, str]:
    if not after:
        return expiry.FIRST
    try:
        day, site, item, lot = after.split("\n")
        return date.fromisoformat(day), site, item, lot
    except ValueError as error:
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page") from error
