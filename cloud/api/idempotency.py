"""Every POST under a key of the client's: repeated, it answers what it answered and does nothing more."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from cloud.api.problems import ProblemError
from cloud.api.requests import Caller, TheGate
from cloud.api.store import Remembered, find_answer, keep_answer
from cloud.db import Connection, in_transaction
from cloud.identity.actor import Actor
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from cloud.ledger.upkeep import ANSWERS_KEPT

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description=(
            "Chosen by the client, new for each new effect, the same when a request is sent again; "
            f"its answer is kept for {ANSWERS_KEPT.days} days"
        ),
    ),
]


def post_once(
    gate: Gate,
    actor: Actor,
    key: str,
    *,
    target: str,
    body: BaseModel | None,
    effect: Callable[[Connection], BaseModel],
    status: HTTPStatus = HTTPStatus.CREATED,
) -> JSONResponse:
    """Run an effect once per key; the key is stored in the effect's own transaction.

    A refused effect stores nothing, so that a mended request may use the key again. Deadlocks and
    serialization failures are retried with the whole transaction.

    Args:
        gate: Opens the transaction.
        actor: Who asks; keys of different actors do not meet.
        key: The client's key.
        target: What the body is for, as a path.
        body: The request's content, if it has any.
        effect: Does the work and gives the answer.
        status: What is answered when it is done.

    Returns:
        That status with the answer; for a repetition the first answer, with ``Idempotent-Replayed: true``.

    Raises:
        ProblemError: 422 if the key was used for another content.
    """
    content = "" if body is None else body.model_dump_json()
    request_sha256 = hashlib.sha256(f"{target}\n{content}".encode()).hexdigest()

    def work(conn: Connection) -> tuple[Remembered, bool]:
        act_as(conn, actor)
        known = find_answer(conn, actor=actor.id, key=key)
        if known is not None:
            return known, True
        answer = Remembered(request_sha256, status, effect(conn).model_dump(mode="json"))
        keep_answer(conn, answer, actor=actor.id, key=key)
        return answer, False

    answer, is_repetition = in_transaction(gate.pool, work)
    if answer.request_sha256 != request_sha256:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            f"Idempotency-Key {key!r} was used for another request; a new effect needs a new key",
        )
    headers = {"Idempotent-Replayed": "true"} if is_repetition else None
    return JSONResponse(answer.response, answer.status, headers)


@dataclass(frozen=True, slots=True)
class Posted:
    """A POST that takes effect once per key, for what its path names."""

    gate: Gate
    caller: Actor
    key: str
    target: str

    def answer(self, body: BaseModel | None, effect: Callable[[Connection], BaseModel]) -> JSONResponse:
        """Run an effect once.

        Args:
            body: The request's content, if it has any.
            effect: Does the work and gives the answer.

        Returns:
            As `post_once`.
        """
        return post_once(self.gate, self.caller, self.key, target=self.target, body=body, effect=effect)

    def step(
        self,
        body: BaseModel | None,
        work: Callable[[Connection], object],
        show: Callable[[Connection], BaseModel],
    ) -> JSONResponse:
        """Take a step once, and show what it was taken with.

        Args:
            body: The request's content, if it has any.
            work: Takes the step.
            show: Reads the answer afterwards, in the same transaction.

        Returns:
            As `post_once`.
        """

        def effect(conn: Connection) -> BaseModel:
            work(conn)
            return show(conn)

        return self.answer(body, effect)


async def _once(request: Request, gate: TheGate, caller: Caller, idempotency_key: IdempotencyKey) -> Posted:
    return Posted(gate, caller, idempotency_key, request.url.path)


Once = Annotated[Posted, Depends(_once)]
"""What a POST asks for instead of the gate, who is asking, and the key."""
