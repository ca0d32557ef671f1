"""Starts services in order, restarts those that die, and stops all in reverse: nothing is left running."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import structlog

from cloud.local.process import Service, last_lines, spawn, stop

_FIRST_DELAY_S: Final = 0.5
_LONGEST_DELAY_S: Final = 30.0
_STABLE_AFTER_S: Final = 60.0
_POLL_S: Final = 0.02
_PROGRESS_EVERY_S: Final = 2.0

log = structlog.get_logger()


class ServiceFailedError(Exception):
    """A service ended before it was ready; the message carries the end of its log."""


@dataclass(slots=True)
class Kept:
    """A service and its present process."""

    service: Service
    process: subprocess.Popen[bytes]
    started_at_s: float
    is_ready: bool = False
    restarts: int = 0
    delay_s: float = _FIRST_DELAY_S
    due_at_s: float | None = None
    """Monotonic time of the restart, while the service is down."""


@dataclass(slots=True)
class Supervisor:
    """Owns the services of one process; use it from one thread that lives as long as they should.

    There is no thread of its own: whoever owns it calls `tick` a few times a second.
    """

    report: Callable[[str], None] = lambda _text: None
    """Told what is being waited for, in words for people."""
    _kept: list[Kept] = field(default_factory=list)

    def start(self, service: Service) -> None:
        """Start a service and wait until it is ready, however long that takes.

        Args:
            service: What to start.

        Raises:
            ServiceFailedError: If it ends before it is ready.
        """
        began = time.monotonic()
        kept = Kept(service, spawn(service), began)
        self._kept.append(kept)
        told = began
        while not service.is_ready(kept.process.pid):
            status = kept.process.poll()
            if status is not None:
                self._kept.remove(kept)
                raise ServiceFailedError(
                    f"{service.name} ended with status {status} before it was ready;"
                    f" {service.log} ends:\n{last_lines(service.log)}"
                )
            if time.monotonic() - told >= _PROGRESS_EVERY_S:
                told = time.monotonic()
                self.report(f"{service.name}: {service.progress()} ({told - began:.0f} s)")
            time.sleep(_POLL_S)
        kept.is_ready = True
        log.info("service_ready", service=service.name, after_s=round(time.monotonic() - began, 2))

    def tick(self) -> None:
        """Notice services that died and restart those whose turn has come, with a growing delay."""
        now = time.monotonic()
        for kept in self._kept:
            if kept.due_at_s is None:
                self._look(kept, now)
            elif now >= kept.due_at_s:
                self._restart(kept, now)

    def send(self, name: str, signal_number: int) -> None:
        """Signal a running service, for example to make it read its configuration again.

        Args:
            name: The service's name.
            signal_number: The signal.

        Raises:
            KeyError: If there is no such service.
        """
        self[name].process.send_signal(signal_number)

    def stop(self) -> None:
        """Stop all services, the last started first; returns when every process is gone."""
        while self._kept:
            kept = self._kept.pop()
            self.report(f"stopping {kept.service.name}")
            stop(kept.process, kept.service)
            log.info("service_stopped", service=kept.service.name, status=kept.process.returncode)

    def __getitem__(self, name: str) -> Kept:
        """Give the state of a service by name."""
        return {kept.service.name: kept for kept in self._kept}[name]

    def __iter__(self) -> Iterator[Kept]:
        """Give the state of every service, in the order of their start."""
        return iter(self._kept)

    def __enter__(self) -> Self:
        """Own services until the end of a ``with`` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all services, whatever happened."""
        self.stop()

    def _look(self, kept: Kept, now: float) -> None:
        status = kept.process.poll()
        if status is None:
            kept.is_ready = kept.is_ready or kept.service.is_ready(kept.process.pid)
            return
        stop(kept.process, kept.service)
        if now - kept.started_at_s >= _STABLE_AFTER_S:
            kept.delay_s = _FIRST_DELAY_S
        kept.is_ready = False
        kept.due_at_s = now + kept.delay_s
        log.warning("service_died", service=kept.service.name, status=status, restart_in_s=kept.delay_s)

    def _restart(self, kept: Kept, now: float) -> None:
        kept.restarts += 1
        kept.delay_s = min(2 * kept.delay_s, _LONGEST_DELAY_S)
        kept.started_at_s = now
        try:
            kept.process = spawn(kept.service)
        except OSError as error:
            kept.due_at_s = now + kept.delay_s
            log.error("service_start_failed", service=kept.service.name, error=str(error))  # noqa: TRY400  the text says it
        else:
            kept.due_at_s = None


@contextmanager
def running(service: Service) -> Iterator[subprocess.Popen[bytes]]:
    """Run one service for the length of a ``with`` block.

    Args:
        service: What to run.

    Yields:
        Its process, ready.

    Raises:
        ServiceFailedError: If it ends before it is ready.
    """
    with Supervisor() as supervisor:
        supervisor.start(service)
        yield supervisor[service.name].process
