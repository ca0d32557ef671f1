"""Merging an item, from its page: what only readings know, or a duplicate, reads as another from here on."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from cloud.identity.actor import Role
from cloud.ledger.corrections import merge_items
from cloud.ledger.domain import LedgerError
from cloud.master.levels import plain_ratio
from cloud.routes import LateRoute
from cloud.web.item import item_page
from cloud.web.visitors import Sender, TheGate

router: Final = APIRouter(route_class=LateRoute)

Code = Annotated[str, Form(min_length=1, max_length=128)]
_MOST: Final = 2**31


@router.post("/item-merges")
def merge(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    item: Code,
    into: Annotated[str, Form(max_length=128)] = "",
    ratio: Annotated[str, Form(max_length=64)] = "1",
) -> Response:
    """Let an item read as another, as itself again if both are one; what is wrong is told beside it."""
    actor = visitor.actor
    actor.require_everywhere(Role.INVENTORY_CONTROLLER)
    try:
        parts = _parts(ratio)
        with gate.acting(actor) as conn:
            merge_items(conn, actor, from_code=item, to_code=into.strip(), ratio=parts)
    except (_RatioError, LedgerError) as error:
        wrong = {"ratio" if isinstance(error, _RatioError) else "into": f"{error}"}
        return item_page(request, gate, visitor, item, typed={"into": into, "ratio": ratio}, wrong=wrong)
    return RedirectResponse(f"/items/{quote(item)}", 303)


class _RatioError(ValueError):
    """No ratio that a merge can have."""


def _parts(text: str) -> tuple[int, int]:
    try:
        parts = plain_ratio(text).as_integer_ratio()
    except ValueError as error:
        raise _RatioError(f"{text!r}: expected a ratio as 12 or 1/12") from error
    if not all(0 < part < _MOST for part in parts):
        raise _RatioError(f"{text!r}: expected a ratio above zero, of less than 2^31")
    return parts
