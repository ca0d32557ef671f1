"""Steps of decisions, each in the caller's transaction: from a draft to what was done, and back."""

from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.decisions import store
from cloud.decisions.authority import require_approving, role_for
from cloud.decisions.checks import (
    held,
    is_job,
    read,
    require_own,
    require_reason,
    require_revision,
    require_step,
)
from cloud.decisions.domain import (
    APPROVERS,
    CHANGED,
    DRAFTERS,
    REJECT_REASONS,
    REVERSE_REASONS,
    WITHDRAWN,
    Decision,
    DifferentDraftError,
    Draft,
    DraftError,
    Json,
    State,
    checked,
)
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

MACHINE: Final = Actor("job:decisions", frozenset({Role.DEVICE}), all_sites=True)
"""Who returns a decision to its approver when what it rests on has changed."""


def draft(conn: Connection, actor: Actor, paper: Draft) -> Decision:
    """Ask for something to be decided; the same again gives the decision that stands, whatever its state.

    Args:
        conn: In a transaction.
        actor: Who asks, or the job that asks for them; within reach of the site.
        paper: What is wanted. Unless the actor is a job, it becomes the author, or a contributor beside
            the one the paper names.

    Returns:
        A new draft, or the decision that stands on the subject.

    Raises:
        DraftError: If the paper is not as it must be.
        DifferentDraftError: If another effect or value stands on the subject; `revise` changes it.
        NotAllowedError: If the actor may not.
    """
    actor.require(*DRAFTERS, site=paper.site)
    checked(paper)
    act_as(conn, actor)
    author = paper.author or actor.id
    contributors = list(paper.contributors)
    if not is_job(actor) and actor.id != author:
        contributors.append(actor.id)
    contributors = sorted(set(contributors) - {author})
    number = store.add_draft(conn, paper, author=author, contributors=contributors)
    if number is not None:
        return read(conn, number)
    found = store.standing(conn, paper)
    if found is None:
        raise DifferentDraftError(f"a decision on {paper.subject!r} stands at another site than {paper.site}")
    number, is_same = found
    if not is_same:
        raise DifferentDraftError(
            f"decision {number} on {paper.subject!r} stands with another effect or value; "
            "it can be revised, or withdrawn first"
        )
    return read(conn, number)


def submit(conn: Connection, actor: Actor, decision_id: int, *, note: str = "") -> Decision:
    """Put a draft before those who approve.

    Args:
        conn: In a transaction.
        actor: Its author, a contributor, or a job.
        decision_id: The decision.
        note: For the approver.

    Returns:
        The decision; one that was submitted already is returned as it is.

    Raises:
        UnknownDecisionError: If the actor's sites hold no such decision.
        WrongStateError: If it is neither a draft nor submitted.
        NotAllowedError: If the actor may not.
    """
    decision = held(conn, actor.narrowed(*DRAFTERS), decision_id)
    if decision.state is State.SUBMITTED:
        return decision
    require_step(decision, State.SUBMITTED, only_from=frozenset({State.DRAFT}))
    require_own(actor, decision, "submit")
    store.step(conn, "submit", decision_id, note=note)
    return read(conn, decision_id)


def withdraw(
    conn: Connection, actor: Actor, decision_id: int, revision: int | None = None, *, note: str = ""
) -> Decision:
    """Take back what one has asked for; it is rejected with the reason `withdrawn`.

    Args:
        conn: In a transaction.
        actor: Its author, a contributor, or a job.
        decision_id: The decision.
        revision: What the actor has seen; None for a job that looked in the same transaction.
        note: Why.

    Returns:
        The decision.

    Raises:
        UnknownDecisionError: If the actor's sites hold no such decision.
        StaleDecisionError: If it has been changed since.
        WrongStateError: If it has been decided already.
        NotAllowedError: If the actor may not.
    """
    decision = held(conn, actor.narrowed(*DRAFTERS), decision_id)
    require_revision(decision, revision)
    require_step(decision, State.REJECTED)
    require_own(actor, decision, "withdraw")
    store.step(conn, "reject", decision_id, actor=actor.id, reason=WITHDRAWN, note=note)
    return read(conn, decision_id)


def approve(conn: Connection, actor: Actor, decision_id: int, revision: int, note: str = "") -> Decision:
    """Say yes. Of two people at once exactly one does; the other is told so.

    Args:
        conn: In a transaction.
        actor: Somebody whose limit covers it, together with what they approved of the item today.
        decision_id: The decision.
        revision: What the actor has seen.
        note: Anything worth keeping.

    Returns:
        The decision.

    Raises:
        UnknownDecisionError: If the actor's sites hold no such decision.
        StaleDecisionError: If it has been changed since.
        WrongStateError: If it is not submitted.
        OwnDecisionError: If the actor asked for it or contributed to it, above the limit for one's own.
        AboveLimitError: If it is worth more than the actor's roles may approve; an unknown value always is.
        NotAllowedError: If the actor may approve nothing at the site.
    """
    within = actor.narrowed(*APPROVERS)
    decision = held(conn, within, decision_id)
    require_revision(decision, revision)
    require_step(decision, State.APPROVED)
    role = role_for(conn, actor, decision)
    store.step(conn, "approve", decision_id, actor=actor.id, role=role, note=note)
    return read(conn, decision_id)


def reject(
    conn: Connection, actor: Actor, decision_id: int, revision: int, *, reason: str, note: str = ""
) -> Decision:
    """Say no, with a reason.

    Args:
        conn: In a transaction.
        actor: Somebody who may approve at the site, if it were worth little enough.
        decision_id: The decision.
        revision: What the actor has seen.
        reason: One of `REJECT_REASONS`.
        note: More; needed with the reason `other`.

    Returns:
        The decision.

    Raises:
        UnknownDecisionError: If the actor's sites hold no such decision.
        StaleDecisionError: If it has been changed since.
        WrongStateError: If it is not submitted.
        DraftError: If the reason is none of them.
        NotAllowedError: If the actor may not.
    """
    within = actor.narrowed(*APPROVERS)
    require_reason(reason, note, REJECT_REASONS)
    decision = held(conn, within, decision_id)
    require_revision(decision, revision)
    require_step(decision, State.REJECTED, only_from=frozenset({State.SUBMITTED}))
    require_approving(conn, actor, decision)
    store.step(conn, "reject", decision_id, actor=actor.id, reason=reason, note=note)
    return read(conn, decision_id)


def revise(
    conn: Connection,
    actor: Actor,
    decision_id: int,
    *,
    effect: Json,
    value: Decimal | None,
    currency: str | None = None,
    evidence: Json | None = None,
    inputs: Json | None = None,
    parameters: Json | None = None,
    why: str = "",
) -> Decision:
    """Change what a decision says. A draft stays one; any other goes back to submitted, approvals included.

    Args:
        conn: In a transaction.
        actor: A job, or a person, who from then on answers for it like its author.
        decision_id: The decision; a draft, submitted, approved or applied.
        effect: What is to be done now.
        value: What that is worth; None: unknown.
        currency: Of the value; None: as before.
        evidence: What it rests on now; None: as before.
        inputs: What was read for it; None: as before.
        parameters: What shaped it; None: as before.
        why: For people: what has changed.

    Returns:
        The decision, with the next revision.

    Raises:
        UnknownDecisionError: If the actor's sites hold no such decision.
        WrongStateError: If it was rejected or reversed.
        DraftError: If the value has no currency.
        NotAllowedError: If the actor may not.
    """
    decision = held(conn, actor.narrowed(*DRAFTERS), decision_id)
    require_step(decision, State.DRAFT if decision.state is State.DRAFT else State.SUBMITTED)
    currency = currency or decision.currency
    if value is not None and currency is None:
        raise DraftError(f"decision {decision_id}: value {value} has no currency")
    contributors = list(decision.contributors)
    if not is_job(actor) and actor.id not in (decision.author, *contributors):
        contributors = sorted([*contributors, actor.id])
    store.step(
        conn,
        "revise",
        decision_id,
        effect=dict(effect),
        value=value,
        currency=currency,
        evidence=None if evidence is None else dict(evidence),
        inputs=None if inputs is None else dict(inputs),
        parameters=None if parameters is None else dict(parameters),
        contributors=contributors,
        reason=CHANGED,
        note=why,
    )
    return read(conn, decision_id)


def mark_applied(conn: Connection, actor: Actor, decision_id: int, outcome: Json) -> Decision:
    """Say that what was approved has been done, in the transaction that did it.

    Args:
        conn: In a transaction.
        actor: Who did it; the caller has checked that they may.
        decision_id: The decision.
        outcome: What was done.

    Returns:
        The decision.

    Raises:
        UnknownDecisionError: If the actor's sites hold no such decision.
        WrongStateError: If it is not approved.
    """
    decision = held(conn, actor, decision_id)
    require_step(decision, State.APPLIED)
    store.step(conn, "apply", decision_id, outcome=dict(outcome))
    return read(conn, decision_id)


def mark_reversed(
    conn: Connection, actor: Actor, decision_id: int, outcome: Json, *, reason: str, note: str = ""
) -> Decision:
    """Say that what was applied has been undone, in the transaction that undid it.

    Args:
        conn: In a transaction.
        actor: Who did it; the caller has checked that they may.
        decision_id: The decision.
        outcome: What was done to undo it; kept as ``outcome.reversal``.
        reason: One of `REVERSE_REASONS`.
        note: More; needed with the reason `other`.

    Returns:
        The decision.

    Raises:
        UnknownDecisionError: If the actor's sites hold no such decision.
        WrongStateError: If it is not applied.
        DraftError: If the reason is none of them.
    """
    require_reason(reason, note, REVERSE_REASONS)
    decision = held(conn, actor, decision_id)
    require_step(decision, State.REVERSED)
    store.step(conn, "reverse", decision_id, outcome=dict(outcome), reason=reason, note=note)
    return read(conn, decision_id)
