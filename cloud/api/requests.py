"""What operations ask for: the gate, and who is asking."""

from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from cloud.identity.actor import Actor
from cloud.identity.gate import SAFE_METHODS, SESSION_COOKIE, Gate

_BEARER = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer dlk_…`")
_COOKIE = APIKeyCookie(
    name=SESSION_COOKIE, auto_error=False, description="A page's session; changes need X-CSRF-Token too"
)


async def _gate(request: Request) -> Gate:
    # `async`, for it waits for nothing: FastAPI asks another thread for what is not
    gate: Gate = request.app.state.gate
    return gate


TheGate = Annotated[Gate, Depends(_gate)]


def _caller(
    request: Request,
    gate: TheGate,
    _bearer: Annotated[object, Security(_BEARER)],
    _cookie: Annotated[object, Security(_COOKIE)],
    x_csrf_token: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Actor:
    visitor = gate.identify(authorization=request.headers.get("authorization"), cookies=request.cookies)
    if request.method not in SAFE_METHODS:
        visitor.check_csrf(x_csrf_token)
    return visitor.actor


Caller = Annotated[Actor, Depends(_caller)]
"""Who sends the request; the operation's service checks what they may."""
