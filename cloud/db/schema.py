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


@dataclass(frozen=True, slots=True)
class Pending:
    """What `migrate` would do."""

    applied: int
    """Numbered migrations that the database has; 0: it is empty."""
    last: str | None
    """Name of the last of them."""
    migrations: tuple[str, ...]
    """Those it lacks, each applied in a transaction of its own, in this order."""
    repeatables: tuple[str, ...]
    """Functions and views that are replaced afterwards, in one transaction."""


def pending(owner_dsn: str) -> Pending:
    """Tell what `migrate` would do; change nothing.

    Args:
        owner_dsn: Connection of ``dockledger_migrator``.

    Returns:
        What is missing.

    Raises:
        MigrationError: If an applied migration has been edited, or the database is newer than this release.
    """
    with connect(owner_dsn, "dockledger-migrate", autocommit=True) as conn:
        conn.execute("SET ROLE dockledger_owner")
        has_table = conn.execute("SELECT to_regclass('schema_migration') IS NOT NULL").fetchone() == (True,)
        applied = _applied(conn) if has_table else {}
        numbered, repeatable = (_scripts(conn, folder) for folder in ("migrations", "repeatable"))
    _check(applied, numbered)
    known = sorted(name for name in applied if not name.startswith(_REPEATABLE))
    return Pending(
        len(known),
        known[-1] if known else None,
        tuple(script.name for script in numbered if script.name not in applied),
        tuple(each.name for each in repeatable if applied.get(_REPEATABLE + each.name) != each.sha256),
    )


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
        return [
            *_apply_numbered(conn, _scripts(conn, "migrations")),
            *_apply_repeatable(conn, _scripts(conn, "repeatable")),
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


def _scripts(conn: psycopg.Connection, folder: str) -> list[Script]:
    """Read the files of one kind that this database needs."""
    found = conn.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    return scripts(folder, with_timescale=found is not None)


def _check(applied: dict[str, str], known: list[Script]) -> None:
    """Refuse a database that another release, or another text of a migration, has made."""
    newer = {name for name in applied if not name.startswith(_REPEATABLE)} - {script.name for script in known}
    if newer:
        msg = f"the database holds migrations {sorted(newer)} that this release does not know: it is newer"
        raise MigrationError(msg)
    for script in known:
        if applied.get(script.name, script.sha256) != script.sha256:
            msg = (
                f"migration {script.name} was applied with sha256 {applied[script.name]}, "
                f"the file now has {script.sha256}: an applied migration is never edited"
            )
            raise MigrationError(msg)


def _apply_numbered(conn: psycopg.Connection, known: list[Script]) -> list[str]:
    applied = _applied(conn)
    _check(applied, known)
    done = []
    for script in known:
        if script.name not in applied:
            with conn.transaction():
                _run(conn, script.text)
                _remember(conn, script.name, script.sha256)
            done.append(script.name)
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
