"""The one ticket: services notice and resolve; people read, acknowledge, assign and close."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from cloud.alerts import store
from cloud.alerts.domain import (
    CLOSE_REASONS,
    HANDLERS,
    MAX_NOTE,
    READERS,
    Notice,
    ResolvedTicketError,
    Severity,
    Ticket,
    TicketState,
    TicketStep,
    TicketWishError,
    UnknownTicketError,
)
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

_CLOCK: Final = Actor("job:escalation", frozenset({Role.DEVICE}), all_sites=True)


def notice(conn: Connection, notices: Iterable[Notice]) -> None:
    """Tell people that something is wrong, in the caller's transaction.

    Args:
        conn: A connection inside a transaction.
        notices: What is wrong. A worse one opens again what somebody had acknowledged.
    """
    store.open_or_add(conn, notices)


def open_keys(conn: Connection, *, site: str, kinds: Sequence[str], document: str) -> list[str]:
    """List what people were told of a document and have not closed, in the caller's transaction.

    Args:
        conn: A connection inside a transaction.
        site: Site id.
        kinds: Of the tickets.
        document: As their detail names it.

    Returns:
        Keys of open tickets, in order.
    """
    return store.open_keys(conn, site=site, kinds=kinds, document=document)


def open_details(conn: Connection, dedup_keys: Sequence[str]) -> dict[str, dict[str, JsonValue]]:
    """Give what people were told by open tickets, which nobody closes until the caller's transaction ends.

    Args:
        conn: A connection inside a transaction.
        dedup_keys: Keys of tickets.

    Returns:
        Details by key; closed ones are left out.
    """
    return store.open_details(conn, dedup_keys)


def resolve(conn: Connection, dedup_keys: Sequence[str]) -> None:
    """Close the tickets of what is right again, in the caller's transaction.

    Args:
        conn: A connection inside a transaction.
        dedup_keys: Keys of the tickets.
    """
    store.resolve(conn, dedup_keys)


def open_tickets(conn: Connection, actor: Actor, *, after: int = 0, limit: int = 100) -> list[Ticket]:
    """List what is wrong now, at the actor's sites and in the network.

    Args:
        conn: A connection.
        actor: Who asks.
        after: Only tickets with a higher id: the last one of the page before.
        limit: Most to give, 1 to 1,000.

    Returns:
        Tickets, oldest first.
    """
    act_as(conn, actor)
    return store.open_tickets(
        conn, sites=sorted(actor.sites), all_sites=actor.all_sites, after=after, limit=limit
    )


def tickets(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    states: Sequence[TicketState] | None = None,
    kind: str | None = None,
    severity: Severity | None = None,
    owner: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Ticket]:
    """List tickets of the actor's sites and of the network, the latest first.

    Args:
        conn: A connection.
        actor: Who asks.
        site: Only of this site.
        states: Only in these states.
        kind: Only of this kind.
        severity: Only of this severity.
        owner: Only of this owner.
        before: Only numbers below this one: the last one of the page before.
        limit: Most to give.

    Returns:
        The tickets.

    Raises:
        NotAllowedError: If the actor may read no tickets, or none at the site.
    """
    actor.require(*READERS, site=site)
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    return store.tickets(
        conn,
        sites=within.reach,
        limit=limit,
        site=site,
        states=None if states is None else [state.value for state in states],
        kind=kind,
        severity=severity,
        owner=owner,
        before=before,
    )


def urgent(
    conn: Connection, actor: Actor, *, site: str | None = None, owner: str | None = None, limit: int = 100
) -> list[Ticket]:
    """List what is not over at the actor's sites and in the network, the most severe and soonest due first.

    Args:
        conn: A connection.
        actor: Who asks.
        site: Only of this site.
        owner: Only of this owner.
        limit: Most to give.

    Returns:
        The tickets.

    Raises:
        NotAllowedError: If the actor may read no tickets, or none at the site.
    """
    actor.require(*READERS, site=site)
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    return store.urgent(conn, sites=within.reach, site=site, owner=owner, limit=limit)


def may_handle(actor: Actor, ticket: Ticket) -> bool:
    """Tell whether an actor acknowledges, assigns and closes a ticket.

    Args:
        actor: Who would.
        ticket: Which.

    Returns:
        True if so.
    """
    if actor.roles_anywhere.isdisjoint(HANDLERS):
        return False
    if ticket.site is None:
        return actor.all_sites and not actor.roles.isdisjoint(HANDLERS)
    return actor.narrowed(*HANDLERS).may_see(ticket.site)


def ticket(conn: Connection, actor: Actor, ticket_id: int) -> tuple[Ticket, list[TicketStep]]:
    """Give a ticket with what was done about it.

    Args:
        conn: A connection.
        actor: Who asks.
        ticket_id: Its number.

    Returns:
        The ticket and its steps, the first first.

    Raises:
        UnknownTicketError: If the actor's sites hold no such ticket.
        NotAllowedError: If the actor may read no tickets.
    """
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    return _found(conn, within, ticket_id), store.steps(conn, ticket_id)


def acknowledge(conn: Connection, actor: Actor, ticket_id: int, *, note: str = "") -> Ticket:
    """Say that one knows; without an owner the ticket becomes one's own.

    Args:
        conn: In a transaction.
        actor: Somebody who handles tickets of its site.
        ticket_id: The ticket.
        note: What will be done.

    Returns:
        The ticket; one that was acknowledged already is returned as it is.

    Raises:
        UnknownTicketError: If the actor's sites hold no such ticket.
        ResolvedTicketError: If it is over.
        TicketWishError: If the note is too long.
        NotAllowedError: If the actor may not.
    """
    found = _held(conn, actor, ticket_id, note)
    if found.state is TicketState.OPEN:
        store.step(conn, "acknowledge", ticket_id, actor=actor.id, note=note)
    return _again(conn, ticket_id)


def assign(
    conn: Connection,
    actor: Actor,
    ticket_id: int,
    *,
    owner: str,
    due_at: datetime | None = None,
    note: str = "",
) -> Ticket:
    """Say who looks after it, and by when.

    Args:
        conn: In a transaction.
        actor: Somebody who handles tickets of its site.
        ticket_id: The ticket.
        owner: Actor id, as ``user:ada``.
        due_at: By when; None: as before.
        note: Why.

    Returns:
        The ticket.

    Raises:
        UnknownTicketError: If the actor's sites hold no such ticket.
        ResolvedTicketError: If it is over.
        TicketWishError: If the owner is nobody's id or the note is too long.
        NotAllowedError: If the actor may not.
    """
    _held(conn, actor, ticket_id, note)
    if not owner.startswith(("user:", "key:")) or not owner.partition(":")[2]:
        raise TicketWishError(f"owner {owner!r:.80}: expected a person or key, as user:ada")
    store.step(conn, "assign", ticket_id, owner=owner, due_at=due_at, note=note)
    return _again(conn, ticket_id)


def close_by_hand(conn: Connection, actor: Actor, ticket_id: int, *, reason: str, note: str = "") -> Ticket:
    """Close what did not become right by itself. If it is noticed again, that is another ticket.

    Args:
        conn: In a transaction.
        actor: Somebody who handles tickets of its site.
        ticket_id: The ticket.
        reason: One of `CLOSE_REASONS`.
        note: More; needed with the reason `other`.

    Returns:
        The ticket.

    Raises:
        UnknownTicketError: If the actor's sites hold no such ticket.
        ResolvedTicketError: If it is over already.
        TicketWishError: If the reason is none of them, or the note is too long.
        NotAllowedError: If the actor may not.
    """
    _held(conn, actor, ticket_id, note)
    if reason not in CLOSE_REASONS:
        raise TicketWishError(f"reason {reason!r:.80}: expected one of {', '.join(CLOSE_REASONS)}")
    if reason == "other" and not note.strip():
        raise TicketWishError("reason 'other': expected a note that says which")
    store.step(conn, "close", ticket_id, actor=actor.id, reason=reason, note=note)
    return _again(conn, ticket_id)


def escalate(source: Source, now: datetime) -> dict[str, int]:
    """Make tickets worse that nobody has closed in time, once per due time; called every minute.

    Args:
        source: Connections of ``dockledger_app``.
        now: The present.

    Returns:
        ``{"escalated": …}``.
    """

    def work(conn: Connection) -> int:
        act_as(conn, _CLOCK)
        return store.escalate(conn, now)

    return {"escalated": in_transaction(source, work)}


def _found(conn: Connection, within: Actor, ticket_id: int) -> Ticket:
    found = store.find(conn, ticket_id, sites=within.reach)
    if found is None:
        raise UnknownTicketError(f"there is no ticket {ticket_id} at your sites")
    return found


def _again(conn: Connection, ticket_id: int) -> Ticket:
    found = store.find(conn, ticket_id, sites=None)
    if found is None:
        raise UnknownTicketError(f"there is no ticket {ticket_id}")
    return found


def _held(conn: Connection, actor: Actor, ticket_id: int, note: str) -> Ticket:
    within = actor.narrowed(*HANDLERS)
    if len(note) > MAX_NOTE:
        raise TicketWishError(f"note of {len(note)} characters: expected at most {MAX_NOTE}")
    act_as(conn, within)
    store.step(conn, "hold", ticket_id)
    found = _found(conn, within, ticket_id)
    if found.site is None:
        actor.require_everywhere(*HANDLERS)
    if found.state is TicketState.RESOLVED:
        by = f" by {found.resolved_by}" if found.resolved_by else ""
        raise ResolvedTicketError(
            f"ticket {ticket_id} was resolved{by}, {found.resolved_at:%Y-%m-%d %H:%M} UTC"
        )
    return found
