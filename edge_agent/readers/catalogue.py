"""Every device profile, whatever its kind: a name or a file in, the profile with its kind out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.readers import profile as scanners
from edge_agent.readers.device import DeviceProfile, ProfileError, shipped
from edge_agent.readers.iot import profile as iot
from edge_agent.readers.llrp import profile as llrp
from edge_agent.readers.toml_file import TomlError, read_toml


class Kind(NamedTuple):
    """One kind of device."""

    name: str
    folder: str
    load: Callable[[str], DeviceProfile]
    mark: str
    """A table or key that only profiles of this kind have."""


KINDS: Final = (
    Kind("iot reader", iot.SHIPPED, iot.load_iot_profile, "protocol"),
    Kind("reader", llrp.SHIPPED, llrp.load_llrp_profile, "radio"),
    Kind("scanner", scanners.SHIPPED, scanners.load_profile, "scan"),
)


def all_profiles() -> Iterator[tuple[Kind, DeviceProfile]]:
    """Give every profile that ships with the agent.

    Yields:
        Kind and profile, kind by kind.
    """
    for kind in KINDS:
        for name in shipped(kind.folder):
            yield kind, kind.load(name)


def find(name: str) -> tuple[Kind, DeviceProfile]:
    """Load a profile of any kind.

    Args:
        name: Of one that ships, or a path that ends in ``.toml``.

    Returns:
        Its kind and itself.

    Raises:
        ProfileError: If there is none, or it is not valid.
    """
    if name.endswith(".toml"):
        kind = _kind_of(name)
        return kind, kind.load(name)
    for kind in KINDS:
        if name in shipped(kind.folder):
            return kind, kind.load(name)
    known = ", ".join(each for kind in KINDS for each in shipped(kind.folder))
    raise ProfileError(f"profile {name!r}: expected one of {known}, or a path that ends in .toml")


def _kind_of(path: str) -> Kind:
    try:
        fields = read_toml(Path(path))
    except OSError as error:
        raise ProfileError(f"profile {path!r} cannot be read: {error.strerror or error}") from error
    except TomlError as error:
        raise ProfileError(f"profile {path!r} is not TOML: {error}") from error
    for kind in KINDS:
        if kind.mark in fields:
            return kind
    marks = " or ".join(f"{kind.mark} ({kind.name})" for kind in KINDS)
    raise ProfileError(f"profile {path!r}: expected {marks}, got {sorted(fields)}")
