"""Who may say yes to a decision, under which role, and in words why not."""

from cloud.db import Connection
from cloud.decisions import store
from cloud.decisions.checks import is_job
from cloud.decisions.domain import AboveLimitError, Decision, approving_roles, choose_role
from cloud.identity.actor import Actor, NotAllowedError


def role_for(conn: Connection, actor: Actor, decision: Decision) -> str:
    """Find the role under which an actor may approve a decision, or undo it.

    Further approvals of the same person, kind and item wait until the transaction ends.

    Args:
        conn: In a transaction.
        actor: Who would.
        decision: What.

    Returns:
        The role.

    Raises:
        OwnDecisionError: If it is the actor's own, above the limit for one's own.
        AboveLimitError: If it is worth more than the actor's roles may approve today, or there is no person
            behind the actor.
    """
    if is_job(actor):
        raise AboveLimitError(f"{actor.id} is a job and approves nothing; a person has to")
    _require_person(actor)
    allowances = store.allowances(conn, decision, approving_roles(actor, decision.site))
    spent = store.spent(conn, decision.decision_id, actor.person)
    return choose_role(decision, actor.person, allowances, spent).role


def require_approving(conn: Connection, actor: Actor, decision: Decision) -> None:
    """Refuse whoever approves nothing of this kind here; who approves little may still say no to much.

    Args:
        conn: In a transaction.
        actor: Who would say no.
        decision: To what.

    Raises:
        AboveLimitError: If none of the actor's roles approves anything of the kind at the site, or there is
            no person behind the actor.
    """
    _require_person(actor)
    allowances = store.allowances(conn, decision, approving_roles(actor, decision.site))
    if not any(allowance.amount is None or allowance.amount > 0 for allowance in allowances):
        raise AboveLimitError(
            f"{actor.id} approves nothing of kind {decision.kind} at {decision.site}, and so rejects nothing"
        )


def may_reject(conn: Connection, actor: Actor, decision: Decision) -> bool:
    """Tell whether an actor may say no.

    Args:
        conn: In a transaction.
        actor: Who would.
        decision: To what.

    Returns:
        True if so.
    """
    try:
        require_approving(conn, actor, decision)
    except NotAllowedError:
        return False
    return True


def why_not(conn: Connection, actor: Actor, decision: Decision) -> str | None:
    """Say why an actor could not approve a decision now.

    Args:
        conn: In a transaction.
        actor: Who would.
        decision: What.

    Returns:
        The reason for people, or None if the actor may.
    """
    try:
        role_for(conn, actor, decision)
    except NotAllowedError as error:
        return str(error)
    return None


def _require_person(actor: Actor) -> None:
    if actor.is_machine:
        raise AboveLimitError(
            f"{actor.id} acts for no person and approves nothing; "
            "`dockledger api-key bind` says for whom it acts"
        )
