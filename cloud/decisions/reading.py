"""What people read of decisions: the queue, the list, one with its steps, and what they may do with it."""

from collections.abc import Sequence
from datetime import datetime

from cloud.db import Connection
from cloud.decisions import store
from cloud.decisions.domain import READERS, Decision, State, Step
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


def find(conn: Connection, actor: Actor, decision_id: int) -> Decision | None:
    """Give a decision of the actor's sites.

    Args:
        conn: In a transaction.
        actor: Who asks.
        decision_id: Its number.

    Returns:
        The decision, or None.

    Raises:
        NotAllowedError: If the actor may read no decisions.
    """
    act_as(conn, actor.narrowed(*READERS))
    return store.find(conn, decision_id)


def steps(conn: Connection, actor: Actor, decision_id: int) -> list[Step]:
    """Give the steps that were taken with a decision, the first first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        decision_id: Its number.

    Returns:
        The steps; none if the actor's sites hold no such decision.

    Raises:
        NotAllowedError: If the actor may read no decisions.
    """
    act_as(conn, actor.narrowed(*READERS))
    return store.steps(conn, decision_id)


def listed(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    kind: str | None = None,
    states: Sequence[State] | None = None,
    subject: str | None = None,
    item: str | None = None,
    author: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Decision]:
    """List decisions of the actor's sites, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        kind: Only of this kind.
        states: Only in these states.
        subject: Only on this subject.
        item: Only of this item.
        author: Only of this author.
        before: Only numbers below this one: the last one of the page before.
        limit: Most to give.

    Returns:
        The decisions.

    Raises:
        NotAllowedError: If the actor may read no decisions, or none at the site.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return store.listed(
        conn,
        site=site,
        kind=kind,
        states=states,
        subject=subject,
        item=item,
        author=author,
        before=before,
        limit=limit,
    )


def waiting(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    kind: str | None = None,
    after: tuple[datetime, int] | None = None,
    limit: int = 100,
) -> list[Decision]:
    """List what waits for approval at the actor's sites, the longest waiting first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        kind: Only of this kind.
        after: `submitted_at` and number of the last one of the page before.
        limit: Most to give.

    Returns:
        The decisions.

    Raises:
        NotAllowedError: If the actor may read no decisions, or none at the site.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return store.waiting(conn, site=site, kind=kind, after=after, limit=limit)
