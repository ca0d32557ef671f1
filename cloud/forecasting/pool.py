"""Work spread over processes: pieces in, results in the same order out."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import TypeVar

Piece = TypeVar("Piece")
Done = TypeVar("Done")


def in_processes(work: Callable[[Piece], Done], pieces: Sequence[Piece], processes: int) -> Iterator[Done]:
    """Work on pieces, several at once.

    Processes are started afresh, not forked, as the caller may hold threads and connections; they end with
    it, even if it is killed.

    Args:
        work: A function of a module, so that it can be found by another process.
        pieces: What it is given.
        processes: How many work; one means this one.

    Yields:
        What came of each piece, in their order.
    """
    if processes <= 1 or len(pieces) <= 1:
        yield from map(work, pieces)
        return
    with ProcessPoolExecutor(
        min(processes, len(pieces)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_end_with_parent,
    ) as pool:
        yield from pool.map(work, pieces)


def _end_with_parent() -> None:
    """Leave when the parent is gone: a worker waits for work on a pipe that its siblings hold open too."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
