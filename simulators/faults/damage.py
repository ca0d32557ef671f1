"""Damage to files: flipped bits and a full disk."""

import errno
import os
import random
from pathlib import Path
from typing import Final, Self

_CHUNK_BYTES: Final = 64 * 1024


def flip_bits(path: Path, *, flips: int, seed: int, from_byte: int = 0) -> list[int]:
    """Flip single bits of a file in place.

    Args:
        path: A file longer than ``from_byte``.
        flips: How many bits.
        seed: Fixes which.
        from_byte: Bytes before it are spared.

    Returns:
        Offsets of the bytes changed, in the order they were hit.

    Raises:
        ValueError: If the file has no byte from ``from_byte`` on.
    """
    rng = random.Random(seed)
    size = path.stat().st_size
    if size <= from_byte:
        raise ValueError(f"{path} has {size} bytes, expected more than {from_byte}")
    hit: list[int] = []
    with path.open("r+b") as file:
        for _ in range(flips):
            offset = rng.randrange(from_byte, size)
            file.seek(offset)
            flipped = file.read(1)[0] ^ (1 << rng.randrange(8))
            file.seek(offset)
            file.write(bytes([flipped]))
            hit.append(offset)
    return hit


class DiskFiller:
    """A file that takes what is left of a small file system; never point it at a large one."""

    def __init__(self, directory: Path, *, at_most_bytes: int) -> None:
        """Prepare, writing nothing yet.

        Args:
            directory: On the file system to fill.
            at_most_bytes: Refuse to fill a file system with more space left than this.
        """
        self._path = directory / "filler"
        self._at_most_bytes = at_most_bytes

    def fill(self, *, leave_bytes: int = 0) -> int:
        """Write until the disk is full.

        Args:
            leave_bytes: Space to leave.

        Returns:
            Bytes written.

        Raises:
            ValueError: If more space is left than ``at_most_bytes``.
        """
        usage = os.statvfs(self._path.parent)
        left = usage.f_bavail * usage.f_frsize
        if left > self._at_most_bytes:
            raise ValueError(f"{self._path.parent} has {left} bytes left, expected <= {self._at_most_bytes}")
        wanted, written = left - leave_bytes, 0
        with self._path.open("wb", buffering=0) as file:
            try:
                while leave_bytes == 0 or written < wanted:
                    written += file.write(b"\0" * min(_CHUNK_BYTES, max(wanted - written, 1)))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        return written

    def free(self) -> None:
        """Give the space back."""
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Use as a context that frees."""
        return self

    def __exit__(self, *_: object) -> None:
        """Free."""
        self.free()
