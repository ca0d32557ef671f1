"""How long an item must keep when it is received, from its page."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from cloud.db import Connection, in_transaction
from cloud.master.life import KEEPERS, MOST_DAYS, LifeError, LifePaper, put_lives
from cloud.master.shelf_life import ShelfLifePaper, put_shelf_lives
from cloud.routes import LateRoute
from cloud.web.item import item_page
from cloud.web.visitors import Sender, TheGate

router: Final = APIRouter(route_class=LateRoute)


@router.post("/item-lives")
def put_life(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    item: Annotated[str, Form(min_length=1, max_length=128)],
    days: Annotated[str, Form(max_length=16)] = "",
    shelf: Annotated[str, Form(max_length=16)] = "",
) -> Response:
    """Say for how long an item must be good after it came, and is from its production on."""
    actor = visitor.actor
    actor.require_everywhere(*KEEPERS)
    typed, wrong = {"days": days, "shelf": shelf}, dict[str, str]()
    lives: list[LifePaper] = []
    shelves: list[ShelfLifePaper] = []
    try:
        lives.append(LifePaper.model_validate({"item": item, "days": days.strip() or None}))
    except ValidationError:
        wrong["days"] = f"{days!r}: expected whole days from 0 to {MOST_DAYS}, or nothing"
    try:
        shelves.append(ShelfLifePaper.model_validate({"item": item, "days": shelf.strip() or None}))
    except ValidationError:
        wrong["shelf"] = f"{shelf!r}: expected whole days from 1 to {MOST_DAYS}, or nothing"

    def work(conn: Connection) -> None:
        put_lives(conn, actor, lives)
        put_shelf_lives(conn, actor, shelves)

    if wrong:
        return item_page(request, gate, visitor, item, typed=typed, wrong=wrong)
    try:
        in_transaction(gate.pool, work)
    except LifeError as error:
        return item_page(request, gate, visitor, item, typed=typed, wrong={"days": f"{error}"})
    return RedirectResponse(f"/items/{quote(item)}", 303)
