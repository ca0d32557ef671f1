"""`/v1/decisions`: what waits for a person's yes or no, and what became of it; `/v1/approval-limits`."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, not_found, responses
from cloud.api.requests import Caller, TheGate
from cloud.approvals import service as approvals
from cloud.db import Connection
from cloud.decisions import authority, reading, service
from cloud.decisions.domain import REJECT_REASONS, REVERSE_REASONS, State
from cloud.identity.actor import Actor
from cloud.inquiry.domain import GREATEST

router = APIRouter(prefix="/v1/decisions", tags=["decisions"], route_class=ConditionalRoute)

Number = Annotated[int, Path(ge=1, le=GREATEST)]
Revision = Annotated[
    int, Field(strict=True, ge=1, le=2**31 - 1, description="The one you have seen; another is answered 409")
]
Note = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
Text = Annotated[str | None, Query(max_length=400, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class Decision(BaseModel):
    """Something to be decided: what will be done, on what grounds, and how it stands."""

    model_config = ConfigDict(from_attributes=True)

    decision_id: int
    kind: str = Field(description="`count_adjustment`, `purchase_order`")
    site: str
    subject: str
    item: str | None = Field(description="Against whose limits it counts")
    state: State
    revision: int = Field(description="Grows with the content; an answer names the one it was given to")
    author: str
    contributors: list[str] = Field(description="Whose work it rests on; they may not approve it either")
    reason: str
    note: str
    value: Decimal | None = Field(description="Signed; null: unknown, which is above every limit")
    currency: str | None
    approver: str | None = Field(description="Who approved or rejected it")
    approved_as: str | None = Field(description="The role whose limit allowed it")
    verdict_reason: str | None
    verdict_note: str
    created_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    applied_at: datetime | None
    reversed_at: datetime | None


class Step(BaseModel):
    """One step that was taken; never rewritten."""

    model_config = ConfigDict(from_attributes=True)

    step: int
    from_state: State | None
    to_state: State
    revision: int
    actor: str
    acting_as: str | None
    reason: str | None
    note: str
    value: Decimal | None
    currency: str | None
    taken_at: datetime
    audit_id: int = Field(description="Its place in the audit chain")


class DecisionWhole(Decision):
    """A decision with its grounds and steps."""

    effect: dict[str, JsonValue]
    evidence: dict[str, JsonValue]
    inputs: dict[str, JsonValue]
    parameters: dict[str, JsonValue]
    outcome: dict[str, JsonValue] | None
    steps: list[Step]
    you_may_approve: bool
    because: str | None = Field(description="Why you may not; null if you may, or if nothing waits")


class Approval(BaseModel):
    """Yes, to what was seen."""

    model_config = ConfigDict(extra="forbid")

    revision: Revision
    note: Note = ""


class Withdrawal(Approval):
    """What was asked for is not wanted any more."""


class Rejection(Approval):
    """No, with a reason."""

    reason: str = Field(max_length=64, description=f"One of {', '.join(REJECT_REASONS)}")


class Reversal(Approval):
    """What was done is to be undone."""

    reason: str = Field(max_length=64, description=f"One of {', '.join(REVERSE_REASONS)}")


@router.get("")
def list_decisions(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    kind: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[list[State] | None, Query(max_length=6)] = None,
    subject: Text = None,
    item: Text = None,
    author: Text = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Decision]:
    """List decisions, the latest first; `state` may be given several times."""
    before = int(decode_cursor(after, int)[0]) if after else None
    with gate.acting(caller) as conn:
        rows = reading.listed(
            conn,
            caller,
            site=site,
            kind=kind,
            states=state,
            subject=subject,
            item=item,
            author=author,
            before=before,
            limit=limit + 1,
        )
    return page_of(rows, limit, show=Decision.model_validate, key=lambda row: [row.decision_id])


@router.get("/{decision_id}", responses=responses(404))
def get_decision(gate: TheGate, caller: Caller, decision_id: Number) -> DecisionWhole:
    """Give one decision with its grounds, its steps, and whether you may approve it."""
    with gate.acting(caller) as conn:
        return _whole(conn, caller, decision_id)


@router.post(
    "/{decision_id}/approve",
    status_code=201,
    response_model=DecisionWhole,
    responses=responses(400, 404, 409, 413),
)
def approve_decision(*, once: Once, decision_id: Number, body: Approval) -> JSONResponse:
    """Approve a decision, and do at once what it says.

    It is derived again first; if that gives something else, it is not done but waits again with the next
    revision, and the answer is 409 `decision-changed`.
    """

    def step(conn: Connection) -> None:
        approvals.approve_and_apply(conn, once.caller, decision_id, body.revision, body.note)

    response = once.step(body, step, _show(once.caller, decision_id))
    told = orjson.loads(response.body)
    if told["state"] == State.SUBMITTED:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            "decision-changed",
            f"decision {decision_id} was not approved, since what it rests on has changed: "
            f"{told['verdict_note']}; it waits as revision {told['revision']}, look at it again",
        )
    return response


@router.post(
    "/{decision_id}/reject",
    status_code=201,
    response_model=DecisionWhole,
    responses=responses(400, 404, 409, 413),
)
def reject_decision(*, once: Once, decision_id: Number, body: Rejection) -> JSONResponse:
    """Reject a decision; nothing is done."""

    def step(conn: Connection) -> None:
        service.reject(conn, once.caller, decision_id, body.revision, reason=body.reason, note=body.note)

    return once.step(body, step, _show(once.caller, decision_id))


@router.post(
    "/{decision_id}/withdraw",
    status_code=201,
    response_model=DecisionWhole,
    responses=responses(400, 404, 409, 413),
)
def withdraw_decision(*, once: Once, decision_id: Number, body: Withdrawal) -> JSONResponse:
    """Take back what you asked for."""

    def step(conn: Connection) -> None:
        service.withdraw(conn, once.caller, decision_id, body.revision, note=body.note)

    return once.step(body, step, _show(once.caller, decision_id))


@router.post(
    "/{decision_id}/reverse",
    status_code=201,
    response_model=DecisionWhole,
    responses=responses(400, 404, 409, 413),
)
def reverse_decision(*, once: Once, decision_id: Number, body: Reversal) -> JSONResponse:
    """Undo what an applied decision did, where that is possible."""

    def step(conn: Connection) -> None:
        approvals.reverse(conn, once.caller, decision_id, body.revision, reason=body.reason, note=body.note)

    return once.step(body, step, _show(once.caller, decision_id))


def _show(caller: Actor, decision_id: int) -> Callable[[Connection], DecisionWhole]:
    return lambda conn: _whole(conn, caller, decision_id)


def _whole(conn: Connection, caller: Actor, decision_id: int) -> DecisionWhole:
    found = reading.find(conn, caller, decision_id)
    if found is None:
        raise not_found("decision", decision_id)
    waits = found.state is State.SUBMITTED
    because = authority.why_not(conn, caller, found) if waits else None
    return DecisionWhole(
        **Decision.model_validate(found).model_dump(),
        effect=dict(found.effect),
        evidence=dict(found.evidence),
        inputs=dict(found.inputs),
        parameters=dict(found.parameters),
        outcome=None if found.outcome is None else dict(found.outcome),
        steps=[Step.model_validate(step) for step in reading.steps(conn, caller, decision_id)],
        you_may_approve=waits and because is None,
        because=because,
    )
