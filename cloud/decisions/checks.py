"""What every step asks first: is it there, is it what was seen, does the step follow, is the reason one."""

from collections.abc import Mapping

from cloud.db import Connection
from cloud.decisions import store
from cloud.decisions.domain import (
    STEPS,
    Decision,
    DraftError,
    StaleDecisionError,
    State,
    UnknownDecisionError,
    WrongStateError,
)
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.store import act_as


def is_job(actor: Actor) -> bool:
    """Tell whether an actor is one of our own jobs, which answer for nothing themselves.

    Args:
        actor: Who acts.

    Returns:
        True if so.
    """
    return actor.id.startswith("job:")


def held(conn: Connection, within: Actor, decision_id: int) -> Decision:
    """Hold a decision until the transaction ends, as the database knows who acts.

    Args:
        conn: In a transaction.
        within: Who acts, with the reach that their roles give them.
        decision_id: The decision.

    Returns:
        The decision as it stands.

    Raises:
        UnknownDecisionError: If the actor's sites hold no such decision.
    """
    act_as(conn, within)
    store.hold(conn, decision_id)
    return read(conn, decision_id)


def read(conn: Connection, decision_id: int) -> Decision:
    """Read a decision that the session's sites must hold.

    Args:
        conn: In a transaction.
        decision_id: The decision.

    Returns:
        The decision.

    Raises:
        UnknownDecisionError: If they do not.
    """
    decision = store.find(conn, decision_id)
    if decision is None:
        raise UnknownDecisionError(f"there is no decision {decision_id} at your sites")
    return decision


def require_revision(decision: Decision, revision: int | None) -> None:
    """Refuse an answer to what the decision said before.

    Args:
        decision: As it stands.
        revision: What the answer was given to; None does not ask.

    Raises:
        StaleDecisionError: Saying what changed.
    """
    if revision is not None and revision != decision.revision:
        why = f": {decision.verdict_note}" if decision.verdict_note else ""
        raise StaleDecisionError(
            f"decision {decision.decision_id} has changed: the answer was to revision {revision}, "
            f"it is at revision {decision.revision} now{why}; look at it again"
        )


def require_step(decision: Decision, to: State, *, only_from: frozenset[State] | None = None) -> None:
    """Refuse a step that does not follow.

    Args:
        decision: As it stands.
        to: Where the step leads.
        only_from: Fewer states than those from which it may follow.

    Raises:
        WrongStateError: Naming the state and who brought it there.
    """
    if to not in STEPS[decision.state] or (only_from and decision.state not in only_from):
        by = f" by {decision.approver}" if decision.approver else ""
        expected = only_from or {state for state in State if to in STEPS[state]}
        raise WrongStateError(
            f"decision {decision.decision_id} is {decision.state}{by} and cannot become {to}; "
            f"expected one that is {' or '.join(sorted(expected))}"
        )


def require_own(actor: Actor, decision: Decision, verb: str) -> None:
    """Refuse whoever neither asked for a decision nor contributed to it; jobs may.

    Args:
        actor: Who acts.
        decision: The decision.
        verb: What they would do.

    Raises:
        NotAllowedError: Naming whom it takes.
    """
    if not is_job(actor) and not decision.is_own_of(actor.person):
        raise NotAllowedError(
            f"{actor.id} did not ask for decision {decision.decision_id}; to {verb} it takes its author "
            f"or a contributor: {', '.join([decision.author, *decision.contributors])}"
        )


def require_reason(reason: str, note: str, known: Mapping[str, str]) -> None:
    """Refuse a step without a good reason.

    Args:
        reason: Its code.
        note: More.
        known: Codes and what people read for them.

    Raises:
        DraftError: If the code is none of them, or `other` without a note.
    """
    if reason not in known:
        raise DraftError(f"reason {reason!r:.80}: expected one of {', '.join(known)}")
    if reason == "other" and not note.strip():
        raise DraftError("reason 'other': expected a note that says which")
