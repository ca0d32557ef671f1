"""Heavy jobs in processes of their own: their memory goes with them, and they can be told to stop."""

import os
import signal
import subprocess
from collections.abc import Sequence
from datetime import datetime
from threading import Event, Lock
from typing import Final

NICENESS: Final = 10
"""What is received and scanned meanwhile goes before what is planned."""


class Processes:
    """Runs `dockledger scheduler --once JOB --slot T` beside this process, and ends it with this one."""

    def __init__(self, command: Sequence[str]) -> None:
        """Run none yet.

        Args:
            command: The command line of ours before ``scheduler``, with this process's settings.
        """
        self._command = tuple(command)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = Lock()
        self._ending = Event()

    def launch(self, job: str, slot: datetime) -> int:
        """Run a slot and wait until it is over.

        Args:
            job: Name of the job.
            slot: Its slot.

        Returns:
            The exit status; 0 also if the process was told to stop.
        """
        line = (*self._command, "scheduler", "--once", job, "--slot", slot.isoformat())
        with self._lock:
            if self._ending.is_set():
                return 0
            process = subprocess.Popen(line, stdin=subprocess.DEVNULL)  # noqa: S603  our own command
            self._running.add(process)
        os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        status = process.wait()
        with self._lock:
            self._running.discard(process)
        return 0 if self._ending.is_set() else status

    def stop(self) -> None:
        """Tell all of them to stop; who waits in `launch` sees them end."""
        with self._lock:
            self._ending.set()
            for process in self._running:
                process.send_signal(signal.SIGTERM)
