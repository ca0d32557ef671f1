"""A folder of one benchmark's own, gone when it ends; what killed ones left goes when another begins."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cloud.local.home import erase

_PREFIX: Final = "dockledger-bench-"
_HELD: Final = "held"
"""Is locked while the folder's benchmark lives: the kernel lets go of what the dead held."""
_DEEPEST: Final = 3
"""Folders down to the data of a whole system."""


@contextmanager
def own_folder() -> Iterator[Path]:
    """Give a folder for as long as the block lasts.

    Yields:
        The folder; databases in it, wherever they really are, go with it.
    """
    _clear_after_the_dead()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    unlocked = folder / f"{_HELD}.new"
    with unlocked.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        unlocked.rename(folder / _HELD)
        try:
            yield folder
        finally:
            _erase_whole(folder)


def _clear_after_the_dead() -> None:
    for held in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_HELD}"):
        try:
            if held.stat().st_uid != os.geteuid():
                continue
            with held.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _erase_whole(held.parent)
        except (BlockingIOError, FileNotFoundError):
            continue


def _erase_whole(folder: Path) -> None:
    for depth in range(1, _DEEPEST):
        for instance in folder.glob("*/" * depth + "instance"):
            erase(instance.parent)
    erase(folder)
