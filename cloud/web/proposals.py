"""*Proposals*: what to order and why, each opening into its arithmetic, and the answers of people."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from cloud.db import Connection, in_transaction
from cloud.decisions.domain import DecisionError
from cloud.documents import orders
from cloud.documents.domain import DocumentError
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.master import suppliers
from cloud.replenishment import answers, reading
from cloud.replenishment.answers import AcceptPaper, ChangePaper, RejectPaper
from cloud.replenishment.domain import (
    ANSWER_REASONS,
    PLANNERS,
    RUN_KIND,
    AnsweredProposalError,
    ProposalState,
    ReplenishmentError,
    UnknownProposalError,
)
from cloud.replenishment.store import ProposalRow
from cloud.routes import LateRoute
from cloud.runs import service as runs
from cloud.sheets.listing import columns_of
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.forms import words_of
from cloud.web.rendering import page
from cloud.web.stockline import stockline
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

SHOWN: Final = 100
SITES_TOLD: Final = 5
_COLUMNS: Final = columns_of(
    ProposalRow,
    *("site", "item", "item_name", "kind", "supplier", "quantity", "base_unit", "price", "currency", "value"),
    *("order_by", "needed_by", "arrives_on", "state", "decision_state", "order_id", "summary", "inputs_at"),
    "proposal_id",
)
_CHANGE_REASONS: Final = {code: words for code, words in ANSWER_REASONS.items() if code != "as_proposed"}
_ANSWERED: Final = ("accepted", "changed", "rejected")

ProposalId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
Site = Annotated[str, Query(max_length=64)]
Text = Annotated[str, Form(max_length=1_000)]
Short = Annotated[str, Form(max_length=64)]
Shown = Literal["waiting", "answered", "all"]


@router.get("/proposals")
def list_proposals(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    state: Shown = "waiting",
    site: Site = "",
    after: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """Show proposals, the most urgent first, and beside them the orders that came of them."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        rows = _rows(conn, actor, state, site, after=_place(after), limit=SHOWN + 1)
        open_orders = orders.orders(conn, actor, site=site or None, state="approved", limit=SHOWN)
        sent = orders.orders(conn, actor, site=site or None, state="sent", limit=SHOWN)
        sites = [each for each in operations.sites(conn, actor) if site in {"", each.site}][:SITES_TOLD]
        last_runs = [run for each in sites if (run := runs.latest(conn, RUN_KIND, each.site)) is not None]
    shown = rows[:SHOWN]
    following = ""
    if len(rows) > SHOWN:
        last = shown[-1]
        key = {"state": state, "site": site, "after": f"{last.needed_by.isoformat()}|{last.proposal_id}"}
        following = urlencode({name: value for name, value in key.items() if value})
    return page(
        request,
        visitor,
        "proposals.html",
        tab="/proposals",
        rows=shown,
        orders=[*open_orders, *sent],
        last_runs=last_runs,
        zones={each.site: each.time_zone for each in sites},
        state=state,
        site=site,
        query=urlencode({"state": state} | ({"site": site} if site else {})),
        following=following,
        values=_values(shown),
    )


@router.get("/proposals.{form:form}")
def export_proposals(
    *, gate: TheGate, visitor: Viewer, form: FileForm, state: Shown = "waiting", site: Site = ""
) -> Response:
    """Give proposals as a file, the most urgent first."""
    with looking(gate, visitor) as conn:
        rows = whole(
            lambda after, limit: _rows(conn, visitor.actor, state, site, after=after, limit=limit),
            start=(reading.FIRST_DAY, ""),
            key=lambda row: (row.needed_by, row.proposal_id),
        )
        return answer("proposals", _COLUMNS, rows, form, at=gate.clock(), site=site)


@router.get("/proposals/{proposal_id}")
def show_proposal(
    *, request: Request, gate: TheGate, visitor: Viewer, proposal_id: ProposalId, told: Short = ""
) -> Response:
    """Show a proposal with its arithmetic."""
    del told
    return _opened(request, gate, visitor, proposal_id)


@router.post("/proposals/{proposal_id}/accept")
def accept(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    proposal_id: ProposalId,
    due_on: Short = "",
    note: Text = "",
) -> Response:
    """Say yes."""
    typed = {"due_on": due_on, "note": note}

    def work(conn: Connection) -> object:
        paper = AcceptPaper.model_validate(_given(typed))
        return answers.accept(conn, visitor.actor, proposal_id, paper, now=gate.clock())

    return _sent(request, gate, visitor, proposal_id, (work, typed))


@router.post("/proposals/{proposal_id}/change")
def change(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    proposal_id: ProposalId,
    quantity: Short = "",
    supplier: Short = "",
    due_on: Short = "",
    reason: Short = "",
    note: Text = "",
) -> Response:
    """Say yes to another quantity, supplier or date."""
    typed = {"quantity": quantity, "supplier": supplier, "due_on": due_on, "reason": reason, "note": note}

    def work(conn: Connection) -> object:
        visitor.actor.require(*PLANNERS)
        row = reading.proposal(conn, visitor.actor, proposal_id)
        unchanged = {
            "quantity": f"{row.quantity.normalize():f}",
            "supplier": row.supplier or "",
            "due_on": row.arrives_on.isoformat(),
        }
        changed = {name: value for name, value in typed.items() if value.strip() != unchanged.get(name)}
        paper = ChangePaper.model_validate(_given(changed))
        return answers.change(conn, visitor.actor, proposal_id, paper, now=gate.clock())

    return _sent(request, gate, visitor, proposal_id, (work, typed))


@router.post("/proposals/{proposal_id}/reject")
def reject(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    proposal_id: ProposalId,
    reason: Short = "",
    note: Text = "",
) -> Response:
    """Say no."""
    typed = {"reason": reason, "note": note}

    def work(conn: Connection) -> object:
        paper = RejectPaper.model_validate(_given(typed))
        return answers.reject(conn, visitor.actor, proposal_id, paper, now=gate.clock())

    return _sent(request, gate, visitor, proposal_id, (work, typed))


def _sent(
    request: Request,
    gate: Gate,
    visitor: Sender,
    proposal_id: str,
    form: tuple[Callable[[Connection], object], dict[str, str]],
) -> Response:
    """Do what a form asks; what it does not allow is told beside what was typed."""
    work, typed = form
    try:
        in_transaction(gate.pool, work)
    except UnknownProposalError as error:
        raise HTTPException(404, f"{error}") from error
    except NotAllowedError:
        raise
    except ValidationError as error:
        return _opened(request, gate, visitor, proposal_id, problem=(422, words_of(error)), typed=typed)
    except AnsweredProposalError:
        pass  # somebody was faster: the page tells how it stands
    except DecisionError as error:
        return _opened(request, gate, visitor, proposal_id, problem=(409, f"{error}"), typed=typed)
    except (ReplenishmentError, DocumentError) as error:
        return _opened(request, gate, visitor, proposal_id, problem=(422, f"{error}"), typed=typed)
    return RedirectResponse(f"/proposals/{proposal_id}", 303)


def _opened(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    proposal_id: str,
    *,
    problem: tuple[int, str] = (200, ""),
    typed: dict[str, str] | None = None,
) -> Response:
    actor = visitor.actor
    with gate.acting(actor) as conn:
        try:
            row = reading.proposal(conn, actor, proposal_id)
        except UnknownProposalError as error:
            raise HTTPException(404, f"{error}") from error
        sellers = suppliers.suppliers(conn, actor, limit=SHOWN)
    given = {
        "quantity": f"{row.quantity.normalize():f}",
        "supplier": row.supplier or "",
        "due_on": row.arrives_on.isoformat(),
        "reason": "",
        "note": "",
    }
    return page(
        request,
        visitor,
        "proposal.html",
        tab="/proposals",
        status=problem[0],
        row=row,
        picture=stockline(row.arithmetic["picture"]),
        numbers=row.arithmetic["numbers"],
        sellers=sellers,
        reasons=_CHANGE_REASONS,
        may_answer=row.state == ProposalState.PROPOSED and _may(actor, row.site),
        problem=problem[1],
        typed=given | (typed or {}),
    )


def _may(actor: Actor, site: str) -> bool:
    try:
        actor.require(*PLANNERS, site=site)
    except NotAllowedError:
        return False
    return True


def _given(typed: dict[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in typed.items() if value.strip()}


def _rows(
    conn: Connection, actor: Actor, state: str, site: str, *, after: tuple[date, str], limit: int
) -> list[ProposalRow]:
    return reading.proposals(
        conn,
        actor,
        site=site or None,
        states=_ANSWERED if state == "answered" else None,
        only_unsent=state == "waiting",
        after=after,
        limit=limit,
    )


def _values(rows: list[ProposalRow]) -> list[tuple[str, Decimal]]:
    """Sum what is proposed, by currency."""
    sums: dict[str, Decimal] = {}
    for row in rows:
        if row.value is not None and row.currency is not None and row.settled_at is None:
            sums[row.currency] = sums.get(row.currency, Decimal(0)) + row.value
    return sorted(sums.items())


def _place(after: str) -> tuple[date, str]:
    if not after:
        return reading.FIRST_DAY, ""
    day, _, name = after.partition("|")
    try:
        return date.fromisoformat(day), name
    except ValueError as error:
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page") from error
