"""Everything of one machine: settings in; database, broker, schema, ingest workers, API and jobs running."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, urlsplit

from cloud.db import bootstrap, migrate
from cloud.db.cluster import LOGIN_ROLES
from cloud.local.accounts import accounts_file, admitted
from cloud.local.broker import BrokerError, EmbeddedBroker, choose_broker
from cloud.local.home import HomeError, private_directory, write_private
from cloud.local.passwords import passwords
from cloud.local.postgres import SUPERUSER, EmbeddedPostgres, PostgresError
from cloud.local.process import Service, accepts_connections, free_port
from cloud.local.supervisor import ServiceFailedError, Supervisor
from cloud.settings import RUNNING_FILE, Settings, SettingsError

DATABASE: Final = "dockledger"
FAILURES: Final = (BrokerError, HomeError, PostgresError, ServiceFailedError)
"""What can prevent a start; each message says what was found and what was expected."""

_ROLE_OF: Final[Mapping[str, str]] = {
    "owner_dsn": "dockledger_migrator",
    "ingest_dsn": "dockledger_ingest",
    "app_dsn": "dockledger_app",
}


class Stack:
    """The services of one machine, started in order and stopped in reverse by the process that made it."""

    def __init__(self, settings: Settings, *, config: Path | None, report: Callable[[str], None]) -> None:
        """Prepare to start; nothing runs yet.

        Args:
            settings: As configured, without what an earlier stack left in the data directory.
            config: The settings file, handed on to the child processes.
            report: Told what is being waited for, in words for people.
        """
        self.data_dir = private_directory(settings.data_dir).resolve()
        self.settings = settings.model_copy(update={"data_dir": self.data_dir})
        self.logs = private_directory(self.data_dir / "logs")
        self.supervisor = Supervisor(report)
        self._config = config
        self._report = report
        self._postgres: EmbeddedPostgres | None = None
        self._broker: EmbeddedBroker | None = None
        self._accounts_seen_ns = 0
        self._is_published = False

    @property
    def url(self) -> str:
        """Where a person looks."""
        return f"http://{self.settings.http_host}:{self.settings.http_port}/"

    @property
    def broker_name(self) -> str:
        """Which broker carries the batches."""
        return self._broker.name if self._broker else "external"

    def start(self, *, any_port: bool = False) -> None:
        """Start what the settings do not find elsewhere, then our own processes, until all are ready.

        Args:
            any_port: Take another HTTP port where the configured one is in use.

        Raises:
            SettingsError: If the settings contradict each other or the HTTP port is in use.
            HomeError: If there is no place for the embedded services.
            PostgresError: If the embedded PostgreSQL cannot be prepared.
            BrokerError: If the embedded broker cannot be prepared.
            ServiceFailedError: If a service ends before it is ready.
        """
        derived: dict[str, str | int] = dict(self._database())
        if self.settings.broker_url is None:
            derived["broker_url"] = self._start_broker()
        derived["http_port"] = self._http_port(any_port=any_port)
        self.settings = self.settings.model_copy(update=derived)
        self._publish(derived)
        self._report("bringing the schema up to date")
        migrate(self.settings.needed("owner_dsn"))
        for service in self._processes():
            self.supervisor.start(service)

    def tick(self) -> None:
        """Look after the services; call it a few times a second."""
        self.supervisor.tick()
        if self._broker and self._accounts_changed():
            self._broker.admit(admitted(self.data_dir))
            self.supervisor.send("broker", signal.SIGHUP)

    def stop(self) -> None:
        """Stop everything in reverse order; returns when every process is gone."""
        if self._is_published:
            (self.data_dir / RUNNING_FILE).unlink(missing_ok=True)
        self.supervisor.stop()
        if self._postgres:
            self._postgres.release()

    def command(self, *arguments: str) -> tuple[str, ...]:
        """Spell a command line of ours with this stack's settings.

        Args:
            arguments: The command and its arguments.

        Returns:
            Program and arguments.
        """
        config = ("--config", str(self._config.resolve())) if self._config else ()
        return (sys.executable, "-m", "cloud", "--data-dir", str(self.data_dir), *config, *arguments)

    def __enter__(self) -> Self:
        """Own the stack until the end of a ``with`` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, whatever happened."""
        self.stop()

    def _database(self) -> dict[str, str]:
        """Find or start the database; give the connections that the settings do not name."""
        missing = [name for name in _ROLE_OF if getattr(self.settings, name) is None]
        if not missing:
            return {}
        if len(missing) < len(_ROLE_OF):
            raise SettingsError(
                f"{', '.join(missing)} not set: expected all of {', '.join(_ROLE_OF)}, or none of them"
                " for an embedded PostgreSQL"
            )
        secret = passwords(self.data_dir, [SUPERUSER, *sorted(LOGIN_ROLES)])
        if self.settings.admin_dsn is None:
            postgres = self._start_postgres(secret[SUPERUSER])
            admin_dsn, address = postgres.admin_dsn, f"127.0.0.1:{postgres.port}"
        else:
            admin_dsn = self.settings.admin_dsn
            address = urlsplit(admin_dsn).netloc.rpartition("@")[2]
        bootstrap(admin_dsn, DATABASE, {role: secret[role] for role in LOGIN_ROLES})
        return {
            name: f"postgresql://{role}:{quote(secret[role], safe='')}@{address}/{DATABASE}"
            for name, role in _ROLE_OF.items()
        }

    def _start_postgres(self, password: str) -> EmbeddedPostgres:
        postgres = EmbeddedPostgres(self.data_dir, password, bin_dir=self.settings.postgres_bin_dir)
        self.supervisor.start(postgres.prepare())
        self._postgres = postgres
        return postgres

    def _start_broker(self) -> str:
        kind = choose_broker(self.settings.embedded_broker)
        secret = passwords(self.data_dir, ["broker"])
        self._broker = kind(self.data_dir, secret["broker"])
        self._accounts_changed()
        self.supervisor.start(self._broker.prepare(admitted(self.data_dir)))
        return self._broker.url

    def _accounts_changed(self) -> bool:
        path = accounts_file(self.data_dir)
        seen_ns, self._accounts_seen_ns = (
            self._accounts_seen_ns,
            path.stat().st_mtime_ns if path.exists() else 0,
        )
        return seen_ns != self._accounts_seen_ns

    def _http_port(self, *, any_port: bool) -> int:
        wanted = self.settings.http_port
        port = free_port(wanted)
        if wanted not in {port, 0} and not any_port:
            raise SettingsError(
                f"http_port = {wanted}: a process listens there: expected a free port;"
                " set DOCKLEDGER_HTTP_PORT, 0 takes any"
            )
        return port

    def _publish(self, derived: Mapping[str, str | int]) -> None:
        """Tell the child processes, and every other command on this data directory, what runs where."""
        lines = (f"{name} = {json.dumps(value)}\n" for name, value in derived.items())
        write_private(self.data_dir / RUNNING_FILE, "".join(lines))
        self._is_published = True

    def _processes(self) -> Iterator[Service]:
        for number in range(1, self.settings.ingest_workers + 1):
            name = f"ingest-{number}"
            yield Service(name, self.command("ingest"), self.logs / f"{name}.log", lambda _pid: True)
        for name in ("fold", "scheduler"):
            yield Service(name, self.command(name), self.logs / f"{name}.log", lambda _pid: True)
        port = self.settings.http_port
        yield Service(
            "api",
            self.command("api"),
            self.logs / "api.log",
            is_ready=lambda _pid: accepts_connections(port),
            environment={**os.environ, "DOCKLEDGER_HTTP_PORT": str(port)},
        )
