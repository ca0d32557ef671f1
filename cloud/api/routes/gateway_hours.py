"""`/v1/gateway-hours`: what each gateway saw and how it fared, hour by hour."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.requests import Caller, TheGate
from cloud.inquiry import operations
from contracts.base import UtcDatetime

router = APIRouter(prefix="/v1/gateway-hours", tags=["gateways"], route_class=ConditionalRoute)

_LAST: Final = 253_402_300_799
"""Of all seconds, since 1970."""


class GatewayHour(BaseModel):
    """An hour of a gateway; null: nothing was heard of it."""

    model_config = ConfigDict(from_attributes=True)

    gateway: str
    site: str
    hour: datetime = Field(description="Its beginning")
    crossings: int = Field(description="That its doors decided, of units or things")
    held: int = Field(description="Of these, left to a person")
    reads: int = Field(description="Of tags, that the crossings rest on")
    sightings: int = Field(description="Units that were seen at a place")
    heard: int = Field(description="Of its states of health, one in 5 minutes is kept")
    unacked_rows: int | None = Field(description="The most that waited at the gateway")
    oldest_unacked_age_s: float | None
    is_outbox_full: bool | None = Field(description="At any time")
    is_clock_ok: bool | None = Field(description="All the time")
    readers_connected: int | None = Field(description="The fewest")


@router.get("")
def list_gateway_hours(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    gateway: Annotated[str | None, Query(max_length=64)] = None,
    since: Annotated[UtcDatetime | None, Query(description="Hours that begin at or after")] = None,
    until: Annotated[UtcDatetime | None, Query(description="Hours that begin before")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[GatewayHour]:
    """List hours in which a gateway saw or said something, the latest first."""
    before = operations.LAST_HOUR
    if after is not None:
        second, name = decode_cursor(after, int, str)
        before = (datetime.fromtimestamp(min(max(int(second), 0), _LAST), UTC), str(name))
    with gate.acting(caller) as conn:
        rows = operations.gateway_hours(
            conn,
            caller,
            site=site,
            gateway=gateway,
            since=since,
            until=until,
            before=before,
            limit=limit + 1,
        )
    return page_of(
        rows, limit, show=GatewayHour.model_validate, key=lambda row: [int(row.hour.timestamp()), row.gateway]
    )
