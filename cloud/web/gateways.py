"""*Gateways*: what each is to run and what it runs; changed here, undone here, with its history."""

from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import JsonValue

from cloud.db import Connection, in_transaction
from cloud.gateways import service
from cloud.gateways.broker import service as at_broker
from cloud.gateways.certificates import service as certificates
from cloud.gateways.certificates.domain import CertificateWishError, UnknownCertificateError
from cloud.gateways.domain import ConfigError, DesiredRow, UnknownGatewayError, value_of
from cloud.gateways.enrolment import service as enrolment
from cloud.gateways.enrolment.domain import EnrolmentError, UnknownInviteError
from cloud.identity.actor import Role
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.inquiry.domain import GREATEST
from cloud.routes import LateRoute
from cloud.web.forms import may
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer
from contracts.base import ID_PATTERN

router: Final = APIRouter(route_class=LateRoute)

TAB: Final = "/gateways"
ROWS: Final = 200
WISHES: Final = 20
CERTIFICATES: Final = 10
INVITES: Final = 5

GatewayName = Annotated[str, Path(pattern=ID_PATTERN)]
Short = Annotated[str, Form(max_length=service.MOST_REASON)]
Long = Annotated[str, Form(max_length=200_000)]
Seen = Annotated[int | None, Form(ge=0, le=GREATEST)]


@router.get("/gateways")
def list_gateways(
    *, request: Request, gate: TheGate, visitor: Viewer, after: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """Show who runs what, and who differs."""
    return _gateways(request, gate, visitor, after=after)


@router.post("/gateways")
def add_gateway(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    gateway: Annotated[str, Form(pattern=ID_PATTERN)],
    site: Annotated[str, Form(pattern=ID_PATTERN)],
) -> Response:
    """Register a gateway and show its one-time code, once."""
    return _invited(request, gate, visitor, gateway, site=site)


@router.post("/gateways/{gateway}/invites")
def invite_gateway(*, request: Request, gate: TheGate, visitor: Sender, gateway: GatewayName) -> Response:
    """Make a one-time code for a gateway and show it, once."""
    return _invited(request, gate, visitor, gateway)


@router.post("/gateways/{gateway}/invites/{invite_id}/revocation")
def revoke_invite(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    gateway: GatewayName,
    invite_id: Annotated[int, Path(ge=1, le=GREATEST)],
) -> Response:
    """Call a code back, and what came of it."""
    now = gate.clock()
    try:
        in_transaction(
            gate.pool,
            lambda conn: enrolment.revoke(conn, visitor.actor, gateway=gateway, invite_id=invite_id, now=now),
        )
    except (UnknownGatewayError, UnknownInviteError) as error:
        raise HTTPException(404, f"{error}") from error
    except EnrolmentError as error:
        return _gateway(request, gate, visitor, gateway, problem=f"{error}")
    return RedirectResponse(f"/gateways/{gateway}", 303)


@router.get("/gateways/{gateway}")
def show_gateway(*, request: Request, gate: TheGate, visitor: Viewer, gateway: GatewayName) -> Response:
    """Show one gateway's configuration with its history."""
    return _gateway(request, gate, visitor, gateway)


@router.post("/gateways/{gateway}/config")
def set_gateway(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    gateway: GatewayName,
    seen: Seen = None,
    place: Short = "",
    value: Annotated[str, Form(max_length=2000)] = "",
    settings: Long = "",
    reason: Short = "",
) -> Response:
    """Wish a configuration: one place of it, or all."""
    typed = {"place": place, "value": value, "settings": settings, "reason": reason}

    def work(conn: Connection) -> DesiredRow:
        given = service.editable(conn, visitor.actor, gateway=gateway)
        wanted = given.changed(place.strip(), value_of(value)) if place.strip() else _parsed(settings)
        return service.set_config(
            conn,
            visitor.actor,
            gateway=gateway,
            settings=wanted,
            reason=reason,
            seen_revision=seen,
            now=gate.clock(),
        )

    try:
        in_transaction(gate.pool, work)
    except UnknownGatewayError as error:
        raise HTTPException(404, f"{error}") from error
    except ConfigError as error:
        return _gateway(request, gate, visitor, gateway, typed=typed, problem=f"{error}")
    return RedirectResponse(f"/gateways/{gateway}", 303)


@router.post("/gateways/{gateway}/config/{revision}/again")
def set_gateway_again(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    gateway: GatewayName,
    revision: Annotated[int, Path(ge=1, le=GREATEST)],
    seen: Seen = None,
) -> Response:
    """Wish once more what was wished before."""

    def work(conn: Connection) -> DesiredRow:
        return service.set_again(
            conn, visitor.actor, gateway=gateway, revision=revision, seen_revision=seen, now=gate.clock()
        )

    try:
        in_transaction(gate.pool, work)
    except UnknownGatewayError as error:
        raise HTTPException(404, f"{error}") from error
    except ConfigError as error:
        return _gateway(request, gate, visitor, gateway, problem=f"{error}")
    return RedirectResponse(f"/gateways/{gateway}", 303)


@router.post("/gateways/{gateway}/certificates/{serial}/revocation")
def revoke_certificate(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    gateway: GatewayName,
    serial: Annotated[str, Path(pattern=r"^[0-9a-f]{1,40}$")],
    reason: Short = "",
) -> Response:
    """Call a certificate back."""
    try:
        in_transaction(
            gate.pool,
            lambda conn: certificates.revoke(conn, visitor.actor, gateway=gateway, serial=serial, why=reason),
        )
    except UnknownCertificateError as error:
        raise HTTPException(404, f"{error}") from error
    except CertificateWishError as error:
        return _gateway(request, gate, visitor, gateway, problem=f"{error}")
    return RedirectResponse(f"/gateways/{gateway}", 303)


def _gateway(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    gateway: str,
    *,
    typed: dict[str, str] | None = None,
    problem: str = "",
    code: str = "",
) -> Response:
    actor = visitor.actor
    given: dict[str, JsonValue] = {}
    try:
        with gate.acting(actor) as conn:
            told = service.config(conn, actor, gateway=gateway)
            wishes = service.history(conn, actor, gateway=gateway, limit=WISHES)
            signed = certificates.certificates(conn, actor, gateway=gateway, limit=CERTIFICATES)
            in_use = certificates.in_use(conn, actor, gateway=gateway)
            invites = enrolment.invites(conn, actor, gateway=gateway, limit=INVITES)
            may_set = actor.may_see(told.site) and Role.ADMIN in actor.roles | {
                role for site, role in actor.site_roles if site == told.site
            }
            if may_set:
                given = service.editable(conn, actor, gateway=gateway).wished
    except UnknownGatewayError as error:
        raise HTTPException(404, f"{error}") from error
    blank = {"place": "", "value": "", "settings": _pretty(given), "reason": ""}
    return page(
        request,
        visitor,
        "gateway.html",
        tab=TAB,
        status=422 if problem else 200,
        problem=problem,
        told=told,
        certificates=signed,
        in_use=next(iter(in_use), None),
        running=[] if told.reported is None else _lines(told.reported.settings, told.reported.origins),
        wishes=[(each, _pretty(each.settings)) for each in wishes],
        typed=blank | {name: text for name, text in (typed or {}).items() if text},
        may_set=may_set,
        invites=[(each, each.state(gate.clock())) for each in invites],
        code=code,
        url=f"{request.base_url}".rstrip("/"),
    )


def _gateways(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    *,
    after: str = "",
    typed: dict[str, str] | None = None,
    problem: str = "",
) -> Response:
    actor = visitor.actor
    now = gate.clock()
    with gate.acting(actor) as conn:
        found = service.configs(conn, actor, after=after, limit=ROWS + 1)
        late = at_broker.list_state(conn, actor, now=now).problems(now)
        sites = [each.site for each in operations.sites(conn, actor) if may(actor, each.site, Role.ADMIN)]
    return page(
        request,
        visitor,
        "gateways.html",
        tab=TAB,
        status=422 if problem else 200,
        problem=problem,
        found=found[:ROWS],
        following=found[ROWS - 1].gateway if len(found) > ROWS else "",
        late=late,
        sites=sites,
        typed=typed or {"gateway": "", "site": ""},
    )


def _invited(
    request: Request, gate: Gate, visitor: Sender, gateway: str, *, site: str | None = None
) -> Response:
    """Make a code and show it in this answer only."""
    now, accounts = gate.clock(), request.app.state.broker_accounts
    try:
        made = in_transaction(
            gate.pool,
            lambda conn: enrolment.invite(
                conn, visitor.actor, gateway=gateway, site=site, accounts=accounts, now=now
            ),
        )
    except UnknownGatewayError as error:
        raise HTTPException(404, f"{error}") from error
    except EnrolmentError as error:
        if site is None:
            return _gateway(request, gate, visitor, gateway, problem=f"{error}")
        return _gateways(request, gate, visitor, typed={"gateway": gateway, "site": site}, problem=f"{error}")
    return _gateway(request, gate, visitor, gateway, code=made.code)


def _parsed(text: str) -> dict[str, JsonValue]:
    try:
        settings = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"settings are not JSON: {error}") from error
    if not isinstance(settings, dict):
        raise ConfigError("settings: expected a JSON object of settings by name")
    return settings


def _pretty(settings: dict[str, JsonValue]) -> str:
    return orjson.dumps(settings, option=orjson.OPT_INDENT_2).decode()


def _lines(settings: dict[str, JsonValue], origins: dict[str, str]) -> list[tuple[str, str, str]]:
    return [
        (name, orjson.dumps(value, option=orjson.OPT_INDENT_2).decode(), origins.get(name, ""))
        for name, value in sorted(settings.items())
    ]
