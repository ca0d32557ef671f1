"""*Events calendar*: what moves demand, week by week; stated, withdrawn, learned from, tried out."""

from datetime import date, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from cloud.db import Connection, in_transaction
from cloud.events import reading, service
from cloud.events.domain import AUTHORS, READERS, EventError, EventRow, Kind, UnknownEventError
from cloud.events.papers import EventPaper, Withdrawal
from cloud.forecasting.domain import ForecastError
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.inquiry.domain import GREATEST
from cloud.routes import LateRoute
from cloud.sheets.listing import columns_of
from cloud.web.events_calendar import WEEKS, calendar_of
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.forms import words_of
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

TAB: Final = "/events"
SHOWN: Final = 500
_BACK: Final = timedelta(weeks=6)
_COLUMNS: Final = columns_of(
    EventRow,
    *("event_id", "revision", "site", "item", "category", "from_day", "to_day", "kind", "name"),
    *("attributes", "effect_prior", "known_at", "source", "reference", "author", "recorded_at"),
)
_TYPED: Final = ("item", "category", "from_day", "to_day", "name", "depth", "feature", "prior")

Number = Annotated[int, Path(ge=1, le=GREATEST)]
Site = Annotated[str, Query(max_length=64)]
Short = Annotated[str, Form(max_length=200)]


@router.get("/events")
def list_events(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: Site = "",
    kind: Annotated[str, Query(max_length=32)] = "",
    since: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Show half a year of events."""
    return _calendar(request, gate, visitor, site=site, kind=kind, since=since)


@router.get("/events.{form:form}")
def export_events(*, gate: TheGate, visitor: Viewer, form: FileForm, site: Site = "") -> Response:
    """Give events as a file."""
    with looking(gate, visitor) as conn:
        rows = whole(
            lambda after, limit: reading.events(
                conn, visitor.actor, site=site or None, after=after, limit=limit
            ),
            start=0,
            key=lambda row: row.event_id,
        )
        return answer("events", _COLUMNS, rows, form, at=gate.clock(), site=site)


@router.post("/events")
def add_event(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: Short = "",
    item: Short = "",
    category: Short = "",
    from_day: Short = "",
    to_day: Short = "",
    kind: Short = "",
    name: Short = "",
    depth: Short = "",
    feature: Short = "",
    prior: Short = "",
) -> Response:
    """State an event."""
    typed = {
        "site": site,
        "item": item,
        "category": category,
        "from_day": from_day,
        "to_day": to_day,
        "kind": kind,
        "name": name,
        "depth": depth,
        "feature": feature,
        "prior": prior,
    }
    visitor.actor.require(*AUTHORS)
    try:
        paper = EventPaper.model_validate(_given(typed))
        in_transaction(gate.pool, lambda conn: service.add(conn, visitor.actor, paper, now=gate.clock()))
    except ValidationError as error:
        return _calendar(request, gate, visitor, site=site, typed=typed, problem=(422, words_of(error)))
    except EventError as error:
        return _calendar(request, gate, visitor, site=site, typed=typed, problem=(422, f"{error}"))
    query = urlencode({"site": site, "since": (paper.from_day - _BACK).isoformat()})
    return RedirectResponse(f"/events?{query}", 303)


@router.post("/events/{event_id}/withdraw")
def withdraw_event(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    event_id: Number,
    revision: Annotated[int, Form(ge=1, le=1_000_000)],
    reason: Short = "",
) -> Response:
    """Say that an event does not take place."""

    def work(conn: Connection) -> EventRow:
        paper = Withdrawal(revision=revision, reason=reason.strip())
        return service.withdraw(conn, visitor.actor, event_id, paper, now=gate.clock())

    try:
        in_transaction(gate.pool, work)
    except UnknownEventError as error:
        raise HTTPException(404, f"{error}") from error
    except ValidationError as error:
        return _event(request, gate, visitor, event_id, problem=(422, words_of(error)))
    except EventError as error:
        return _event(request, gate, visitor, event_id, problem=(409, f"{error}"))
    return RedirectResponse(f"/events/{event_id}", 303)


@router.get("/events/effects")
def show_effects(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: Site = "",
    item: Annotated[str, Query(max_length=128)] = "",
    kind: Annotated[str, Query(max_length=32)] = Kind.PROMOTION.value,
    name: Annotated[str, Query(max_length=200)] = "",
    lower: Annotated[str, Query(max_length=10)] = "",
    feature: Annotated[str, Query(max_length=5)] = "",
    from_day: Annotated[str, Query(max_length=10)] = "",
    to_day: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Show what events did at a site, and what a planned one would do."""
    typed = {
        "site": site,
        "item": item,
        "kind": kind,
        "name": name,
        "lower": lower,
        "feature": feature,
        "from_day": from_day,
        "to_day": to_day,
    }
    return _effects(request, gate, visitor, typed)


@router.get("/events/{event_id}")
def show_event(*, request: Request, gate: TheGate, visitor: Viewer, event_id: Number) -> Response:
    """Show an event with all that was ever said of it."""
    return _event(request, gate, visitor, event_id)


def _calendar(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    *,
    site: str,
    kind: str = "",
    since: str = "",
    typed: dict[str, str] | None = None,
    problem: tuple[int, str] = (200, ""),
) -> Response:
    actor, today = visitor.actor, gate.clock().date()
    first = _day(since) or today - _BACK
    first -= timedelta(days=first.weekday())
    last = first + timedelta(weeks=WEEKS)
    with gate.acting(actor) as conn:
        sites = [each.site for each in operations.sites(conn, actor)]
        shown = kind if kind in [one.value for one in Kind] else ""
        rows = reading.events(
            conn,
            actor,
            site=site or None,
            kind=Kind(shown) if shown else None,
            from_day=first,
            to_day=last,
            limit=SHOWN,
        )
    return page(
        request,
        visitor,
        "events.html",
        tab=TAB,
        status=problem[0],
        problem=problem[1],
        rows=sorted(rows, key=lambda row: (row.from_day, row.event_id)),
        calendar=calendar_of(rows, first, today),
        site=site,
        sites=sites,
        kind=shown,
        kinds=[one.value for one in Kind],
        earlier=urlencode({"site": site, "kind": shown, "since": (first - timedelta(weeks=13)).isoformat()}),
        later=urlencode({"site": site, "kind": shown, "since": (first + timedelta(weeks=13)).isoformat()}),
        typed=dict.fromkeys(_TYPED, "") | {"site": site, "kind": Kind.PROMOTION.value} | (typed or {}),
        may_add=not actor.roles_anywhere.isdisjoint(AUTHORS),
        may_all=actor.all_sites and not actor.roles.isdisjoint(AUTHORS),
    )


def _event(
    request: Request, gate: Gate, visitor: Viewer, event_id: int, *, problem: tuple[int, str] = (200, "")
) -> Response:
    with gate.acting(visitor.actor) as conn:
        try:
            rows = reading.revisions(conn, visitor.actor, event_id)
        except UnknownEventError as error:
            raise HTTPException(404, f"{error}") from error
    return page(
        request,
        visitor,
        "event.html",
        tab=TAB,
        status=problem[0],
        problem=problem[1],
        row=rows[0],
        rows=rows,
        may_withdraw=not rows[0].is_withdrawn and _may(visitor.actor, rows[0].site),
    )


def _effects(request: Request, gate: Gate, visitor: Viewer, typed: dict[str, str]) -> Response:
    from cloud.forecasting.effects import reading as effects  # noqa: PLC0415  numpy is an extra, and slow to load

    actor = visitor.actor
    actor.require(*READERS)
    found, expected, problem = None, None, (200, "")
    with gate.acting(actor) as conn:
        sites = [each.site for each in operations.sites(conn, actor)]
        if typed["site"] and typed["site"] not in sites:
            raise NotAllowedError(f"{actor.id} has no right at site {typed['site']!r}")
        try:
            if typed["site"]:
                found = effects.site_effects(conn, actor, site=typed["site"], now=gate.clock())
            if found and typed["item"].strip():
                first, last = _days_of(typed)
                expected = effects.what_if(
                    found,
                    conn,
                    kind=_kind(typed["kind"]),
                    attributes=_planned(typed),
                    from_day=first,
                    to_day=last,
                    item=typed["item"].strip(),
                    name=typed["name"].strip(),
                )
        except ForecastError as error:
            problem = (422, f"{error}")
    return page(
        request,
        visitor,
        "events_effects.html",
        tab=TAB,
        status=problem[0],
        problem=problem[1],
        sites=sites,
        typed=typed,
        kinds=[one.value for one in Kind if one is not Kind.WEATHER],
        found=found,
        beside=found.effects.cannibalisation if found else None,
        expected=expected,
    )


def _given(typed: dict[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {
        key: value.strip()
        for key, value in typed.items()
        if value.strip() and key not in {"depth", "feature", "prior"}
    }
    attributes: dict[str, Any] = {}
    if typed["depth"].strip():
        part = _percent(typed["depth"])
        if given.get("kind") == Kind.PRICE:
            attributes["change"] = -part
        else:
            attributes["depth"] = part
    if typed["feature"].strip():
        attributes["feature"] = True
    if typed["prior"].strip():
        given["effect_prior"] = 1 + _percent(typed["prior"])
    return {**given, "attributes": attributes}


def _planned(typed: dict[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if typed["lower"].strip():
        try:
            part = _percent(typed["lower"])
        except EventError as error:
            raise ForecastError(f"{error}") from error
        made = {"change": -part} if typed["kind"] == Kind.PRICE else {"depth": part}
    if typed["feature"]:
        made["feature"] = True
    return made


def _percent(text: str) -> float:
    try:
        value = float(text.strip().rstrip("%").strip().replace(",", ".").replace("\N{MINUS SIGN}", "-"))
    except ValueError as error:
        raise EventError(f"{text!r:.40}: expected percent, as 20") from error
    if not -1_000 < value < 10_000:  # noqa: PLR2004  more is a slip of the hand, and NaN is no number
        raise EventError(f"{text!r:.40}: expected percent, as 20")
    return value / 100


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError as error:
        raise ForecastError(f"kind {text!r:.40}: expected {', '.join(Kind)}") from error


def _days_of(typed: dict[str, str]) -> tuple[date, date]:
    first, last = _day(typed["from_day"]), _day(typed["to_day"])
    if first is None or last is None or last < first:
        raise ForecastError("expected a first and a last day of the plan, in this order")
    return first, last


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if date(2000, 1, 1) <= found <= date(2190, 12, 31) else None


def _may(actor: Actor, site: str | None) -> bool:
    try:
        if site is None:
            actor.require_everywhere(*AUTHORS)
        else:
            actor.require(*AUTHORS, site=site)
    except NotAllowedError:
        return False
    return True
