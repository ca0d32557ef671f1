"""Where long campaigns begin, lest one repeats another: where `DOCKLEDGER_FIRST_SEED` says, else by time."""

import os
import time
from typing import Final

_NAME: Final = "DOCKLEDGER_FIRST_SEED"


def settle_first_seed() -> str:
    """Choose it once for all processes of a run; gives how to choose it again."""
    os.environ.setdefault(
        _NAME, f"{time.time_ns() // 1000}"
    )  # no half hour reaches the next second's microseconds
    return f"{_NAME}={os.environ[_NAME]}"


def first_seed() -> int:
    """Give the first seed of this run."""
    settle_first_seed()
    return int(os.environ[_NAME])
