"""`/v1/waves`, `/v1/tasks`, `/v1/pick-faces`: picks released to handhelds, and how far they are."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.allocation import faces, picking, work
from cloud.allocation.claiming import Wish
from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.allocations import Document, Kept, Outcome, SiteId, outcome_of
from cloud.db import Connection
from contracts.base import Code, CountedQuantity, Gateway, Site, UtcDatetime

router = APIRouter(prefix="/v1", tags=["picking"], route_class=ConditionalRoute)

TaskName = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Wave(BaseModel):
    """Picks that were released together."""

    model_config = ConfigDict(from_attributes=True)

    wave_id: int
    site: str
    gateway: str
    to_location: str
    asked: dict[str, Any] = Field(description="Which lines were asked for")
    created_at: datetime
    created_by: str
    tasks: int
    open_tasks: int
    lines: int
    done_lines: int
    short_lines: int


class TaskShown(BaseModel):
    """A task of a gateway's handhelds."""

    model_config = ConfigDict(from_attributes=True)

    task: str
    site: str
    gateway: str
    wave_id: int | None
    kind: Literal["pick", "move"]
    documents: str | None
    expires_at: datetime
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    ended_because: Literal["done", "short", "expired", "cancelled"] | None
    lines: int
    done_lines: int
    short_lines: int
    last_at: datetime | None
    actor: str | None = Field(description="Who did something of it last")


class TaskLineShown(BaseModel):
    """A line of a task, in base units."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    type: str | None
    id: str | None
    line: str | None
    item: str
    lot: str | None
    expires_on: date | None
    from_location: str
    unit: str | None
    to_location: str
    quantity: Decimal
    picked: Decimal
    short: Decimal
    withdrawn: Decimal
    open: Decimal = Field(description="Below zero: more was picked than asked for")
    reason: str | None
    last_at: datetime | None
    actor: str | None
    why: dict[str, Any] | None


class TaskWhole(TaskShown):
    """A task with its lines as they are walked."""

    walk: list[TaskLineShown]


class ShortPick(BaseModel):
    """A pick that found less than the book said."""

    model_config = ConfigDict(from_attributes=True)

    task: str
    number: int
    occurred_at: datetime
    actor: str | None
    reason: str | None
    quantity: Decimal
    item: str
    location: str
    lot: str | None
    type: str | None
    id: str | None
    line: str | None
    site: str
    is_doubted: bool = Field(description="Nobody has counted the place since; it is not allocated")


class NewWave(BaseModel):
    """Which lines are picked, and where to; nothing named: every open line of the site."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    to_location: Code
    documents: Annotated[tuple[Document, ...], Field(max_length=1000)] | None = None
    visit: Code | None = None
    due_until: UtcDatetime | None = None
    gateway: Gateway | None = Field(default=None, description="null: the site's only one")
    expires_at: UtcDatetime | None = Field(default=None, description="null: in 12 hours")


class WaveMade(BaseModel):
    """A wave, and what could not be covered."""

    wave: int
    gateway: str
    tasks: list[str]
    there_already: int = Field(description="Claims of goods that stand at `to_location`")
    allocated: Outcome


class Face(BaseModel):
    """A pick face, in base units."""

    model_config = ConfigDict(from_attributes=True)

    location: str
    item: str
    minimum: Decimal
    maximum: Decimal
    held: Decimal
    claimed: Decimal
    coming: Decimal


class NewFace(BaseModel):
    """Limits of a pick face; both null: it is none any more."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    location: Code
    item: Code
    minimum: CountedQuantity | None
    maximum: CountedQuantity | None


@router.get("/waves")
def list_waves(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Wave]:
    """List waves, the latest first."""
    (before,) = decode_cursor(after, int) if after else (work.FIRST_WAVE,)
    with gate.acting(caller) as conn:
        rows = work.waves(conn, caller, site=site, before=int(before), limit=limit + 1)
    return page_of(rows, limit, show=Wave.model_validate, key=lambda row: [row.wave_id])


@router.post("/waves", status_code=201, response_model=WaveMade, responses=responses(400, 404, 409, 413))
def release_wave(*, once: Once, body: NewWave) -> JSONResponse:
    """Release picks: claim cells for the lines, and send tasks to the gateway's handhelds."""
    wish = Wish(body.site, body.documents, body.visit, body.due_until)

    def effect(conn: Connection) -> WaveMade:
        done = picking.release_picks(
            conn,
            once.caller,
            wish,
            to_location=body.to_location,
            gateway=body.gateway,
            expires_at=body.expires_at,
            now=once.gate.clock(),
        )
        return WaveMade(
            wave=done.wave,
            gateway=done.gateway,
            tasks=list(done.tasks),
            there_already=done.there_already,
            allocated=outcome_of(done.allocated),
        )

    return once.answer(body, effect)


@router.get("/tasks")
def list_tasks(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    wave: Annotated[int | None, Query(ge=1, le=work.FIRST_WAVE)] = None,
    is_open: Annotated[bool, Query(alias="open", description="Only those not ended")] = False,
    limit: Limit = 100,
    after: After = None,
) -> Page[TaskShown]:
    """List tasks, the latest first."""
    (before,) = decode_cursor(after, str) if after else ("",)
    with gate.acting(caller) as conn:
        rows = work.tasks(
            conn,
            caller,
            site=site,
            wave=wave,
            open_only=is_open,
            before=str(before),
            limit=limit + 1,
        )
    return page_of(rows, limit, show=TaskShown.model_validate, key=lambda row: [row.task])


@router.get("/tasks/{task}", responses=responses(404))
def get_task(*, gate: TheGate, caller: Caller, task: TaskName) -> TaskWhole:
    """Give a task with its lines."""
    with gate.acting(caller) as conn:
        row, lines = work.task(conn, caller, name=task)
    shown = TaskShown.model_validate(row).model_dump()
    return TaskWhole(**shown, walk=[TaskLineShown.model_validate(line) for line in lines])


@router.post(
    "/tasks/{site}/{task}/cancel",
    status_code=201,
    response_model=TaskShown,
    responses=responses(400, 404, 409, 413),
)
def cancel_task(*, once: Once, site: SiteId, task: TaskName) -> JSONResponse:
    """Call a task off: what is not picked of it is let go, and its gateway is told."""

    def effect(conn: Connection) -> TaskShown:
        work.call_off(conn, once.caller, site=site, name=task, now=once.gate.clock())
        return TaskShown.model_validate(work.task(conn, once.caller, name=task)[0])

    return once.answer(None, effect)


@router.get("/short-picks")
def list_short_picks(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 100,
) -> list[ShortPick]:
    """List the latest picks that found less than the book said."""
    with gate.acting(caller) as conn:
        return [ShortPick.model_validate(row) for row in work.shorts(conn, caller, site=site, limit=limit)]


@router.get("/pick-faces/{site}")
def list_pick_faces(
    *, gate: TheGate, caller: Caller, site: SiteId, limit: Limit = 100, after: After = None
) -> Page[Face]:
    """List pick faces by bin and item."""
    start = ("", "")
    if after is not None:
        place, item = map(str, decode_cursor(after, str, str))
        start = (place, item)
    with gate.acting(caller) as conn:
        rows = faces.faces(conn, caller, site=site, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Face.model_validate, key=lambda row: [row.location, row.item])


@router.post("/pick-faces", status_code=201, response_model=Kept, responses=responses(400, 404, 409, 413))
def put_pick_face(*, once: Once, body: NewFace) -> JSONResponse:
    """State between which quantities a bin is kept as a pick face."""

    def effect(conn: Connection) -> Kept:
        is_new = faces.put_face(
            conn,
            once.caller,
            site=body.site,
            location=body.location,
            item=body.item,
            minimum=body.minimum,
            maximum=body.maximum,
        )
        return Kept(is_new=is_new)

    return once.answer(body, effect)
