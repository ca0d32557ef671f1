"""Processes that can be killed, frozen and started again."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloud.local.process import Service, last_lines, spawn, stop

PATIENCE_S: Final = 60.0
_POLL_S: Final = 0.02


class StageError(Exception):
    """A process did not come up, or something waited for did not happen."""


@dataclass(slots=True)
class Part:
    """One process that can be killed, frozen and started again."""

    service: Service
    process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of a running part."""
        assert self.process is not None, f"{self.service.name} was never started"
        return self.process.pid

    def start(self) -> None:
        """Start it and wait until it is ready; one that ends at once is started again.

        Raises:
            StageError: If it is not ready within a minute.
        """
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self.process = spawn(self.service)
            while self.process.poll() is None:
                if self.service.is_ready(self.process.pid):
                    return
                time.sleep(_POLL_S)
            time.sleep(10 * _POLL_S)
        raise StageError(f"{self.service.name} did not come up; it said:\n{last_lines(self.service.log)}")

    def kill(self) -> None:
        """SIGKILL it and wait until it is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        """SIGSTOP it: its connections stay open."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen part go on."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to end, and make it."""
        if self.process is not None:
            if self.is_running:
                self.thaw()
            stop(self.process, self.service)


def command(name: str) -> str:
    """Find a console script of this installation.

    Args:
        name: Its name.

    Returns:
        Its path, beside the running interpreter.
    """
    return str(Path(sys.executable).with_name(name))
