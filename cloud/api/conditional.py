"""What every route has: a GET an ETag, so that nothing is sent twice, and a list a way out as a file."""

import hashlib
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from starlette.routing import Route
from typing_extensions import override

from cloud.api.files import ENDLESS, FILES, as_file_too, rows_of
from cloud.api.problems import RESPONSES
from cloud.routes import LateRoute
from cloud.sheets.sending import FileAnswer


def etag_of(body: bytes) -> str:
    """Name a body by its content.

    Args:
        body: The response's bytes.

    Returns:
        A strong entity tag, quotes included.
    """
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Tell whether the client has this version (RFC 9110 §13.1.2).

    Args:
        etag: The version's entity tag.
        if_none_match: The request's header.

    Returns:
        True if the header lists the tag, weak or strong, or is ``*``.

    Examples:
        >>> is_known('"a"', 'W/"a", "b"'), is_known('"a"', '"c"'), is_known('"a"', None)
        (True, False, False)
    """
    if if_none_match is None:
        return False
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in known or "*" in known


def operation_id(route: Route) -> str:
    """Name an operation as its function is named.

    Args:
        route: Any.

    Returns:
        The name, unique in the API.
    """
    return route.name


class ConditionalRoute(LateRoute):
    """A route whose successful GET carries an ETag, and who has it gets 304; lists go out as files too."""

    @override
    def make(self, path: str, endpoint: Callable[..., Any], described: dict[str, Any]) -> None:
        """Make it, with a file of its list.

        Args:
            path: As it was declared.
            endpoint: As it was declared.
            described: As it was declared.
        """
        answers = {**RESPONSES, **(described.get("responses") or {})}
        is_read = "GET" in (described.get("methods") or ()) and path not in ENDLESS
        self.rows = rows_of(endpoint) if is_read else None
        if self.rows is not None:
            endpoint = as_file_too(path, endpoint, self.rows)
            answers |= FILES
        told = {"generate_unique_id_function": operation_id, "responses": answers}
        super().make(path, endpoint, described | told)

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's handler.

        Returns:
            The handler.
        """
        answer = super().get_route_handler()

        async def conditional(request: Request) -> Response:
            response = await answer(request)
            if request.method != "GET" or response.status_code != HTTPStatus.OK:
                return response
            etag = response.headers.get("etag") or etag_of(bytes(response.body))
            headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept"}
            if is_known(etag, request.headers.get("if-none-match")):
                if isinstance(response, FileAnswer):
                    response.drop()
                return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
            response.headers.update(headers)
            return response

        return conditional
