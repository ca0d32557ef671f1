"""Named statements out of a ``.sql`` file."""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final, LiteralString

_NAME: Final = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)[ \t]*$", re.MULTILINE)


def statements(package: str, file: str = "queries.sql") -> Mapping[str, LiteralString]:
    """Read the statements of a file, each after a line ``-- name: some_name``.

    Args:
        package: Package that holds the file, as ``cloud.ledger``.
        file: File name within the package.

    Returns:
        Statement by name, in the file's order.

    Raises:
        ValueError: If the file names no statement, or one twice.
    """
    text = files(package).joinpath(file).read_text(encoding="utf-8")
    found: dict[str, LiteralString] = {}
    starts = list(_NAME.finditer(text))
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        name = start["name"]
        if name in found:
            msg = f"statement {name!r} stands twice in {package}/{file}"
            raise ValueError(msg)
        body = text[start.end() : end.start() if end else len(text)].strip().removesuffix(";")
        found[name] = body
    if not found:
        msg = f"{package}/{file} holds no line '-- name: some_name'"
        raise ValueError(msg)
    return MappingProxyType(found)
