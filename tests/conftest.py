"""Fixtures at the real boundaries: a PostgreSQL cluster, a migrated database per test, an MQTT broker.

`DOCKLEDGER_TEST_DSN` (a superuser's URL) names a cluster to use; without it each test process starts the
embedded one. Templates are named by the hash of the schema's files, so parallel runs may share a cluster.
"""

import gc
import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
import structlog
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cloud.db import bootstrap, migrate
from cloud.db.cluster import LOGIN_ROLES
from cloud.local.broker import BROKERS, EmbeddedBroker, GatewayAccount, choose_broker
from cloud.local.home import erase
from cloud.local.postgres import EmbeddedPostgres
from cloud.local.process import free_port
from cloud.local.supervisor import Supervisor, running
from tests.first_seed import settle_first_seed

gc.disable()  # until all is collected: to walk what is being imported takes as long as to import it
PASSWORDS = {role: f"test-{role}" for role in LOGIN_ROLES}
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # workers share the cores; small matrices gain nothing
SCHEMA = Path(__file__).parent.parent / "cloud" / "db"
TEMPLATE_LOCK = 0x646F636B_7E57
MEMORY = Path("/dev/shm")  # noqa: S108 - a private directory of it, made by `mkdtemp`
ROOM_IN_MEMORY = 2 << 30


@dataclass(frozen=True)
class Database:
    """A database of one test, migrated and empty, with a connection URL per role."""

    name: str
    admin_dsn: str
    address: str

    @property
    def owner_dsn(self) -> str:
        """Of `dockledger_migrator`, a member of the owner."""
        return self._dsn("dockledger_migrator")

    @property
    def ingest_dsn(self) -> str:
        return self._dsn("dockledger_ingest")

    @property
    def app_dsn(self) -> str:
        return self._dsn("dockledger_app")

    @property
    def planner_dsn(self) -> str:
        return self._dsn("dockledger_planner")

    @property
    def auditor_dsn(self) -> str:
        return self._dsn("dockledger_auditor")

    def _dsn(self, role: str) -> str:
        return f"postgresql://{role}:{PASSWORDS[role]}@{self.address}/{self.name}"


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL server, as its administrator."""

    admin_dsn: str
    tablespace: str = "pg_default"
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @cached_property
    def address(self) -> str:
        """Where the roles reach it: host and port."""
        with psycopg.connect(self.admin_dsn) as admin:
            host, port = admin.info.host, admin.info.port
        return f"127.0.0.1:{port}" if host.startswith("/") else f"{host}:{port}"

    def administer(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self.admin_dsn, autocommit=True) as admin:
            admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def database(self, name: str) -> Database:
        return Database(name, make_conninfo(self.admin_dsn, dbname=name), self.address)

    @contextmanager
    def clone(self, template: str) -> Iterator[Database]:
        """Give a copy of a template, let in whom `bootstrap` lets in, and drop it at the end.

        Copied as files, and in memory where there is room: a tenth of the time that logging each page takes.
        """
        roles = sorted(LOGIN_ROLES)
        grantees = ", ".join("{}" for _ in roles)
        creating = "CREATE DATABASE {} TEMPLATE {} OWNER dockledger_owner STRATEGY FILE_COPY TABLESPACE {}"
        with self.fresh_name() as name:
            with psycopg.connect(self.admin_dsn, autocommit=True) as admin:
                for statement, names in (
                    (creating, (name, template, self.tablespace)),
                    ("REVOKE ALL ON DATABASE {} FROM PUBLIC", (name,)),
                    ("GRANT CONNECT ON DATABASE {} TO " + grantees, (name, *roles)),
                ):
                    admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
            yield self.database(name)

    @contextmanager
    def fresh_name(self) -> Iterator[str]:
        """Give a name for a database and drop what bears it at the end."""
        name = f"dl_test_{os.getpid()}_{next(self._numbers)}"
        try:
            yield name
        finally:
            self.administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


@dataclass
class Broker:
    """A running broker of one test."""

    embedded: EmbeddedBroker
    _supervisor: Supervisor
    _accounts: list[GatewayAccount] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The service account's connection, `mqtt://user:password@127.0.0.1:port`."""
        return self.embedded.url

    @property
    def port(self) -> int:
        return self.embedded.port

    def admit(self, site: str, gateway: str) -> str:
        """Give a gateway an account and its URL; the broker starts anew, so do it before others connect."""
        account = GatewayAccount(site, gateway, f"test-{gateway}")
        self._accounts.append(account)
        self.stop()
        self.start()
        return self.embedded.gateway_url(account)

    def start(self) -> None:
        """Start it on the port it always had."""
        self._supervisor.start(self.embedded.prepare(self._accounts))

    def stop(self) -> None:
        self._supervisor.stop()


def pytest_xdist_auto_num_workers() -> int:
    """Run one worker more than there are cores: tests of whole systems wait more than they compute."""
    return (os.cpu_count() or 1) + 1


def pytest_report_header(config: pytest.Config) -> str:
    told = settle_first_seed()  # before there are workers
    return f"campaigns begin at {told}" if config.option.markexpr == "soak" else ""


def pytest_collection_finish() -> None:
    """Let garbage be looked for from now on, but not among what was imported."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _logging_is_undone() -> Iterator[None]:
    """Forget how a command run inside this process logs: its standard error ends with its test."""
    yield
    structlog.reset_defaults()


@pytest.fixture(name="free_port")
def _free_port() -> int:
    """Give a port that nobody has now."""
    return free_port()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give an administrator's access to a PostgreSQL server."""
    given = os.environ.get("DOCKLEDGER_TEST_DSN")
    if given:
        yield Cluster(given)
        return
    data_dir = tmp_path_factory.mktemp("cluster")
    postgres = EmbeddedPostgres(data_dir, "test-postgres", options={"fsync": "off"})
    try:
        with place_in_memory() as place, running(postgres.prepare()):
            yield Cluster(
                postgres.admin_dsn, tablespace(postgres, data_dir, place) if place else "pg_default"
            )
    finally:
        postgres.release()
        erase(data_dir)


@contextmanager
def place_in_memory() -> Iterator[str | None]:
    """Give a directory of a file system in memory, if that has room; it outlives the server."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM_IN_MEMORY:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="dockledger-test-", dir=MEMORY) as place:
        yield place


def tablespace(postgres: EmbeddedPostgres, data_dir: Path, place: str) -> str:
    """Let the server keep databases at a place."""
    server = (data_dir / "postgres" / "data").stat()
    os.chown(place, server.st_uid, server.st_gid)
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE TABLESPACE memory LOCATION {}").format(sql.Literal(place)))
    return "memory"


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """Give the name of a migrated, empty database to clone, made by whoever comes first."""
    digest = hashlib.sha256()
    for path in sorted(SCHEMA.rglob("*.sql")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    name = f"dl_template_{digest.hexdigest()[:12]}"
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin, cluster.fresh_name() as unfinished:
        admin.execute("SELECT pg_advisory_lock(%s)", (TEMPLATE_LOCK,))
        if admin.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            bootstrap(cluster.admin_dsn, unfinished, PASSWORDS)
            cluster.administer("ALTER DATABASE {} SET TABLESPACE {}", unfinished, cluster.tablespace)
            migrate(cluster.database(unfinished).owner_dsn)
            cluster.administer("ALTER DATABASE {} RENAME TO {}", unfinished, name)
    return name


@pytest.fixture
def database(cluster: Cluster, template: str) -> Iterator[Database]:
    """Give a fresh migrated database."""
    with cluster.clone(template) as database:
        yield database


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Give the broker that `dockledger local` would choose here."""
    yield from _running_broker(choose_broker("auto"), tmp_path / "broker")


@pytest.fixture(params=sorted(BROKERS))
def any_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """Give each of the embedded brokers in turn."""
    kind = BROKERS[request.param]
    if kind is BROKERS["mosquitto"] is not choose_broker("auto"):
        pytest.skip("mosquitto is not installed on this machine")
    yield from _running_broker(kind, tmp_path / "broker")


def _running_broker(kind: type[EmbeddedBroker], data_dir: Path) -> Iterator[Broker]:
    try:
        with Supervisor() as supervisor:
            broker = Broker(kind(data_dir, "test-dockledger"), supervisor)
            broker.start()
            yield broker
    finally:
        erase(data_dir)
