"""`/v1/serials`, `/v1/units/{name}` and their stories: all that is known of one thing, as of both clocks."""

from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, not_found, responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry import past
from cloud.inquiry.domain import GREATEST
from cloud.units import reading
from cloud.units.domain import LATEST, Fact, Place
from cloud.units.gs1 import NamingError
from cloud.units.names import Serial, Tag, Unit, named, unit_named
from cloud.units.reading import AsOf
from contracts.base import UtcDatetime, epoch_from_int

router = APIRouter(prefix="/v1", tags=["stock"], route_class=ConditionalRoute)

_FORMS = "SSCC, GTIN and serial, EPC as hexadecimal digits or URI, element string, or Digital Link"
Name = Annotated[str, Path(min_length=1, max_length=400, description=_FORMS)]
Of = Annotated[str, Query(min_length=1, max_length=256, description=_FORMS)]
At = Annotated[UtcDatetime | None, Query(description="What had occurred by then; null means everything")]
Known = Annotated[UtcDatetime | None, Query(description="As it was recorded by then")]
Position = Annotated[
    int | None, Query(ge=0, le=GREATEST, description="As the ledger knew it at this position")
]


class StoryFact(BaseModel):
    """One thing that is known of a serial or unit; `told` holds what only its kind says."""

    model_config = ConfigDict(from_attributes=True)

    kind: str = Field(description="`movement`, `crossing`, `count` (one line) or `unit_position`")
    gateway: str
    epoch: str
    seq: int
    line: int
    site: str
    occurred_at: datetime
    occurred_at_claimed: datetime
    time_basis: str
    recorded_at: datetime
    position: int
    posted_by: str
    actor: str | None
    device: str | None
    biz_step: str | None
    item: str | None
    item_name: str | None
    base_unit: str | None
    quantity: Decimal | None
    unit: str | None
    from_place: str | None
    to_place: str | None
    reason: str | None
    documents: list[dict[str, Any]]
    is_reversal: bool
    is_reversed: bool
    told: dict[str, Any]


class Around(BaseModel):
    """What something stands in or at; the nearest first."""

    model_config = ConfigDict(from_attributes=True)

    step: int
    place: str
    kind: str
    site: str
    since_at: datetime


class Standing(BaseModel):
    """The cell that a serial is in."""

    model_config = ConfigDict(from_attributes=True)

    cell_id: int
    site: str
    place: str
    place_kind: str
    since_at: datetime
    item: str
    item_name: str | None
    lot: str | None
    disposition: str | None
    owner: str | None


class SerialState(BaseModel):
    """Where a serial is."""

    gtin: str
    serial: str
    standing: Standing | None
    around: list[Around] = Field(description="What the unit that it is in stands in or at")


class UnitContent(BaseModel):
    """What is in a unit or in one inside it; a unit that holds nothing has no item."""

    model_config = ConfigDict(from_attributes=True)

    unit: str
    parent: str | None
    depth: int
    cell_id: int | None
    item: str | None
    item_name: str | None
    base_unit: str | None
    lot: str | None
    disposition: str | None
    owner: str | None
    quantity: Decimal | None
    pieces: Decimal | None = Field(description="Of variable-measure goods: counted where a weight was said")
    weight_kg: Decimal | None = Field(description="What these weigh")
    is_unchecked: bool = Field(
        description="Received as a paper declares it (completeness inferred), and not counted in it since"
    )


class UnitInstance(BaseModel):
    """A time in which the same SSCC was one unit."""

    model_config = ConfigDict(from_attributes=True)

    instance: int
    from_at: datetime
    last_at: datetime


class UnitState(BaseModel):
    """Where a unit stands, what is in it, and which unit of its SSCC it is."""

    unit: str
    around: list[Around]
    content: list[UnitContent]
    instances: list[UnitInstance]
    left_over: list[UnitContent] = Field(
        description="What its number still held when its last life began; it is in `content` too"
    )


@router.get("/serials/{serial:path}", responses=responses(404))
def get_serial(
    *,
    gate: TheGate,
    caller: Caller,
    serial: Name,
    as_of: At = None,
    known_at: Known = None,
    position: Position = None,
) -> SerialState:
    """Tell where a serial is or was."""
    thing = _thing("path.serial", serial)
    if not isinstance(thing, Serial):
        raise not_found("serial", serial)
    with gate.acting(caller) as conn:
        now = reading.serial_now(conn, caller, thing, moment=_moment(conn, caller, as_of, known_at, position))
    return SerialState(
        gtin=thing.gtin,
        serial=thing.serial,
        standing=None if now.standing is None else Standing.model_validate(now.standing),
        around=[Around.model_validate(each) for each in now.around],
    )


@router.get("/units/{unit:path}", responses=responses(404))
def get_unit(
    *,
    gate: TheGate,
    caller: Caller,
    unit: Name,
    as_of: At = None,
    known_at: Known = None,
    position: Position = None,
) -> UnitState:
    """Tell where a unit stands or stood, and what is or was in it."""
    thing = _unit("path.unit", unit)
    with gate.acting(caller) as conn:
        moment = _moment(conn, caller, as_of, known_at, position)
        now = reading.unit_now(conn, caller, thing, moment=moment)
        is_known = bool(now.content or now.around) or reading.unit_story(conn, caller, thing, limit=1)
    if not is_known:
        raise not_found("unit", thing.code)
    return UnitState(
        unit=thing.code,
        around=[Around.model_validate(each) for each in now.around],
        content=[UnitContent.model_validate(each) for each in now.content],
        instances=[UnitInstance.model_validate(each) for each in now.instances],
        left_over=[UnitContent.model_validate(each) for each in now.left_over],
    )


@router.get("/serial-story")
def list_serial_facts(
    *,
    gate: TheGate,
    caller: Caller,
    of: Of,
    as_of: At = None,
    known_at: Known = None,
    position: Position = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[StoryFact]:
    """List what is known of a serial, or of a tag that names nothing, the latest occurrence first."""
    thing = _thing("query.of", of)
    if isinstance(thing, Unit):
        raise _refused("query.of", f"{of!r:.80} names a unit: ask /v1/unit-story")
    with gate.acting(caller) as conn:
        moment = _moment(conn, caller, as_of, known_at, position)
        facts = reading.serial_story(
            conn, caller, thing, moment=moment, before=_place(after), limit=limit + 1
        )
    return page_of(facts, limit, show=_shown, key=_key)


@router.get("/unit-story")
def list_unit_facts(
    *,
    gate: TheGate,
    caller: Caller,
    of: Of,
    as_of: At = None,
    known_at: Known = None,
    position: Position = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[StoryFact]:
    """List what is known of a unit, the latest occurrence first."""
    thing = _unit("query.of", of)
    with gate.acting(caller) as conn:
        moment = _moment(conn, caller, as_of, known_at, position)
        facts = reading.unit_story(conn, caller, thing, moment=moment, before=_place(after), limit=limit + 1)
    return page_of(facts, limit, show=_shown, key=_key)


def _shown(fact: Fact) -> StoryFact:
    plain = {name: getattr(fact, name) for name in StoryFact.model_fields if name not in {"epoch", "told"}}
    return StoryFact(**plain, epoch=epoch_from_int(fact.epoch), told=dict(fact.told))


def _key(fact: Fact) -> list[str | int]:
    return [fact.occurred_at.isoformat(), fact.gateway_key, fact.epoch, fact.seq, fact.line]


def _thing(place: str, text: str) -> Serial | Unit | Tag:
    try:
        return named(text)
    except NamingError as error:
        raise _refused(place, f"{error}") from error


def _unit(place: str, text: str) -> Unit:
    thing = unit_named(text)
    if not isinstance(thing, Unit):
        raise _refused(place, f"{text!r:.80} names no unit: expected an SSCC, a GRAI or a unit's own code")
    return thing


def _refused(place: str, message: str) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-name", f"{place}: {message}")


def _moment(
    conn: Connection, caller: Actor, at: datetime | None, known_at: datetime | None, position: int | None
) -> AsOf:
    if known_at is not None:
        known = past.position_at(conn, caller, recorded_at=known_at)
        position = known if position is None else min(known, position)
    return AsOf(LATEST.occurred_at if at is None else at, GREATEST if position is None else position)


def _place(after: str | None) -> Place:
    if after is None:
        return LATEST
    at, *numbers = decode_cursor(after, str, int, int, int, int)
    gateway, epoch, seq, line = map(int, numbers)
    try:
        instant = datetime.fromisoformat(str(at)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _refused("query.after", f"{after!r:.60} is not a `next` of this list") from error
    if max(abs(gateway), abs(line)) >= 2**31 or max(abs(epoch), abs(seq)) >= 2**63:
        raise _refused("query.after", f"{after!r:.60} is not a `next` of this list")
    return Place(instant, gateway, epoch, seq, line)
