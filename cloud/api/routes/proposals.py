"""`/v1/proposals`: what to order, why, and the answers; `/v1/planning`: what planning rests on."""

from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.inquiry.domain import GREATEST
from cloud.replenishment import answers, policies, reading
from cloud.replenishment.answers import AcceptPaper, ChangePaper, RejectPaper
from cloud.replenishment.domain import ProposalState, TargetKind
from cloud.replenishment.policies import PolicyPaper
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/proposals", tags=["proposals"], route_class=ConditionalRoute)
planning = APIRouter(prefix="/v1/planning", tags=["proposals"], route_class=ConditionalRoute)

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


class Parameters(BaseModel):
    """What planning of an item at a site rests on, and what of it nobody chose."""

    model_config = ConfigDict(from_attributes=True)

    parameter_id: int
    run_id: int
    site: str
    item: str
    review_days: int
    protection_days: int = Field(description="Review, and the lead time that 95 % of deliveries keep")
    target_kind: TargetKind
    target: float
    defaults: list[str]
    approved_at: datetime
    approved_by: str
    supplier: str | None
    days: list[int] = Field(description="Possible lead times")
    probability: list[float]
    source: Literal["observed", "promised", "default"]
    samples: int


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
def accept_proposal(
    *,
    gate: TheGate,
    caller: Caller,
    proposal_id: ProposalId,
    body: AcceptPaper,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Say yes: a decision goes to its approver."""

    def effect(conn: Connection) -> Proposal:
        return Proposal.model_validate(answers.accept(conn, caller, proposal_id, body, now=gate.clock()))

    target = f"/v1/proposals/{proposal_id}/accept"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


@router.post(
    "/{proposal_id}/change", status_code=201, response_model=Proposal, responses=responses(400, 404, 409, 413)
)
def change_proposal(
    *,
    gate: TheGate,
    caller: Caller,
    proposal_id: ProposalId,
    body: ChangePaper,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Say yes to another quantity, supplier or date, with a reason."""

    def effect(conn: Connection) -> Proposal:
        return Proposal.model_validate(answers.change(conn, caller, proposal_id, body, now=gate.clock()))

    target = f"/v1/proposals/{proposal_id}/change"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


@router.post(
    "/{proposal_id}/reject", status_code=201, response_model=Proposal, responses=responses(400, 404, 409, 413)
)
def reject_proposal(
    *,
    gate: TheGate,
    caller: Caller,
    proposal_id: ProposalId,
    body: RejectPaper,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Say no, with a reason."""

    def effect(conn: Connection) -> Proposal:
        return Proposal.model_validate(answers.reject(conn, caller, proposal_id, body, now=gate.clock()))

    target = f"/v1/proposals/{proposal_id}/reject"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


@planning.get("/parameters")
def list_planning_parameters(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str, Query(pattern=ID_PATTERN)],
    item: OfItem = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Parameters]:
    """List the planning parameters in force at a site."""
    start = min(int(decode_cursor(after, int)[0]), GREATEST) if after is not None else 0
    with gate.acting(caller) as conn:
        rows = policies.parameters(conn, caller, site=site, item=item, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Parameters.model_validate, key=lambda row: [row.item_id])


@planning.post(
    "/policies", status_code=201, response_model=PolicyPaper, responses=responses(400, 404, 409, 413)
)
def set_planning_policy(
    *, gate: TheGate, caller: Caller, body: PolicyPaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Set review and service target of a site, or of an item there; a target never without its kind."""

    def effect(conn: Connection) -> PolicyPaper:
        policies.set_policy(conn, caller, body)
        return body

    return post_once(gate, caller, idempotency_key, target="/v1/planning/policies", body=body, effect=effect)


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
