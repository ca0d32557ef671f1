"""*Approvals*: what waits for a person's yes or no, and one decision with all that it rests on."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.approvals import service as approvals
from cloud.db import Connection, in_transaction
from cloud.decisions import authority, reading, service
from cloud.decisions.domain import (
    APPROVERS,
    READERS,
    REJECT_REASONS,
    REVERSE_REASONS,
    Decision,
    DecisionError,
    StaleDecisionError,
    State,
    UnknownDecisionError,
    WrongStateError,
)
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.gate import Gate
from cloud.inquiry.domain import GREATEST
from cloud.ledger.domain import LedgerError
from cloud.routes import LateRoute
from cloud.sheets.listing import columns_of
from cloud.web.approval_words import NOT_UNDONE, differences, kind_word, money, reason_word
from cloud.web.facts import facts
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.rendering import fragment, page, zone_of
from cloud.web.streaming import Look, stream
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

SHOWN: Final = 100
COLUMNS: Final = columns_of(
    Decision,
    *("decision_id", "state", "kind", "site", "subject", "item", "summary", "value", "currency", "reason"),
    *("author", "submitted_at", "approver", "approved_as", "decided_at", "applied_at", "reversed_at"),
    *("verdict_reason", "verdict_note", "revision"),
)
WORDS: Final[Mapping[str, Any]] = {"kind_word": kind_word, "money": money, "reason_word": reason_word}

Number = Annotated[int, Path(ge=1, le=GREATEST)]
Revision = Annotated[int, Form(ge=1, le=2**31 - 1)]
Note = Annotated[str, Form(max_length=2_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
Reason = Annotated[str, Form(max_length=64)]
Site = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{0,64}$")]
Shown = Literal["waiting", "decided"]
Told = Literal["", "applied", "rejected", "withdrawn", "reversed", "changed", "over"]


def _look(site: str) -> Look:
    """Give what reads the queue of a site, or of all."""

    def look(gate: Gate, actor: Actor, now: datetime) -> dict[str, Any]:
        with gate.acting(actor) as conn:
            rows = reading.waiting(conn, actor, site=site or None, limit=SHOWN + 1)
        return {"now": now, "rows": rows[:SHOWN], "has_more": len(rows) > SHOWN}

    return look


@router.get("/approvals")
def show_approvals(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    state: Shown = "waiting",
    site: Site = "",
    before: Annotated[int, Query(ge=1, le=GREATEST)] = GREATEST,
) -> Response:
    """Show what waits, the longest waiting first; or what was decided, the latest first."""
    query = urlencode({"site": site} if site else {})
    shared = {"tab": "/approvals", "site": site, "query": query, "me": visitor.actor.person, **WORDS}
    if state == "waiting":
        content = request.app.state.snapshots.look(gate, visitor.actor, _look(site), "approvals", site)
        return page(request, visitor, "approvals.html", **shared, **content)
    over = [State.APPROVED, State.APPLIED, State.REJECTED, State.REVERSED]
    with gate.acting(visitor.actor) as conn:
        rows = reading.listed(
            conn, visitor.actor, site=site or None, states=over, before=before, limit=SHOWN + 1
        )
    shown = rows[:SHOWN]
    older = {"state": "decided", "before": shown[-1].decision_id} if len(rows) > SHOWN else {}
    following = urlencode(older | ({"site": site} if site else {})) if older else ""
    return page(request, visitor, "approvals_decided.html", rows=shown, following=following, **shared)


@router.get("/approvals/events")
def stream_approvals(*, request: Request, gate: TheGate, visitor: Viewer, site: Site = "") -> Response:
    """Send the queue every two seconds."""
    visitor.actor.require(*READERS, site=site or None)
    snapshots = request.app.state.snapshots

    def render(actor: Actor) -> str:
        content = snapshots.look(gate, actor, _look(site), "approvals", site)
        return fragment("approvals_queue.html", me=actor.person, site=site, **content, **WORDS)

    return stream(request, gate, render)


@router.get("/approvals.{form:form}")
def export_approvals(
    *,
    gate: TheGate,
    visitor: Viewer,
    form: FileForm,
    state: Literal["", "waiting", "decided"] = "",
    site: Site = "",
) -> Response:
    """Give decisions as a file, the latest first."""
    wanted = {
        "waiting": [State.SUBMITTED],
        "decided": [State.APPROVED, State.APPLIED, State.REJECTED, State.REVERSED],
    }.get(state)
    with looking(gate, visitor) as conn:
        rows = whole(
            lambda before, limit: reading.listed(
                conn, visitor.actor, site=site or None, states=wanted, before=before, limit=limit
            ),
            start=GREATEST,
            key=lambda row: row.decision_id,
        )
        return answer("approvals", COLUMNS, rows, form, at=gate.clock(), site=site)


@router.get("/approvals/{decision_id}")
def show_approval(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    decision_id: Number,
    told: Told = "",
    seen: Annotated[int, Query(ge=1, le=2**31 - 1)] = 1,
) -> Response:
    """Show one decision; after a form was sent, what became of it, and what changed if it was stale."""
    return _opened(request, gate, visitor, decision_id, told=told, seen=seen)


@router.post("/approvals/{decision_id}/approve")
def approve(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    decision_id: Number,
    revision: Revision,
    note: Note = "",
) -> Response:
    """Approve and do what it says; the page then tells what became of it."""
    actor = visitor.actor

    def work(conn: Connection) -> Told:
        done = approvals.approve_and_apply(conn, actor, decision_id, revision, note)
        return "applied" if done.state is State.APPLIED else "changed"

    return _sent(request, gate, visitor, decision_id, revision=revision, work=work)


@router.post("/approvals/{decision_id}/reject")
def reject(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    decision_id: Number,
    revision: Revision,
    reason: Reason = "",
    note: Note = "",
) -> Response:
    """Reject it, with a reason."""
    actor = visitor.actor

    def work(conn: Connection) -> Told:
        service.reject(conn, actor, decision_id, revision, reason=reason, note=note)
        return "rejected"

    return _sent(request, gate, visitor, decision_id, revision=revision, work=work)


@router.post("/approvals/{decision_id}/withdraw")
def withdraw(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    decision_id: Number,
    revision: Revision,
    note: Note = "",
) -> Response:
    """Take back what one asked for."""
    actor = visitor.actor

    def work(conn: Connection) -> Told:
        service.withdraw(conn, actor, decision_id, revision, note=note)
        return "withdrawn"

    return _sent(request, gate, visitor, decision_id, revision=revision, work=work)


@router.post("/approvals/{decision_id}/reverse")
def reverse(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    decision_id: Number,
    revision: Revision,
    reason: Reason = "",
    note: Note = "",
) -> Response:
    """Undo what it did."""
    actor = visitor.actor

    def work(conn: Connection) -> Told:
        approvals.reverse(conn, actor, decision_id, revision, reason=reason, note=note)
        return "reversed"

    return _sent(request, gate, visitor, decision_id, revision=revision, work=work)


def _sent(
    request: Request,
    gate: Gate,
    visitor: Sender,
    decision_id: int,
    *,
    revision: int,
    work: Callable[[Connection], Told],
) -> Response:
    """Do what a form asks for; whatever comes of it is told on the decision's own page."""
    try:
        told = in_transaction(gate.pool, work)
    except UnknownDecisionError as error:
        raise HTTPException(404, f"{error}") from error
    except StaleDecisionError:
        told = "changed"
    except WrongStateError:
        told = "over"
    except NotAllowedError as error:
        if visitor.actor.roles_anywhere.isdisjoint(APPROVERS):
            raise
        return _opened(request, gate, visitor, decision_id, problem=str(error), status=403)
    except (DecisionError, LedgerError) as error:
        return _opened(request, gate, visitor, decision_id, problem=str(error), status=422)
    query = urlencode({"told": told} | ({"seen": revision} if told == "changed" else {}))
    return RedirectResponse(f"/approvals/{decision_id}?{query}", 303)


def _opened(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    decision_id: int,
    *,
    told: Told = "",
    seen: int = 1,
    problem: str = "",
    status: int = 200,
) -> Response:
    actor = visitor.actor
    with gate.acting(actor) as conn:
        decision = reading.find(conn, actor, decision_id)
        if decision is None:
            raise HTTPException(404, f"there is no decision {decision_id} at your sites")
        steps = reading.steps(conn, actor, decision_id)
        answerable = decision.state in {State.SUBMITTED, State.APPLIED}
        because = authority.why_not(conn, actor, decision) if answerable else None
        may_reject = decision.state is State.SUBMITTED and authority.may_reject(conn, actor, decision)
    return page(
        request,
        visitor,
        "approval.html",
        tab="/approvals",
        status=status,
        decision=decision,
        steps=steps,
        because=because,
        may_reject=may_reject,
        is_own=decision.is_own_of(actor.person),
        me=actor.id,
        told=told,
        seen=seen,
        changes=differences(steps, seen, zone_of(decision.time_zone)) if told == "changed" else [],
        problem=problem,
        now=gate.clock(),
        sections=_sections(decision),
        outcome=facts(decision.outcome or {}, zone=zone_of(decision.time_zone)),
        reject_reasons=REJECT_REASONS,
        reverse_reasons=REVERSE_REASONS,
        instead=NOT_UNDONE.get(decision.kind),
        **WORDS,
    )


_EFFECT: Final = {
    State.DRAFT: "What would be done",
    State.SUBMITTED: "What will be done",
    State.APPROVED: "What will be done",
    State.REJECTED: "What would have been done",
    State.APPLIED: "What was asked for",
    State.REVERSED: "What was done and undone",
}


def _sections(decision: Decision) -> list[tuple[str, str, list[Any]]]:
    shown = (
        ("effect", _EFFECT[decision.state], decision.effect),
        ("evidence", "What it rests on", decision.evidence),
        ("inputs", "What was read for it", decision.inputs),
        ("parameters", "Settings that shaped it", decision.parameters),
    )
    zone = zone_of(decision.time_zone)
    return [(name, title, facts(content, zone=zone, without=("summary",))) for name, title, content in shown]
