"""The broker's files, replaced as a whole, and its being told to read them again."""

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloud.gateways.domain import INGEST_ACCOUNT

PASSWORDS_FILE: Final = "passwords"
REVOKED_FILE: Final = "revoked.crl"
RELOAD_S: Final = 30
_UNTOLD: Final = ".untold"
"""Lies beside them from before a file changes until the broker was told."""
_MODE: Final = 0o640
"""The broker reads them by its group, which the directory hands down (setgid)."""


class BrokerFilesError(Exception):
    """A file could not be written, or the broker could not be told; the message says which and why."""


@dataclass(frozen=True, slots=True)
class BrokerFiles:
    """Where a broker of one's own reads what the cloud tells it."""

    directory: Path | None = None
    """None: a person lays its files."""
    reload: str | None = None
    """Command that lets it read them again; None: a hook of its own looks at them."""
    ours: str = INGEST_ACCOUNT
    """Account of ingest, which no gateway of that name may touch."""

    def read(self, name: str) -> bytes | None:
        """Read a file; None if it is not there.

        Args:
            name: Of the file.

        Returns:
            What it holds.

        Raises:
            BrokerFilesError: If it cannot be read.
        """
        place = self._place(name)
        try:
            return place.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BrokerFilesError(f"{place}: {error.strerror}") from error

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole, durably.

        Args:
            name: Of the file.
            content: What it shall hold.

        Raises:
            BrokerFilesError: If there is no room, or no right to.
        """
        place, draft = self._place(name), self._place(f".{name}.new")
        try:
            self._place(_UNTOLD).touch()
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _MODE)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), _MODE)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(place)
            folder = os.open(place.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise BrokerFilesError(f"{place}: {error.strerror}") from error

    def tell(self) -> None:
        """Let the broker read what changed, if it was not told yet.

        Raises:
            BrokerFilesError: If the command cannot be run, fails, or does not end.
        """
        if self.read(_UNTOLD) is None:
            return
        if self.reload is not None:
            self._run(self.reload)
        self._place(_UNTOLD).unlink(missing_ok=True)

    def _run(self, reload: str) -> None:
        try:
            done = subprocess.run(  # noqa: S603  the operator's own command, without a shell
                shlex.split(reload), capture_output=True, text=True, timeout=RELOAD_S, check=False
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise BrokerFilesError(f"broker_reload = {reload!r}: {error}") from error
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-200:]
            raise BrokerFilesError(f"broker_reload = {reload!r} ended with {done.returncode}: {said}")

    def _place(self, name: str) -> Path:
        if self.directory is None:
            raise BrokerFilesError("broker_dir is not set: expected the directory that the broker reads")
        return self.directory / name
