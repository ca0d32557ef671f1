"""Users, grants and API keys, each command checked against the actor and recorded."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.identity.credentials import hash_password, new_api_key, new_token, token_sha256
from cloud.identity.domain import (
    KEY_MAX,
    LOGIN_LINK_LIFE,
    Grant,
    IdentityError,
    checked_name,
    checked_password,
)
from cloud.identity.store import IdentityStore, KeySummary, UserRow, UserSummary


def add_user(
    connection: Connection, actor: Actor, *, name: str, password: str | None, grants: Sequence[Grant]
) -> None:
    """Add a person.

    Args:
        connection: In a transaction that the caller commits.
        actor: An admin.
        name: 1-64 of a-z 0-9 . _ -.
        password: At least 10 characters, or None for a person who logs in by link only.
        grants: Roles with their sites; may be empty.

    Raises:
        NotAllowedError: If the actor is not an admin of all sites.
        IdentityError: If the name is taken, or name or password are not as they must be.
    """
    actor.require_everywhere(Role.ADMIN)
    store = IdentityStore(connection)
    hashed = None if password is None else hash_password(checked_password(password, name=name))
    user_id = store.add_user(checked_name(name), hashed)
    if user_id is None:
        raise IdentityError(f"user {name!r} exists already")
    store.record(actor.id, "user_added", name)
    for grant in grants:
        store.add_grant(user_id, grant, granted_by=actor.id)
        store.record(actor.id, "role_granted", name, grant=str(grant))


def list_users(connection: Connection, actor: Actor) -> list[UserSummary]:
    """List people with their grants, by name.

    Args:
        connection: A connection.
        actor: An admin or auditor.

    Returns:
        At most 10,000 people.

    Raises:
        NotAllowedError: If the actor is neither.
    """
    actor.require_everywhere(Role.ADMIN, Role.AUDITOR)
    return IdentityStore(connection).users()


def change_grants(
    connection: Connection,
    actor: Actor,
    *,
    name: str,
    grant: Sequence[Grant] = (),
    revoke: Sequence[Grant] = (),
) -> None:
    """Grant and revoke roles; they hold from the person's next request on.

    Args:
        connection: In a transaction that the caller commits.
        actor: An admin.
        name: The person.
        grant: Roles to grant; those already held change nothing.
        revoke: Roles to revoke.

    Raises:
        NotAllowedError: If the actor is not an admin of all sites.
        IdentityError: If there is no such person, or a role to revoke is not held.
    """
    actor.require_everywhere(Role.ADMIN)
    store = IdentityStore(connection)
    user = _known(store, name)
    for wanted in grant:
        if store.add_grant(user.user_id, wanted, granted_by=actor.id):
            store.record(actor.id, "role_granted", name, grant=str(wanted))
    for unwanted in revoke:
        if not store.remove_grant(user.user_id, unwanted):
            held = ", ".join(map(str, store.grants(user.user_id))) or "nothing"
            raise IdentityError(f"{name!r} does not hold {unwanted}; it holds {held}")
        store.record(actor.id, "role_revoked", name, grant=str(unwanted))


def change_password(connection: Connection, actor: Actor, *, name: str, password: str) -> None:
    """Set a password; every session of that person ends.

    Args:
        connection: In a transaction that the caller commits.
        actor: An admin, or the person.
        name: The person.
        password: 10-256 characters without the name.

    Raises:
        NotAllowedError: If the actor is neither.
        IdentityError: If there is no such person or the password will not do.
    """
    if actor.id != f"user:{name}":
        actor.require_everywhere(Role.ADMIN)
    store = IdentityStore(connection)
    user = _known(store, name)
    store.set_password(user.user_id, hash_password(checked_password(password, name=name)))
    store.end_sessions_of(user.user_id)
    store.record(actor.id, "password_changed", name)


def bar_user(connection: Connection, actor: Actor, *, name: str, at: datetime | None) -> None:
    """Bar a person from the system, ending every session at once, or let them in again.

    Args:
        connection: In a transaction that the caller commits.
        actor: An admin.
        name: The person.
        at: The instant, or None to let them in again.

    Raises:
        NotAllowedError: If the actor is not an admin of all sites.
        IdentityError: If there is no such person.
    """
    actor.require_everywhere(Role.ADMIN)
    store = IdentityStore(connection)
    user = _known(store, name)
    store.set_disabled(user.user_id, at)
    store.end_sessions_of(user.user_id)
    store.record(actor.id, "user_allowed" if at is None else "user_barred", name)


def make_login_link(connection: Connection, actor: Actor, *, name: str, now: datetime) -> str:
    """Make the token of a link that logs a person in once, within 15 minutes.

    Args:
        connection: In a transaction that the caller commits.
        actor: An admin.
        name: The person.
        now: The present.

    Returns:
        The token, to be put into ``/login/link?token=…``.

    Raises:
        NotAllowedError: If the actor is not an admin of all sites.
        IdentityError: If there is no such person.
    """
    actor.require_everywhere(Role.ADMIN)
    store = IdentityStore(connection)
    user = _known(store, name)
    token = new_token()
    store.add_login_link(token_sha256(token), user.user_id, expires_at=now + LOGIN_LINK_LIFE)
    store.record(actor.id, "login_link_made", name)
    return token


def create_api_key(
    connection: Connection,
    actor: Actor,
    *,
    name: str,
    grants: Sequence[Grant],
    life: timedelta,
    now: datetime,
    acts_for: str | None = None,
) -> str:
    """Create an API key that may do what its grants say, and nothing else.

    What is done with it counts as done by the person for whom it acts. A key that acts for nobody belongs to
    a machine: it may ask for what its grants allow, and approves nothing.

    Args:
        connection: In a transaction that the caller commits.
        actor: An admin.
        name: What will use it; 1-64 of a-z 0-9 . _ -.
        grants: At least one role with its site.
        life: How long it works; above zero, at most 366 days.
        now: The present.
        acts_for: Name of a person. None: as keys of this name do; a new name acts for the person who makes
            it, and for nobody if that is no person.

    Returns:
        The key whole. It cannot be shown again.

    Raises:
        NotAllowedError: If the actor is not an admin of all sites.
        IdentityError: If name, grants or life are not as they must be, there is no such person, or keys of
            this name act for another.
    """
    actor.require_everywhere(Role.ADMIN)
    if not grants:
        raise IdentityError(f"API key {name!r}: expected at least one role")
    if not timedelta() < life <= KEY_MAX:
        raise IdentityError(f"API key {name!r}: expected a life of 1 to {KEY_MAX.days} days, got {life}")
    key_id, key = new_api_key()
    store = IdentityStore(connection)
    if acts_for is None and actor.id.startswith("user:") and not store.is_api_key_named(checked_name(name)):
        acts_for = actor.id.removeprefix("user:")
    if acts_for is not None:
        _bind(store, actor, checked_name(name), acts_for)
    store.add_api_key(
        key_id,
        token_sha256(key),
        name=checked_name(name),
        grants=grants,
        created_by=actor.id,
        expires_at=now + life,
    )
    store.record(actor.id, "api_key_created", name, key_id=key_id, grants=" ".join(map(str, grants)))
    return key


def bind_api_key(connection: Connection, actor: Actor, *, name: str, acts_for: str) -> None:
    """Say for whom the keys of a name act, once and for ever; what they did so far counts as that person's.

    Args:
        connection: In a transaction that the caller commits.
        actor: An admin.
        name: Of a key.
        acts_for: Name of a person.

    Raises:
        NotAllowedError: If the actor is not an admin of all sites.
        IdentityError: If there is no such key or person, or its keys act for another.
    """
    actor.require_everywhere(Role.ADMIN)
    store = IdentityStore(connection)
    if not store.is_api_key_named(name):
        raise IdentityError(f"there is no API key named {name!r}; `dockledger api-key list` shows them")
    _bind(store, actor, name, acts_for)


def revoke_api_key(connection: Connection, actor: Actor, *, key_id: str, now: datetime) -> None:
    """Revoke an API key; its next request is refused.

    Args:
        connection: In a transaction that the caller commits.
        actor: An admin.
        key_id: The key's public id, the 12 characters after ``dlk_``.
        now: The present.

    Raises:
        NotAllowedError: If the actor is not an admin of all sites.
        IdentityError: If there is no such key.
    """
    actor.require_everywhere(Role.ADMIN)
    store = IdentityStore(connection)
    if not store.revoke_api_key(key_id, now=now):
        raise IdentityError(f"there is no API key {key_id!r}; `dockledger api-key list` shows them")
    store.record(actor.id, "api_key_revoked", key_id)


def list_api_keys(connection: Connection, actor: Actor) -> list[KeySummary]:
    """List API keys, oldest first; the keys themselves are not known.

    Args:
        connection: A connection.
        actor: An admin or auditor.

    Returns:
        At most 10,000 keys.

    Raises:
        NotAllowedError: If the actor is neither.
    """
    actor.require_everywhere(Role.ADMIN, Role.AUDITOR)
    return IdentityStore(connection).api_keys()


def _bind(store: IdentityStore, actor: Actor, name: str, person: str) -> None:
    _known(store, person)
    if store.bind_api_key(name, person, bound_by=actor.id):
        store.record(actor.id, "api_key_bound", name, person=person)
    elif (known := store.person_of_api_key(name)) != person:
        raise IdentityError(
            f"keys named {name!r} act for {known!r} and always will, as records name the key: "
            f"expected another name for a key of {person!r}"
        )


def _known(store: IdentityStore, name: str) -> UserRow:
    user = store.user(name)
    if user is None:
        raise IdentityError(f"there is no user {name!r}; `dockledger user list` shows them")
    return user
