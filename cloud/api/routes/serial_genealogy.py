"""`/v1/serial-genealogy`: what a serial was made of, which kits hold it, where all that is and who got it."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.lots import Part, Place, Recipient
from cloud.lots.domain import Link
from cloud.lots.serials import Reached, serial_genealogy
from cloud.units.gs1 import NamingError
from cloud.units.names import Serial, named

router = APIRouter(prefix="/v1", tags=["lots"], route_class=ConditionalRoute)


class SerialPlace(BaseModel):
    """Where a serial is, and who got it."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    place: str = Field(description="Place, account or unit that it was put into last")
    place_kind: str
    stands: str | None = Field(description="Where that unit stands")
    lot: str | None
    disposition: str | None
    since_at: datetime
    partner: str | None = Field(description="Who got it, by itself or with its unit")
    papers: str | None


class SerialRelative(BaseModel):
    """A serial or lot that another holds, or is held by."""

    item: str
    serial: str | None = Field(description="As its tag has it; null: a lot, or goods without one")
    lot: str | None
    steps: int = Field(
        description="Transformations away: above zero made of it, below zero what it was made of"
    )
    is_possible: bool = Field(description="Several became several, or a lot was not kept: it may be another")
    stand: SerialPlace | None = Field(description="Of a serial; null: at no site of the caller")
    stock: list[Place]
    recipients: list[Recipient]


class SerialPart(Part):
    """What one transformation used or made: a serial, or a quantity of a lot."""

    serial: str | None


class SerialTree(BaseModel):
    """A serial: what it was made of, what holds it, and where all that is."""

    item: str
    serial: str
    lot: str | None
    forward: list[SerialRelative] = Field(description="Itself, then what holds it: what a recall must reach")
    backward: list[SerialRelative]
    transformations: list[SerialPart]


@router.get("/serial-genealogy", responses=responses(404))
def get_genealogy(
    *, gate: TheGate, caller: Caller, of: Annotated[str, Query(min_length=1, max_length=400)]
) -> SerialTree:
    """Tell what a serial was made of and which kits hold it, through kits of kits and pallets."""
    try:
        thing = named(of)
    except NamingError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "not-a-name", f"query.of: {error}") from error
    if not isinstance(thing, Serial):
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "not-a-serial",
            f"query.of: {of!r:.80}: expected a GTIN and serial",
        )
    with gate.acting(caller) as conn:
        told = serial_genealogy(conn, caller, names=thing.names)
    links = [link for of_one in told.genealogy.links.values() for link in of_one]
    return SerialTree(
        item=told.serial.item,
        serial=told.serial.serial,
        lot=told.serial.lot,
        forward=[_relative(each) for each in told.forward],
        backward=[_relative(each) for each in told.backward],
        transformations=[_part(link) for link in links],
    )


def _relative(each: Reached) -> SerialRelative:
    lying = each.whereabouts
    return SerialRelative(
        item=each.relative.item,
        serial=each.relative.key.serial,
        lot=each.stand.lot if each.stand else each.relative.key.lot,
        steps=each.relative.steps,
        is_possible=each.relative.is_possible,
        stand=None if each.stand is None else SerialPlace.model_validate(each.stand),
        stock=[Place.model_validate(row) for row in lying.stock] if lying else [],
        recipients=[Recipient.model_validate(row._asdict()) for row in lying.recipients] if lying else [],
    )


def _part(link: Link) -> SerialPart:
    fields = {name: getattr(link, name) for name in SerialPart.model_fields}
    return SerialPart(**fields)
