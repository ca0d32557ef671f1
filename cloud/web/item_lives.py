"""How long an item must keep when it is received, from its page."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from cloud.db import in_transaction
from cloud.master.life import KEEPERS, MOST_DAYS, LifeError, LifePaper, put_lives
from cloud.web.item import item_page
from cloud.web.visitors import Sender, TheGate

router: Final = APIRouter()


@router.post("/item-lives")
def put_life(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    item: Annotated[str, Form(min_length=1, max_length=128)],
    days: Annotated[str, Form(max_length=16)] = "",
) -> Response:
    """Say for how many days an item must be good after it came; what is wrong is told beside it."""
    actor = visitor.actor
    actor.require_everywhere(*KEEPERS)
    try:
        paper = LifePaper.model_validate({"item": item, "days": days.strip() or None})
        in_transaction(gate.pool, lambda conn: put_lives(conn, actor, [paper]))
    except ValidationError:
        message = f"{days!r}: expected whole days from 0 to {MOST_DAYS}, or nothing"
        return item_page(request, gate, visitor, item, typed={"days": days}, wrong={"days": message})
    except LifeError as error:
        return item_page(request, gate, visitor, item, typed={"days": days}, wrong={"days": f"{error}"})
    return RedirectResponse(f"/items/{quote(item)}", 303)
