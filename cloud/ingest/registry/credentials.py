"""With what a gateway shows over HTTPS who it is: secrets made and checked, only their hashes kept."""

import hmac
import secrets
from typing import Final, Literal

from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.identity.credentials import token_sha256
from cloud.ingest.registry import store
from cloud.ingest.registry.service import RegistryError, record_change

_SECRET_BYTES: Final = 24
Keeper = Literal["registry", "broker"]


def make_secret(conn: Connection, actor: Actor, *, gateway: str) -> str:
    """Give a gateway a new secret; the one before no longer holds. What its broker was told still does.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction.
        actor: An admin of its site.
        gateway: Id.

    Returns:
        The secret, which is shown once and kept nowhere.

    Raises:
        RegistryError: If the gateway is not registered at the actor's sites.
        NotAllowedError: If the actor may not.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    keep_secret(conn, actor, gateway=gateway, secret=secret, kept_by="registry")
    return secret


def keep_secret(conn: Connection, actor: Actor, *, gateway: str, secret: str, kept_by: Keeper) -> None:
    """Let a gateway show itself by a secret that it has; the one of the same keeper before no longer holds.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction.
        actor: An admin of its site.
        gateway: Id.
        secret: Random, of at least 128 bits: it is kept as a plain hash.
        kept_by: Who told it to the gateway.

    Raises:
        RegistryError: If the gateway is not registered at the actor's sites.
        NotAllowedError: If the actor may not.
    """
    reach = actor.narrowed(Role.ADMIN).reach
    site = store.keep_secret(conn, gateway, kept_by, token_sha256(secret), sites=reach)
    if site is None:
        raise RegistryError(f"gateway {gateway!r} is not registered; `dockledger gateway list` shows who is")
    record_change(conn, actor, "gateway_secret_made", gateway, site, kept_by=kept_by)


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
    kept = store.secrets_of(conn, gateway)
    return any(hmac.compare_digest(shown, each) for each in kept)
