"""*Models*: which version forecasts at each site, learned from what, and every decision on it."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.db import Connection, in_transaction
from cloud.forecasting.registry import reading, service
from cloud.forecasting.registry.domain import (
    DECIDERS,
    RETRAIN_DAYS,
    ModelError,
    ModelRole,
    UnknownModelError,
)
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.inquiry.domain import GREATEST
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter()

TAB: Final = "/models"
SHOWN: Final = 50
KIND_WORDS: Final = {
    "trained": "Trained",
    "retrain_skipped": "Not trained anew",
    "challenged": "Challenger begins",
    "promoted": "Challenger takes over",
    "kept": "Champion stays",
    "withdrawn": "Challenger withdrawn",
}
BECAUSE_WORDS: Final = {
    "first": "the first of its site",
    "schedule": f"{RETRAIN_DAYS} days are over",
    "drift": "more forecasts are odd than chance explains",
    "code": "the program computes otherwise",
    "asked": "somebody asked",
    "challenge": "to challenge the champion",
    "not_due": "not due",
    "better_by_error_and_cost": "better by error and by stock cost",
    "not_better_by_both": "not better by both, error and stock cost",
}

Site = Annotated[str, Query(max_length=64)]
Number = Annotated[int, Path(ge=1, le=GREATEST)]
Before = Annotated[int, Query(ge=1, le=GREATEST)]
Long = Annotated[str, Form(max_length=1_000)]


@router.get("/models")
def show_models(
    *, request: Request, gate: TheGate, visitor: Viewer, site: Site = "", before: Before = GREATEST
) -> Response:
    """Show versions and decisions, the latest first."""
    return _shown(request, gate, visitor, site=site, before=before)


@router.post("/models/{version_id}/withdraw")
def withdraw_model(
    *, request: Request, gate: TheGate, visitor: Sender, version_id: Number, note: Long = ""
) -> Response:
    """Take a challenger out of the contest."""

    def work(conn: Connection) -> object:
        return service.withdraw(conn, visitor.actor, version_id, note=note.strip())

    try:
        in_transaction(gate.pool, work)
    except UnknownModelError as error:
        raise HTTPException(404, f"{error}") from error
    except ModelError as error:
        return _shown(request, gate, visitor, problem=f"{error}")
    return RedirectResponse("/models", 303)


def _shown(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    *,
    site: str = "",
    before: int = GREATEST,
    problem: str = "",
) -> Response:
    actor = visitor.actor
    with gate.acting(actor) as conn:
        versions = reading.versions(conn, actor, site=site or None, limit=SHOWN)
        events = reading.events(conn, actor, site=site or None, before=before, limit=SHOWN + 1)
        sites = [each.site for each in operations.sites(conn, actor)]
    shown = events[:SHOWN]
    return page(
        request,
        visitor,
        "models.html",
        tab=TAB,
        status=409 if problem else 200,
        site=site,
        sites=sites,
        champions=[version for version in versions if version.role == ModelRole.CHAMPION],
        versions=versions,
        events=shown,
        next_before=shown[-1].event_id if len(events) > SHOWN else None,
        kinds=KIND_WORDS,
        because=BECAUSE_WORDS,
        now=gate.clock(),
        retrain_days=RETRAIN_DAYS,
        may_decide=not actor.roles_anywhere.isdisjoint(DECIDERS),
        problem=problem,
    )
