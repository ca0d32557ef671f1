"""A TimescaleDB for tests: the extension built to WebAssembly, run by node, one connection at a time."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest

from cloud.db.schema import scripts
from cloud.local.process import free_port

HERE = Path(__file__).parent
INSTALL_S = 120


@pytest.fixture(scope="session")
def timescale_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the locked packages outside the source tree, or say why not."""
    for command in ("node", "npm"):
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not on the PATH: TimescaleDB's SQL is not proven in this run")
    folder = tmp_path_factory.mktemp("timescale")
    for name in ("package.json", "package-lock.json", "server.mjs"):
        shutil.copy(HERE / name, folder)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"],
        cwd=folder,
        env=os.environ | {"npm_config_fetch_retries": "0"},
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"npm could not install TimescaleDB for WebAssembly: {done.stderr.strip()[-200:]}")
    return folder


@pytest.fixture
def timescale(server: str) -> Iterator[psycopg.Connection]:
    """Give a connection as the owner to a migrated TimescaleDB."""
    with psycopg.connect(server, autocommit=True) as conn:
        migrate(conn, with_timescale=True)
        yield conn


@pytest.fixture
def plain(server: str) -> Iterator[psycopg.Connection]:
    """Give the same where nobody has created the extension yet."""
    with psycopg.connect(server, autocommit=True) as conn:
        migrate(conn, with_timescale=False)
        yield conn


@pytest.fixture
def server(timescale_folder: Path) -> Iterator[str]:
    """Run a server; gives the address of its one database."""
    port = free_port()
    with subprocess.Popen(
        ["node", "server.mjs", str(port)], cwd=timescale_folder, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            yield f"postgresql://postgres:postgres@127.0.0.1:{port}/postgres?sslmode=disable"
        finally:
            server.terminate()


def migrate(conn: psycopg.Connection, *, with_timescale: bool) -> None:
    """Bring the one database of a server that knows only its superuser to our schema."""
    conn.execute("SET TimeZone = 'UTC'")
    if with_timescale:
        conn.execute("CREATE EXTENSION timescaledb")
    conn.execute(files("cloud.db").joinpath("bootstrap.sql").read_text(encoding="utf-8"))
    conn.execute("ALTER SCHEMA public OWNER TO dockledger_owner")
    conn.execute("SET ROLE dockledger_owner")
    conn.execute("SET search_path = public")
    conn.execute("CREATE TABLE schema_migration (name text PRIMARY KEY, sha256 text, applied_at timestamptz)")
    for folder in ("migrations", "repeatable", "repeatable"):
        apply(conn, folder, with_timescale=with_timescale)


def apply(conn: psycopg.Connection, folder: str, *, with_timescale: bool) -> None:
    """Run the schema's files of one kind, each in a transaction."""
    for script in scripts(folder, with_timescale=with_timescale):
        with conn.transaction():
            conn.execute(script.text)
