"""What a person asked for and may approve by themselves is done at once; anything else waits for another."""

from collections.abc import Iterable
from functools import partial

from cloud.approvals.service import approve_and_apply
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.decisions.authority import why_not
from cloud.decisions.checks import read
from cloud.decisions.domain import APPROVERS, Decision, State
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


def settle(conn: Connection, actor: Actor, decision_id: int) -> Decision:
    """Approve and apply a submitted decision of one's own, if one's limit for that covers it.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: Who asked for it.
        decision_id: The decision, submitted.

    Returns:
        The decision: applied, or submitted as before.
    """
    act_as(conn, actor)
    decision = read(conn, decision_id)
    if decision.state is not State.SUBMITTED or actor.roles_anywhere.isdisjoint(APPROVERS):
        return decision
    if why_not(conn, actor, decision) is not None:
        return decision
    return approve_and_apply(
        conn, actor, decision_id, decision.revision, note="within the limit of one's own"
    )


def settle_each(source: Source, actor: Actor, decision_ids: Iterable[int]) -> None:
    """Approve and apply several submitted decisions of one's own, those that one's limits cover.

    Args:
        source: Gives connections; each decision has a transaction, for each makes a posting.
        actor: Who asked for them.
        decision_ids: The decisions.
    """
    for decision_id in decision_ids:
        in_transaction(source, partial(settle, actor=actor, decision_id=decision_id))
