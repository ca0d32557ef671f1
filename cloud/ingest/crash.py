"""A fault hook: `DOCKLEDGER_CRASH_AT` names a point at which the ingest process kills itself."""

import os
import signal
from typing import Final

POINTS: Final = ("before_commit", "after_commit")


def point(name: str) -> None:
    """Kill this process with SIGKILL if the environment asks for it here (FAULTS F13).

    Args:
        name: One of `POINTS`.
    """
    if os.environ.get("DOCKLEDGER_CRASH_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
