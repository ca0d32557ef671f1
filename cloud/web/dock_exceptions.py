"""*Dock exceptions*: the cards that wait, oldest first, and their answers."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.crossings import reading, service
from cloud.crossings.domain import (
    ESCALATES_AFTER,
    READERS,
    Answer,
    AnsweredError,
    CrossingRow,
    NotAskedError,
    UnknownCrossingError,
)
from cloud.db import Connection, in_transaction
from cloud.identity.actor import Actor
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from cloud.ledger.domain import NotPostableError
from cloud.routes import LateRoute
from cloud.web.doors import Epoch, GatewayName, Seq
from cloud.web.rendering import fragment, page
from cloud.web.streaming import stream
from cloud.web.visitors import Sender, TheGate, Viewer
from contracts.base import EPOCH_PATTERN, ID_PATTERN
from contracts.records import RowRef

router: Final = APIRouter(route_class=LateRoute)

SHOWN: Final = 50
"""Cards on the page; the oldest are answered first, so the rest follow by themselves."""
ROWS: Final = 50
_SEQ: Final = "([1-9][0-9]{0,14}|[1-8][0-9]{15})"
_NAME: Final = rf"^({ID_PATTERN[1:-1]}/{EPOCH_PATTERN[1:-1]}/{_SEQ})?$"


def _look(gate: Gate, actor: Actor, now: datetime) -> dict[str, Any]:
    with gate.acting(actor) as conn:
        cards = reading.open_cards(conn, actor, limit=SHOWN)
        waiting = reading.count_open(conn, actor)
        visits = reading.choosable_visits(conn, actor)
    sites = {card.crossing.site for card in cards}
    return {
        "now": now,
        "cards": cards,
        "waiting": waiting,
        "visits": {site: [visit for visit in visits if visit.site == site] for site in sites},
        "escalates_after": ESCALATES_AFTER,
    }


@router.get("/dock-exceptions")
def show_dock_exceptions(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    state: Literal["open", "answered"] = "open",
    done: Annotated[str, Query(max_length=120, pattern=_NAME)] = "",
    before: Annotated[str, Query(max_length=120)] = "",
) -> Response:
    """Show what waits, or what was answered; after a form was sent, what became of it."""
    if state == "answered":
        return _answered(request, gate, visitor, before)
    actor = visitor.actor
    content = request.app.state.snapshots.look(gate, actor, _look, "dock-exceptions")
    told = None
    if done:
        gateway, epoch, seq = done.split("/")
        with gate.acting(actor) as conn:
            told = reading.crossing(conn, actor, RowRef(gateway=gateway, epoch=epoch, seq=int(seq)))
        if told is not None:
            cards = [
                card
                for card in content["cards"]
                if card.crossing.name != done or told.crossing.card == "open"
            ]
            content = content | {"cards": cards}
    return page(
        request,
        visitor,
        "dock_exceptions.html",
        tab="/dock-exceptions",
        me=actor.id,
        told=told.crossing if told else None,
        **content,
        **_for(actor, content),
    )


@router.get("/dock-exceptions/events")
def stream_dock_exceptions(request: Request, gate: TheGate, visitor: Viewer) -> Response:
    """Send the queue every two seconds."""
    visitor.actor.require(*READERS)
    snapshots, csrf = request.app.state.snapshots, visitor.csrf_token

    def render(actor: Actor) -> str:
        content = snapshots.look(gate, actor, _look, "dock-exceptions")
        return fragment("dock_queue.html", csrf=csrf, **content, **_for(actor, content))

    return stream(request, gate, render)


@router.post("/dock-exceptions/{gateway}/{epoch}/{seq}/answer")
def answer_dock_exception(
    *,
    gate: TheGate,
    visitor: Sender,
    gateway: GatewayName,
    epoch: Epoch,
    seq: Seq,
    answer: Annotated[Literal["in", "out", "did_not_move", "choose_visit"], Form()],
    visit: Annotated[str, Form(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")] = "",
) -> Response:
    """Keep an answer; the page then tells how the card stands, also if somebody was faster."""
    actor = visitor.actor
    ref = RowRef(gateway=gateway, epoch=epoch, seq=seq)

    def work(conn: Connection) -> None:
        act_as(conn, actor)
        said = Answer(answer)
        chosen = None if said is Answer.DID_NOT_MOVE else visit or None
        service.answer(conn, actor, ref, answer=said, visit=chosen)

    try:
        in_transaction(gate.pool, work)
    except AnsweredError:
        pass
    except UnknownCrossingError as error:
        raise HTTPException(404, f"{error}") from error
    except (NotAskedError, NotPostableError) as error:
        raise HTTPException(422, f"{error}") from error
    return RedirectResponse(f"/dock-exceptions?{urlencode({'done': f'{gateway}/{epoch}/{seq}'})}", 303)


def _for(actor: Actor, content: dict[str, Any]) -> dict[str, Any]:
    """Give what differs between people who see the same cards: what each may do, and a key per form."""
    sites = {card.crossing.site for card in content["cards"]}
    return {
        "answerable": {site for site in sites if service.may_answer(actor, site)},
        "correctable": {
            card.crossing.name for card in content["cards"] if service.may_take_back(actor, card.crossing)
        },
        "new_key": lambda: uuid4().hex,
    }


def _answered(request: Request, gate: Gate, visitor: Viewer, before: str) -> Response:
    with gate.acting(visitor.actor) as conn:
        rows = reading.answered_cards(conn, visitor.actor, before=_place(before), limit=ROWS + 1)
    shown = rows[:ROWS]
    following = urlencode({"state": "answered", "before": _address(shown[-1])}) if len(rows) > ROWS else None
    return page(
        request,
        visitor,
        "dock_answered.html",
        tab="/dock-exceptions",
        rows=shown,
        following=following,
        now=gate.clock(),
    )


def _address(row: CrossingRow) -> str:
    return f"{(row.answered_at or row.occurred_at).isoformat()}|{row.gateway_key}|{row.epoch}|{row.seq}"


def _place(before: str) -> reading.Place | None:
    if not before:
        return None
    try:
        at, gateway, epoch, seq = before.split("|")
        return datetime.fromisoformat(at), int(gateway), int(epoch), int(seq)
    except ValueError as error:
        raise HTTPException(422, f"before={before!r:.60} is not the address of a next page") from error
