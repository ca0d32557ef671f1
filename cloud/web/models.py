"""*Models*: which version forecasts at each site, learned from what, and every decision on it."""

from collections.abc import Callable
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from cloud.db import Connection, in_transaction
from cloud.forecasting.chosen.reading import series
from cloud.forecasting.chosen.service import ChoicePaper, choose
from cloud.forecasting.domain import METHODS, ForecastError
from cloud.forecasting.registry import reading, service
from cloud.forecasting.registry.domain import (
    DECIDERS,
    RETRAIN_DAYS,
    ModelError,
    ModelRole,
    UnknownModelError,
)
from cloud.forecasting.registry.settings import ModelSettingPaper, put_setting
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.inquiry.domain import GREATEST
from cloud.routes import LateRoute
from cloud.web.forms import words_of
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

TAB: Final = "/models"
SHOWN: Final = 50
SERIES_SHOWN: Final = 600
METHOD_WORDS: Final = {
    "combination": "Combination of simple methods",
    "simple_smoothing": "Simple smoothing",
    "boosted": "Combination with LightGBM",
}
KIND_WORDS: Final = {
    "trained": "Trained",
    "retrain_skipped": "Not trained anew",
    "challenged": "Challenger begins",
    "promoted": "Challenger takes over",
    "kept": "Champion stays",
    "withdrawn": "Challenger withdrawn",
    "not_held": "No contest held",
    "fell_back": "Forecast without a part",
    "series_judged": "Series judged",
    "ablated": "Drivers left out",
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
    "next_run": "due; the next run learns anew",
    "failed": "it failed",
    "champion_changed": "another version forecasts by now",
    "due": "it was due",
}

STANDING_WORDS: Final = {
    "in_force": "forecasts",
    "not_better": "not better",
    "not_fitted": "not fitted",
    "not_chosen": "not chosen",
    None: "not tried yet",
}

Site = Annotated[str, Query(max_length=64)]
Number = Annotated[int, Path(ge=1, le=GREATEST)]
Before = Annotated[int, Query(ge=1, le=GREATEST)]
Long = Annotated[str, Form(max_length=1_000)]
Short = Annotated[str, Form(max_length=128)]


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


@router.post("/models/setting")
def set_challengers(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: Short = "",
    challengers: Annotated[list[str] | None, Form(max_length=len(METHODS))] = None,
    every_days: Short = "",
    series_by_value: Short = "",
    budget_s: Short = "",
) -> Response:
    """Say who challenges at a site, and which series are tried with models of their own."""
    typed = {"every_days": every_days, "series_by_value": series_by_value, "budget_s": budget_s}
    given: dict[str, Any] = {name: value.strip() for name, value in typed.items() if value.strip()}
    given |= {"site": site.strip(), "challengers": challengers or []}

    def work(conn: Connection) -> object:
        return put_setting(conn, visitor.actor, ModelSettingPaper.model_validate(given))

    return _done(request, gate, visitor, work, site=site)


@router.post("/models/series")
def choose_one_series(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: Short = "",
    item: Short = "",
    choice: Short = "",
    note: Long = "",
) -> Response:
    """Say of a series whether it is tried with a model of its own."""
    given = {"site": site.strip(), "item": item.strip(), "choice": choice, "note": note.strip()}

    def work(conn: Connection) -> object:
        return choose(conn, visitor.actor, ChoicePaper.model_validate(given))

    return _done(request, gate, visitor, work, site=site)


def _done(
    request: Request, gate: Gate, visitor: Viewer, work: Callable[[Connection], object], *, site: str
) -> Response:
    visitor.actor.require(*DECIDERS)
    known = site if _may(visitor.actor, site) else ""
    try:
        in_transaction(gate.pool, work)
    except ValidationError as error:
        return _shown(request, gate, visitor, site=known, problem=words_of(error))
    except ForecastError as error:
        return _shown(request, gate, visitor, site=known, problem=f"{error}")
    return RedirectResponse(f"/models?{urlencode({'site': site})}", 303)


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
        own = series(conn, actor, site=site or None, limit=SERIES_SHOWN)
        ablated = reading.events(conn, actor, site=site or None, kind="ablated", limit=1)
        may_set = site in sites and _may(actor, site)
        setting = reading.setting(conn, actor, site) if may_set else None
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
        series=own,
        standings=STANDING_WORDS,
        ablated=ablated[0] if ablated else None,
        setting=setting,
        methods=METHODS,
        method_words=METHOD_WORDS,
    )


def _may(actor: Actor, site: str) -> bool:
    try:
        actor.require(*DECIDERS, site=site)
    except NotAllowedError:
        return False
    return True
