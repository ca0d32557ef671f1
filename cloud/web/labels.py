"""*Labels*: a label filled in, seen as it prints, and made as PDF; templates changed and taken back."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.db import Connection, in_transaction
from cloud.identity.actor import Role
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.labels import printing, service
from cloud.labels.domain import (
    KEEPERS,
    LAST_VERSION,
    MOST_REASON,
    PRINTERS,
    READERS,
    TemplateRow,
    UnknownTemplateError,
)
from cloud.labels.svg import svg
from cloud.routes import LateRoute
from cloud.web.forms import may
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer
from contracts.base import ID_PATTERN
from contracts.labels import BARS, FIELDS, LINKS, LabelKind, LabelOrder, LabelTemplate, sample
from contracts.zpl import Drawn, draw

router: Final = APIRouter(route_class=LateRoute)

TAB: Final = "/labels"
PRINTS: Final = 30
VERSIONS: Final = 30
FOUND: Final = 20
_NAME: Final = r"^[a-z0-9][a-z0-9-]{0,31}$"

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
SiteField = Annotated[str, Form(pattern=ID_PATTERN)]
Name = Annotated[str, Path(pattern=_NAME)]
Text = Annotated[str, Form(max_length=200)]
Long = Annotated[str, Form(max_length=10_000)]
_KINDS: Final = {
    LabelKind.SSCC: "Pallet or parcel (SSCC)",
    LabelKind.BIN: "Bin or place",
    LabelKind.ITEM: "Item",
    LabelKind.BADGE: "Badge",
    LabelKind.COMMAND: "Command",
}
_WORDS: Final = {
    "sscc": "SSCC",
    "gtin": "GTIN",
    "gln": "GLN of the site",
    "best_before": "Best before",
    "ship_to": "Ship to",
    "token": "Secret on the badge",
}


@router.get("/labels")
def show_labels(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: Annotated[str, Query(max_length=64)] = "",
    kind: LabelKind = LabelKind.SSCC,
    item: Annotated[str, Query(max_length=200)] = "",
    name: Annotated[str, Query(max_length=200)] = "",
    gtin: Annotated[str, Query(max_length=14)] = "",
    find: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show a label to fill in, what was printed last, and the templates."""
    typed = {"item": item, "name": name, "gtin": gtin} if kind is LabelKind.ITEM else {}
    return _labels(request, gate, visitor, site, kind, typed={k: v for k, v in typed.items() if v}, find=find)


@router.post("/labels")
def make_label(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteField,
    kind: Annotated[LabelKind, Form()],
    do: Annotated[Literal["preview", "pdf", "zpl"], Form()] = "preview",
    field: Annotated[list[str] | None, Form(max_length=20)] = None,
    value: Annotated[list[Text] | None, Form(max_length=20)] = None,
    copies: Annotated[int, Form(ge=1, le=500)] = 1,
    reason: Text = "",
) -> Response:
    """Show a label as it prints, or give it as a file and note that."""
    values = dict(zip(field or (), value or (), strict=False))
    order = LabelOrder(kind, values, copies)

    def work(conn: Connection) -> bytes:
        return printing.print_label(
            conn, visitor.actor, site=site, order=order, way="pdf" if do == "pdf" else "zpl", reason=reason
        )

    try:
        if do != "preview":
            made = in_transaction(gate.pool, work)
            media_type = "application/pdf" if do == "pdf" else "text/plain; charset=utf-8"
            headers = {
                "Content-Disposition": f'attachment; filename="{kind}.{do}"',
                "Cache-Control": "no-store",
            }
            return Response(made, media_type=media_type, headers=headers)
        with gate.acting(visitor.actor) as conn:
            _, drawn = printing.preview(conn, visitor.actor, site=site, order=order)
    except ValueError as error:
        told = {"reason": reason, "copies": f"{copies}"}
        return _labels(request, gate, visitor, site, kind, typed=values, told=told, problem=f"{error}")
    told = {"reason": reason, "copies": f"{copies}"}
    return _labels(request, gate, visitor, site, kind, typed=values, told=told, drawn=drawn)


@router.get("/labels/templates/{site}/{name}")
def show_template(*, request: Request, gate: TheGate, visitor: Viewer, site: SiteId, name: Name) -> Response:
    """Show a template with what it draws, and what it was."""
    return _template(request, gate, visitor, site, name)


@router.post("/labels/templates/{site}/{name}")
def change_template(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    name: Name,
    zpl: Long,
    dots_per_mm: Annotated[Literal["6", "8", "12", "24"], Form()] = "8",
    do: Annotated[Literal["preview", "save"], Form()] = "preview",
    reason: Annotated[str, Form(max_length=MOST_REASON)] = "",
    seen: Annotated[int | None, Form(ge=0, le=LAST_VERSION)] = None,
) -> Response:
    """Draw a changed template with example values, or put it into force."""
    typed = {"zpl": zpl.replace("\r\n", "\n"), "reason": reason, "dots_per_mm": dots_per_mm}

    def work(conn: Connection) -> TemplateRow:
        given = _given(conn, visitor, site, name, typed)
        if do == "preview":
            draw(given, sample(given.kind))
            return service.template(conn, visitor.actor, site=site, name=name)
        return service.set_template(
            conn, visitor.actor, site=site, given=given, reason=reason, seen_version=seen, now=gate.clock()
        )

    try:
        in_transaction(gate.pool, work)
    except UnknownTemplateError as error:
        raise HTTPException(404, f"{error}") from error
    except ValueError as error:
        return _template(request, gate, visitor, site, name, typed=typed, problem=f"{error}")
    if do == "preview":
        return _template(request, gate, visitor, site, name, typed=typed)
    return RedirectResponse(f"/labels/templates/{site}/{name}", 303)


@router.post("/labels/templates/{site}/{name}/versions/{version}/again")
def take_template_back(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    name: Name,
    version: Annotated[int, Path(ge=0, le=LAST_VERSION)],
    seen: Annotated[int | None, Form(ge=0, le=LAST_VERSION)] = None,
) -> Response:
    """Have an earlier version again."""

    def work(conn: Connection) -> TemplateRow:
        return service.set_again(
            conn,
            visitor.actor,
            site=site,
            name=name,
            version=version,
            seen_version=seen,
            now=gate.clock(),
        )

    try:
        in_transaction(gate.pool, work)
    except UnknownTemplateError as error:
        raise HTTPException(404, f"{error}") from error
    except ValueError as error:
        return _template(request, gate, visitor, site, name, problem=f"{error}")
    return RedirectResponse(f"/labels/templates/{site}/{name}", 303)


def _labels(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    site: str,
    kind: LabelKind,
    *,
    typed: dict[str, str] | None = None,
    told: dict[str, str] | None = None,
    find: str = "",
    drawn: Drawn | None = None,
    problem: str = "",
) -> Response:
    actor = visitor.actor
    with gate.acting(actor) as conn:
        actor.require(*READERS, site=site or None)
        sites = [each.site for each in operations.sites(conn, actor)]
        at = site or (sites[0] if sites else "")
        templates = service.templates(conn, actor, site=at) if at else []
        prints = printing.prints(conn, actor, site=at, before_at=gate.clock(), limit=PRINTS) if at else []
        found = printing.items(conn, actor, text=find, limit=FOUND) if find else []
    allowed = (Role.ADMIN,) if kind is LabelKind.BADGE else PRINTERS
    picture = ""
    if drawn is None and not problem and not typed:
        in_force = next((row for row in templates if row.name == kind), None)
        drawn = None if in_force is None else draw(in_force.template, sample(kind))
    if drawn is not None:
        picture = svg(drawn, title=f"{_KINDS[kind]}: the label as it prints")
    return page(
        request,
        visitor,
        "labels.html",
        tab=TAB,
        status=422 if problem else 200,
        problem=problem,
        sites=sites,
        site=at,
        kinds=_KINDS,
        kind=kind,
        fields=[
            (each, _word(each), rule, (typed or {}).get(each, "")) for each, rule in FIELDS[kind].items()
        ],
        told={"reason": "", "copies": "1"} | (told or {}),
        picture=picture,
        is_sample=not typed,
        templates=templates,
        prints=prints,
        find=find,
        found=found,
        may_print=bool(at) and may(actor, at, *allowed),
    )


def _template(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    site: str,
    name: str,
    *,
    typed: dict[str, str] | None = None,
    problem: str = "",
) -> Response:
    actor = visitor.actor
    try:
        with gate.acting(actor) as conn:
            row = service.template(conn, actor, site=site, name=name)
            versions = service.versions(conn, actor, site=site, name=name, limit=VERSIONS)
    except UnknownTemplateError as error:
        raise HTTPException(404, f"{error}") from error
    written = {"zpl": row.zpl, "reason": "", "dots_per_mm": f"{row.dots_per_mm}"} | (typed or {})
    picture = ""
    try:
        given = row.template.model_copy(update={"zpl": written["zpl"]})
        picture = svg(draw(given, sample(given.kind)), title=f"Template {name} with example values")
    except ValueError as error:
        problem = problem or f"{error}"
    kind = LabelKind(row.kind)
    placeholders = [*FIELDS[kind], *BARS[kind], *LINKS.get(kind, ())]
    return page(
        request,
        visitor,
        "label_template.html",
        tab=TAB,
        status=422 if problem else 200,
        problem=problem,
        row=row,
        typed=written,
        picture=picture,
        versions=versions,
        placeholders=placeholders,
        may_change=may(actor, site, *KEEPERS),
    )


def _given(conn: Connection, visitor: Viewer, site: str, name: str, typed: dict[str, str]) -> LabelTemplate:
    row = service.template(conn, visitor.actor, site=site, name=name)
    return LabelTemplate.model_validate(
        {
            "name": name,
            "kind": row.kind,
            "dots_per_mm": int(typed["dots_per_mm"]),
            "zpl": typed["zpl"].strip(),
        }
    )


def _word(field: str) -> str:
    return _WORDS.get(field, field.capitalize())
