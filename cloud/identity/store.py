"""The identity tables as typed rows; one method per named statement of `queries.sql`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from cloud.db import statements
from cloud.identity.actor import Actor
from cloud.identity.domain import Grant

Row = TypeVar("Row")

_SQL: Final = statements("cloud.identity", "queries.sql")


@dataclass(frozen=True, slots=True)
class UserRow:
    """A person who may log in."""

    user_id: int
    name: str
    password_hash: str | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class UserSummary:
    """A person as `dockledger user list` shows them; grants as `Grant.parse` reads them."""

    name: str
    created_at: datetime
    disabled_at: datetime | None
    grants: list[str]
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session that was found by its token; whether it still lives is the service's judgement."""

    user_id: int
    name: str
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """Wrong passwords in a row for one typed name."""

    failures: int
    locked_until: datetime


@dataclass(frozen=True, slots=True)
class KeyRow:
    """An API key that was found by its hash and is not revoked."""

    key_id: str
    name: str
    grants: list[str]
    expires_at: datetime
    last_used_at: datetime | None
    person: str | None
    """For whom it acts; None: nobody."""


@dataclass(frozen=True, slots=True)
class KeySummary:
    """An API key as `dockledger api-key list` shows it."""

    key_id: str
    name: str
    grants: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    person: str | None


@dataclass(frozen=True, slots=True)
class _GrantRow:
    role: str
    site: str | None


class IdentityStore:
    """The statements of `queries.sql` on one connection; the caller owns the transaction."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection.

        Args:
            connection: Connected as `dockledger_app` or the owner.
        """
        self._connection = connection

    def add_user(self, name: str, password_hash: str | None) -> int | None:
        """Store a user; None if the name is taken."""
        row = self._connection.execute(
            _SQL["insert_user"], {"name": name, "password_hash": password_hash}
        ).fetchone()
        return None if row is None else int(row[0])

    def user(self, name: str) -> UserRow | None:
        """Find a user by name."""
        return self._one(UserRow, "user_by_name", name=name)

    def users(self) -> list[UserSummary]:
        """List users by name."""
        return self._all(UserSummary, "users")

    def grants(self, user_id: int) -> list[Grant]:
        """List a user's grants."""
        rows = self._all(_GrantRow, "grants_of_user", user_id=user_id)
        return [Grant.parse("@".join(filter(None, (row.role, row.site)))) for row in rows]

    def add_grant(self, user_id: int, grant: Grant, *, granted_by: str) -> bool:
        """Store a grant; False if it was there."""
        return self._run("insert_grant", user_id=user_id, granted_by=granted_by, **_columns(grant)) > 0

    def remove_grant(self, user_id: int, grant: Grant) -> bool:
        """Remove a grant; False if it was not there."""
        return self._run("delete_grant", user_id=user_id, **_columns(grant)) > 0

    def set_password(self, user_id: int, password_hash: str) -> None:
        """Replace a password's hash."""
        self._run("set_password", user_id=user_id, password_hash=password_hash)

    def set_disabled(self, user_id: int, disabled_at: datetime | None) -> None:
        """Bar a user from logging in, or no longer."""
        self._run("set_disabled", user_id=user_id, disabled_at=disabled_at)

    def lock_attempts(self, name: str, *, now: datetime) -> AttemptRow:
        """Read a name's attempts, holding its row until the transaction ends."""
        row = self._one(AttemptRow, "lock_attempts", name=name, now=now)
        if row is None:
            raise RuntimeError("an upsert with RETURNING gives one row")
        return row

    def count_attempt(self, name: str, *, failures: int, locked_until: datetime, now: datetime) -> None:
        """Store the number of attempts and the lock."""
        self._run("count_attempt", name=name, failures=failures, locked_until=locked_until, now=now)

    def forget_attempts(self, name: str, *, now: datetime) -> None:
        """Forget a name's attempts after a success, and everybody's of yesterday."""
        self._run("forget_attempts", name=name, now=now)

    def add_session(self, token: bytes, user_id: int, *, now: datetime, expires_at: datetime) -> None:
        """Store a session by its token's hash."""
        self._run("insert_session", token_sha256=token, user_id=user_id, now=now, expires_at=expires_at)

    def session(self, token: bytes) -> SessionRow | None:
        """Find a session of a user who is not disabled."""
        return self._one(SessionRow, "session_by_token", token_sha256=token)

    def touch_session(self, token: bytes, *, now: datetime) -> None:
        """Note that a session was used."""
        self._run("touch_session", token_sha256=token, now=now)

    def end_session(self, token: bytes) -> None:
        """End one session."""
        self._run("delete_session", token_sha256=token)

    def end_sessions_of(self, user_id: int) -> None:
        """End all sessions of a user."""
        self._run("delete_sessions_of_user", user_id=user_id)

    def sweep_sessions(self, *, now: datetime, idle_since: datetime) -> None:
        """Delete sessions that have ended by themselves."""
        self._run("delete_ended_sessions", now=now, idle_since=idle_since)

    def add_login_link(self, token: bytes, user_id: int, *, expires_at: datetime) -> None:
        """Store a one-time login link by its token's hash."""
        self._run("insert_login_link", token_sha256=token, user_id=user_id, expires_at=expires_at)

    def use_login_link(self, token: bytes, *, now: datetime) -> tuple[int, str] | None:
        """Use a link up; None if it is unknown, used or too old. Gives the user's id and name."""
        row = self._connection.execute(_SQL["use_login_link"], {"token_sha256": token, "now": now}).fetchone()
        return None if row is None else (int(row[0]), str(row[1]))

    def add_api_key(
        self,
        key_id: str,
        key_sha256: bytes,
        *,
        name: str,
        grants: Sequence[Grant],
        created_by: str,
        expires_at: datetime,
    ) -> None:
        """Store an API key by its hash."""
        self._run(
            "insert_api_key",
            key_id=key_id,
            key_sha256=key_sha256,
            name=name,
            grants=[str(grant) for grant in grants],
            created_by=created_by,
            expires_at=expires_at,
        )

    def api_key(self, key_sha256: bytes) -> KeyRow | None:
        """Find an API key that is not revoked and does not act for somebody barred."""
        return self._one(KeyRow, "api_key_by_hash", key_sha256=key_sha256)

    def touch_api_key(self, key_id: str, *, now: datetime) -> None:
        """Note that a key was used."""
        self._run("touch_api_key", key_id=key_id, now=now)

    def revoke_api_key(self, key_id: str, *, now: datetime) -> bool:
        """Revoke a key; False if there is none of this id."""
        return self._run("revoke_api_key", key_id=key_id, now=now) > 0

    def api_keys(self) -> list[KeySummary]:
        """List API keys, oldest first."""
        return self._all(KeySummary, "api_keys")

    def bind_api_key(self, name: str, person: str, *, bound_by: str) -> bool:
        """Say for whom keys of a name act; False if that was said before."""
        return self._run("bind_api_key", name=name, person=person, bound_by=bound_by) > 0

    def person_of_api_key(self, name: str) -> str | None:
        """Tell for whom keys of a name act; None: nobody."""
        row = self._connection.execute(_SQL["person_of_api_key"], {"name": name}).fetchone()
        return None if row is None else str(row[0])

    def is_api_key_named(self, name: str) -> bool:
        """Tell whether there is or was a key of a name."""
        return self._connection.execute(_SQL["api_key_named"], {"name": name}).fetchone() is not None

    def record(self, actor: str, action: str, target: str, **detail: str) -> None:
        """Append to the audit chain who did what about whom."""
        self._run("record", actor=actor, action=action, target=target, detail=Jsonb(detail))

    def _run(self, statement: str, /, **parameters: Any) -> int:
        return self._connection.execute(_SQL[statement], parameters).rowcount

    def _one(self, kind: type[Row], statement: str, /, **parameters: Any) -> Row | None:
        with self._connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(_SQL[statement], parameters).fetchone()

    def _all(self, kind: type[Row], statement: str, /, **parameters: Any) -> list[Row]:
        with self._connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(_SQL[statement], parameters).fetchall()


def act_as(conn: Connection, actor: Actor) -> None:
    """Tell the database who acts, so that row-level security shows the actor's sites and no others.

    Args:
        conn: In a transaction, to whose end it holds.
        actor: Who acts.
    """
    conn.execute(
        _SQL["act_as"], {"actor": actor.id, "all_sites": actor.all_sites, "sites": sorted(actor.sites)}
    )


def _columns(grant: Grant) -> dict[str, str | None]:
    return {"role": grant.role.value, "site": grant.site}
