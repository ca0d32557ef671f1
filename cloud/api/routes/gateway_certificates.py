"""`/v1/gateways/{gateway}/certificates`: what was signed for a gateway, and what was called back."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.gateways.certificates import service
from cloud.gateways.certificates.domain import MOST_REASON
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/gateways", tags=["gateways"], route_class=ConditionalRoute)

MOST_LISTED = 200

GatewayId = Annotated[str, Path(pattern=ID_PATTERN)]
Serial = Annotated[str, Path(pattern=r"^[0-9a-f]{1,40}$")]


class Certificate(BaseModel):
    """A certificate that was signed for a gateway."""

    model_config = ConfigDict(from_attributes=True)

    gateway: str
    serial: str
    not_before: datetime
    not_after: datetime
    issued_at: datetime
    issued_by: str
    revoked_at: datetime | None
    revoked_by: str | None
    revoked_why: str | None
    is_in_use: bool = Field(description="By what the gateway said last")


class Certificates(BaseModel):
    """The newest certificates of a gateway."""

    not_after: datetime | None = Field(description="End of the one that the gateway says it uses")
    problem: str | None = Field(description="What the gateway says is wrong with it")
    items: list[Certificate]


class Revocation(BaseModel):
    """Why a certificate is called back."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=MOST_REASON)]


@router.get("/{gateway}/certificates", responses=responses(404))
def list_gateway_certificates(*, gate: TheGate, caller: Caller, gateway: GatewayId) -> Certificates:
    """List a gateway's newest certificates, and what it says of the one in use."""
    with gate.acting(caller) as conn:
        rows = service.certificates(conn, caller, gateway=gateway, limit=MOST_LISTED)
        told = service.in_use(conn, caller, gateway=gateway)
    return Certificates(
        not_after=told[0].not_after if told else None,
        problem=told[0].problem if told else None,
        items=[Certificate.model_validate(row) for row in rows],
    )


@router.post(
    "/{gateway}/certificates/{serial}/revocation",
    status_code=201,
    response_model=Certificate,
    responses=responses(400, 404, 409, 413),
)
def revoke_gateway_certificate(
    *, once: Once, gateway: GatewayId, serial: Serial, body: Revocation
) -> JSONResponse:
    """Call a certificate back; the broker refuses it once it has the new list."""

    def effect(conn: Connection) -> Certificate:
        service.revoke(conn, once.caller, gateway=gateway, serial=serial, why=body.reason)
        rows = service.certificates(conn, once.caller, gateway=gateway, limit=MOST_LISTED)
        return Certificate.model_validate(next(row for row in rows if row.serial == serial))

    return once.answer(body, effect)
