"""Site files on disk: a TOML file in, its validated portals and rules for tags out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from edge_agent.decode.tag_role import TagRules
from edge_agent.filters.read_zone import ReadZone, ReadZones
from edge_agent.filters.site import Portal, Portals
from edge_agent.readers.toml_file import TomlError, read_toml

_PORTALS: TypeAdapter[tuple[Portal, ...]] = TypeAdapter(Portals)
_ZONES: TypeAdapter[tuple[ReadZone, ...]] = TypeAdapter(ReadZones)


class SiteFileError(ValueError):
    """A site file that cannot be used; the message names file, place, value and expectation."""


def load_portals(path: Path, *, is_needed: bool = True) -> tuple[Portal, ...]:
    """Read the portals of a site or agent file; its other tables are not looked at.

    Args:
        path: The file.
        is_needed: Whether a file without any is at fault.

    Returns:
        Portals in the file's order; at least one if that is needed.

    Raises:
        SiteFileError: If the file cannot be read, is no TOML, has no portals, or contradicts itself.
    """
    tables = _tables(path)
    given = tables.get("portal", [])
    if not given and is_needed:
        raise SiteFileError(
            f"site file {str(path)!r}: expected at least one [[portal]], got {sorted(tables)}"
        )
    try:
        return _PORTALS.validate_python(given)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise SiteFileError("\n".join(_describe(path, fault) for fault in faults)) from error


def load_zones(path: Path) -> tuple[ReadZone, ...]:
    """Read the read zones of a site or agent file; its other tables are not looked at.

    Args:
        path: The file.

    Returns:
        Zones in the file's order; most sites have none.

    Raises:
        SiteFileError: If the file cannot be read, is no TOML, or its zones contradict each other.
    """
    try:
        return _ZONES.validate_python(_tables(path).get("zone", []))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise SiteFileError("\n".join(_describe(path, fault, "zone") for fault in faults)) from error


def load_tags(path: Path) -> TagRules:
    """Read the ``[tags]`` of a site or agent file; its other tables are not looked at.

    Args:
        path: The file.

    Returns:
        Whose tags the site sees; the defaults where it does not say.

    Raises:
        SiteFileError: If the file cannot be read, is no TOML, or the table is not valid.
    """
    try:
        return TagRules.model_validate(_tables(path).get("tags", {}))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise SiteFileError("\n".join(_describe(path, fault, "tags") for fault in faults)) from error


def _tables(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)
    except OSError as error:
        raise SiteFileError(f"site file {str(path)!r} cannot be read: {error.strerror or error}") from error
    except TomlError as error:
        raise SiteFileError(f"site file {str(path)!r} is not TOML: {error}") from error


def _describe(path: Path, fault: Mapping[str, Any], place: str = "portal") -> str:
    for part in fault["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    got = (
        ""
        if fault["type"] == "missing" or isinstance(fault["input"], dict | list)
        else f" = {fault['input']!r}"
    )
    return f"site file {str(path)!r}: {place}{got}: {fault['msg'].removeprefix('Value error, ')}"
