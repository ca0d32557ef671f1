"""Register gateways, pause and retire them; ingest asks the registry at every batch."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import orjson

from cloud.db import Connection
from cloud.gateways.credentials.service import new_secret, put_secret
from cloud.gateways.domain import why_reserved
from cloud.identity.actor import Actor, Role
from cloud.ingest.registry import store
from cloud.ingest.registry.store import Registered
from cloud.inquiry.domain import OPERATIONS_READERS
from cloud.ledger.store import record_audit
from contracts.base import EpochId, is_valid_id
from contracts.topics import INGEST_STATE, UPSTREAM, Channel, topic


class RegistryError(Exception):
    """A wrong wish about a gateway; the message names value and expectation."""


class GatewayState(StrEnum):
    """Whether a gateway's batches are taken, and whether it holds a watermark back."""

    ACTIVE = "active"
    PAUSED = "paused"
    """Taken, but silence holds nothing back."""
    RETIRED = "retired"
    """No longer taken."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a new gateway and its broker need; of the password, shown once, only the hash is kept."""

    site: str
    gateway: str
    username: str
    password: str
    writes: tuple[str, ...]
    reads: tuple[str, ...]


def register(
    conn: Connection, actor: Actor, *, gateway: str, site: str, accounts: Collection[str] = ()
) -> Enrolment:
    """Let a gateway speak for a site; a site of a new name is made.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction.
        actor: An admin.
        gateway: Id, unique in the network.
        site: Id of its site.
        accounts: Of our own services at the broker.

    Returns:
        Credentials and topics for the broker.

    Raises:
        RegistryError: If an id is not valid, an account of the broker, or registered already.
        NotAllowedError: If the actor may not.
    """
    actor.require(Role.ADMIN, site=site)
    for kind, value in (("gateway", gateway), ("site", site)):
        if not is_valid_id(value):
            raise RegistryError(f"{kind} id {value!r}: expected 1-64 of A-Z a-z 0-9 _ -")
    if why := why_reserved(gateway, accounts):
        raise RegistryError(why)
    if not store.add(conn, gateway, site):
        raise RegistryError(f"gateway {gateway!r} is registered already; ids are unique in the network")
    password = new_secret()
    put_secret(conn, gateway, password, kept_by="registry", sites=[site])
    record_change(conn, actor, "gateway_registered", gateway, site)
    return Enrolment(
        site=site,
        gateway=gateway,
        username=gateway,
        password=password,
        writes=tuple(topic(site, gateway, channel) for channel in Channel if channel in UPSTREAM),
        reads=(
            *(topic(site, gateway, channel) for channel in Channel if channel not in UPSTREAM),
            INGEST_STATE,
        ),
    )


def set_state(conn: Connection, actor: Actor, *, gateway: str, state: GatewayState) -> None:
    """Pause, retire or re-activate a gateway; effective at its next batch.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction.
        actor: An admin of its site.
        gateway: Id.
        state: The new state.

    Raises:
        RegistryError: If it is not registered at the actor's sites.
        NotAllowedError: If the actor may not.
    """
    site = store.set_state(conn, gateway, state, sites=actor.narrowed(Role.ADMIN).reach)
    if site is None:
        raise RegistryError(f"gateway {gateway!r} is not registered; `dockledger gateway list` shows who is")
    record_change(conn, actor, "gateway_state_changed", gateway, site, state=state)


def abandon_epochs(conn: Connection, actor: Actor, *, gateway: str) -> list[EpochId]:
    """Decide that nothing more comes from a gateway's former outboxes: damaged, replaced or forked ones.

    Their watermarks hold completeness back no longer; a batch that does come is taken all the same.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction.
        actor: An admin of its site.
        gateway: Id.

    Returns:
        The epochs; the one that the gateway says it is in is never among them.

    Raises:
        NotAllowedError: If the actor may not.
    """
    epochs = store.abandon_epochs(conn, gateway, sites=actor.narrowed(Role.ADMIN).reach)
    if epochs:
        record_change(conn, actor, "gateway_epochs_abandoned", gateway, None, epochs=epochs)
    return epochs


def record_change(
    conn: Connection, actor: Actor, action: str, gateway: str, site: str | None, **detail: object
) -> None:
    """Say in the audit trail what was done to a gateway.

    Args:
        conn: A connection inside a transaction.
        actor: Who did it.
        action: What, as a stable snake_case word.
        gateway: Id.
        site: Its site, where it is known.
        **detail: More, as JSON.
    """
    said = orjson.dumps(detail).decode()
    record_audit(conn, actor=actor.id, action=action, target=f"gateway:{gateway}", site=site, detail=said)


def gateways(conn: Connection, actor: Actor) -> list[Registered]:
    """List gateways of the actor's sites.

    Args:
        conn: A connection.
        actor: Who asks.

    Returns:
        Gateways by site and name.

    Raises:
        NotAllowedError: If the actor may not see operations.
    """
    return store.gateways(conn, sites=actor.narrowed(*OPERATIONS_READERS).reach)
