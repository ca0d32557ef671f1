"""Every list as a file too: `?format=` or `Accept`; the list's own columns and filters, at one instant."""

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, cast, get_args, get_origin

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from cloud.api.problems import ProblemError, responses
from cloud.identity.actor import Actor
from cloud.identity.gate import Gate
from cloud.sheets.listing import Column, Form, FormError, Listing, columns_of
from cloud.sheets.sending import MEDIA_TYPES, BusyError, send

_PAGE: Final = 5_000
"""Rows that are read at once while a file is made."""
_ALL: Final = 1_048_575
"""Rows of a list that knows no pages."""
_LISTS: Final = ("items", "content")
"""Where the rows stand in an answer that holds more than one list."""
ENDLESS: Final = frozenset({"/v1/periods/{site}"})
"""Lists that go back as far as anybody asks: no file holds them."""
_JSON: Final = "application/json"
_FIXED: Final = re.compile(r"\{[^}]*\}|/")

FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            media_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for media_type in MEDIA_TYPES.values()
        }
    },
    **responses(406),
}
"""What a list answers beside JSON."""

Format = Annotated[
    Form | None,
    Query(description="The whole list as a file; it goes before `Accept`, and takes neither limit nor after"),
]


@dataclass(frozen=True, slots=True)
class Rows:
    """Where an operation's answer holds rows, and what they are."""

    field: str | None
    """None: the answer is the rows."""
    columns: tuple[Column, ...]


def rows_of(endpoint: Callable[..., Any]) -> Rows | None:
    """Find the rows in what an operation answers.

    Args:
        endpoint: The operation.

    Returns:
        Where they stand; None if it answers with no list, or with several of equal rank.
    """
    answer = inspect.signature(endpoint, eval_str=True).return_annotation
    if get_origin(answer) is list:
        return Rows(None, columns_of(get_args(answer)[0]))
    if not (isinstance(answer, type) and issubclass(answer, BaseModel)):
        return None
    lists = {name: row for name, field in answer.model_fields.items() if (row := _row(field.annotation))}
    for name in (name for name in (*_LISTS, *lists) if name in lists):
        if name in _LISTS or len(lists) == 1:
            return Rows(name, columns_of(lists[name]))
    return None


def as_file_too(path: str, endpoint: Callable[..., Any], rows: Rows) -> Callable[..., Any]:
    """Make an operation that answers with the whole list where a file is asked for.

    Args:
        path: Of the route.
        endpoint: The operation.
        rows: Where its rows stand.

    Returns:
        The same operation with a parameter `format`.
    """
    signature = inspect.signature(endpoint, eval_str=True)
    name = "-".join(part for part in _FIXED.split(path) if part not in {"", "v1"})

    @functools.wraps(endpoint)
    def answer(**arguments: Any) -> Any:
        request = cast("Request", arguments.pop("request_of_file"))
        form = arguments.pop("format") or form_accepted(request.headers.get("accept", ""))
        if form is None:
            return endpoint(**arguments)
        paged = sorted({"limit", "after"} & set(request.query_params))
        if paged:
            raise ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "file-has-no-pages",
                f"query.{paged[0]}: a file holds the whole list; leave limit and after out, or the format",
            )
        return _file(name, endpoint, rows, arguments, form)

    more = [
        inspect.Parameter("request_of_file", inspect.Parameter.KEYWORD_ONLY, annotation=Request),
        inspect.Parameter("format", inspect.Parameter.KEYWORD_ONLY, annotation=Format, default=None),
    ]
    whole = signature.replace(parameters=[*signature.parameters.values(), *more])
    answer.__signature__ = whole  # type: ignore[attr-defined]  # how FastAPI sees it
    return answer


def form_accepted(accept: str) -> Form | None:
    """Find the file that a client would rather have than JSON.

    Args:
        accept: The request's header.

    Returns:
        The form, or None where it names none, or JSON first.

    Examples:
        >>> form_accepted("text/csv"), form_accepted("application/json, text/csv;q=0.5"), form_accepted("*/*")
        (<Form.CSV: 'csv'>, None, None)
    """
    forms: dict[str, Form | None] = {text.partition(";")[0]: form for form, text in MEDIA_TYPES.items()}
    known = forms | {_JSON: None, "*/*": None, "application/*": None}
    best, best_weight = None, 0.0
    for wish in accept.split(","):
        media_type, *parameters = [part.strip().lower() for part in wish.split(";")]
        weights = [text[2:] for text in parameters if text.startswith("q=")]
        weight = float(weights[0]) if weights and re.fullmatch(r"[01](\.\d{0,3})?", weights[0]) else 1.0
        if media_type in known and weight > best_weight:
            best, best_weight = known[media_type], weight
    return best


def _file(
    name: str, endpoint: Callable[..., Any], rows: Rows, arguments: dict[str, Any], form: Form
) -> Response:
    gate: Gate = arguments["gate"]
    caller: Actor = arguments["caller"]
    at = next((arguments[given] for given in ("as_of", "at") if arguments.get(given)), None) or gate.clock()
    try:
        with gate.one_look(caller) as look:
            whole = _whole(endpoint, rows, {**arguments, "gate": look})
            listing = Listing(name, rows.columns, whole, _instant(at), arguments.get("site"))
            return send(listing, form)
    except FormError as error:
        raise ProblemError(HTTPStatus.NOT_ACCEPTABLE, "form-not-possible", str(error)) from error
    except BusyError as error:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE, "too-many-files", str(error), headers={"Retry-After": "5"}
        ) from error


def _whole(endpoint: Callable[..., Any], rows: Rows, arguments: dict[str, Any]) -> Iterator[Any]:
    """Turn the pages of a list over, to its end."""
    is_paged = "after" in arguments
    if "limit" in arguments:
        arguments["limit"] = _PAGE if is_paged else _ALL
    while True:
        page = endpoint(**arguments)
        yield from page if rows.field is None else getattr(page, rows.field)
        following = getattr(page, "next", None)
        if not is_paged or following is None:
            return
        arguments["after"] = following


def _row(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) is not list:
        return None
    (row,) = get_args(annotation)
    return row if isinstance(row, type) and issubclass(row, BaseModel) else None


def _instant(at: object) -> datetime:
    return at if isinstance(at, datetime) else datetime.now(UTC)
