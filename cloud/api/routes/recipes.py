"""`/v1/recipes` and `/v1/transformations`: what things are made of, and what was made."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.recipes import making, service
from cloud.recipes.domain import Recipe, RecipeKind
from cloud.recipes.making import Sheet
from cloud.recipes.papers import MadePaper, PlanPaper, RecipePaper, TakenBackPaper
from contracts.base import Site, UtcDatetime

router = APIRouter(prefix="/v1", tags=["recipes"], route_class=ConditionalRoute)

_TEXT = r"^[^\x00-\x1f\x7f-\x9f]*$"
LATELY = timedelta(days=7)
Text = Annotated[str | None, Query(max_length=128, pattern=_TEXT)]
Kind = Annotated[str, Path(max_length=64, pattern=r"^[a-z_]+$")]
Name = Annotated[str, Path(min_length=1, max_length=128, pattern=_TEXT)]


class RecipeLine(BaseModel):
    """What a recipe uses or makes of an item, in base units, done once."""

    model_config = ConfigDict(from_attributes=True)

    is_input: bool
    item: str
    base_unit: str
    quantity: Decimal
    cost_share: Decimal | None = Field(description="Percent of what went in; null: by quantity")


class RecipeVersion(BaseModel):
    """One version of a recipe."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    version: int
    kind: RecipeKind
    valid_from: datetime
    valid_until: datetime | None = Field(description="From this instant on it holds no more; null: it holds")
    stated_at: datetime
    stated_by: str
    lines: list[RecipeLine]


class Transformed(BaseModel):
    """A transformation in a list."""

    model_config = ConfigDict(from_attributes=True)

    type: str
    id: str
    first_at: datetime | None = Field(description="null: it was planned, and nothing has been done")
    last_at: datetime | None
    recipe: str | None
    version: int | None
    times: Decimal | None = Field(description="How often it was to be done")
    is_stated: bool | None = Field(description="false: nobody named the recipe; it held for what was made")
    item: str | None = Field(description="Of which most was made")
    base_unit: str | None
    quantity: Decimal | None


class TransformedLine(BaseModel):
    """An item that was used or made, beside what the recipe lets expect; in base units."""

    is_input: bool
    item: str
    base_unit: str
    quantity: Decimal
    expected: Decimal | None = Field(
        description="What was used: for what was made; what was made: for what was used of the first"
    )
    variance: Decimal | None
    planned: Decimal | None
    yield_percent: Decimal | None
    value: Decimal | None = Field(description="What it cost, or carries; null: not known, or not shown")


class TransformationSheet(BaseModel):
    """A transformation beside its recipe, with what it cost."""

    site: str
    type: str
    id: str
    recipe: str | None
    version: int | None
    times: Decimal | None
    is_stated: bool
    currency: str | None
    value_in: Decimal | None
    value_out: Decimal | None
    value_variance: Decimal | None = Field(
        description="Zero, unless what was made has a standard cost of its own"
    )
    lines: list[TransformedLine]


class Planned(BaseModel):
    """Which statement about a transformation holds."""

    revision: int


class Made(BaseModel):
    """The posting that was made."""

    position: int


@router.get("/recipes")
def list_recipes(
    *,
    gate: TheGate,
    caller: Caller,
    code: Text = None,
    item: Annotated[str | None, Query(max_length=128, pattern=_TEXT, description="Uses or makes it")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[RecipeVersion]:
    """List recipes by code and version; what was valid stays."""
    start = ("", 0)
    if after is not None:
        name, version = decode_cursor(after, str, int)
        start = (str(name), int(version))
    with gate.acting(caller) as conn:
        rows = service.recipes(conn, caller, code=code, item=item, after=start, limit=limit + 1)
    return page_of(rows, limit, show=_version, key=lambda row: [row.code, row.version])


@router.post("/recipes", status_code=201, response_model=RecipeVersion, responses=responses(400, 409, 413))
def put_recipe(*, gate: TheGate, caller: Caller, once: Once, body: RecipePaper) -> JSONResponse:
    """State a recipe from an instant on; the same again makes no new version."""

    def effect(conn: Connection) -> RecipeVersion:
        (made,) = service.put_recipes(conn, caller, [body], now=gate.clock())
        return _version(made)

    return once.answer(body, effect)


@router.get("/transformations")
def list_transformations(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[Site, Query()],
    from_at: Annotated[UtcDatetime | None, Query(description="null: seven days ago")] = None,
    until_at: Annotated[UtcDatetime | None, Query(description="null: now")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Transformed]:
    """List what a site made or planned in a stretch of time, by type and id."""
    start = ("", "")
    if after is not None:
        kind, name = map(str, decode_cursor(after, str, str))
        start = (kind, name)
    until = until_at or gate.clock()
    since = until - LATELY if until.year > 1 else until
    stretch = {"from_at": from_at or since, "until_at": until}
    with gate.acting(caller) as conn:
        rows = making.transformations(conn, caller, site=site, **stretch, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Transformed.model_validate, key=lambda row: [row.type, row.id])


@router.get("/transformations/{site}/{type}/{id:path}", responses=responses(404))
def get_transformation(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[Site, Path()],
    type: Kind,  # noqa: A002  the path's name
    id: Name,  # noqa: A002  the path's name
) -> TransformationSheet:
    """Tell what a transformation used and made, beside its recipe, and what that cost and carries."""
    with gate.acting(caller) as conn:
        return _sheet(making.sheet(conn, caller, site=site, kind=type, name=id))


@router.post(
    "/transformation-plans", status_code=201, response_model=Planned, responses=responses(400, 404, 413)
)
def plan_transformation(*, gate: TheGate, caller: Caller, once: Once, body: PlanPaper) -> JSONResponse:
    """Say by which recipe a transformation is done, and how often; the last word holds."""
    return once.answer(body, lambda conn: Planned(revision=making.plan(conn, caller, body, now=gate.clock())))


@router.post("/transformations", status_code=201, response_model=Made, responses=responses(400, 404, 413))
def post_transformation(*, gate: TheGate, caller: Caller, once: Once, body: MadePaper) -> JSONResponse:
    """Say what was used and what was made of it, or how often a recipe was done."""
    return once.answer(
        body, lambda conn: Made(position=making.make(conn, caller, body, now=gate.clock()).position)
    )


@router.post(
    "/transformation-reversals", status_code=201, response_model=Made, responses=responses(400, 409, 413)
)
def take_back(*, caller: Caller, once: Once, body: TakenBackPaper) -> JSONResponse:
    """Take a transformation back, whole: what it used is there again, at what it cost."""

    def effect(conn: Connection) -> Made:
        posted = making.take_back(
            conn, caller, site=body.site, kind=body.type, name=body.id, reason=body.reason
        )
        return Made(position=posted.position)

    return once.answer(body, effect)


def _version(row: Recipe) -> RecipeVersion:
    return RecipeVersion.model_validate(row)


def _sheet(told: Sheet) -> TransformationSheet:
    return TransformationSheet(
        site=told.site,
        type=told.type,
        id=told.id,
        recipe=told.recipe.code if told.recipe else None,
        version=told.recipe.version if told.recipe else None,
        times=told.times,
        is_stated=told.is_stated,
        currency=told.currency,
        value_in=told.value_in,
        value_out=told.value_out,
        value_variance=told.value_variance,
        lines=[
            TransformedLine(
                is_input=line.row.is_input,
                item=line.row.item,
                base_unit=line.row.base_unit,
                quantity=line.row.quantity,
                expected=line.expected,
                variance=line.variance,
                planned=line.planned,
                yield_percent=line.yield_percent,
                value=line.row.value,
            )
            for line in told.lines
        ],
    )
