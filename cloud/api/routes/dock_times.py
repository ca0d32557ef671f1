"""`/v1/dock-to-stock`: how long goods take from the first sight of them to a usable place."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.problems import ProblemError
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.receipts import SiteQuery
from cloud.documents import dock_times

router = APIRouter(prefix="/v1/dock-to-stock", tags=["receiving"], route_class=ConditionalRoute)

_WEEK = timedelta(days=7)
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_LAST = datetime(2200, 1, 1, tzinfo=UTC)


class DockLine(BaseModel):
    """A line of a receipt and its way into stock."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    receipt: str
    line: str
    item: str
    quantity: Decimal
    location: str
    unit: str | None
    partner: str | None
    began_at: datetime = Field(description="First seen at a door, arrived, or received")
    received_at: datetime
    put_away_at: datetime | None = Field(description="Null: it still stands at the dock")


class DockToStock(BaseModel):
    """How long lines took, in seconds, and the slowest of them."""

    lines: int = Field(description="In stock")
    median_s: float | None
    ninety_percent_within_s: float | None
    at_dock: int = Field(description="Not in stock yet")
    oldest_at: datetime | None
    slowest: list[DockLine] = Field(description="At most 100; those still at the dock first")


@router.get("")
def get_dock_to_stock(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteQuery = None,
    from_at: Annotated[AwareDatetime | None, Query()] = None,
    until_at: Annotated[AwareDatetime | None, Query()] = None,
) -> DockToStock:
    """Tell dock-to-stock times of what came in a period, by default of the last seven days."""
    until = until_at or gate.clock()
    since = from_at or until - min(_WEEK, until - _FIRST)
    if not _FIRST <= since < until <= _LAST:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "bad-period",
            f"from_at {since.isoformat()}, until_at {until.isoformat()}: expected a period after 1999",
        )
    with gate.acting(caller) as conn:
        rows = dock_times.dock_times(conn, caller, site=site, from_at=since, until_at=until)
    told = dock_times.summary(rows)
    rows.sort(key=lambda row: (row.took is not None, -(row.took or timedelta(0)), row.began_at))
    return DockToStock(
        lines=told.lines,
        median_s=None if told.median is None else told.median.total_seconds(),
        ninety_percent_within_s=None if told.ninety is None else told.ninety.total_seconds(),
        at_dock=told.at_dock,
        oldest_at=told.oldest_at,
        slowest=[DockLine.model_validate(row) for row in rows[:100]],
    )
