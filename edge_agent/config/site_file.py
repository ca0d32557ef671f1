"""Site files on disk: a TOML file in, its validated portals out."""

import tomllib
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from edge_agent.filters.site import Portal, Portals

_PORTALS: TypeAdapter[tuple[Portal, ...]] = TypeAdapter(Portals)


class SiteFileError(ValueError):
    """A site file that cannot be used; the message names file, place, value and expectation."""


def load_portals(path: Path) -> tuple[Portal, ...]:
    """Read the portals of a site or agent file; its other tables are not looked at.

    Args:
        path: The file.

    Returns:
        At least one portal, in the file's order.

    Raises:
        SiteFileError: If the file cannot be read, is no TOML, has no portals, or contradicts itself.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SiteFileError(f"site file {str(path)!r} cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SiteFileError(f"site file {str(path)!r} is not TOML: {error}") from error
    given = tables.get("portal", [])
    if not given:
        raise SiteFileError(
            f"site file {str(path)!r}: expected at least one [[portal]], got {sorted(tables)}"
        )
    try:
        return _PORTALS.validate_python(given)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise SiteFileError("\n".join(_describe(path, fault) for fault in faults)) from error


def _describe(path: Path, fault: ErrorDetails) -> str:
    place = "portal"
    for part in fault["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    got = (
        ""
        if fault["type"] == "missing" or isinstance(fault["input"], dict | list)
        else f" = {fault['input']!r}"
    )
    return f"site file {str(path)!r}: {place}{got}: {fault['msg'].removeprefix('Value error, ')}"
