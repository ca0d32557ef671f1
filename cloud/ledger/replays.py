"""What people ask to be replayed out of quarantine: written here, carried out by ingest."""

from typing import Final

from cloud.db import Connection, statements
from cloud.identity.actor import Actor, Role
from cloud.ledger.domain import AlreadyClaimedError
from cloud.ledger.store import record_audit

SETTLERS: Final = (Role.INVENTORY_CONTROLLER, Role.ADMIN)
"""Who may replay and discard."""

_SQL = statements("cloud.ledger", "replays.sql")


def may_settle(actor: Actor, site: str | None) -> bool:
    """Tell whether an actor may replay and discard what is held at a site.

    Args:
        actor: Who would.
        site: The entry's site; None for an entry that names none.

    Returns:
        True if so.
    """
    if actor.roles_anywhere.isdisjoint(SETTLERS):
        return False
    within = actor.narrowed(*SETTLERS)
    return within.all_sites if site is None else within.may_see(site)


def request_replay(conn: Connection, actor: Actor, *, quarantine_id: int) -> bool:
    """Ask that ingest posts what is held; asked again while it waits, it stays as it was.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction.
        actor: An inventory controller or admin of the entry's site.
        quarantine_id: What.

    Returns:
        False if the actor's sites hold no such entry.

    Raises:
        AlreadyClaimedError: If it is settled.
        NotAllowedError: If the actor may not.
    """
    asked = {"quarantine_id": quarantine_id, "sites": actor.narrowed(*SETTLERS).reach, "asked_by": actor.id}
    held = conn.execute(_SQL["lock_entry"], asked).fetchone()
    if held is None:
        return False
    site, state, settled_by = held
    if state != "held":
        raise AlreadyClaimedError(f"quarantine entry {quarantine_id} was {state} by {settled_by}")
    if conn.execute(_SQL["ask"], asked).fetchone():
        target = f"quarantine:{quarantine_id}"
        record_audit(conn, actor=actor.id, action="replay_requested", target=target, site=site)
    return True
