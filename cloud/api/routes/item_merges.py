"""`/v1/item-merges`: one item reads as another from here on; nothing that was recorded is rewritten."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.ledger.corrections import merge_items
from cloud.ledger.domain import UnknownRowError

router = APIRouter(prefix="/v1/item-merges", tags=["master data"], route_class=ConditionalRoute)

Code = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Part = Annotated[int, Field(ge=1, lt=2**31)]


class ItemMerge(BaseModel):
    """An item that only readings know, or a duplicate, and what it is."""

    model_config = ConfigDict(extra="forbid")

    item: Code
    into: Code = Field(description="What it reads as; the item itself takes an earlier merge back")
    numerator: Part = Field(1, description="Base units of `into` in `denominator` base units of `item`")
    denominator: Part = 1


class ItemMerged(BaseModel):
    """Where the ledger has it; no row is rewritten, so that it can be taken back."""

    item: str
    into: str
    position: int


@router.post("", status_code=201, response_model=ItemMerged, responses=responses(400, 404, 413))
def merge(*, gate: TheGate, caller: Caller, body: ItemMerge, idempotency_key: IdempotencyKey) -> JSONResponse:
    """Let an item read as another, or as itself again."""

    def effect(conn: Connection) -> ItemMerged:
        ratio = (body.numerator, body.denominator)
        try:
            posted = merge_items(conn, caller, from_code=body.item, to_code=body.into, ratio=ratio)
        except UnknownRowError as error:
            raise ProblemError(HTTPStatus.NOT_FOUND, "no-such-item", f"{error}") from error
        return ItemMerged(item=body.item, into=body.into, position=posted.position)

    return post_once(gate, caller, idempotency_key, target="/v1/item-merges", body=body, effect=effect)
