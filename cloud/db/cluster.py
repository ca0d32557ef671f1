"""What an administrator does once: an administrator's connection in, roles and an owned database out."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import psycopg
from psycopg import sql

LOGIN_ROLES: Final = frozenset(
    {"dockledger_migrator", "dockledger_ingest", "dockledger_app", "dockledger_planner", "dockledger_auditor"}
)

_BOOTSTRAP_LOCK: Final = 0x646F636B_0001


def bootstrap(admin_dsn: str, database: str, passwords: Mapping[str, str] | None = None) -> None:
    """Create the roles and the database if they are absent; change nothing that is right already.

    Args:
        admin_dsn: Connection that may create roles and databases.
        database: Name of the database to create, owned by ``dockledger_owner``.
        passwords: Password per login role, set even if the role exists. A role without one keeps what it has.

    Raises:
        ValueError: If ``passwords`` names a role that is not one of ours.
    """
    unknown = set(passwords or {}) - LOGIN_ROLES
    if unknown:
        msg = f"passwords name roles {sorted(unknown)}, expected some of {sorted(LOGIN_ROLES)}"
        raise ValueError(msg)
    script = files("cloud.db").joinpath("bootstrap.sql").read_text(encoding="utf-8")
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", (_BOOTSTRAP_LOCK,))
        admin.execute(script)
        for role, password in (passwords or {}).items():
            admin.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
            )
        exists = admin.execute("SELECT FROM pg_database WHERE datname = %s", (database,)).fetchone()
        if exists is None:
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER dockledger_owner").format(sql.Identifier(database))
            )
        admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
        admin.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                sql.Identifier(database),
                sql.SQL(", ").join(sql.Identifier(role) for role in sorted(LOGIN_ROLES)),
            )
        )
    with psycopg.connect(admin_dsn, dbname=database, autocommit=True) as admin:
        admin.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        admin.execute("ALTER SCHEMA public OWNER TO dockledger_owner")
        available = admin.execute("SELECT FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone()
        if available is not None:
            admin.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
