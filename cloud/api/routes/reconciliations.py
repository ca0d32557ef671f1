"""`/v1/reconciliations`: a stated stock list against the book, whole or not at all."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.problems import responses
from cloud.api.salvaging import Read, Sent
from cloud.counting.reconciling.domain import MOST_LINES, StatedLine, StatedList
from cloud.counting.reconciling.service import check_list, reconcile
from cloud.db import Connection
from contracts.base import Code, Site, UtcDatetime
from contracts.vocabulary import Disposition

router = APIRouter(prefix="/v1", tags=["counts"], route_class=ConditionalRoute)


class ListedCell(BaseModel):
    """What is said to have been in one cell."""

    model_config = ConfigDict(extra="forbid")

    item: Code = Field(description="Code of the item")
    location: Code
    quantity: Annotated[Decimal, Field(ge=0, max_digits=26, decimal_places=6, allow_inf_nan=False)]
    lot: Code | None = None
    disposition: Disposition | None = None
    owner: Code | None = None


class StockList(BaseModel):
    """A stock list of a site; what the book holds and it does not name stays as it is."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    observed_at: UtcDatetime
    lines: Annotated[list[ListedCell], Field(min_length=1, max_length=MOST_LINES)]
    note: Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")] = ""


class AskedFor(BaseModel):
    """The decision that waits for another person."""

    decision_id: int
    state: str
    lines: int
    differing: int
    value: Decimal | None = Field(description="Of all differences, up and down; null: a cost is not known")
    currency: str | None


@router.post("/reconciliations", status_code=201, response_model=AskedFor, responses=responses(400, 409, 413))
def add_reconciliation(*, once: Once, body: Sent[StockList]) -> JSONResponse:
    """Ask for the book to be bound to a stock list; faults of form and of the book are told together."""
    paper, now = body.paper, once.gate.clock()
    stated = _stated(body, now)
    body.require_whole(
        once.gate, lambda conn: check_list(conn, once.caller, stated, now=now), problem="count-not-possible"
    )

    def effect(conn: Connection) -> AskedFor:
        made = reconcile(conn, once.caller, stated, note=paper.note, now=now)
        return AskedFor(
            decision_id=made.decision_id,
            state=made.state,
            lines=int(str(made.effect["lines"])),
            differing=int(str(made.effect["differing"])),
            value=made.value,
            currency=made.currency,
        )

    return once.answer(paper, effect)


def _stated(body: Read[StockList], now: datetime) -> StatedList:
    """Take the list as far as it could be read."""
    lines = [
        StatedLine(
            line.item or "",
            line.location or "",
            line.quantity,
            line.lot,
            line.disposition,
            line.owner,
            unread=body.gaps.of_line(index),
        )
        for index, line in enumerate(body.paper.lines)
    ]
    observed_at = now if "observed_at" in body.gaps.whole else body.paper.observed_at
    return StatedList(body.paper.site, observed_at, lines, "body")
