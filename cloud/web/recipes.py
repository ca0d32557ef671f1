"""*Recipes* and *Kits and repacks*: what things are made of, and each transformation beside its recipe."""

from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.db import Connection, in_transaction
from cloud.documents.domain import DocumentError
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.ledger.domain import LedgerError
from cloud.recipes import making, service
from cloud.recipes.domain import (
    KEEPERS,
    MAKERS,
    RecipeConflictError,
    RecipeError,
    RecipeKind,
    UnknownRecipeError,
)
from cloud.recipes.papers import MadePaper, RecipePaper, TakenBackPaper
from cloud.routes import LateRoute
from cloud.web.forms import may, refused, rows_of
from cloud.web.instants import InstantError, instant_of
from cloud.web.names import transformation_href
from cloud.web.rendering import page, zone_of
from cloud.web.visitors import Sender, TheGate, Viewer
from contracts.base import ID_PATTERN

router: Final = APIRouter(route_class=LateRoute)

_REFUSALS: Final = (RecipeError, DocumentError, LedgerError, InstantError)
SHOWN: Final = 100
EMPTY: Final = 5
DAYS: Final = 7
_CODE: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
REASONS: Final = {
    "typo": "A mistake in what was said",
    "misread": "Read wrongly",
    "not_done": "It was not done",
}

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
Kind = Annotated[str, Path(max_length=64, pattern=r"^[a-z_]+$")]
Name = Annotated[str, Path(min_length=1, max_length=128, pattern=_CODE)]
Text = Annotated[str, Form(max_length=128, pattern=_CODE)]
Texts = Annotated[list[str] | None, Form(max_length=100)]
Asked = Annotated[str, Query(max_length=128, pattern=_CODE)]


@router.get("/recipes")
def show_recipes(
    *, request: Request, gate: TheGate, visitor: Viewer, item: Asked = "", after: Asked = ""
) -> Response:
    """Show recipes with their versions, and a form to state one."""
    return _recipes(request, gate, visitor, item=item, after=after)


@router.post("/recipes")
def put_recipe(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    code: Text = "",
    kind: Text = "",
    valid_from: Text = "",
    zone: Text = "UTC",
    side: Texts = None,
    item: Texts = None,
    quantity: Texts = None,
    cost_share: Texts = None,
) -> Response:
    """State a recipe from an instant on."""
    typed = {"code": code, "kind": kind, "valid_from": valid_from}

    def work(conn: Connection) -> None:
        stated: dict[str, Any] = {"code": code.strip(), "kind": kind, "inputs": [], "outputs": []}
        if valid_from:
            stated["valid_from"] = instant_of(valid_from, zone_of(zone))
        for which, name, amount, share in rows_of(side, item, quantity, cost_share):
            if not (name or amount or share):
                continue
            line = {"item": name, "quantity": amount} | ({"cost_share": share} if share else {})
            stated["outputs" if which == "output" else "inputs"].append(line)
        service.put_recipes(conn, visitor.actor, [RecipePaper.model_validate(stated)], now=gate.clock())

    problem = refused(lambda: in_transaction(gate.pool, work), *_REFUSALS)
    if problem:
        return _recipes(request, gate, visitor, problem=problem, typed=typed)
    return RedirectResponse("/recipes", 303)


@router.get("/transformations")
def show_transformations(
    *, request: Request, gate: TheGate, visitor: Viewer, site: Asked = "", after: Asked = ""
) -> Response:
    """Show what was made lately at a site, and a form to say that something was."""
    return _transformations(request, gate, visitor, site=site, after=after)


@router.post("/transformations")
def make(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: Text = "",
    type: Text = "",  # noqa: A002  the field's name
    id: Text = "",  # noqa: A002  the field's name
    recipe: Text = "",
    times: Text = "",
    location: Text = "",
    to_location: Text = "",
) -> Response:
    """Say how often a recipe was done."""
    typed = {
        "site": site,
        "type": type,
        "id": id,
        "recipe": recipe,
        "times": times,
        "location": location,
        "to_location": to_location,
    }
    stated = {name: text.strip() or None for name, text in typed.items()}

    def work(conn: Connection) -> None:
        making.make(conn, visitor.actor, MadePaper.model_validate(stated), now=gate.clock())

    problem = refused(lambda: in_transaction(gate.pool, work), *_REFUSALS)
    if problem:
        return _transformations(request, gate, visitor, site=site, problem=problem, typed=typed)
    return RedirectResponse(transformation_href(site, type, id.strip()), 303)


@router.get("/transformations/{site}/{type}/{id:path}")
def show_transformation(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: SiteId,
    type: Kind,  # noqa: A002  the path's name
    id: Name,  # noqa: A002  the path's name
) -> Response:
    """Show a transformation beside its recipe, with what it cost."""
    return _one(request, gate, visitor, (site, type, id))


@router.post("/transformations/{site}/{type}/{id:path}")
def take_back(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    type: Kind,  # noqa: A002  the path's name
    id: Name,  # noqa: A002  the path's name
    reason: Text = "",
) -> Response:
    """Take a transformation back, whole."""

    def work(conn: Connection) -> None:
        paper = TakenBackPaper.model_validate({"site": site, "type": type, "id": id, "reason": reason})
        with suppress(RecipeConflictError):  # somebody was faster: the page tells how it stands
            making.take_back(conn, visitor.actor, site=site, kind=paper.type, name=id, reason=paper.reason)

    problem = refused(lambda: in_transaction(gate.pool, work), *_REFUSALS)
    if problem:
        return _one(request, gate, visitor, (site, type, id), problem=problem)
    return RedirectResponse(request.url.path, 303)


def _recipes(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    *,
    item: str = "",
    after: str = "",
    problem: str = "",
    typed: dict[str, str] | None = None,
) -> Response:
    code, _, version = after.rpartition("/")
    start = (code, int(version)) if version.isdecimal() and len(version) < SHOWN else ("", 0)
    with gate.acting(visitor.actor) as conn:
        rows = service.recipes(conn, visitor.actor, item=item or None, after=start, limit=SHOWN + 1)
        sites = operations.sites(conn, visitor.actor)
    return page(
        request,
        visitor,
        "recipes.html",
        tab="/recipes",
        status=422 if problem else 200,
        recipes=rows[:SHOWN],
        following=rows[SHOWN - 1].name if len(rows) > SHOWN else "",
        item=item,
        kinds=[each.value for each in RecipeKind],
        problem=problem,
        typed={"code": "", "kind": "kit", "valid_from": ""} | (typed or {}),
        empty=range(EMPTY),
        now=gate.clock(),
        zone=sites[0].time_zone if sites else "UTC",
        may_state=_may_state(visitor.actor),
    )


def _transformations(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    *,
    site: str = "",
    after: str = "",
    problem: str = "",
    typed: dict[str, str] | None = None,
) -> Response:
    kind, _, name = after.partition("/")
    now = gate.clock()
    with gate.acting(visitor.actor) as conn:
        sites = [each.site for each in operations.sites(conn, visitor.actor)]
        shown = site or (sites[0] if sites else "")
        asked: dict[str, Any] = {"site": shown, "after": (kind, name), "limit": SHOWN + 1}
        asked |= {"from_at": now - timedelta(days=DAYS), "until_at": now + timedelta(minutes=1)}
        rows = making.transformations(conn, visitor.actor, **asked) if shown else []
        recipes = service.recipes(conn, visitor.actor, limit=1_000)
    blank = dict.fromkeys(("id", "recipe", "times", "location", "to_location"), "")
    last = rows[SHOWN - 1] if len(rows) > SHOWN else None
    return page(
        request,
        visitor,
        "transformations.html",
        tab="/transformations",
        status=422 if problem else 200,
        rows=rows[:SHOWN],
        following=f"{last.type}/{last.id}" if last else "",
        site=shown,
        sites=sites,
        days=DAYS,
        problem=problem,
        recipes=sorted({each.code for each in recipes}),
        kinds=[each.value for each in RecipeKind],
        typed=blank | {"site": shown, "type": "kit"} | (typed or {}),
        href=transformation_href,
        may_make=may(visitor.actor, shown, *MAKERS),
    )


def _one(
    request: Request, gate: Gate, visitor: Viewer, which: tuple[str, str, str], *, problem: str = ""
) -> Response:
    site, kind, name = which
    with gate.acting(visitor.actor) as conn:
        try:
            told = making.sheet(conn, visitor.actor, site=site, kind=kind, name=name)
        except UnknownRecipeError as error:
            raise HTTPException(404, f"{error}") from error
    is_there = any(line.row.quantity for line in told.lines)
    return page(
        request,
        visitor,
        "transformation.html",
        tab="/transformations",
        status=422 if problem else 200,
        told=told,
        problem=problem,
        reasons=REASONS,
        may_take_back=is_there and may(visitor.actor, site, *KEEPERS) and kind in {*RecipeKind},
    )


def _may_state(actor: Actor) -> bool:
    """Tell whether somebody may state recipes: they are the network's."""
    try:
        actor.require_everywhere(*KEEPERS)
    except NotAllowedError:
        return False
    return True
