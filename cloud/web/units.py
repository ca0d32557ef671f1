"""*Units* and *Serials*: all that is known of one thing on one page, as of both clocks."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.inquiry import operations, stock
from cloud.routes import LateRoute
from cloud.sheets.listing import Column, Kind, columns_of
from cloud.units import reading
from cloud.units.domain import LATEST, Fact, Place, contradictions, early_reuse
from cloud.units.gs1 import NamingError
from cloud.units.names import Serial, Tag, Unit, named, unit_named
from cloud.units.reading import AsOf
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.item import place_of
from cloud.web.moments import MomentForm, moment_form
from cloud.web.rendering import page
from cloud.web.serial_made import NOTHING, made_of
from cloud.web.visitors import TheGate, Viewer
from contracts.base import epoch_from_int

router: Final = APIRouter(route_class=LateRoute)

ROWS: Final = 50
LISTED: Final = 100


def _told_by(name: str, fact: Fact) -> Any:
    return fact.told.get(name)


def _papers(fact: Fact) -> str:
    parts = (filter(None, (each["type"], each["id"], each.get("line"))) for each in fact.documents)
    return " ".join(map("/".join, parts))


COLUMNS: Final = (
    *columns_of(
        Fact, "occurred_at", "kind", "site", "item", "quantity", "base_unit", "unit", "from_place", "to_place"
    ),
    *(
        Column(name, kind, partial(_told_by, name))
        for name, kind in (
            ("portal", Kind.TEXT),
            ("direction", Kind.TEXT),
            ("confidence", Kind.FLOAT),
            ("answer", Kind.TEXT),
            ("answered_by", Kind.TEXT),
        )
    ),
    Column("documents", Kind.TEXT, _papers),
    *columns_of(
        Fact, "reason", "actor", "device", "is_void=taken_back", "recorded_at", "position", "gateway"
    ),
    Column("epoch", Kind.TEXT, lambda fact: epoch_from_int(fact.epoch)),
    *columns_of(Fact, "seq"),
)

Text = Annotated[str, Query(max_length=256)]
Number = Annotated[str, Query(max_length=18, pattern=r"^\d*$")]
After = Annotated[str, Query(max_length=120)]
Name = Annotated[str, Path(min_length=1, max_length=400)]


@router.get("/units")
def show_units(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    q: Text = "",
    site: Annotated[str, Query(max_length=64)] = "",
    after: Annotated[str, Query(max_length=128)] = "",
) -> Response:
    """List units and where each stands; what is typed leads to the one serial or unit that it names."""
    problem, actor = "", visitor.actor
    if q.strip():
        try:
            return RedirectResponse(_address(named(q)), 303)
        except NamingError as error:
            problem = f"{error}."
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        rows = stock.units(conn, actor, site=site or None, after=after, limit=LISTED + 1)
    following = urlencode({"site": site, "after": rows[LISTED - 1].unit}) if len(rows) > LISTED else ""
    return page(
        request,
        visitor,
        "units.html",
        tab="/units",
        now=gate.clock(),
        q=q,
        site=site,
        sites=sites,
        problem=problem,
        rows=rows[:LISTED],
        following=following,
        is_first=not after,
    )


@router.get("/serials.{form:form}")
def export_serial(*, gate: TheGate, visitor: Viewer, form: FileForm, of: Text) -> Response:
    """Give a serial's story as a file."""
    thing, actor = _named(of), visitor.actor
    if isinstance(thing, Unit):
        raise HTTPException(422, f"{of!r:.80} names a unit: its story is under /units.{form.value}")
    with looking(gate, visitor) as conn:
        facts = whole(
            lambda before, limit: reading.serial_story(conn, actor, thing, before=before, limit=limit),
            start=LATEST,
            key=lambda fact: fact.place,
        )
        return answer("serial", COLUMNS, facts, form, at=gate.clock())


@router.get("/units.{form:form}")
def export_unit(*, gate: TheGate, visitor: Viewer, form: FileForm, of: Text) -> Response:
    """Give a unit's story as a file."""
    thing, actor = _unit(of), visitor.actor
    with looking(gate, visitor) as conn:
        facts = whole(
            lambda before, limit: reading.unit_story(conn, actor, thing, before=before, limit=limit),
            start=LATEST,
            key=lambda fact: fact.place,
        )
        return answer(f"unit-{thing.code}", COLUMNS, facts, form, at=gate.clock())


@router.get("/serials/{serial:path}")
def show_serial(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    serial: Name,
    site: Annotated[str, Query(max_length=64)] = "",
    as_of: Text = "",
    known_at: Text = "",
    position: Number = "",
    after: After = "",
) -> Response:
    """Show a serial, or a tag of which only the digits are known."""
    actor, thing = visitor.actor, _named(serial)
    if isinstance(thing, Unit):
        return RedirectResponse(_address(thing), 303)
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        form = moment_form(conn, actor, sites, site=site, as_of=as_of, known_at=known_at, position=position)
        moment = AsOf(form.moment.at, form.moment.position)
        facts = reading.serial_story(conn, actor, thing, moment=moment, before=_place(after), limit=ROWS + 1)
        now = reading.serial_now(conn, actor, thing, moment=moment) if isinstance(thing, Serial) else None
        made = (
            made_of(conn, actor, thing.names)
            if isinstance(thing, Serial) and now and now.standing
            else NOTHING
        )
    shown = facts[:ROWS]
    return page(
        request,
        visitor,
        "serial.html",
        tab="/units",
        now=gate.clock(),
        thing=thing,
        address=_address(thing),
        standing=now.standing if now else None,
        around=now.around if now else [],
        doubts=list(contradictions(shown)),
        **made,
        **_told(form, sites, facts, after),
    )


@router.get("/units/{unit:path}")
def show_unit(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    unit: Name,
    site: Annotated[str, Query(max_length=64)] = "",
    as_of: Text = "",
    known_at: Text = "",
    position: Number = "",
    after: After = "",
) -> Response:
    """Show a unit: where it stands, what is in it, and its story."""
    actor, thing = visitor.actor, unit_named(unit)
    if not isinstance(thing, Unit):
        return RedirectResponse(_address(thing), 303)
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        form = moment_form(conn, actor, sites, site=site, as_of=as_of, known_at=known_at, position=position)
        moment = AsOf(form.moment.at, form.moment.position)
        facts = reading.unit_story(conn, actor, thing, moment=moment, before=_place(after), limit=ROWS + 1)
        now = reading.unit_now(conn, actor, thing, moment=moment)
    if not (facts or now.content or after or form.asked):
        raise HTTPException(404, f"there is no unit {thing.code!r:.80} at your sites")
    return page(
        request,
        visitor,
        "unit.html",
        tab="/units",
        now=gate.clock(),
        thing=thing,
        address=_address(thing),
        around=now.around,
        content=now.content,
        instances=now.instances,
        left_over=now.left_over,
        reused=early_reuse(facts[:ROWS]),
        **_told(form, sites, facts, after),
    )


def _told(form: MomentForm, sites: Sequence[Any], facts: Sequence[Fact], after: str) -> dict[str, Any]:
    more = urlencode(form.asked | {"after": _place_text(facts[ROWS - 1])}) if len(facts) > ROWS else ""
    return {"form": form, "sites": sites, "facts": facts[:ROWS], "following": more, "is_first": not after}


def _address(thing: Serial | Unit | Tag) -> str:
    match thing:
        case Serial() | Unit():
            return f"/{'serials' if isinstance(thing, Serial) else 'units'}/{thing.path}"
        case Tag():
            return f"/serials/{quote(thing.tags[0])}"


def _named(text: str) -> Serial | Unit | Tag:
    try:
        return named(text)
    except NamingError as error:
        raise HTTPException(422, f"{error}") from error


def _unit(text: str) -> Unit:
    thing = unit_named(text)
    if not isinstance(thing, Unit):
        raise HTTPException(422, f"{text!r:.80} names no unit: expected an SSCC, a GRAI or a unit's own code")
    return thing


def _place(after: str) -> Place:
    if not after:
        return LATEST
    row, _, line = after.rpartition("|")
    if not line.isdecimal() or len(line) > 9:  # noqa: PLR2004  a line number's digits
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page")
    return Place(*place_of(row), int(line))


def _place_text(fact: Fact) -> str:
    return f"{fact.occurred_at.isoformat()}|{fact.gateway_key}|{fact.epoch}|{fact.seq}|{fact.line}"
