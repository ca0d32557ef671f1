"""Decides whether there is room: a byte quota, and a ballast file to throw overboard on a full disk."""

import os
import shutil
from pathlib import Path
from typing import Final

LARGEST_DEFAULT_QUOTA: Final = 4 * 1024**3
DEFAULT_QUOTA_SHARE: Final = 0.7
SMALLEST_BALLAST: Final = 8 * 1024**2
SHED_SAMPLES_FROM: Final = 0.8
"""Share of the quota from which samples are no longer stored."""
PRUNE_FROM: Final = 0.9
"""Share of the quota from which acknowledged batches are given up, oldest first."""
_BLOCK: Final = bytes(64 * 1024)


class Space:
    """The room that one outbox may take on its volume."""

    def __init__(self, path: Path, *, quota_bytes: int | None, ballast_bytes: int) -> None:
        """Set the limits.

        Args:
            path: The outbox file; the ballast lies beside it.
            quota_bytes: Most that the file's data may take; 70 % of the volume, at most 4 GiB, by default.
            ballast_bytes: Size of the ballast file.
        """
        volume_bytes = shutil.disk_usage(path.parent).total
        self.quota_bytes = quota_bytes or min(int(volume_bytes * DEFAULT_QUOTA_SHARE), LARGEST_DEFAULT_QUOTA)
        self.disk_is_full = False
        self._ballast_path = path.with_name(path.name + ".ballast")
        self._ballast_bytes = ballast_bytes

    def has_room(self, used_bytes: int) -> bool:
        """Tell whether rows may be accepted.

        Args:
            used_bytes: What the file's data takes now.

        Returns:
            False at the quota and on a full disk.
        """
        return used_bytes < self.quota_bytes and not self.disk_is_full

    def has_room_for_samples(self, used_bytes: int) -> bool:
        """Tell whether raw-read samples may be accepted too.

        Args:
            used_bytes: What the file's data takes now.

        Returns:
            False from 80 % of the quota on.
        """
        return used_bytes < self.quota_bytes * SHED_SAMPLES_FROM and not self.disk_is_full

    def has_room_for_copy(self, file: Path) -> bool:
        """Tell whether a file may be copied beside the outbox without taking the room of new rows.

        Args:
            file: Any file of the volume.

        Returns:
            True if the ballast's size would still be free afterwards.
        """
        return shutil.disk_usage(file.parent).free >= file.stat().st_size + 2 * self._ballast_bytes

    def wants_pruning(self, used_bytes: int) -> bool:
        """Tell whether acknowledged batches must make room.

        Args:
            used_bytes: What the file's data takes now.

        Returns:
            True from 90 % of the quota on, and on a full disk.
        """
        return used_bytes >= self.quota_bytes * PRUNE_FROM or self.disk_is_full

    def release_ballast(self) -> None:
        """Throw the ballast overboard: on a full disk even DELETE and checkpoints need some space."""
        self.disk_is_full = True
        self._ballast_path.unlink(missing_ok=True)

    def restore_ballast(self) -> bool:
        """Take ballast on again, if the volume has room for it and for the log beside it.

        Returns:
            True if the ballast is there; then the disk no longer counts as full.
        """
        if not self._has_ballast():
            if shutil.disk_usage(self._ballast_path.parent).free < self._ballast_bytes * 5 // 4:
                return False
            try:
                self._write_ballast()
            except OSError:
                self._ballast_path.unlink(missing_ok=True)
                return False
        self.disk_is_full = False
        return True

    def _has_ballast(self) -> bool:
        try:
            return self._ballast_path.stat().st_size == self._ballast_bytes
        except FileNotFoundError:
            return False

    def _write_ballast(self) -> None:
        with self._ballast_path.open("wb") as file:
            for start in range(0, self._ballast_bytes, len(_BLOCK)):
                file.write(_BLOCK[: self._ballast_bytes - start])
            file.flush()
            os.fsync(file.fileno())
