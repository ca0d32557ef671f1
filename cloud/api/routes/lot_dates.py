"""`/v1/lot-dates`: what people and labels say of a lot's dates, and which of it holds."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.lots import ItemCode, LotName
from cloud.lots import dating
from cloud.lots.reading import ExpiresBy

router = APIRouter(prefix="/v1", tags=["lots"], route_class=ConditionalRoute)


class LabelSays(BaseModel):
    """Dates that labels of a lot bear, as handhelds scanned them; each but the first two is a last day."""

    model_config = ConfigDict(from_attributes=True)

    produced_on: date | None = Field(description="AI 11")
    packed_on: date | None = Field(description="AI 13")
    best_before: date | None = Field(description="AI 15")
    sell_by: date | None = Field(description="AI 16")
    use_by: date | None = Field(description="AI 17, or the day of 7003")
    said: int = Field(description="Movements that say so and were not reversed")
    site: str | None = Field(description="Where it was scanned first; null: out of the caller's reach")
    gateway: str | None
    actor: str | None
    occurred_at: datetime
    noted_at: datetime = Field(description="When the ledger noted it")


class Statement(BaseModel):
    """What somebody said of a lot's dates."""

    model_config = ConfigDict(from_attributes=True)

    statement_id: int
    expiry: Literal["on", "keeps", "taken_back"] | None = Field(description="null: not spoken of")
    expires_on: date | None
    production: Literal["on", "taken_back"] | None = Field(description="null: not spoken of")
    produced_on: date | None
    reason: str | None
    stated_by: str
    stated_at: datetime


class LotDates(BaseModel):
    """A lot's dates, and where they are from."""

    item: str
    lot: str
    expires_on: date | None = Field(description="The first day on which it is no longer good")
    produced_on: date | None
    expires_by: ExpiresBy | None = Field(description="Who says when it expires; null: nobody")
    labels_differ: str | None = Field(
        description="In what its labels differ from each other or from what people said, and nobody answered"
    )
    labels: list[LabelSays]
    statements: list[Statement] = Field(description="The latest first")


@router.get("/lot-dates", responses=responses(404))
def get_lot_dates(
    *,
    gate: TheGate,
    caller: Caller,
    item: ItemCode,
    lot: LotName,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most statements to give")] = 100,
) -> LotDates:
    """Tell who said what of a lot's dates, when and why, and what its labels say."""
    with gate.acting(caller) as conn:
        told = dating.story(conn, caller, item=item, lot=lot, limit=limit)
    return LotDates(
        item=told.lot.code,
        lot=told.lot.lot,
        expires_on=told.lot.expires_on,
        produced_on=told.lot.produced_on,
        expires_by=told.lot.expires_by,
        labels_differ=told.labels_differ,
        labels=[LabelSays.model_validate(row) for row in told.labels],
        statements=[Statement.model_validate(row) for row in told.statements],
    )
