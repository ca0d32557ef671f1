"""`/v1/events/effects`: what events do to demand, as learned; `/v1/events/what-if`: what one would do."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.events.domain import MOST_ATTRIBUTES, Kind
from cloud.forecasting.domain import ForecastError
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/events", tags=["forecasts"], route_class=ConditionalRoute)

SiteId = Annotated[str, Query(pattern=ID_PATTERN)]
Text = Annotated[str | None, Query(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Day = Annotated[date, Query(ge=date(2000, 1, 1), le=date(2199, 12, 31))]
Attribute = Annotated[
    str, Field(max_length=200, pattern=r"^[^=\x00-\x1f\x7f-\x9f]{1,64}=[^\x00-\x1f\x7f-\x9f]+$")
]


class Factor(BaseModel):
    """A factor on demand with its 95 % interval."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    factor: float
    low: float
    high: float


class Course(BaseModel):
    """An effect in the earlier and the later half of its weeks."""

    verdict: str = Field(description="`lasts`, `fades`, `grows`, `ended` or `unknown`")
    early: Factor
    late: Factor


class LearnedEffect(Factor):
    """An effect at a site."""

    kind: str
    item_weeks: int = Field(description="Items x weeks that it was learned from")
    items: int
    day: Factor | None = Field(description="On one of its days beside the week's others; null: no week tells")
    course: Course | None = Field(description="Null: too few weeks to compare")


class SiteEffects(BaseModel):
    """What events do at a site."""

    site: str
    from_day: date
    to_day: date
    items: int = Field(description="Those most asked for, of `of_items`")
    of_items: int
    known_at: datetime
    effects: list[LearnedEffect]
    usual_promotion: Factor | None = Field(description="Depth and advertising together; null: there was none")
    cannibalisation: LearnedEffect | None = Field(
        description="Of a promotion upon the other items of its category; null: no category had one"
    )


class ExpectedDemand(BaseModel):
    """What a planned event would do to an item over its days, in base units."""

    model_config = ConfigDict(from_attributes=True)

    item: str
    base_unit: str
    is_own: bool = Field(description="False: an item of the same category that it takes demand from")
    factor: float
    low: float
    high: float
    base: float = Field(description="Forecast in force over the days")
    expected: float
    expected_low: float = Field(description="The effect's interval; the forecast's own band comes on top")
    expected_high: float


class WhatIf(BaseModel):
    """What a planned event would do; nothing is stated by asking."""

    site: str
    from_day: date
    to_day: date
    known_at: datetime
    items: list[ExpectedDemand]


@router.get("/effects", responses=responses(404))
def list_effects(*, gate: TheGate, caller: Caller, site: SiteId) -> SiteEffects:
    """Tell what events do to demand at a site, learned from all that is known now."""
    from cloud.forecasting.effects import reading, words  # noqa: PLC0415  numpy is an extra, and slow to load

    with gate.acting(caller) as conn:
        told = reading.site_effects(conn, caller, site=site, now=gate.clock())
    return SiteEffects.model_validate(words.effects_as_json(told))


@router.get("/what-if", responses=responses(404))
def tell_what_if(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteId,
    kind: Kind,
    from_day: Day,
    to_day: Annotated[Day, Query(description="Itself included")],
    item: Text = None,
    category: Annotated[Text, Query(description="Instead of an item")] = None,
    name: Annotated[str, Query(max_length=128, description="Of a holiday or another named event")] = "",
    attribute: Annotated[
        list[Attribute],
        Query(max_length=MOST_ATTRIBUTES, description="As `depth=0.2` for a price 20 % lower; repeatable"),
    ] = [],  # noqa: B006  FastAPI copies it
) -> WhatIf:
    """Tell what a planned event would do to the forecast in force, by what was learned at the site."""
    from cloud.forecasting.effects import reading  # noqa: PLC0415  see above

    now = gate.clock()
    with gate.acting(caller) as conn:
        told = reading.site_effects(conn, caller, site=site, now=now)
        found = reading.what_if(
            told,
            conn,
            kind=kind,
            attributes=_attributes(attribute),
            from_day=from_day,
            to_day=to_day,
            item=item,
            category=category,
            name=name,
        )
    shown = [ExpectedDemand.model_validate(one) for one in found]
    return WhatIf(site=site, from_day=from_day, to_day=to_day, known_at=now, items=shown)


def _attributes(given: list[str]) -> dict[str, bool | float | str]:
    """Read ``NAME=VALUE``; what is a number or a truth value is one."""
    read: dict[str, bool | float | str] = {}
    for text in given:
        name, _, value = text.partition("=")
        if name in read:
            raise ForecastError(f"attribute {name!r} stands there twice")
        if value.lower() in {"true", "false"}:
            read[name] = value.lower() == "true"
            continue
        try:
            read[name] = float(value)
        except ValueError:
            read[name] = value
    return read
