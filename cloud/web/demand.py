"""*Demand*: where it comes from, what waits and why, what the warehouse could not send."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.db import Connection, in_transaction
from cloud.demand import held, masks, substitutions
from cloud.demand.domain import IMPORTERS, READERS, DemandError
from cloud.demand.masks import MASKERS, MaskKind
from cloud.demand.service import LineFilter, lines
from cloud.demand.sources.service import sources
from cloud.demand.sources.shorts import shorts
from cloud.demand.waiting import LONGEST_REASON, NEVER, Held, HeldState, UnknownHeldError
from cloud.demand.xlsx_file import COLUMNS
from cloud.identity.actor import NotAllowedError
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.inquiry.domain import GREATEST
from cloud.routes import LateRoute
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.forms import may
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

TAB: Final = "/demand"
SHOWN: Final = 100
USUAL_DAYS: Final = 28

MASK_KINDS: Final = {
    MaskKind.DISRUPTION.value: "disruption",
    MaskKind.OUTLIER.value: "outlier",
    MaskKind.ONE_OFF.value: "will not come again",
    MaskKind.DATA_ERROR.value: "wrong data",
}

Number = Annotated[int, Path(ge=1, le=GREATEST)]
Site = Annotated[str, Query(max_length=64)]
Days = Annotated[int, Query(ge=1, le=3660)]
Short = Annotated[str, Form(max_length=256)]


@router.get("/demand")
def show_demand(
    *, request: Request, gate: TheGate, visitor: Viewer, site: Site = "", days: Days = 28
) -> Response:
    """Show a site's sources, what waits, and what the warehouse could not send."""
    return show(request, gate, visitor, site, days)


@router.get("/demand.{form:form}")
def export_demand(
    *, gate: TheGate, visitor: Viewer, form: FileForm, site: Site = "", days: Days = 28
) -> Response:
    """Give the lines of the last days as a file, which `dockledger demand import` reads."""
    now = gate.clock()
    wanted = LineFilter(site=site or None, since=now - timedelta(days=days))
    visitor.actor.require(*READERS, site=site or None)
    with looking(gate, visitor) as conn:
        rows = whole(
            lambda after, limit: lines(conn, visitor.actor, wanted, after=after, limit=limit),
            start=("", "", "", ""),
            key=lambda row: (row.site, row.source, row.document, row.line),
        )
        return answer("demand", COLUMNS, rows, form, at=now, site=site)


@router.post("/demand/held/{held_id}/retry")
def retry_held(*, gate: TheGate, visitor: Sender, held_id: Number) -> Response:
    """Let something be tried again."""

    def work(conn: Connection) -> Held:
        return held.try_again(conn, visitor.actor, held_id, now=gate.clock())

    try:
        one = in_transaction(gate.pool, work)
    except UnknownHeldError as error:
        raise HTTPException(404, f"{error}") from error
    return RedirectResponse(f"/demand?site={one.site}", 303)


@router.post("/demand/held/{held_id}/discard")
def discard_held(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    held_id: Number,
    reason: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
    site: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Say that something is no demand."""

    def work(conn: Connection) -> Held:
        return held.discard(conn, visitor.actor, held_id, reason=reason, now=gate.clock())

    try:
        one = in_transaction(gate.pool, work)
    except UnknownHeldError as error:
        raise HTTPException(404, f"{error}") from error
    except DemandError as error:
        return show(request, gate, visitor, site, problem=(422, f"{error}"))
    return RedirectResponse(f"/demand?site={one.site}", 303)


@router.post("/demand/held/retry")
def retry_source(*, gate: TheGate, visitor: Sender, site: Short = "", source: Short = "") -> Response:
    """Let all that waits of a source be tried again."""
    now = gate.clock()
    in_transaction(
        gate.pool, lambda conn: held.try_source_again(conn, visitor.actor, site=site, source=source, now=now)
    )
    return RedirectResponse(f"/demand?{urlencode({'site': site})}", 303)


@router.post("/demand/held/discard")
def discard_source(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: Short = "",
    source: Short = "",
    reason: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
) -> Response:
    """Say of all that waits of a source that it is no demand."""

    def work(conn: Connection) -> int:
        whose = {"site": site, "source": source}
        return held.discard_source(conn, visitor.actor, **whose, reason=reason, now=gate.clock())

    try:
        in_transaction(gate.pool, work)
    except DemandError as error:
        return show(request, gate, visitor, site, problem=(422, f"{error}"))
    return RedirectResponse(f"/demand?{urlencode({'site': site})}", 303)


def show(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    site: str,
    days: int = USUAL_DAYS,
    *,
    problem: tuple[int, str] = (200, ""),
) -> Response:
    """Show the page.

    Args:
        request: As it came.
        gate: To the database.
        visitor: Who looks.
        site: Of which demand is shown; empty: the visitor's first.
        days: Back from now.
        problem: Status and words of what went wrong before; else 200 and nothing.

    Returns:
        The page.

    Raises:
        NotAllowedError: If the site is not within the visitor's reach.
    """
    actor, now = visitor.actor, gate.clock()
    actor.require(*READERS)
    begin: datetime = now - timedelta(days=days)
    with gate.acting(actor) as conn:
        sites = [each.site for each in operations.sites(conn, actor)]
        if site and site not in sites:
            raise NotAllowedError(f"{actor.id} has no right at site {site!r}")
        chosen = site or next(iter(sites), "")
        rows = substitutions.feedback(conn, actor, site=chosen, from_at=begin, until_at=now) if chosen else []
        left = shorts(conn, actor, site=chosen, from_at=begin, until_at=now) if chosen else []
        waiting = held.listed(conn, actor, site=chosen, limit=SHOWN + 1) if chosen else []
        swaps = substitutions.substitutions(conn, actor, site=chosen, limit=SHOWN) if chosen else []
        content = {
            "sources": sources(conn, actor, site=chosen, limit=SHOWN) if chosen else [],
            "waiting": waiting[:SHOWN],
            "more_wait": len(waiting) > SHOWN,
            "crowds": sorted(
                name for name, count in Counter(row.source for row in waiting).items() if count > 1
            ),
            "changes": rows[:SHOWN],
            "fills": {row.item: row for row in left},
            "masks": masks.in_force(conn, actor, site=chosen, limit=SHOWN) if chosen else [],
            "swaps": [row for row in swaps if row.sent_quantity],
        }
    return page(
        request,
        visitor,
        "demand.html",
        tab=TAB,
        status=problem[0],
        problem=problem[1],
        site=chosen,
        sites=sites,
        days=days,
        never=NEVER,
        states=HeldState,
        may_settle=may(visitor.actor, chosen, *IMPORTERS),
        may_mask=may(visitor.actor, chosen, *MASKERS),
        mask_kinds=MASK_KINDS,
        **content,
    )
