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
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError:
            return np.empty(shape)
        return np.frombuffer(mmap.mmap(file.fileno(), size)).reshape(shape)


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
