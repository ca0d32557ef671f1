"""Merging an item, from its page: what only readings know, or a duplicate, reads as another from here on."""

import re
from fractions import Fraction
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import RedirectResponse, Response

from cloud.identity.actor import Role
from cloud.ledger.corrections import merge_items
from cloud.ledger.domain import LedgerError, UnknownRowError
from cloud.web.visitors import Sender, TheGate

router: Final = APIRouter()

Code = Annotated[str, Form(min_length=1, max_length=128)]
_MOST: Final = 2**31


@router.post("/item-merges")
def merge(
    *,
    gate: TheGate,
    visitor: Sender,
    item: Code,
    into: Code,
    ratio: Annotated[str, Form(max_length=24)] = "1",
) -> Response:
    """Let an item read as another; as itself again, if both are one."""
    actor = visitor.actor
    actor.require_everywhere(Role.INVENTORY_CONTROLLER)
    try:
        parts = Fraction(_plain(ratio)).as_integer_ratio()
    except (ValueError, ZeroDivisionError) as error:
        raise HTTPException(422, f"{ratio!r}: expected a ratio as 12 or 1/12") from error
    if not all(0 < part < _MOST for part in parts):
        raise HTTPException(422, f"{ratio!r}: expected a ratio above zero, of less than 2^31")
    try:
        with gate.acting(actor) as conn:
            merge_items(conn, actor, from_code=item, to_code=into.strip(), ratio=parts)
    except UnknownRowError as error:
        raise HTTPException(404, f"there is no item {into!r:.80}, or none {item!r:.80}") from error
    except LedgerError as error:
        raise HTTPException(422, f"{error}") from error
    return RedirectResponse(f"/items/{quote(item)}", 303)


def _plain(ratio: str) -> str:
    """Let no exponent through: a fraction writes all of its digits out."""
    if re.fullmatch(r"[0-9]{1,10}(/[0-9]{1,10})?", ratio.strip()) is None:
        raise ValueError(ratio)
    return ratio.strip()
