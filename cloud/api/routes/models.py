"""`/v1/models`: which method forecasts a site, who challenges it, which series have models of their own."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.forecasting.chosen import reading as chosen
from cloud.forecasting.chosen.service import ChoicePaper, choose
from cloud.forecasting.overrides.papers import Note
from cloud.forecasting.registry import reading
from cloud.forecasting.registry import service as registry
from cloud.forecasting.registry.settings import ModelSettingPaper, put_setting
from cloud.inquiry.domain import GREATEST
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/models", tags=["forecasts"], route_class=ConditionalRoute)

OfSite = Annotated[str | None, Query(pattern=ID_PATTERN)]
Number = Annotated[int, Path(ge=1, le=GREATEST)]


class ModelVersion(BaseModel):
    """A version of a site's model, and what it was learned from."""

    model_config = ConfigDict(from_attributes=True, protected_namespaces=())

    version_id: int
    site: str
    name: str
    role: str
    parent_id: int | None
    run_id: int | None
    trained_from: date
    trained_until: date
    series: int
    because: str
    parameters: dict[str, Any]
    weights: dict[str, float]
    has_state: bool
    state_sha256: str
    state_bytes: int
    inputs_sha256: str
    code_version: str
    registered_at: datetime
    retired_at: datetime | None


class ModelEvent(BaseModel):
    """Something that was decided on a site's models, with its evidence."""

    model_config = ConfigDict(from_attributes=True)

    event_id: int
    site: str
    version_id: int | None
    name: str | None
    run_id: int | None
    kind: str
    because: str
    evidence: dict[str, Any]
    actor: str
    happened_at: datetime


class WithdrawModelPaper(BaseModel):
    """Why a challenger is taken out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    note: Note = ""


class ModelSettingShown(BaseModel):
    """Who challenges at a site, and which series are tried with models of their own."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    challengers: list[str] = Field(description="Methods that nightly runs hold a contest of")
    every_days: int
    series_by_value: int = Field(description="So many of the most valuable series are tried with ARIMA")
    budget_s: int = Field(description="Processor time of fitting them in one run")
    set_by: str | None = Field(description="Null: nobody chose, the defaults hold")
    set_at: datetime | None


class SeriesModelShown(BaseModel):
    """A series that is chosen for a model of its own."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    item: str
    item_name: str | None
    choice: str = Field(description="`pinned`, `left_out`, or `by_value`")
    chosen_by: str | None
    note: str | None
    name: str | None = Field(description="Of the model; null: it was not tried yet")
    standing: str | None = Field(description="`in_force`, `not_better`, `not_fitted` or `not_chosen`")
    why: str | None
    run_id: int | None
    judged_until: date | None
    decided_at: datetime | None
    diagnosis: dict[str, Any] = Field(description="Of the newest fit: order, Ljung-Box, Jarque-Bera, drivers")
    evidence: dict[str, Any] = Field(description="Error and stock cost beside the site's method alone")


@router.get("")
def list_models(
    *, gate: TheGate, caller: Caller, site: OfSite = None, limit: Limit = 100, after: After = None
) -> Page[ModelVersion]:
    """List versions of models, the latest first."""
    with gate.acting(caller) as conn:
        rows = reading.versions(conn, caller, site=site, before=_before(after), limit=limit + 1)
    return page_of(rows, limit, show=ModelVersion.model_validate, key=lambda row: [row.version_id])


@router.get("/events")
def list_model_events(
    *, gate: TheGate, caller: Caller, site: OfSite = None, limit: Limit = 100, after: After = None
) -> Page[ModelEvent]:
    """List what was decided on models, the latest first."""
    with gate.acting(caller) as conn:
        rows = reading.events(conn, caller, site=site, before=_before(after), limit=limit + 1)
    return page_of(rows, limit, show=ModelEvent.model_validate, key=lambda row: [row.event_id])


@router.get("/settings")
def get_model_setting(
    *, gate: TheGate, caller: Caller, site: Annotated[str, Query(pattern=ID_PATTERN)]
) -> ModelSettingShown:
    """Give who challenges at a site, and which series are tried with models of their own."""
    with gate.acting(caller) as conn:
        return ModelSettingShown.model_validate(reading.setting(conn, caller, site))


@router.post(
    "/settings", status_code=201, response_model=ModelSettingShown, responses=responses(400, 404, 409, 413)
)
def set_model_setting(
    *, gate: TheGate, caller: Caller, body: ModelSettingPaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Say who challenges at a site, from the next run on."""

    def effect(conn: Connection) -> ModelSettingShown:
        return ModelSettingShown.model_validate(put_setting(conn, caller, body))

    target = "/v1/models/settings"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


@router.get("/series")
def list_series_models(
    *, gate: TheGate, caller: Caller, site: OfSite = None, limit: Limit = 100, after: After = None
) -> Page[SeriesModelShown]:
    """List the series that are chosen for models of their own, with what came of each."""
    start = chosen.FIRST if after is None else tuple(decode_cursor(after, str, str))
    with gate.acting(caller) as conn:
        rows = chosen.series(conn, caller, site=site, after=(str(start[0]), str(start[1])), limit=limit + 1)
    return page_of(rows, limit, show=SeriesModelShown.model_validate, key=lambda row: [row.site, row.item])


@router.post(
    "/series", status_code=201, response_model=SeriesModelShown, responses=responses(400, 404, 409, 413)
)
def choose_series(
    *, gate: TheGate, caller: Caller, body: ChoicePaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Say of a series whether it is tried with a model of its own."""

    def effect(conn: Connection) -> SeriesModelShown:
        return SeriesModelShown.model_validate(choose(conn, caller, body))

    target = "/v1/models/series"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


@router.get("/{version_id}", responses=responses(404))
def get_model(*, gate: TheGate, caller: Caller, version_id: Number) -> ModelVersion:
    """Give a version of a model."""
    with gate.acting(caller) as conn:
        return ModelVersion.model_validate(reading.version(conn, caller, version_id))


@router.post(
    "/{version_id}/withdraw",
    status_code=201,
    response_model=ModelVersion,
    responses=responses(400, 404, 409, 413),
)
def withdraw_model(
    *,
    gate: TheGate,
    caller: Caller,
    version_id: Number,
    body: WithdrawModelPaper,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Take a challenger out of the contest."""

    def effect(conn: Connection) -> ModelVersion:
        return ModelVersion.model_validate(registry.withdraw(conn, caller, version_id, note=body.note))

    target = f"/v1/models/{version_id}/withdraw"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


def _before(after: str | None) -> int | None:
    return None if after is None else min(int(decode_cursor(after, int)[0]), GREATEST)
