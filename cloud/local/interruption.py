"""Ctrl-C and SIGTERM as one interruption, so that what is owned is stopped undisturbed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the first SIGINT or SIGTERM interrupt the ``with`` block and ignore the later ones.

    Raises:
        KeyboardInterrupt: When the process was asked to stop; what it owns is then stopped undisturbed.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
