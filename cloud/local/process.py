"""Child processes that never outlive their parent: a service in, an owned process out."""

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Final

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_START_TIME_FIELD: Final = 19
"""Of ``/proc/self/stat``, counted after the program's name."""
_LOG_LIMIT_BYTES: Final = 16 * 1024 * 1024
_PORTS_OF_THE_SYSTEM: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_RESERVED_PORTS: Final = 1024
_QUIET_PORTS: Final = 12_000
_DRAWS: Final = 100


@dataclass(frozen=True, slots=True)
class Identity:
    """User and group of a process that must not run as root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Service:
    """A process to start and keep: what to run, as whom, and how to tell that it is ready."""

    name: str
    """Unique among the services of a supervisor; also names the log file."""
    command: tuple[str, ...]
    """Program and arguments."""
    log: Path
    """File that takes standard output and standard error."""
    is_ready: Callable[[int], bool]
    """Given the process id: does it serve? Called often, so it must be quick."""
    environment: Mapping[str, str] | None = None
    """The whole environment; by default the parent's."""
    identity: Identity | None = None
    """User to run as; by default the parent's."""
    stop_signal: signal.Signals = signal.SIGTERM
    """Asks for a clean end."""
    stop_patience_s: float = 15.0
    """How long a clean end may take before SIGKILL."""
    death_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends when the parent dies, whatever killed it."""
    progress: Callable[[], str] = field(default=lambda: "starting")
    """What it is busy with while it is not ready, for people."""


def spawn(service: Service) -> subprocess.Popen[bytes]:
    """Start a process in its own session, tied to this one's life.

    The kernel ties it to the *thread* that calls this, so that thread must live as long as the
    process should.

    Args:
        service: What to start.

    Returns:
        The process, not yet ready.

    Raises:
        OSError: If the program cannot be started.
    """
    parent = os.getpid()
    death_signal = int(service.death_signal)

    def tether() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)

    identity = service.identity
    with _open_log(service.log) as log:
        return subprocess.Popen(  # noqa: S603  the commands are ours
            service.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=None if service.environment is None else dict(service.environment),
            cwd="/" if identity else None,
            start_new_session=True,
            preexec_fn=tether,  # noqa: PLW1509  runs after setuid, which would clear the tie; touches no lock
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            extra_groups=[] if identity else None,
        )


def stop(process: subprocess.Popen[bytes], service: Service) -> None:
    """End a process and everything in its session's group; returns when it is gone.

    Args:
        process: What `spawn` gave.
        service: How to ask it.
    """
    if process.poll() is None:
        process.send_signal(service.stop_signal)
        try:
            process.wait(service.stop_patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def last_lines(log: Path, count: int = 12) -> str:
    """Read the end of a log, to say why a process died.

    Args:
        log: The log file.
        count: How many lines.

    Returns:
        The lines, or an empty text where there is no log.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])
    except FileNotFoundError:
        return ""


def free_port(preferred: int | None = None) -> int:
    """Find a TCP port of the loopback interface that nobody listens on.

    It lies outside the range from which the system serves whoever asks for any port: a service that is down
    for a moment finds its own still free, and who looks whether it listens does not get through to himself.

    Args:
        preferred: A port to take if it is free.

    Returns:
        The port, free a moment ago.

    Raises:
        OSError: If there is none.
    """
    for port in chain((preferred,) if preferred else (), _quiet_ports(), (0,)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free TCP port on 127.0.0.1")


def _quiet_ports() -> Iterator[int]:
    """Draw ports just below the system's own range, where there is room."""
    try:
        end = int(_PORTS_OF_THE_SYSTEM.read_text("ascii").split()[0])
    except OSError:
        return
    if end > _QUIET_PORTS + _RESERVED_PORTS:
        for _ in range(_DRAWS):
            yield end - 1 - secrets.randbelow(_QUIET_PORTS)


def accepts_connections(port: int) -> bool:
    """Tell whether somebody listens on a loopback TCP port.

    Args:
        port: The port.

    Returns:
        True if a connection was accepted.
    """
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def process_age_s() -> float:
    """Tell for how long this process runs, the time before its first line of Python included.

    Returns:
        Seconds, to a hundredth.
    """
    fields = Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()
    started_s = int(fields[_START_TIME_FIELD]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_s


def _open_log(path: Path) -> IO[bytes]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")
