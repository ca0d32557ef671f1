"""`/v1/gateways`, `/v1/batches`, `/v1/completeness`, `/v1/gaps`: how whole the ledger is."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, JsonValue

from cloud.api.conditional import ConditionalRoute
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.requests import Caller, TheGate
from cloud.inquiry import operations
from cloud.inquiry.domain import BatchRow
from contracts.base import EpochId, epoch_from_int

router = APIRouter(prefix="/v1", tags=["completeness"], route_class=ConditionalRoute)


class Gateway(BaseModel):
    """A gateway as the ledger knows it and as it last spoke of itself."""

    model_config = ConfigDict(from_attributes=True)

    gateway: str
    site: str
    state: str
    presence: str
    heard_at: datetime | None
    complete_until: datetime | None
    agent: str | None
    health_at: datetime | None
    unacked_rows: int | None
    oldest_unacked_age_s: float | None
    is_outbox_full: bool | None
    is_clock_ok: bool | None
    readers: list[dict[str, JsonValue]]


class Batch(BaseModel):
    """A gateway batch in the ledger; `epoch` is 16 hexadecimal digits."""

    model_config = ConfigDict(from_attributes=True)

    gateway: str
    site: str
    epoch: EpochId
    batch_no: int
    sha256: str
    prev_sha256: str
    first_seq: int
    last_seq: int
    complete_until: datetime
    is_final: bool
    status: Literal["stored", "partly_quarantined"]
    received_at: datetime
    position: int
    recorded_at: datetime


class SiteCompleteness(BaseModel):
    """Up to when a site's ledger is whole; null while an active gateway has not said anything."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    complete_until: datetime | None
    active_gateways: int
    offline_gateways: list[str]


class Completeness(BaseModel):
    """How far the ledger goes, and up to when each site within reach is whole."""

    ledger_id: str
    position: int
    recorded_at: datetime | None
    complete_until: datetime | None
    sites: list[SiteCompleteness]


class Gap(BaseModel):
    """A stretch in which a device recorded nothing; open while `to_at` is null."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    gateway: str
    device: str
    from_at: datetime
    to_at: datetime | None
    cause: str


@router.get("/gateways")
def list_gateways(gate: TheGate, caller: Caller, limit: Limit = 100, after: After = None) -> Page[Gateway]:
    """List gateways by name."""
    (start,) = decode_cursor(after, str) if after else ("",)
    with gate.acting(caller) as conn:
        rows = operations.gateways(conn, caller, after=str(start), limit=limit + 1)
    return page_of(rows, limit, show=Gateway.model_validate, key=lambda row: [row.gateway])


@router.get("/batches")
def list_batches(
    *,
    gate: TheGate,
    caller: Caller,
    gateway: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Batch]:
    """List gateway batches, the latest position first."""
    with gate.acting(caller) as conn:
        if after is None:
            rows = operations.batches(conn, caller, gateway=gateway, limit=limit + 1)
        else:
            position, gateway_key, batch_no = map(int, decode_cursor(after, int, int, int))
            before = (position, gateway_key, batch_no)
            rows = operations.batches(conn, caller, gateway=gateway, before=before, limit=limit + 1)
    return page_of(rows, limit, show=_batch, key=lambda row: [row.position, row.gateway_key, row.batch_no])


@router.get("/completeness")
def get_completeness(gate: TheGate, caller: Caller) -> Completeness:
    """Say up to when the ledger is whole."""
    with gate.acting(caller) as conn:
        ledger, sites = operations.completeness(conn, caller)
    known = [site.complete_until for site in sites if site.complete_until is not None]
    return Completeness(
        ledger_id=ledger.ledger_id,
        position=ledger.position,
        recorded_at=ledger.recorded_at,
        complete_until=min(known) if len(known) == len(sites) and known else None,
        sites=[SiteCompleteness.model_validate(site) for site in sites],
    )


@router.get("/gaps")
def list_gaps(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    open: Annotated[bool, Query(description="Only gaps that have not ended")] = False,  # noqa: A002  the query's word
    limit: Limit = 100,
    after: After = None,
) -> Page[Gap]:
    """List coverage gaps, the latest beginning first."""
    before: tuple[datetime | None, str, str] = (None, "", "")
    if after is not None:
        from_at, gateway, device = map(str, decode_cursor(after, str, str, str))
        before = (datetime.fromisoformat(from_at), gateway, device)
    with gate.acting(caller) as conn:
        rows = operations.gaps(conn, caller, site=site, open_only=open, before=before, limit=limit + 1)
    return page_of(
        rows,
        limit,
        show=Gap.model_validate,
        key=lambda row: [row.from_at.isoformat(), row.gateway, row.device],
    )


def _batch(row: BatchRow) -> Batch:
    fields = {name: getattr(row, name) for name in Batch.model_fields}
    return Batch.model_validate({**fields, "epoch": epoch_from_int(row.epoch)})
