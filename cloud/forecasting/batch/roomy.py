"""Large arrays that memory need not hold: in a file without a name, which goes with its last user.

A run works through its series some at a time. What it keeps of all the others meanwhile is in a file of the
folder for temporary files, mapped; a part is in memory while it is worked on and until it is let go of. Every
number is the same as if memory held it.
"""

import mmap
import os
import tempfile
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LARGE: Final = 64 << 20
"""Bytes of an array from which it is in a file."""
_AT_ONCE: Final = 1 << 20
"""Bytes written at once where the disk cannot be asked for room."""


def roomy(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Give an array to be filled.

    Args:
        shape: Its sizes.

    Returns:
        It, of any values; in memory if it is small, or there is no room for a file.
    """
    size = prod(shape) * np.dtype(np.float64).itemsize
    if size < LARGE:
        return np.empty(shape)
    with tempfile.TemporaryFile(prefix="dockledger-") as file:
        try:
            _make_room(file.fileno(), size)
        except OSError:
            return np.empty(shape)
        return np.frombuffer(mmap.mmap(file.fileno(), size)).reshape(shape)


def _make_room(descriptor: int, size: int) -> None:
    """Have room on the disk before it is mapped, for whoever writes where there is none is killed.

    Raises:
        OSError: If there is none.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    zeros = bytes(_AT_ONCE)  # macOS
    for begin in range(0, size, _AT_ONCE):
        part = memoryview(zeros)[: size - begin]
        while part:
            part = part[os.write(descriptor, part) :]


def filed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Copy a large array into a file.

    Args:
        values: Any.

    Returns:
        The copy; a small one itself.
    """
    if values.nbytes < LARGE:
        return values
    found = roomy(values.shape)
    found[...] = values
    let_go(found)
    return found


def let_go(*arrays: NDArray[Any]) -> None:
    """Let memory go that holds parts of arrays in files; they are read again when they are asked for.

    Args:
        arrays: Of `roomy`, or views of them; others stay as they are.
    """
    for array in arrays:
        file = file_of(array)
        if file is not None:
            file.madvise(mmap.MADV_DONTNEED)


def file_of(array: NDArray[Any]) -> mmap.mmap | None:
    """Give the mapped file that holds an array; None: memory does."""
    held: Any = array
    while isinstance(held, np.ndarray | memoryview):
        held = held.obj if isinstance(held, memoryview) else held.base
    return held if isinstance(held, mmap.mmap) else None
