"""Approve and apply in one transaction, or return what has changed; reverse what was applied."""

from collections.abc import Mapping

from cloud.approvals.carriers import CARRIERS, carrier_of
from cloud.db import Connection
from cloud.decisions import service
from cloud.decisions.authority import role_for
from cloud.decisions.carrier import Carrier
from cloud.decisions.checks import held, require_reason, require_revision, require_step
from cloud.decisions.domain import APPROVERS, REVERSE_REASONS, Changed, Decision, State
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


class _ChangedSinceError(Exception):
    """Leaves the savepoint of an approval whose facts have changed."""

    def __init__(self, changed: Changed) -> None:
        super().__init__(changed.why)
        self.changed = changed


def approve_and_apply(
    conn: Connection,
    actor: Actor,
    decision_id: int,
    revision: int,
    note: str = "",
    *,
    carriers: Mapping[str, Carrier] = CARRIERS,
) -> Decision:
    """Approve a decision and do what it says, in the caller's transaction.

    Its carrier derives it again first. If it finds something else than what was approved, the approval is
    undone and the decision waits again, revised: `state` is `submitted` and `verdict_note` says what changed.

    Args:
        conn: In a transaction that the caller commits directly after; it makes no other posting.
        actor: Somebody whose limit covers it.
        decision_id: The decision.
        revision: What the actor has seen.
        note: Anything worth keeping.
        carriers: By kind; by default those of this release.

    Returns:
        The decision: applied, or submitted again with the next revision.

    Raises:
        UnknownDecisionError: If the actor's sites hold no such decision.
        StaleDecisionError: If it has been changed since.
        WrongStateError: If it is not submitted.
        OwnDecisionError: If the actor asked for it or contributed to it, above the limit for one's own.
        AboveLimitError: If it is worth more than the actor's roles may approve.
        NoCarrierError: If nothing carries out its kind.
        NotAllowedError: If the actor may approve nothing.
    """
    act_as(conn, actor.narrowed(*APPROVERS))
    try:
        return _approved_and_applied(conn, actor, decision_id, revision, note, carriers=carriers)
    except _ChangedSinceError as found:
        changed = found.changed
    return service.revise(
        conn,
        service.MACHINE,
        decision_id,
        effect=changed.effect,
        value=changed.value,
        currency=changed.currency,
        evidence=changed.evidence,
        why=changed.why,
    )


def reverse(
    conn: Connection,
    actor: Actor,
    decision_id: int,
    revision: int,
    *,
    reason: str,
    note: str = "",
    carriers: Mapping[str, Carrier] = CARRIERS,
) -> Decision:
    """Undo what an applied decision did, in the caller's transaction.

    Args:
        conn: In a transaction that the caller commits directly after; it makes no other posting.
        actor: Somebody who could approve it.
        decision_id: The decision.
        revision: What the actor has seen.
        reason: One of `REVERSE_REASONS`.
        note: More; needed with the reason `other`.
        carriers: By kind; by default those of this release.

    Returns:
        The decision, reversed.

    Raises:
        UnknownDecisionError: If the actor's sites hold no such decision.
        StaleDecisionError: If it has been changed since.
        WrongStateError: If it is not applied.
        DraftError: If the reason is none of them.
        OwnDecisionError: If it is the actor's own.
        AboveLimitError: If it is worth more than the actor's roles may approve.
        NoCarrierError: If nothing carries out its kind.
        DecisionError: If the carrier cannot undo it.
    """
    within = actor.narrowed(*APPROVERS)
    require_reason(reason, note, REVERSE_REASONS)
    decision = held(conn, within, decision_id)
    require_revision(decision, revision)
    require_step(decision, State.REVERSED)
    role_for(conn, actor, decision)
    outcome = carrier_of(decision, carriers).reverse(conn, actor, decision, reason)
    return service.mark_reversed(conn, actor, decision_id, outcome, reason=reason, note=note)


def _approved_and_applied(
    conn: Connection,
    actor: Actor,
    decision_id: int,
    revision: int,
    note: str,
    *,
    carriers: Mapping[str, Carrier],
) -> Decision:
    with conn.transaction():
        approved = service.approve(conn, actor, decision_id, revision, note)
        done = carrier_of(approved, carriers).apply(conn, actor, approved)
        if isinstance(done, Changed):
            raise _ChangedSinceError(done)
        return service.mark_applied(conn, actor, decision_id, done.outcome)
