"""*Available*: what lies there, what is claimed of it, and what may be promised by date."""

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from cloud.allocation import reading
from cloud.allocation.domain import UnknownClaimError
from cloud.allocation.promise import Promise
from cloud.allocation.reading import PromiseStory
from cloud.allocation.store import ReceiptRow
from cloud.identity.gate import Gate, Visitor
from cloud.inquiry import operations
from cloud.routes import LateRoute
from cloud.sheets.listing import columns_of
from cloud.web.files import FileForm, answer, looking
from cloud.web.promise_line import promise_line
from cloud.web.rendering import page
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

ROWS: Final = 100
_CLAIMS: Final = 200
_DAYS: Final = columns_of(Promise, "on", "available", "receipts", "orders", "expiring", "projected")
_TO_COME: Final = columns_of(
    ReceiptRow, "type", "id", "line", "partner", "due_on", "quantity", "order_id", "order_line"
)
Text = Annotated[str, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


@router.get("/availability")
def show_availability(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: Text = "",
    item: Text = "",
    after: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Show items by site with what is claimed and free."""
    actor, now = visitor.actor, gate.clock()
    after_site, _, after_item = after.partition("|")
    wanted = {"site": site or None, "item": item.strip() or None}
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        rows = reading.availability(
            conn, actor, **wanted, now=now, after=(after_site, after_item), limit=ROWS + 1
        )
    last = rows[ROWS - 1] if len(rows) > ROWS else None
    asked = {"site": site, "item": item}
    following = urlencode(asked | {"after": f"{last.site}|{last.item}"}) if last else None
    return page(
        request,
        visitor,
        "availability.html",
        tab="/availability",
        sites=sites,
        site=site,
        item=item,
        rows=rows[:ROWS],
        following=following,
    )


@router.get("/availability/{site}/{item:path}/days.{form:form}")
def export_days(*, gate: TheGate, visitor: Viewer, site: str, item: str, form: FileForm) -> Response:
    """Give what may be promised by date as a file."""
    rows = _promise(gate, visitor, site, item).rows
    return answer("available-by-date", _DAYS, rows, form, at=gate.clock(), site=site)


@router.get("/availability/{site}/{item:path}/to-come.{form:form}")
def export_to_come(*, gate: TheGate, visitor: Viewer, site: str, item: str, form: FileForm) -> Response:
    """Give what is to come of it as a file."""
    rows = _promise(gate, visitor, site, item).receipts
    return answer("to-come", _TO_COME, rows, form, at=gate.clock(), site=site)


def _promise(gate: Gate, visitor: Visitor, site: str, item: str) -> PromiseStory:
    with looking(gate, visitor) as conn:
        try:
            return reading.promise(conn, visitor.actor, site=site, item=item, now=gate.clock())
        except UnknownClaimError as error:
            raise HTTPException(404, str(error)) from error


@router.get("/availability/{site}/{item:path}")
def show_promise(*, request: Request, gate: TheGate, visitor: Viewer, site: str, item: str) -> Response:
    """Show what may be promised of one item, by date, with what it follows from."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        try:
            story = reading.promise(conn, actor, site=site, item=item, now=gate.clock())
        except UnknownClaimError as error:
            raise HTTPException(404, str(error)) from error
        held = reading.availability(conn, actor, site=site, item=item, now=gate.clock(), limit=1)
        claims = reading.claims(conn, actor, site=site, item=item, limit=_CLAIMS)
    return page(
        request,
        visitor,
        "promise.html",
        tab="/availability",
        story=story,
        held=held[0] if held else None,
        claims=claims,
        picture=promise_line(story.rows),
    )
