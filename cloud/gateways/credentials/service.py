"""Secrets of gateways made and checked; only their hashes are kept."""

import hmac
import secrets
from typing import Final, Literal

import orjson

from cloud.db import Connection
from cloud.gateways.credentials import store
from cloud.gateways.credentials.domain import SALT_BYTES, mosquitto_hash
from cloud.gateways.domain import UnknownGatewayError
from cloud.identity.actor import Actor, Role
from cloud.identity.credentials import token_sha256
from cloud.ledger.store import record_audit

_SECRET_BYTES: Final = 24
Keeper = Literal["registry", "broker"]


def new_secret() -> str:
    """Make a secret of 192 random bits."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def make_secret(conn: Connection, actor: Actor, *, gateway: str) -> str:
    """Give a gateway a new secret; none that it had before holds any more.

    A broker of your own takes it from its password file (`cloud.gateways.broker`), the embedded one from
    whoever called this.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction.
        actor: An admin of its site.
        gateway: Id.

    Returns:
        The secret, which is shown once and kept nowhere.

    Raises:
        UnknownGatewayError: If the gateway is not registered at the actor's sites.
        NotAllowedError: If the actor may not.
    """
    secret = new_secret()
    keep_secret(conn, actor, gateway=gateway, secret=secret, kept_by="registry")
    return secret


def keep_secret(conn: Connection, actor: Actor, *, gateway: str, secret: str, kept_by: Keeper) -> None:
    """Let a gateway show itself by a secret that it has; see `put_secret` for what then no longer holds.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction.
        actor: An admin of its site.
        gateway: Id.
        secret: Random, of at least 128 bits: it is kept as a plain hash.
        kept_by: Who told it to the gateway.

    Raises:
        UnknownGatewayError: If the gateway is not registered at the actor's sites.
        NotAllowedError: If the actor may not.
    """
    site = put_secret(conn, gateway, secret, kept_by=kept_by, sites=actor.narrowed(Role.ADMIN).reach)
    detail = orjson.dumps({"kept_by": kept_by}).decode()
    target = f"gateway:{gateway}"
    record_audit(conn, actor=actor.id, action="gateway_secret_made", target=target, site=site, detail=detail)


def put_secret(
    conn: Connection, gateway: str, secret: str, *, kept_by: Keeper, sites: list[str] | None
) -> str:
    """Keep a secret's hashes; the registry's ends every other one, the embedded broker's only its own before.

    What is said of it in the audit trail is the caller's to say.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction.
        gateway: Id.
        secret: The secret.
        kept_by: Who told it to the gateway.
        sites: Only if it is of one of these; None for any.

    Returns:
        The gateway's site.

    Raises:
        UnknownGatewayError: If there is no such gateway.
    """
    is_for_all = kept_by == "registry"  # the embedded broker has files of its own
    sha256 = token_sha256(secret)
    found = store.tuples(
        conn,
        "keep_secret",
        gateway=gateway,
        kept_by=kept_by,
        secret_sha256=sha256,
        broker_hash=mosquitto_hash(secret, secrets.token_bytes(SALT_BYTES)) if is_for_all else None,
        sites=sites,
    )
    if not found:
        raise UnknownGatewayError(
            f"gateway {gateway!r:.80} is not registered; `dockledger gateway list` shows who is"
        )
    if is_for_all:
        store.change(conn, "end_others", gateway=gateway, secret_sha256=sha256, kept_by=kept_by)
    return str(found[0][0])


def is_secret_of(conn: Connection, gateway: str, secret: str) -> bool:
    """Tell whether a secret is a gateway's.

    Args:
        conn: A connection of ``dockledger_ingest``.
        gateway: Id as it was shown.
        secret: As it was shown.

    Returns:
        True if it is one of that gateway's, which is not retired.
    """
    shown = token_sha256(secret)
    kept = store.tuples(conn, "secrets_of", gateway=gateway)
    return any(hmac.compare_digest(shown, bytes(each)) for (each,) in kept)
