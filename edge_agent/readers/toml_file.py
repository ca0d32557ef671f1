"""TOML files that people write: a path in, tables out; whatever is wrong with one is one kind of error."""

import tomllib
from pathlib import Path
from typing import Any, Protocol


class TomlError(ValueError):
    """The file is there and is no TOML; the message says where."""


class Readable(Protocol):
    """A path, or a file inside a package."""

    def read_text(self, encoding: str) -> str:
        """Give its text."""


def read_toml(source: Readable | Path) -> dict[str, Any]:
    """Read a file.

    Args:
        source: The file.

    Returns:
        Its tables.

    Raises:
        OSError: If it cannot be read.
        TomlError: If it is not TOML.
    """
    try:
        return tomllib.loads(source.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise TomlError("its brackets are nested too deep") from error
    except ValueError as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise TomlError(str(error)) from error
