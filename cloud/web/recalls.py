"""A recall: opened on a lot's page, how it stands at each site, what it reaches, and its end."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Path, Request
from fastapi.responses import RedirectResponse, Response

from cloud.approvals.within_limits import settle_each
from cloud.db import in_transaction
from cloud.decisions.domain import DecisionError
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.gate import Gate
from cloud.lots import recalls
from cloud.lots.domain import (
    END_REASONS,
    KEEPERS,
    RECALL_REASONS,
    LotConflictError,
    LotError,
    UnknownLotError,
)
from cloud.lots.recall_reading import RecallStory, recall_story
from cloud.routes import LateRoute
from cloud.web.lot_picture import lot_href
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

Number = Annotated[int, Path(ge=1, le=2**62)]
Code = Annotated[str, Form(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Reason = Annotated[str, Form(max_length=64)]
Note = Annotated[str, Form(max_length=2_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]


@router.get("/recalls/{recall_id}")
def show_recall(*, request: Request, gate: TheGate, visitor: Viewer, recall_id: Number) -> Response:
    """Show a recall."""
    return _opened(request, gate, visitor, recall_id)


@router.post("/recalls")
def open_recall(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    item: Code,
    lot: Code,
    reason: Reason = "",
    note: Note = "",
    only_sure: Annotated[str, Form(max_length=1)] = "",
) -> Response:
    """Open a recall; where one's own limit covers what it is worth, the stock is held at once."""
    del request
    asked = {"item": item, "lot": lot, "reason": reason, "note": note}
    try:
        made = in_transaction(
            gate.pool,
            lambda conn: recalls.open_recall(conn, visitor.actor, **asked, with_possible=not only_sure),
        )
    except UnknownLotError as error:
        raise HTTPException(404, str(error)) from error
    except LotConflictError:
        return RedirectResponse(lot_href(item, lot), 303)  # its page leads to the recall that stands
    except (LotError, DecisionError) as error:
        raise HTTPException(422, str(error)) from error
    sites = in_transaction(
        gate.pool, lambda conn: recalls.recall_sites(conn, visitor.actor, recall_id=made.recall_id)
    )
    settle_each(gate.pool, visitor.actor, [row.decision_id for row in sites])
    return RedirectResponse(f"/recalls/{made.recall_id}", 303)


@router.post("/recalls/{recall_id}/end")
def end_recall(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    recall_id: Number,
    reason: Reason = "",
    note: Note = "",
) -> Response:
    """End a recall."""
    asked = {"reason": reason, "note": note}
    try:
        in_transaction(
            gate.pool, lambda conn: recalls.close_recall(conn, visitor.actor, recall_id=recall_id, **asked)
        )
    except UnknownLotError as error:
        raise HTTPException(404, str(error)) from error
    except LotConflictError:
        pass  # somebody has ended it meanwhile: its page says who
    except LotError as error:
        return _opened(request, gate, visitor, recall_id, problem=str(error), typed=asked)
    return RedirectResponse(f"/recalls/{recall_id}", 303)


def _opened(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    recall_id: int,
    *,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
) -> Response:
    told = _told(gate, visitor.actor, recall_id)
    return page(
        request,
        visitor,
        "recall.html",
        tab="/lots",
        status=422 if problem else 200,
        told=told,
        recall=told.recall,
        reasons=RECALL_REASONS,
        end_reasons=END_REASONS,
        may_end=_may_end(visitor.actor) and told.recall.ended_at is None,
        problem=problem,
        typed={"reason": "", "note": ""} | dict(typed or {}),
        lot_href=lot_href,
    )


def _told(gate: Gate, actor: Actor, recall_id: int) -> RecallStory:
    with gate.acting(actor) as conn:
        try:
            return recall_story(conn, actor, recall_id=recall_id)
        except UnknownLotError as error:
            raise HTTPException(404, str(error)) from error


def _may_end(actor: Actor) -> bool:
    try:
        actor.require_everywhere(*KEEPERS)
    except NotAllowedError:
        return False
    return True
