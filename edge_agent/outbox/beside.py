"""Files beside the outbox: what the cloud said, kept for work offline; none keeps an agent from starting."""

import os
from pathlib import Path
from typing import Final, Generic, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

Kept = TypeVar("Kept", bound=BaseModel)

ASIDE: Final = ".damaged"
"""Ends the name of a file that was set aside."""

log = structlog.get_logger(__name__)


class KeptFile(Generic[Kept]):
    """A file that is written whole. What it held comes anew if it is lost, for the broker retains it."""

    def __init__(self, path: Path, begun: Kept) -> None:
        """Name the file; nothing is read yet.

        Args:
            path: The file; made when it is first written.
            begun: What is kept while there is nothing in it.
        """
        self.path: Final = path
        self._begun = begun
        self.not_read = 0
        """How often it was damaged, or the disk did not let it be read."""

    def read(self, *, is_looking: bool = False) -> Kept:
        """Read it; what is damaged is set aside, and what cannot be read stays where it is.

        Args:
            is_looking: Only look: set nothing aside.

        Returns:
            What is kept; what it begins with, if that cannot be said.
        """
        try:
            return type(self._begun).model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return self._begun
        except OSError as error:
            self.not_read += 1
            log.error("kept_file_not_read", path=str(self.path), detail=str(error))  # noqa: TRY400  no bug of ours
        except ValidationError as error:
            self.not_read += 1
            log.error("kept_file_damaged", path=str(self.path), detail=str(error))  # noqa: TRY400  no bug of ours
            if not is_looking:
                self._set_aside()
        return self._begun

    def write(self, kept: Kept) -> None:
        """Write it anew; durable on return.

        Args:
            kept: What it shall hold.

        Raises:
            OSError: If the disk refuses.
        """
        write_durably(self.path, kept.model_dump_json(by_alias=True).encode())

    def _set_aside(self) -> None:
        aside = self.path.with_name(self.path.name + ASIDE)
        try:
            self.path.replace(aside)
        except OSError as error:
            log.warning("kept_file_not_set_aside", path=str(self.path), detail=str(error))


def write_durably(path: Path, content: bytes) -> None:
    """Put another file in the place of one, at once and durably: its bytes, then its name.

    Args:
        path: The file.
        content: What it shall hold.

    Raises:
        OSError: If the disk refuses.
    """
    draft = path.with_name(path.name + ".new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
