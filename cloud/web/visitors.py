"""What pages ask for: the gate, who looks, and the form's CSRF token."""

from typing import Annotated

from fastapi import Depends, Form, Request

from cloud.identity.gate import Gate, Visitor


async def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


TheGate = Annotated[Gate, Depends(_gate)]


def _viewer(request: Request, gate: TheGate) -> Visitor:
    return gate.identify(authorization=None, cookies=request.cookies)


Viewer = Annotated[Visitor, Depends(_viewer)]
"""Whoever is logged in; others are sent to the login page and brought back."""


async def _sender(visitor: Viewer, csrf: Annotated[str, Form(max_length=100)] = "") -> Visitor:
    visitor.check_csrf(csrf)
    return visitor


Sender = Annotated[Visitor, Depends(_sender)]
"""Whoever sends a form from one of our pages."""
