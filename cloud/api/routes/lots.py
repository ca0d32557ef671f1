"""`/v1/lots`: where lots are and have been, what was made of them, who got them."""

from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.lots import reading
from cloud.lots.domain import HistoryRow, Link
from cloud.lots.genealogy import Relative
from cloud.lots.reading import ExpiresBy, LotStory, Whereabouts
from contracts.base import EpochId, epoch_from_int, epoch_to_int

router = APIRouter(prefix="/v1", tags=["lots"], route_class=ConditionalRoute)

ItemCode = Annotated[str, Query(min_length=1, max_length=128, description="Code of the item")]
LotName = Annotated[str, Query(min_length=1, max_length=128, description="Name of the lot")]


class Lot(BaseModel):
    """A lot with what lies there of it at the caller's sites."""

    model_config = ConfigDict(from_attributes=True)

    item: str
    item_name: str | None
    base_unit: str
    lot: str
    expires_on: date | None = Field(description="The first day on which it is no longer good")
    on_hand: Decimal
    sites: int


class Place(BaseModel):
    """Where some of a lot lies now."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    location: str | None = Field(description="Bin or account; of a unit, where it stands")
    unit: str | None
    disposition: str | None
    owner: str | None
    quantity: Decimal


class Recipient(BaseModel):
    """What went to a customer under a document, less what came back."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    partner: str | None
    type: str | None
    id: str | None
    item: str
    lot: str | None
    quantity: Decimal
    first_at: datetime
    last_at: datetime


class Related(BaseModel):
    """A lot in the genealogy of another."""

    item: str
    lot: str | None = Field(description="null: goods of which no lot was kept")
    base_unit: str
    steps: int = Field(
        description="Transformations away: above zero made of it, below zero what it was made of"
    )
    is_possible: bool = Field(description="A lot was not kept on the way: it may be this, or other goods")
    since: datetime | None = Field(description="Of goods without a lot: from when on they may be of it")


class RelatedStock(Related):
    """A lot that was made of another, with where it is now and who got it."""

    stock: list[Place]
    accounts: list[Place]
    recipients: list[Recipient]


class Part(BaseModel):
    """What one transformation used of a lot, or made of it."""

    site: str
    type: str
    id: str
    is_input: bool
    item: str
    lot: str | None
    quantity: Decimal
    first_at: datetime
    last_at: datetime


class Story(BaseModel):
    """A lot: what it was made of, what was made of it, where all that is and who got it."""

    item: str
    item_name: str | None
    lot: str
    expires_on: date | None
    produced_on: date | None
    is_inferred: bool = Field(
        description="It expires its item's shelf life after its production: nobody stated when"
    )
    expires_by: ExpiresBy | None = Field(
        description="Who says when it expires: people, its label (AI 17), its label's best-before date "
        "(AI 15), or its item's shelf life after its production; null: nobody"
    )
    forward: list[RelatedStock] = Field(description="The lot itself first")
    backward: list[Related]
    transformations: list[Part]


class Moved(BaseModel):
    """A movement of a lot."""

    gateway: str
    epoch: str
    seq: int
    site: str
    occurred_at: datetime
    recorded_at: datetime
    position: int
    quantity: Decimal
    from_location: str
    from_lot: str | None
    from_disposition: str | None
    to_location: str
    to_lot: str | None
    to_disposition: str | None
    reason: str | None
    documents: list[dict[str, Any]]
    rule: str | None = Field(description="By which rule it was inferred; null: it was stated")


@router.get("/lots")
def list_lots(
    *,
    gate: TheGate,
    caller: Caller,
    item: Annotated[str | None, Query(max_length=128)] = None,
    text: Annotated[str | None, Query(max_length=128, description="Part of a lot's name")] = None,
    held: Annotated[bool, Query(description="Only lots of which something lies there")] = False,
    limit: Limit = 100,
    after: After = None,
) -> Page[Lot]:
    """List lots by item and name."""
    start = ("", "")
    if after is not None:
        after_item, after_lot = map(str, decode_cursor(after, str, str))
        start = (after_item, after_lot)
    with gate.acting(caller) as conn:
        rows = reading.lots(conn, caller, item=item, text=text, only_held=held, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Lot.model_validate, key=lambda row: [row.item, row.lot])


@router.get("/lot-story", responses=responses(404))
def get_lot_story(*, gate: TheGate, caller: Caller, item: ItemCode, lot: LotName) -> Story:
    """Tell what a lot was made of, what was made of it, where all that is now and who got it."""
    with gate.acting(caller) as conn:
        return story_of(reading.story(conn, caller, item=item, lot=lot))


@router.get("/lot-history", responses=responses(404))
def list_lot_history(
    *, gate: TheGate, caller: Caller, item: ItemCode, lot: LotName, limit: Limit = 100, after: After = None
) -> Page[Moved]:
    """Tell where a lot has been, the latest occurrence first."""
    before = reading.LATEST
    if after is not None:
        before = _place(after)
    with gate.acting(caller) as conn:
        rows = reading.history(conn, caller, item=item, lot=lot, before=before, limit=limit + 1)
    return page_of(
        rows,
        limit,
        show=_moved,
        key=lambda row: [row.occurred_at.isoformat(), row.gateway_key, epoch_from_int(row.epoch), row.seq],
    )


def story_of(told: LotStory) -> Story:
    """Show a lot's story.

    Args:
        told: The story.

    Returns:
        For an answer.
    """
    links = [link for of_one in told.genealogy.links.values() for link in of_one]
    return Story(
        item=told.lot.code,
        item_name=told.lot.name,
        lot=told.lot.lot,
        expires_on=told.lot.expires_on,
        produced_on=told.lot.produced_on,
        is_inferred=told.lot.is_inferred,
        expires_by=told.lot.expires_by,
        forward=[with_stock(each) for each in told.forward],
        backward=[Related(**_related(each)) for each in told.genealogy.backward() if each.steps],
        transformations=[_part(link) for link in links],
    )


def _related(relative: Relative) -> dict[str, Any]:
    return {
        "item": relative.item,
        "lot": relative.key.lot,
        "base_unit": relative.base_unit,
        "steps": relative.steps,
        "is_possible": relative.is_possible,
        "since": relative.since,
    }


def with_stock(each: Whereabouts) -> RelatedStock:
    """Show where a lot of a genealogy is and who got it.

    Args:
        each: The lot.

    Returns:
        For an answer.
    """
    return RelatedStock(
        **_related(each.relative),
        stock=[Place.model_validate(row) for row in each.stock],
        accounts=[Place.model_validate(row) for row in each.accounts],
        recipients=[Recipient.model_validate(row) for row in each.recipients],
    )


def _part(link: Link) -> Part:
    return Part(
        site=link.site,
        type=link.type,
        id=link.id,
        is_input=link.is_input,
        item=link.item,
        lot=link.lot,
        quantity=link.quantity,
        first_at=link.first_at,
        last_at=link.last_at,
    )


def _moved(row: HistoryRow) -> Moved:
    shown = {name: value for name, value in row._asdict().items() if name in Moved.model_fields}
    return Moved.model_validate(shown | {"epoch": epoch_from_int(row.epoch)})


def _place(after: str) -> tuple[datetime, int, int, int]:
    at, gateway, epoch, seq = decode_cursor(after, str, int, str, int)
    try:
        instant, number = datetime.fromisoformat(str(at)), epoch_to_int(EpochId(str(epoch)))
    except ValueError as error:
        raise _no_cursor() from error
    if instant.tzinfo is None or abs(int(gateway)) >= 2**31 or abs(int(seq)) >= 2**63:
        raise _no_cursor()
    return instant, int(gateway), number, int(seq)


def _no_cursor() -> ProblemError:
    message = "query.after is not a `next` of this list; begin again without it"
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-cursor", message)
