"""From what a request carries (password, link, cookie, key) to an Actor."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.credentials import KEY_PREFIX, is_password, new_token, token_sha256
from cloud.identity.domain import (
    SESSION_IDLE,
    SESSION_MAX,
    Grant,
    IdentityError,
    LockedOutError,
    LoginRefusedError,
    actor_of,
    checked_name,
    lock_after,
)
from cloud.identity.store import IdentityStore

_TOUCH_EVERY: Final = timedelta(minutes=1)
"""Use is noted so often, so that a busy session does not write at each request."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login that succeeded: the cookie's value and who it is."""

    token: str
    actor: Actor
    expires_at: datetime


def log_in(connection: Connection, *, name: str, password: str, now: datetime) -> Login:
    """Log a person in by password.

    The attempt is counted and committed before the password is looked at, so that parallel guesses
    do not evade the lock, and unknown names are locked like known ones.

    Args:
        connection: Outside a transaction; this function makes its own.
        name: What was typed.
        password: What was typed.
        now: The present.

    Returns:
        A new session.

    Raises:
        LockedOutError: After too many wrong passwords for this name, until a time it names.
        LoginRefusedError: If name or password is wrong, or the person is barred.
    """
    try:
        checked_name(name)
    except IdentityError as error:
        raise LoginRefusedError("name or password is wrong") from error
    store = IdentityStore(connection)
    with connection.transaction():
        attempts = store.lock_attempts(name, now=now)
        if attempts.locked_until > now:
            raise LockedOutError(attempts.locked_until)
        failures = attempts.failures + 1
        store.count_attempt(name, failures=failures, locked_until=now + lock_after(failures), now=now)
        user = store.user(name)
    password_hash = user.password_hash if user and user.disabled_at is None else None
    is_right = is_password(password, password_hash)
    with connection.transaction():
        if user is not None and is_right:
            store.forget_attempts(name, now=now)
            return _begin(store, user.user_id, name, now=now)
        store.record(f"user:{name}", "login_refused", name)
    raise LoginRefusedError("name or password is wrong")


def log_in_by_link(connection: Connection, *, token: str, now: datetime) -> Login:
    """Log a person in by a one-time link.

    Args:
        connection: A connection; this function makes its own transaction.
        token: The link's token.
        now: The present.

    Returns:
        A new session.

    Raises:
        LoginRefusedError: If the link is unknown, used or older than 15 minutes.
    """
    store = IdentityStore(connection)
    with connection.transaction():
        used = store.use_login_link(token_sha256(token), now=now)
        if used is None:
            raise LoginRefusedError("this login link was used already or is older than 15 minutes")
        user_id, name = used
        return _begin(store, user_id, name, now=now)


def resume(connection: Connection, *, token: str, now: datetime) -> Actor | None:
    """Find who a session cookie belongs to, with the roles held at this moment.

    Args:
        connection: A connection.
        token: The cookie's value.
        now: The present.

    Returns:
        The actor, or None if the session is unknown, idle for 2 h or older than 12 h.
    """
    store = IdentityStore(connection)
    hashed = token_sha256(token)
    session = store.session(hashed)
    if session is None or session.expires_at <= now or session.last_seen_at <= now - SESSION_IDLE:
        return None
    if session.last_seen_at <= now - _TOUCH_EVERY:
        store.touch_session(hashed, now=now)
    return actor_of(f"user:{session.name}", store.grants(session.user_id))


def log_out(connection: Connection, *, token: str) -> None:
    """End a session; one that has ended already is no error.

    Args:
        connection: A connection.
        token: The cookie's value.
    """
    IdentityStore(connection).end_session(token_sha256(token))


def actor_of_key(connection: Connection, *, key: str, now: datetime) -> Actor | None:
    """Find what an API key may do.

    Args:
        connection: A connection.
        key: The key whole, as the request carried it.
        now: The present.

    Returns:
        The actor ``key:<name>``, or None if the key is unknown, revoked or expired, or acts for somebody
        barred.
    """
    if not key.startswith(f"{KEY_PREFIX}_"):
        return None
    store = IdentityStore(connection)
    row = store.api_key(token_sha256(key))
    if row is None or row.expires_at <= now:
        return None
    if row.last_used_at is None or row.last_used_at <= now - _TOUCH_EVERY:
        store.touch_api_key(row.key_id, now=now)
    on_behalf_of = None if row.person is None else f"user:{row.person}"
    return actor_of(f"key:{row.name}", map(Grant.parse, row.grants), on_behalf_of=on_behalf_of)


def _begin(store: IdentityStore, user_id: int, name: str, *, now: datetime) -> Login:
    store.sweep_sessions(now=now, idle_since=now - SESSION_IDLE)
    token = new_token()
    expires_at = now + SESSION_MAX
    store.add_session(token_sha256(token), user_id, now=now, expires_at=expires_at)
    actor = actor_of(f"user:{name}", store.grants(user_id))
    store.record(actor.id, "logged_in", name)
    return Login(token, actor, expires_at)
