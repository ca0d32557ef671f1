"""`/v1/proposals`: what to order, why, and the answers."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once, Posted
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.replenishment import answers, reading
from cloud.replenishment.answers import AcceptPaper, ChangePaper, RejectPaper
from cloud.replenishment.domain import ProposalState
from cloud.replenishment.store import ProposalRow
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/proposals", tags=["proposals"], route_class=ConditionalRoute)

ProposalId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
OfItem = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
OfSite = Annotated[str | None, Query(pattern=ID_PATTERN)]


class Proposal(BaseModel):
    """What to order, or which order to hurry."""

    model_config = ConfigDict(from_attributes=True)

    proposal_id: str = Field(description="The same inputs give the same one")
    run_id: int
    site: str
    item: str
    item_name: str | None
    base_unit: str
    kind: Literal["order", "expedite"]
    supplier: str | None = Field(description="Null: nobody is known to sell it")
    quantity: Decimal = Field(description="In base units")
    price: Decimal | None = Field(description="Of one base unit; null: not known")
    currency: str | None
    value: Decimal | None = Field(description="Null: not known, which is above every approval limit")
    order_by: date
    needed_by: date
    arrives_on: date
    summary: str
    inputs_at: datetime = Field(description="When stock and open orders were read")
    created_at: datetime
    state: ProposalState
    chosen: dict[str, Any] | None = Field(description="What a person chose instead")
    reason: str | None
    note: str | None
    decided_at: datetime | None
    decided_by: str | None
    decision_id: int | None
    decision_state: str | None
    settled_at: datetime | None = Field(description="Sent, rejected or replaced")
    settled_why: str | None
    order_id: str | None = Field(description="Of the purchase order that came of it")
    order_state: str | None


class ProposalWhole(Proposal):
    """A proposal with every number, its source and its date."""

    arithmetic: dict[str, Any]


@router.get("")
def list_proposals(
    *,
    gate: TheGate,
    caller: Caller,
    site: OfSite = None,
    item: OfItem = None,
    state: ProposalState | None = None,
    unsent: Annotated[bool, Query(description="Only those neither sent, rejected nor replaced")] = False,
    limit: Limit = 100,
    after: After = None,
) -> Page[Proposal]:
    """List proposals, the most urgent first."""
    start = _start(after)
    states = None if state is None else [state.value]
    with gate.acting(caller) as conn:
        rows = reading.proposals(
            conn,
            caller,
            site=site,
            item=item,
            states=states,
            only_unsent=unsent,
            after=start,
            limit=limit + 1,
        )
    return page_of(
        rows,
        limit,
        show=Proposal.model_validate,
        key=lambda row: [row.needed_by.isoformat(), row.proposal_id],
    )


@router.get("/{proposal_id}", responses=responses(404))
def get_proposal(*, gate: TheGate, caller: Caller, proposal_id: ProposalId) -> ProposalWhole:
    """Give a proposal with its arithmetic."""
    with gate.acting(caller) as conn:
        return ProposalWhole.model_validate(reading.proposal(conn, caller, proposal_id))


@router.post(
    "/{proposal_id}/accept", status_code=201, response_model=Proposal, responses=responses(400, 404, 409, 413)
)
def accept_proposal(*, once: Once, proposal_id: ProposalId, body: AcceptPaper) -> JSONResponse:
    """Say yes: a decision goes to its approver."""
    return _answered(once, answers.accept, proposal_id, body)


@router.post(
    "/{proposal_id}/change", status_code=201, response_model=Proposal, responses=responses(400, 404, 409, 413)
)
def change_proposal(*, once: Once, proposal_id: ProposalId, body: ChangePaper) -> JSONResponse:
    """Say yes to another quantity, supplier or date, with a reason."""
    return _answered(once, answers.change, proposal_id, body)


@router.post(
    "/{proposal_id}/reject", status_code=201, response_model=Proposal, responses=responses(400, 404, 409, 413)
)
def reject_proposal(*, once: Once, proposal_id: ProposalId, body: RejectPaper) -> JSONResponse:
    """Say no, with a reason."""
    return _answered(once, answers.reject, proposal_id, body)


def _answered(
    once: Posted, answer: Callable[..., ProposalRow], proposal_id: str, body: BaseModel
) -> JSONResponse:
    def effect(conn: Connection) -> Proposal:
        told = answer(conn, once.caller, proposal_id, body, now=once.gate.clock())
        return Proposal.model_validate(told)

    return once.answer(body, effect)


def _start(after: str | None) -> tuple[date, str]:
    if after is None:
        return reading.FIRST_DAY, ""
    day, name = map(str, decode_cursor(after, str, str))
    try:
        return date.fromisoformat(day), name
    except ValueError as error:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "bad-cursor", f"query.after: {day!r:.60} is not a day"
        ) from error
