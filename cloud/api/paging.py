"""Keyset pages: the last row's key becomes an opaque cursor, and comes back as the next page's start."""

import base64
import binascii
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Final, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel, Field

from cloud.api.problems import ProblemError

Item = TypeVar("Item")
Row = TypeVar("Row")

MAX_LIMIT: Final = 500

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows on a page")]
After = Annotated[
    str | None, Query(max_length=500, description="`next` of the page before; absent for the first page")
]


class Page(BaseModel, Generic[Item]):
    """Some rows, and where the next ones begin."""

    items: list[Item]
    next: str | None = Field(description="Send it as `after` for the next page; null on the last")


def encode_cursor(key: Sequence[str | int]) -> str:
    """Write a row's key as an opaque text.

    Args:
        key: The columns by which the list is ordered.

    Returns:
        URL-safe text.

    Examples:
        >>> decode_cursor(encode_cursor(["W1-A", 7]), str, int)
        ['W1-A', 7]
    """
    return base64.urlsafe_b64encode(orjson.dumps(list(key))).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type[str] | type[int]) -> list[str | int]:
    """Read a cursor back.

    Args:
        cursor: What the client sent as ``after``.
        *kinds: Type of each column of the key.

    Returns:
        The key.

    Raises:
        ProblemError: 422 if it is not a cursor of this list.
    """
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        key = None
    if not isinstance(key, list) or [type(part) for part in key] != list(kinds):
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "bad-cursor",
            f"query.after: {cursor!r:.60} is not a `next` of this list; begin again without it",
        )
    return key


def page_of(
    rows: Sequence[Row],
    limit: int,
    *,
    show: Callable[[Row], Item],
    key: Callable[[Row], Sequence[str | int]],
) -> Page[Item]:
    """Cut a page from one row more than it holds.

    Args:
        rows: At most ``limit + 1`` rows in order; the extra one tells that there is a next page.
        limit: Rows on a page.
        show: Makes the answer's item of a row.
        key: The columns by which the list is ordered.

    Returns:
        The page.
    """
    shown = rows[:limit]
    following = encode_cursor(key(shown[-1])) if len(rows) > limit else None
    return Page(items=[show(row) for row in shown], next=following)
