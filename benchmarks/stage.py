"""A small system, whole, as real processes on loopback: database, broker, ingest and edges."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import psycopg

from benchmarks.parts import Part, command
from cloud.db import bootstrap, migrate
from cloud.db.cluster import LOGIN_ROLES
from cloud.local.broker import EmbeddedBroker, GatewayAccount, choose_broker
from cloud.local.postgres import EmbeddedPostgres
from cloud.local.process import Service, accepts_connections, free_port

DATABASE: Final = "dockledger"
_PASSWORDS: Final = {role: f"stage-{role}" for role in LOGIN_ROLES}


@dataclass(frozen=True, slots=True)
class Gateway:
    """A registered gateway with an account at the broker."""

    site: str
    name: str

    @property
    def account(self) -> GatewayAccount:
        """Its credential."""
        return GatewayAccount(self.site, self.name, _gateway_password(self.name))


@dataclass(slots=True)
class Stage:
    """Owns the processes; leaving the ``with`` block stops all of them."""

    directory: Path
    gateways: tuple[Gateway, ...]
    ingest_workers: int = 2
    broker_kind: Literal["auto", "mosquitto", "nats"] = "auto"
    postgres_options: Mapping[str, str] = field(default_factory=dict)
    ingest_environment: Mapping[str, str] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    _owned: ExitStack = field(default_factory=ExitStack)
    _postgres: EmbeddedPostgres = field(init=False)
    _broker: EmbeddedBroker = field(init=False)

    def __enter__(self) -> Self:
        """Start database, broker, schema and ingest."""
        try:
            self._start()
        except BaseException:
            self._owned.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything in reverse order."""
        self._owned.close()

    @property
    def broker_url(self) -> str:
        """The service account's connection."""
        return self._broker.url

    @property
    def gateways_url(self) -> str:
        """The connection of every gateway, ``{gateway}`` standing for its id."""
        return f"mqtt://{{gateway}}:{_gateway_password('{gateway}')}@127.0.0.1:{self.broker_port}"

    @property
    def broker_port(self) -> int:
        """Where the broker listens on loopback."""
        return self._broker.port

    def dsn(self, role: str) -> str:
        """Spell a role's connection to the stage's database.

        Args:
            role: One of the login roles.

        Returns:
            A connection URL.
        """
        return f"postgresql://{role}:{_PASSWORDS[role]}@127.0.0.1:{self._postgres.port}/{DATABASE}"

    @property
    def environment(self) -> dict[str, str]:
        """Environment of every cloud process of this stage."""
        return {
            **os.environ,
            "DOCKLEDGER_DATA_DIR": str(self.directory),
            "DOCKLEDGER_OWNER_DSN": self.dsn("dockledger_migrator"),
            "DOCKLEDGER_INGEST_DSN": self.dsn("dockledger_ingest"),
            "DOCKLEDGER_APP_DSN": self.dsn("dockledger_app"),
            "DOCKLEDGER_BROKER_URL": self.broker_url,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `dockledger` command to its end.

        Args:
            *arguments: The command and its arguments.

        Returns:
            What it printed and its exit code.
        """
        return subprocess.run(
            (command("dockledger"), *arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def add(self, service: Service) -> Part:
        """Start a process and own it.

        Args:
            service: What to start.

        Returns:
            The running part, also under its name in ``parts``.
        """
        part = Part(service)
        self._owned.callback(part.stop)
        self.parts[service.name] = part
        part.start()
        return part

    def add_api(self) -> str:
        """Start a server of API and pages.

        Returns:
            Its address.
        """
        port = free_port()
        self.add(
            Service(
                "api",
                (command("dockledger"), "api"),
                self.directory / "logs" / "api.log",
                is_ready=lambda _pid: accepts_connections(port),
                environment=self.environment | {"DOCKLEDGER_HTTP_PORT": str(port)},
            )
        )
        return f"http://127.0.0.1:{port}"

    def start_broker_anew(self) -> None:
        """Start the broker as one that has forgotten every session, queue and retained message."""
        for store in self.directory.glob("*/store"):
            shutil.rmtree(store)
        self.parts["broker"].service = self._broker_service()
        self.parts["broker"].start()

    def ingest_service(self, name: str, environment: Mapping[str, str] | None = None) -> Service:
        """Describe an ingest process.

        Args:
            name: Name of the part.
            environment: Added to the stage's.

        Returns:
            To be given to ``add``.
        """
        return Service(
            name,
            (command("dockledger"), "ingest"),
            self.directory / "logs" / f"{name}.log",
            is_ready=lambda _pid: True,
            environment=self.environment | dict(self.ingest_environment) | dict(environment or {}),
        )

    def _start(self) -> None:
        (self.directory / "logs").mkdir(parents=True, exist_ok=True)
        self._postgres = EmbeddedPostgres(self.directory, "stage-admin", options=self.postgres_options)
        self._owned.callback(self._postgres.release)
        self.add(self._postgres.prepare())
        bootstrap(self._postgres.admin_dsn, DATABASE, _PASSWORDS)
        migrate(self.dsn("dockledger_migrator"))
        register(self.dsn("dockledger_migrator"), self.gateways)
        self._broker = choose_broker(self.broker_kind)(self.directory, "stage-service")
        self.add(self._broker_service())
        for number in range(1, self.ingest_workers + 1):
            self.add(self.ingest_service(f"ingest-{number}"))

    def _broker_service(self) -> Service:
        return self._broker.prepare([gateway.account for gateway in self.gateways])


def _gateway_password(name: str) -> str:
    return f"stage-{name}"


def register(owner_dsn: str, gateways: Iterable[Gateway]) -> None:
    """Enter gateways and their sites in the registry.

    Args:
        owner_dsn: Connection of the schema's owner.
        gateways: Any.
    """
    with psycopg.connect(owner_dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SET ROLE dockledger_owner")
        for gateway in gateways:
            cursor.execute(
                "INSERT INTO site (site_id, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                (gateway.site, gateway.site),
            )
            cursor.execute(
                "INSERT INTO gateway (name, kind, site_id) VALUES (%s, 'edge', %s) ON CONFLICT DO NOTHING",
                (gateway.name, gateway.site),
            )
            cursor.execute(
                "INSERT INTO gateway_secret (gateway_id, kept_by, secret_sha256)"
                " SELECT gateway_id, 'broker', sha256(convert_to(%s, 'UTF8')) FROM gateway WHERE name = %s"
                " ON CONFLICT DO NOTHING",
                (gateway.account.password, gateway.name),
            )
