"""Days that forecasts shall not learn from: masked on *Demand*, and withdrawn there."""

from datetime import date
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Request
from fastapi.responses import RedirectResponse, Response

from cloud.db import Connection, in_transaction
from cloud.demand.domain import DemandError, UnknownSiteError
from cloud.demand.masks import LONGEST_REASON, Mask, MaskKind, UnknownMaskError, add_mask, withdraw_mask
from cloud.inquiry.domain import GREATEST
from cloud.routes import LateRoute
from cloud.web.demand import show
from cloud.web.visitors import Sender, TheGate

router: Final = APIRouter(route_class=LateRoute)

Number = Annotated[int, Path(ge=1, le=GREATEST)]
Short = Annotated[str, Form(max_length=256)]
Words = Annotated[str, Form(max_length=LONGEST_REASON)]


@router.post("/demand/masks")
def mask_days(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: Short = "",
    item: Short = "",
    from_day: Short = "",
    until_day: Short = "",
    kind: Short = "",
    reason: Words = "",
) -> Response:
    """Say that days tell nothing."""

    def work(conn: Connection) -> Mask:
        return add_mask(
            conn,
            visitor.actor,
            site=site,
            item=item.strip() or None,
            from_day=_day("From", from_day),
            until_day=_day("Until", until_day or from_day),
            kind=_kind(kind),
            reason=reason,
        )

    try:
        in_transaction(gate.pool, work)
    except UnknownSiteError as error:
        raise HTTPException(404, f"{error}") from error
    except DemandError as error:
        return show(request, gate, visitor, site, problem=(422, f"{error}"))
    return RedirectResponse(f"/demand?{urlencode({'site': site})}#masks-title", 303)


@router.post("/demand/masks/{mask_id}/withdrawal")
def withdraw_days(
    *, request: Request, gate: TheGate, visitor: Sender, mask_id: Number, reason: Words = "", site: Short = ""
) -> Response:
    """Let forecasts learn from days again."""

    def work(conn: Connection) -> Mask:
        return withdraw_mask(conn, visitor.actor, mask_id, reason=reason)

    try:
        one = in_transaction(gate.pool, work)
    except UnknownMaskError as error:
        raise HTTPException(404, f"{error}") from error
    except DemandError as error:
        return show(request, gate, visitor, site, problem=(422, f"{error}"))
    return RedirectResponse(f"/demand?{urlencode({'site': one.site})}#masks-title", 303)


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise DemandError(f"{name} {text!r:.40}: expected a day as 2026-03-02") from error


def _kind(text: str) -> MaskKind:
    try:
        return MaskKind(text)
    except ValueError as error:
        raise DemandError(f"kind {text!r:.40}: expected one of {', '.join(MaskKind)}") from error
