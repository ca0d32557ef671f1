"""`/v1/packaging`: what an item is measured in, and what each of its packaging levels holds."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.problems import ProblemError, not_found, responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.master import packaging
from cloud.master.levels import PackagingError
from cloud.master.packaging import KnownLevel, PackagingPaper, UnknownItemError

router = APIRouter(prefix="/v1/packaging", tags=["master data"], route_class=ConditionalRoute)


class PackagingLevel(BaseModel):
    """Base units in one of a GTIN from an instant on, and how that was stated."""

    gtin: str
    valid_from: datetime | None = Field(description="null: since ever")
    base_units: int
    base_units_denominator: int
    holds: int | None = Field(description="null: it was never stated as a level")
    holds_denominator: int | None
    of: str | None = Field(description="Another level; null: base units")


class PackagingTold(BaseModel):
    """What an item is measured in, and its levels over time."""

    item: str
    base_unit: str
    is_integer_only: bool
    items: list[PackagingLevel]


class PackagingLearnt(BaseModel):
    """What became of levels that were stated."""

    item: str
    ratios: int = Field(description="How many ratios the ledger learnt")


@router.get("", responses=responses(404))
def get_packaging(
    *, gate: TheGate, caller: Caller, item: Annotated[str, Query(min_length=1, max_length=128)]
) -> PackagingTold:
    """Tell an item's packaging levels, by GTIN and instant."""
    with gate.acting(caller) as conn:
        try:
            told = packaging.packaging(conn, caller, item=item)
        except UnknownItemError as error:
            raise not_found("item", item) from error
    levels = [_level(level) for level in told.levels]
    return PackagingTold(
        item=told.item, base_unit=told.base_unit, is_integer_only=told.is_integer_only, items=levels
    )


@router.post("", status_code=201, response_model=PackagingLearnt, responses=responses(400, 404, 409, 413))
def put_packaging(
    *, gate: TheGate, caller: Caller, body: PackagingPaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """State packaging levels; levels that hold a changed one change with it."""

    def effect(conn: Connection) -> PackagingLearnt:
        try:
            return PackagingLearnt(item=body.item, ratios=packaging.put_packaging(conn, caller, body))
        except UnknownItemError as error:
            raise not_found("item", body.item) from error
        except PackagingError as error:
            raise ProblemError(HTTPStatus.CONFLICT, "packaging-conflict", f"{error}") from error

    return post_once(gate, caller, idempotency_key, target="/v1/packaging", body=body, effect=effect)


def _level(level: KnownLevel) -> PackagingLevel:
    return PackagingLevel(
        gtin=level.gtin,
        valid_from=level.valid_from,
        base_units=level.base_units.numerator,
        base_units_denominator=level.base_units.denominator,
        holds=None if level.holds is None else level.holds.numerator,
        holds_denominator=None if level.holds is None else level.holds.denominator,
        of=level.of,
    )
