"""*Returns* and *Inspection*: what comes back or waits, what is decided, what goes back."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from cloud.approvals.within_limits import settle
from cloud.db import Connection, in_transaction
from cloud.decisions.domain import State
from cloud.documents import short_lines
from cloud.documents.domain import (
    KEEPERS,
    READERS,
    ConflictingDocumentError,
    DocumentError,
    UnknownDocumentError,
)
from cloud.documents.judging import scrapping
from cloud.documents.judging import service as judging
from cloud.documents.judging.decided import decided
from cloud.documents.judging.papers import REASONS, JudgementPaper, JudgementReason, Verdict, WaitsAs
from cloud.documents.judging.scrapping import ScrapPaper
from cloud.documents.lines import open_lines
from cloud.documents.receiving import rules
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from cloud.inquiry import operations
from cloud.ledger.domain import LedgerError
from cloud.routes import LateRoute
from cloud.web.dock_papers import expected_of
from cloud.web.forms import may, refused, words_of
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer
from contracts.base import ID_PATTERN

router: Final = APIRouter(route_class=LateRoute)

SHOWN: Final = 50
VERDICTS: Final = {"sellable": "Sellable", "damaged": "Damaged", "hold": "On hold", "scrap": "Scrap"}
WAITS: Final = {"inspection": "to inspect", "returned": "to grade", "hold": "on hold"}
_CODE: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
Site = Annotated[str, Query(max_length=64)]
Text = Annotated[str, Form(max_length=128, pattern=_CODE)]
_PAGES: Final = {"returned": "/returns", "inspection": "/inspection", "hold": "/inspection"}


@router.get("/returns")
def show_returns(*, request: Request, gate: TheGate, visitor: Viewer, site: Site = "") -> Response:
    """Show what comes back, what is to be graded, and what goes back to suppliers."""
    return _returns(request, gate, visitor, site)


@router.get("/inspection")
def show_inspection(*, request: Request, gate: TheGate, visitor: Viewer, site: Site = "") -> Response:
    """Show goods in inspection and on hold, and the latest decisions."""
    return _inspection(request, gate, visitor, site)


@router.post("/inspection/{site}")
def judge(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    waits_as: Annotated[WaitsAs, Form()],
    verdict: Annotated[Verdict | Literal["scrap"], Form()],
    reason: Annotated[JudgementReason, Form()],
    receipt: Text = "",
    line: Text = "",
    item: Text = "",
    quantity: Text = "",
    lot: Text = "",
    owner: Text = "",
    location: Text = "",
    unit: Text = "",
    grade: Text = "",
    put_at: Text = "",
) -> Response:
    """Decide about goods that wait; what is to be scrapped waits for whose limit covers it."""

    def work(conn: Connection) -> int | None:
        goods = {"receipt": receipt, "line": line, "item": item, "unit": unit}
        stated: dict[str, Any] = {"site": site, "waits_as": waits_as}
        stated |= {name: said or None for name, said in goods.items()}
        stated |= {"reason": reason, "quantity": quantity.strip(), "lot": lot or None, "owner": owner}
        stated |= {"location": location or None}
        if verdict == "scrap":
            asked = scrapping.ask_to_scrap(conn, visitor.actor, ScrapPaper.model_validate(stated))
            decision = settle(conn, visitor.actor, asked.decision_id)
            return decision.decision_id if decision.state is State.SUBMITTED else None
        stated |= {"verdict": verdict, "grade": grade.strip() or None, "put_at": put_at.strip() or None}
        judging.judge(conn, visitor.actor, JudgementPaper.model_validate(stated), now=gate.clock())
        return None

    show = _returns if waits_as == "returned" else _inspection
    try:
        waits_for = in_transaction(gate.pool, work)
        if waits_for is not None:
            return RedirectResponse(f"/approvals/{waits_for}", 303)
    except UnknownDocumentError:
        pass  # somebody was faster: the page tells how it stands
    except (ValidationError, DocumentError, LedgerError) as error:
        words = words_of(error) if isinstance(error, ValidationError) else f"{error}"
        return show(request, gate, visitor, site, problem=words)
    return RedirectResponse(f"{_PAGES[waits_as]}?site={site}", 303)


@router.post("/inspection/{site}/rules")
def set_rule(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    supplier: Text = "",
    item: Text = "",
    over_percent: Text = "",
    short_percent: Text = "",
    inspects: Annotated[Literal["", "yes", "no"], Form()] = "",
) -> Response:
    """Say what is too much or too little of a supplier or item, and what is inspected."""

    def work(conn: Connection) -> None:
        stated: dict[str, Any] = {"site": site, "inspects": {"yes": True, "no": False}.get(inspects)}
        typed = {"supplier": supplier, "item": item, "over_percent": over_percent}
        typed |= {"short_percent": short_percent}
        stated |= {name: text.strip() or None for name, text in typed.items()}
        rules.put_rule(conn, visitor.actor, rules.RulePaper.model_validate(stated))

    problem = refused(lambda: in_transaction(gate.pool, work), DocumentError)
    if problem:
        return _inspection(request, gate, visitor, site, problem=problem)
    return RedirectResponse(f"/inspection?site={site}", 303)


@router.post("/documents/{site}/short")
def close_short(
    *,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    type: Annotated[  # noqa: A002  the field's name
        Literal["asn", "outbound_order", "customer_return", "supplier_return"], Form()
    ],
    id: Text,  # noqa: A002  the field's name
    reason: Text,
    line: Text = "",
) -> Response:
    """Expect nothing more of a document's lines."""

    def work(conn: Connection) -> None:
        stated = {"site": site, "type": type, "id": id, "lines": [line] if line else [], "reason": reason}
        short_lines.close_short(conn, visitor.actor, short_lines.ClosePaper.model_validate(stated))

    try:
        in_transaction(gate.pool, work)
    except UnknownDocumentError as error:
        raise HTTPException(404, f"{error}") from error
    except ConflictingDocumentError:
        pass  # somebody was faster: the page tells how it stands
    except (ValidationError, DocumentError) as error:
        words = words_of(error) if isinstance(error, ValidationError) else f"{error}"
        raise HTTPException(422, words) from error
    area = "/receiving" if type in {"asn", "customer_return"} else "/shipping"
    return RedirectResponse(f"{area}?site={site}", 303)


def _returns(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    site: str,
    *,
    problem: str = "",
) -> Response:
    actor, now = visitor.actor, gate.clock()
    with gate.acting(actor) as conn:
        actor.require(*READERS)
        within = actor.narrowed(*READERS)
        act_as(conn, within)
        sites = [each.site for each in operations.sites(conn, actor)]
        wanted = [site] if site else within.reach
        coming, going = (
            expected_of(open_lines(conn, sites=wanted, kind=kind), now)
            for kind in ("customer_return", "supplier_return")
        )
        waiting = judging.waiting(conn, actor, site=site or None, waits_as="returned", limit=SHOWN)
        graded = decided(conn, actor, site=site or None, waited_as="returned", limit=SHOWN)
    return page(
        request,
        visitor,
        "returns.html",
        tab="/returns",
        status=422 if problem else 200,
        sites=sites,
        site=site,
        coming=coming,
        going=going,
        waiting=waiting,
        decided=graded,
        words=WAITS,
        verdicts=VERDICTS,
        reasons=REASONS,
        may_keep=[each for each in sites if may(actor, each, *KEEPERS)],
        problem=problem,
    )


def _inspection(request: Request, gate: Gate, visitor: Viewer, site: str, *, problem: str = "") -> Response:
    actor = visitor.actor
    with gate.acting(actor) as conn:
        sites = [each.site for each in operations.sites(conn, actor)]
        rows = judging.waiting(conn, actor, site=site or None, limit=SHOWN * 2)
        told = decided(conn, actor, site=site or None, limit=SHOWN)
        keeping = [each for each in sites if may(actor, each, *KEEPERS)]
        ruled = [row for each in sites if site in {"", each} for row in rules.rules(conn, actor, site=each)]
    return page(
        request,
        visitor,
        "inspection.html",
        tab="/inspection",
        status=422 if problem else 200,
        sites=sites,
        site=site,
        waiting=[row for row in rows if row.waits_as != "returned"],
        decided=told,
        rules=ruled,
        words=WAITS,
        verdicts=VERDICTS,
        reasons=REASONS,
        may_keep=keeping,
        problem=problem,
    )
