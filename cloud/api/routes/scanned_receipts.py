"""`/v1/scanned-receipts`: what handhelds received, each with the line of the ASN or order that it is of."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.requests import Caller, TheGate
from cloud.documents.receiving.scanned import BLIND, Scanned, scanned
from contracts.base import EpochId, Site, epoch_from_int

router = APIRouter(prefix="/v1", tags=["receiving"], route_class=ConditionalRoute)


class ScannedPart(BaseModel):
    """A scan, or the part of one that is of one line; in base units."""

    gateway: str
    epoch: EpochId
    seq: int
    occurred_at: datetime
    actor: str | None
    item: str
    base_unit: str
    lot: str | None
    location: str
    type: Literal["asn", "purchase_order", "blind"] = Field(
        description="Of the document; blind: the number is of neither"
    )
    line: str | None = Field(description="Of that document; null: no line of it names the item")
    rule: Literal["named", "unit", "lot", "item", "other_lot", "unexpected", "blind"] = Field(
        description="Why this line"
    )
    quantity: Decimal
    is_over: bool = Field(description="Beyond what was open of all lines that it could be of")
    is_beyond: bool = Field(
        description="Over by more than is tolerated, or of no line: somebody has to judge it"
    )
    beyond: Decimal = Field(description="How much of it is")
    is_due: bool = Field(description="Whether the site is complete past it: then it waits as the rules say")
    on_hold: Decimal = Field(
        description="What of the scan is on hold and waits under /v1/waiting-goods; told with its last part"
    )
    missed: Decimal = Field(
        description="What of the scan was to be put on hold and no longer lay there; told with its last part"
    )
    in_inspection: Decimal = Field(
        description="What of the scan waits to be inspected under /v1/waiting-goods; told with its last part"
    )
    uninspected: Decimal = Field(
        description="What of the scan was to be inspected and had left before; told with its last part"
    )
    days_left: int | None = Field(
        description="Until its lot expires, where its item asks for more; null: long enough, or not known"
    )


class ScannedReceipt(BaseModel):
    """What handhelds received under one number."""

    items: list[ScannedPart]


@router.get("/scanned-receipts")
def get_scanned(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[Site, Query()],
    of: Annotated[
        str,
        Query(
            min_length=1,
            max_length=128,
            pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",
            description="The number scanned",
        ),
    ],
) -> ScannedReceipt:
    """Tell what handhelds received under a number, and of which line of an ASN or order each scan is.

    The line follows from unit, lot and item, and from what is open: the first on the paper goes first.
    """
    with gate.acting(caller) as conn:
        return ScannedReceipt(items=[_part(each) for each in scanned(conn, caller, site=site, name=of)])


def _part(each: Scanned) -> ScannedPart:
    names = ScannedPart.model_fields.keys() - {"type", "epoch", "is_beyond", "beyond"}
    plain = {name: getattr(each.row, name) for name in names}
    epoch = epoch_from_int(each.row.epoch)
    of = "blind" if each.row.type == BLIND else each.row.type
    return ScannedPart(**plain, type=of, epoch=epoch, is_beyond=each.is_beyond, beyond=each.beyond)
