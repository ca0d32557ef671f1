"""Login, logout, and the one-time link."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.identity import sessions
from cloud.identity.domain import SESSION_MAX, LockedOutError, LoginRefusedError
from cloud.identity.gate import SESSION_COOKIE, ForgedRequestError, NotLoggedInError
from cloud.routes import LateRoute
from cloud.web.rendering import bare_page
from cloud.web.visitors import Sender, TheGate

router: Final = APIRouter(route_class=LateRoute)

HOME: Final = "/live"


def inner_path(candidate: str) -> str:
    """Keep a redirect after login on this host.

    Args:
        candidate: Where the visitor wanted to go, as the form carried it.

    Returns:
        The path with its query, or the home page if it leads elsewhere.

    Examples:
        >>> inner_path("/stock?item=A"), inner_path("//evil.example/"), inner_path("https://evil.example")
        ('/stock?item=A', '/live', '/live')
    """
    parts = urlsplit(candidate)
    is_ours = not parts.scheme and not parts.netloc and candidate.startswith("/") and "\\" not in candidate
    return candidate if is_ours and not candidate.startswith("//") else HOME


@router.get("/")
def go_home() -> Response:
    """Begin with *Live*."""
    return RedirectResponse(HOME, 303)


@router.get("/login")
def show_login(request: Request, next: Annotated[str, Query(max_length=2000)] = HOME) -> Response:  # noqa: A002  the form's word
    """Show the login form."""
    return bare_page(request, "login.html", next=inner_path(next), name="", problem=None)


@router.post("/login")
def log_in(
    request: Request,
    gate: TheGate,
    name: Annotated[str, Form(max_length=64)],
    password: Annotated[str, Form(max_length=256)],
    next: Annotated[str, Form(max_length=2000)] = HOME,  # noqa: A002  the form's word
) -> Response:
    """Begin a session, or say no."""
    _refuse_other_origin(request)
    try:
        with gate.pool.connection() as conn:
            login = sessions.log_in(conn, name=name.strip().casefold(), password=password, now=gate.clock())
    except LoginRefusedError as error:
        status = 429 if isinstance(error, LockedOutError) else 401
        problem = str(error)[0].upper() + str(error)[1:] + "."
        return bare_page(
            request, "login.html", status=status, next=inner_path(next), name=name, problem=problem
        )
    return _welcome(request, login, inner_path(next))


@router.get("/login/link")
def log_in_by_link(request: Request, gate: TheGate, token: Annotated[str, Query(max_length=100)]) -> Response:
    """Begin a session from a one-time link; whoever is logged in already just goes on."""
    try:
        gate.identify(authorization=None, cookies=request.cookies)
    except NotLoggedInError:
        pass
    else:
        return RedirectResponse(HOME, 303)
    try:
        with gate.pool.connection() as conn:
            login = sessions.log_in_by_link(conn, token=token, now=gate.clock())
    except LoginRefusedError as error:
        problem = f"{str(error).capitalize()}. Sign in with your password."
        return bare_page(request, "login.html", status=401, next=HOME, name="", problem=problem)
    return _welcome(request, login, HOME)


@router.post("/logout")
def log_out(visitor: Sender, gate: TheGate) -> Response:
    """End the session."""
    with gate.pool.connection() as conn:
        sessions.log_out(conn, token=visitor.session_token or "")
    response = RedirectResponse("/login", 303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


def _welcome(request: Request, login: sessions.Login, path: str) -> Response:
    response = RedirectResponse(path, 303)
    response.set_cookie(
        SESSION_COOKIE,
        login.token,
        max_age=int(SESSION_MAX.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


def _refuse_other_origin(request: Request) -> None:
    """Refuse a login that another site's form sends: there is no session yet to hold a CSRF token."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForgedRequestError(f"the login form was sent from {origin!r:.100}")
