"""Migrations: numbered sentences applied once and for ever, then the repeatable files."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import Final, LiteralString

import psycopg

from cloud.db.connections import connect

_MIGRATION_LOCK: Final = 0x646F636B_0002
_TIMESCALE_SUFFIX: Final = ".timescale.sql"
_REPEATABLE: Final = "repeatable/"


class MigrationError(Exception):
    """The database does not fit this release's migrations."""


@dataclass(frozen=True, slots=True)
class Script:
    """One ``.sql`` file of the schema."""

    name: str
    text: LiteralString

    @property
    def sha256(self) -> str:
        """Hash of the text, as the database remembers it."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrate(owner_dsn: str) -> list[str]:
    """Bring a database to this release's schema. Several processes may call it at once; one does it.

    Args:
        owner_dsn: Connection of ``dockledger_migrator``.

    Returns:
        Names of the scripts applied, in order; empty when there was nothing to do.

    Raises:
        MigrationError: If an applied migration has been edited, or the database is newer than this release.
    """
    with connect(owner_dsn, "dockledger-migrate", autocommit=True, statement_timeout=timedelta(0)) as conn:
        conn.execute("SET ROLE dockledger_owner")
        conn.execute("SET lock_timeout = 0")
        conn.execute("SELECT pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
        conn.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration ("
            " name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        has_timescale = conn.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
        return [
            *_apply_numbered(conn, scripts("migrations", with_timescale=has_timescale is not None)),
            *_apply_repeatable(conn, scripts("repeatable", with_timescale=has_timescale is not None)),
        ]


def scripts(folder: str, *, with_timescale: bool) -> list[Script]:
    """Read the schema's files of one kind.

    Args:
        folder: ``migrations`` or ``repeatable``.
        with_timescale: Whether to include the files that need the extension.

    Returns:
        The files in order of their names.
    """
    found = sorted(files("cloud.db").joinpath(folder).iterdir(), key=lambda path: path.name)
    return [
        Script(path.name, path.read_text(encoding="utf-8"))
        for path in found
        if path.name.endswith(".sql") and (with_timescale or not path.name.endswith(_TIMESCALE_SUFFIX))
    ]


def _apply_numbered(conn: psycopg.Connection, known: list[Script]) -> list[str]:
    applied = _applied(conn)
    newer = {name for name in applied if not name.startswith(_REPEATABLE)} - {script.name for script in known}
    if newer:
        msg = f"the database holds migrations {sorted(newer)} that this release does not know: it is newer"
        raise MigrationError(msg)
    done = []
    for script in known:
        if script.name not in applied:
            with conn.transaction():
                _run(conn, script.text)
                _remember(conn, script.name, script.sha256)
            done.append(script.name)
        elif applied[script.name] != script.sha256:
            msg = (
                f"migration {script.name} was applied with sha256 {applied[script.name]}, "
                f"the file now has {script.sha256}: an applied migration is never edited"
            )
            raise MigrationError(msg)
    return done


def _apply_repeatable(conn: psycopg.Connection, known: list[Script]) -> list[str]:
    applied = _applied(conn)
    if all(applied.get(_REPEATABLE + script.name) == script.sha256 for script in known):
        return []
    with conn.transaction():
        for script in known:
            _run(conn, script.text)
            _remember(conn, _REPEATABLE + script.name, script.sha256)
    return [_REPEATABLE + script.name for script in known]


def _applied(conn: psycopg.Connection) -> dict[str, str]:
    return dict(conn.execute("SELECT name, sha256 FROM schema_migration").fetchall())


def _run(conn: psycopg.Connection, text: LiteralString) -> None:
    conn.execute("SET LOCAL search_path = public")
    conn.execute(text)


def _remember(conn: psycopg.Connection, name: str, sha256: str) -> None:
    conn.execute(
        "INSERT INTO schema_migration (name, sha256) VALUES (%s, %s) "
        "ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, applied_at = now()",
        (name, sha256),
    )
