"""`/v1/gateways/{gateway}/invites` and `/v1/enrolments`: a one-time code made, called back, and used."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.gateways.enrolment import service
from cloud.gateways.enrolment.domain import LIFE, LONGEST, SHORTEST, Invite, TooManyCodesError
from contracts.base import ID_PATTERN
from contracts.enrolment import ENROLMENT_PATH, Enrolled, EnrolmentRequest

router = APIRouter(tags=["gateways"], route_class=ConditionalRoute)

GatewayId = Annotated[str, Path(pattern=ID_PATTERN)]
InviteId = Annotated[int, Path(ge=1, le=2**62)]


class GatewayInvite(BaseModel):
    """A one-time code that was given out."""

    model_config = ConfigDict(from_attributes=True)

    invite_id: int
    gateway: str
    site: str
    state: Literal["open", "used", "revoked", "expired"]
    made_at: datetime
    made_by: str
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    used_at: datetime | None


class GatewayInvited(GatewayInvite):
    """A one-time code, told once."""

    code: str | None = Field(default=None, description="Told by the answer that made it, and never again")


class GatewayInviting(BaseModel):
    """For whom a code is."""

    model_config = ConfigDict(extra="forbid")

    site: Annotated[str, Field(pattern=ID_PATTERN)] | None = Field(
        default=None, description="Registers the gateway there, if it is new"
    )
    minutes: Annotated[int, Field(ge=SHORTEST.total_seconds() // 60, le=LONGEST.total_seconds() // 60)] = int(
        LIFE.total_seconds() // 60
    )


@router.get("/v1/gateways/{gateway}/invites", responses=responses(404))
def list_gateway_invites(
    *, gate: TheGate, caller: Caller, gateway: GatewayId, limit: Limit = 100, after: After = None
) -> Page[GatewayInvite]:
    """List a gateway's invites, the newest first."""
    (before,) = decode_cursor(after, int) if after else (service.NEWEST,)
    with gate.acting(caller) as conn:
        rows = service.invites(conn, caller, gateway=gateway, before=int(before), limit=limit + 1)
    now = gate.clock()
    return page_of(rows, limit, show=lambda row: _shown(row, now), key=lambda row: [row.invite_id])


@router.post(
    "/v1/gateways/{gateway}/invites",
    status_code=201,
    response_model=GatewayInvited,
    responses=responses(400, 404, 409, 413),
)
def invite_gateway(
    *, request: Request, once: Once, gateway: GatewayId, body: GatewayInviting
) -> JSONResponse:
    """Make a one-time code for a gateway; the answer tells it, once."""
    codes: list[str] = []
    accounts = request.app.state.broker_accounts
    now = once.gate.clock()

    def effect(conn: Connection) -> GatewayInvited:
        life = timedelta(minutes=body.minutes)
        made = service.invite(
            conn, once.caller, gateway=gateway, site=body.site, life=life, accounts=accounts, now=now
        )
        codes[:] = [made.code]
        return GatewayInvited.model_validate(_shown(made.invite, now).model_dump())

    response = once.answer(body, effect)
    if not codes:
        return response
    return JSONResponse(orjson.loads(response.body) | {"code": codes[0]}, response.status_code)


@router.post(
    "/v1/gateways/{gateway}/invites/{invite_id}/revocation",
    status_code=201,
    response_model=GatewayInvite,
    responses=responses(400, 404, 409, 413),
)
def revoke_gateway_invite(*, once: Once, gateway: GatewayId, invite_id: InviteId) -> JSONResponse:
    """Call a code back; of one that was used, its secret and certificate end too."""
    now = once.gate.clock()

    def effect(conn: Connection) -> GatewayInvite:
        return _shown(service.revoke(conn, once.caller, gateway=gateway, invite_id=invite_id, now=now), now)

    return once.answer(None, effect)


@router.post(ENROLMENT_PATH, responses=responses(400, 403, 413, 429))
def enrol_gateway(*, request: Request, gate: TheGate, body: EnrolmentRequest) -> Enrolled:
    """Let a new gateway in by its code: once, and again for the same key, until it has its certificate."""
    try:
        return service.enrol(
            gate.pool, service.DOOR, asked=body, offer=request.app.state.broker_offer, now=gate.clock()
        )
    except TooManyCodesError as error:
        wait_s = max(1, round((error.retry_at - gate.clock()).total_seconds()))
        headers = {"Retry-After": f"{wait_s}"}
        raise ProblemError(
            HTTPStatus.TOO_MANY_REQUESTS, "too-many-codes", str(error), headers=headers
        ) from error


def _shown(row: Invite, now: datetime) -> GatewayInvite:
    fields = {name: getattr(row, name) for name in GatewayInvite.model_fields if name != "state"}
    return GatewayInvite.model_validate(fields | {"state": row.state(now)})
