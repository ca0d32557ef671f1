"""A lot's dates from its page: stated, corrected with why, or left to what its labels say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from cloud.allocation.domain import AllocationError
from cloud.allocation.terms import MOST_REASON, Said, put_lot
from cloud.db import Connection, in_transaction
from cloud.identity.actor import Actor
from cloud.lots import dating
from cloud.lots.domain import KEEPERS, UnknownLotError
from cloud.routes import LateRoute
from cloud.web.forms import refused
from cloud.web.lot_picture import lot_href
from cloud.web.lots import lot_page
from cloud.web.visitors import Sender, TheGate

router: Final = APIRouter(route_class=LateRoute)

ON, KEEPS, FOLLOWS = "on", "keeps", "follows"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form says, read."""

    expires_on: date | None
    produced_on: date | None
    taken_back: tuple[Said, ...]
    reason: str | None
    states_expiry: bool


class _MeanwhileError(ValueError):
    """Somebody said something of the lot since the page was loaded."""


@router.post("/lot-dates")
def put_dates(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    item: Annotated[str, Form(min_length=1, max_length=128)],
    lot: Annotated[str, Form(min_length=1, max_length=128)],
    expiry: Annotated[str, Form(max_length=8)] = FOLLOWS,
    expires_on: Annotated[str, Form(max_length=16)] = "",
    produced_on: Annotated[str, Form(max_length=16)] = "",
    reason: Annotated[str, Form(max_length=2_000)] = "",
    seen: Annotated[str, Form(max_length=18, pattern=r"^\d*$")] = "",
) -> Response:
    """Say when a lot is no longer good and when it was made, or leave that to its labels."""
    actor = visitor.actor
    actor.require_everywhere(*KEEPERS)
    typed = {"expiry": expiry, "expires_on": expires_on, "produced_on": produced_on, "reason": reason}
    with gate.acting(actor) as conn:
        try:
            told = dating.story(conn, actor, item=item, lot=lot, limit=1)
        except UnknownLotError as error:
            raise HTTPException(404, f"{error}") from error
    wish, wrong = read(typed, is_known=bool(told.statements or told.labels))
    if not wrong:
        why = refused(
            lambda: in_transaction(
                gate.pool, partial(_put, actor=actor, item=item, lot=lot, wish=wish, seen=seen)
            ),
            AllocationError,
            _MeanwhileError,
        )
        if not why:
            return RedirectResponse(f"{lot_href(item, lot)}#dates-title", 303)
        why = why.removeprefix(f"lot {lot!r:.140}: ")
        wrong = {"produced_on" if why.startswith("produced_on") else "expires_on": why}
    return lot_page(request, gate, visitor, f"{item}/{lot}", typed=typed, wrong=wrong)


def read(typed: Mapping[str, str], *, is_known: bool) -> tuple[Wish, dict[str, str]]:
    """Read what was typed.

    Args:
        typed: By field.
        is_known: Whether somebody, or a label, said a date of the lot before: then a reason is asked for.

    Returns:
        The wish, and what is wrong, by field.
    """
    wrong: dict[str, str] = {}
    days: dict[str, date | None] = {}
    for name in ("expires_on", "produced_on"):
        text = typed[name].strip()
        try:
            days[name] = date.fromisoformat(text) if text else None
        except ValueError:
            days[name] = None
            wrong[name] = f"{text!r:.40}: expected a day as 2026-10-01"
    expiry, reason = typed["expiry"], typed["reason"].strip()
    if expiry not in {ON, KEEPS, FOLLOWS}:
        wrong["expiry"] = f"{expiry!r:.40}: expected {ON}, {KEEPS} or {FOLLOWS}"
    if expiry == ON and "expires_on" not in wrong and days["expires_on"] is None:
        wrong["expires_on"] = "expected a day"
    if expiry != ON and days["expires_on"]:
        wrong["expires_on"] = "a day, but it is not said that it expires on it"
    if len(reason) > MOST_REASON or "\0" in reason:
        wrong["reason"] = f"expected at most {MOST_REASON} characters, got {len(reason)}"
    if is_known and not reason:
        wrong["reason"] = "its dates were said before: expected why they are said otherwise"
    taken_back: tuple[Said, ...] = () if days["produced_on"] else ("produced_on",)
    if expiry == FOLLOWS:
        taken_back = ("expires_on", *taken_back)
    wish = Wish(days["expires_on"], days["produced_on"], taken_back, reason or None, expiry != FOLLOWS)
    return wish, wrong


def _put(conn: Connection, *, actor: Actor, item: str, lot: str, wish: Wish, seen: str) -> None:
    told = dating.story(conn, actor, item=item, lot=lot, limit=1)
    if seen and int(seen) != told.last_statement:
        raise _MeanwhileError("somebody said otherwise meanwhile: look below, and say it again")
    put_lot(
        conn,
        actor,
        item=item,
        lot=lot,
        expires_on=wish.expires_on,
        produced_on=wish.produced_on,
        states_expiry=wish.states_expiry,
        taken_back=wish.taken_back,
        reason=wish.reason,
    )
