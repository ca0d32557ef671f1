"""*Receiving*: what is expected, a form for what comes, and what came."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import zip_longest
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from cloud.db import Connection, in_transaction
from cloud.documents import appointments, dock_times, short_lines
from cloud.documents.domain import KEEPERS, READERS, DocumentError, UnknownDocumentError
from cloud.documents.lines import RECEIVABLE, LineNow, lines_now
from cloud.documents.receiving import reading, reversing, service
from cloud.documents.receiving.papers import REASONS, DeliveryPaper
from cloud.documents.receiving.scanned import Scanned, scanned_page
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from cloud.inquiry import operations
from cloud.ledger.domain import LedgerError
from cloud.routes import LateRoute
from cloud.web.dock_papers import (
    KINDS,
    MOST_LINES,
    REVERSAL_REASONS,
    Name,
    PaperId,
    ReversalReason,
    SiteId,
    Text,
    fits,
    named_goods,
    open_documents,
    take_back,
)
from cloud.web.forms import may, rows_of, words_of
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

SHOWN: Final = 30
WEEK: Final = timedelta(days=7)
EXTRA: Final = 2
"""Empty lines for goods that no document names."""
BLIND: Final = 6
"""Empty lines of a receipt without papers."""

Texts = Annotated[list[str] | None, Form(max_length=MOST_LINES + EXTRA)]
Kind = Literal["", "asn", "purchase_order", "customer_return", "transfer"]


@router.get("/receiving")
def show_receiving(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: Annotated[str, Query(max_length=64)] = "",
    times: bool = False,
) -> Response:
    """Show what comes today, what is expected, and what came last."""
    actor, now = visitor.actor, gate.clock()
    with gate.acting(actor) as conn:
        actor.require(*READERS)
        within = actor.narrowed(*READERS)
        act_as(conn, within)
        sites = operations.sites(conn, actor)
        expected = open_documents(
            conn, sites=[site] if site else within.reach, kinds=RECEIVABLE, leaving=False, now=now
        )
        at_doors = appointments.at_doors(conn, actor, site=site or None, direction="inbound", now=now)
        rows = reading.receipts(conn, actor, site=site or None, limit=SHOWN)
        took = (
            dock_times.dock_times(conn, actor, site=site or None, from_at=now - WEEK, until_at=now)
            if times
            else []
        )
    return page(
        request,
        visitor,
        "receiving.html",
        tab="/receiving",
        sites=[each.site for each in sites],
        site=site,
        expected=expected[:MOST_LINES],
        hidden=max(0, len(expected) - MOST_LINES),
        at_doors=at_doors,
        now=now,
        may_greet=bool(actor.roles_anywhere & set(appointments.GREETERS)),
        may_keep=[each.site for each in sites if may(actor, each.site, *KEEPERS)],
        receipts=rows,
        times=dock_times.summary(took),
        asked_times=times,
    )


@router.get("/receiving/{site}/new")
def show_form(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: SiteId,
    type: Kind = "",  # noqa: A002  the parameter's name
    id: Name = "",  # noqa: A002  the parameter's name
    find: Name = "",
    scans_after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    in_question: bool = False,
) -> Response:
    """Show a form for what comes, against a document or without papers, and a page of its scans."""
    scans = (scans_after, in_question)
    return _form(request, gate, visitor, site, (type, id), find=find.strip(), scans=scans)


@router.post("/receiving/{site}/new")
def receive(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    type: Annotated[Kind, Form()] = "",  # noqa: A002  the field's name
    id: Text = "",  # noqa: A002  the field's name
    receipt: Text = "",
    location: Text = "",
    delivery_note: Text = "",
    origin: Annotated[Literal["", "supplier", "customer"], Form()] = "",
    partner: Text = "",
    is_last: Annotated[bool, Form()] = False,
    of_line: Texts = None,
    item: Texts = None,
    received: Texts = None,
    damaged: Texts = None,
    rejected: Texts = None,
    reason: Texts = None,
    lot: Texts = None,
    unit: Texts = None,
    owner: Texts = None,
) -> Response:
    """Receive a delivery; lines without a quantity did not come."""
    typed = {"receipt": receipt, "location": location, "delivery_note": delivery_note, "partner": partner}
    owners = owner or [""] * len(of_line or ())  # left out: all our own
    columns = (of_line, item, received, damaged, rejected, reason, lot, unit, owners)

    def work(conn: Connection) -> str:
        lines = [line for row in rows_of(*columns) if (line := _line(row, type, id))]
        stated: dict[str, Any] = {name: text.strip() or None for name, text in typed.items()}
        stated |= {"site": site, "lines": _numbered(lines), "is_last": is_last, "origin": origin or None}
        paper = DeliveryPaper.model_validate(stated)
        return service.receive(conn, visitor.actor, paper, now=gate.clock()).id

    try:
        name = in_transaction(gate.pool, work)
    except (ValidationError, DocumentError, LedgerError) as error:
        words = words_of(error) if isinstance(error, ValidationError) else f"{error}"
        rows = list(zip_longest(*(column or () for column in columns), fillvalue=""))
        return _form(request, gate, visitor, site, (type, id), typed=typed, rows=rows, problem=words)
    return RedirectResponse(_address(site, name), 303)


@router.get("/receiving/{site}/receipts/{receipt}")
def show_receipt(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: SiteId,
    receipt: PaperId,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """Show what came with a delivery, line by line."""
    return _receipt(request, gate, visitor, site, receipt, after=after)


@router.post("/receiving/{site}/receipts/{receipt}/reversals")
def reverse(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    receipt: PaperId,
    line: Text,
    reason: Annotated[ReversalReason, Form()],
) -> Response:
    """Take a line back."""

    def work(conn: Connection) -> object:
        where = {"site": site, "name": receipt, "line": line}
        return reversing.reverse_line(conn, visitor.actor, reason=reason, **where)

    if problem := take_back(gate, work):
        return _receipt(request, gate, visitor, site, receipt, problem=problem)
    return RedirectResponse(_address(site, receipt), 303)


def _address(site: str, name: str) -> str:
    return f"/receiving/{site}/receipts/{quote(name, safe='')}"


def _line(row: tuple[str, ...], kind: str, document: str) -> dict[str, Any] | None:
    """Read a line of the form; one without a quantity did not come."""
    of_line, item, received, damaged, rejected, reason, lot, unit, owner = row
    if not (received or damaged or rejected):
        return None
    line: dict[str, Any] = {
        "received": received or "0",
        "damaged": damaged or "0",
        "rejected": rejected or "0",
        "reason": reason or None,
        "lot": lot or None,
        "owner": owner or None,
        **({"new_unit": unit[1:].strip() or "1"} if unit.startswith("+") else {"unit": unit or None}),
    }
    if of_line:
        return line | {"of": {"type": kind, "id": document, "line": of_line}, "unit_seen": "base"}
    if not item:
        raise DocumentError(f"a quantity of {received or damaged or rejected} without an item: say of what")
    return line | named_goods(item)


def _numbered(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"line": str(number), **line} for number, line in enumerate(lines, start=1)]


def _form(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    site: str,
    document: tuple[str, str],
    *,
    find: str = "",
    scans: tuple[int, bool] = (0, False),
    typed: dict[str, str] | None = None,
    rows: Sequence[tuple[str, ...]] = (),
    problem: str = "",
) -> Response:
    kind, name = document
    actor = visitor.actor
    actor.require(*service.RECEIVERS, site=site)
    lines: list[LineNow] = []
    found: Sequence[Scanned] = []
    after, in_question = scans
    if kind:
        with gate.acting(actor) as conn:
            lines = lines_now(conn, site=site, kind=kind, ids=[name])
            found = scanned_page(
                conn, actor, site=site, name=name, in_question=in_question, after=after, limit=MOST_LINES + 1
            )
        if not lines:
            raise HTTPException(404, f"there is no {KINDS[kind]} {name!r} at site {site!r}")
    typed_lines = {row[0]: row[1:] for row in rows if row[0]}
    extra = [row[1:] for row in rows if not row[0]]
    wanted = [line for line in lines if line.line in typed_lines or fits(line, find)]
    wanted.sort(key=lambda line: line.open_quantity == 0)
    return page(
        request,
        visitor,
        "receive.html",
        tab="/receiving",
        status=422 if problem else 200,
        site=site,
        type=kind,
        kind=KINDS.get(kind, ""),
        name=name,
        partner=lines[0].partner if lines else None,
        lines=wanted[:MOST_LINES],
        hidden=max(0, len(wanted) - MOST_LINES),
        total=len(lines),
        scans=[each for each in found[:MOST_LINES] if each.row.type == kind],
        scans_after=after,
        following=after + MOST_LINES if len(found) > MOST_LINES else 0,
        in_question=in_question,
        find=find,
        typed_lines=typed_lines,
        extra=extra or [("",) * 8] * (EXTRA if kind else BLIND),
        reasons=REASONS,
        typed={"receipt": "", "location": "", "delivery_note": "", "partner": ""} | (typed or {}),
        may_close=may(visitor.actor, site, *KEEPERS),
        short_reasons=short_lines.REASONS,
        problem=problem,
        rest=urlencode({"type": kind, "id": name}),
    )


def _receipt(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    site: str,
    name: str,
    *,
    after: int = 0,
    problem: str = "",
) -> Response:
    with gate.acting(visitor.actor) as conn:
        try:
            story = reading.receipt(
                conn, visitor.actor, site=site, name=name, after=after, limit=MOST_LINES + 1
            )
        except UnknownDocumentError as error:
            raise HTTPException(404, f"{error}") from error
    return page(
        request,
        visitor,
        "receipt.html",
        tab="/receiving",
        status=422 if problem else 200,
        receipt=story.receipt,
        lines=story.lines[:MOST_LINES],
        following=after + MOST_LINES if len(story.lines) > MOST_LINES else 0,
        reasons=REVERSAL_REASONS,
        words=REASONS,
        kinds=KINDS,
        may_reverse=may(visitor.actor, site, *KEEPERS),
        problem=problem,
    )
