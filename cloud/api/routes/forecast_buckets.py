"""`/v1/forecast-buckets`: in which period each class of items is forecast, since when, by what evidence."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.requests import Caller, TheGate
from cloud.forecasting.granularity import reading
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/forecast-buckets", tags=["forecasts"], route_class=ConditionalRoute)


class BucketChoice(BaseModel):
    """The period that a class of a site's items is forecast in."""

    model_config = ConfigDict(from_attributes=True)

    choice_id: int
    site: str
    class_name: str = Field(description="Pattern of demand, and how often is ordered")
    bucket: str = Field(description="`day`, `week`, `four_weeks`, or `reconciled`: all three")
    decided_on: date = Field(description="Last day of the demand that it was decided by")
    is_in_force: bool
    evidence: dict[str, Any] = Field(
        description="`cost` of stock with each, and with the `naive` forecast; `wape`; `gains`; `why`"
    )
    run_id: int
    decided_at: datetime


@router.get("")
def list_bucket_choices(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[BucketChoice]:
    """List choices, the latest first."""
    before = reading.LATEST if after is None else int(decode_cursor(after, int)[0])
    with gate.acting(caller) as conn:
        rows = reading.choices(conn, caller, site=site, before=before, limit=limit + 1)
    return page_of(rows, limit, show=BucketChoice.model_validate, key=lambda row: [row.choice_id])
