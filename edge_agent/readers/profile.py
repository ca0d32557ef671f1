"""Scanner profiles: a TOML file of ``firmware_configs/scanners`` in, a validated frozen model out."""

import tomllib
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.base import ID_PATTERN
from edge_agent.readers.framing import LONGEST_SCAN_BYTES, Delimiter, Framing

SHIPPED: Final = "firmware_configs.scanners"


class ProfileError(ValueError):
    """A scanner profile that cannot be used: the file, the field and what was expected."""


class Quality(StrEnum):
    """How far a profile has been proven; a rung holds only if those below it do."""

    BRONZE = "bronze"
    """Written from the vendor's manual and run against the scanner simulator."""
    SILVER = "silver"
    """Checked against bytes recorded from the device."""
    GOLD = "gold"
    """Run on the device: separators, host beeps, unplugging and plugging back."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Line(_Strict):
    """The serial line; a USB-CDC or TCP scanner ignores all of it."""

    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    bytesize: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stopbits: Literal[1, 2] = 1


class ScanFormat(_Strict):
    """How a scan looks on the line."""

    delimiter: Delimiter
    max_length: Annotated[int, Field(ge=1, le=LONGEST_SCAN_BYTES)] = 256
    aim: Literal["required", "absent"] = "required"
    """``required`` unless the device cannot send AIM identifiers; without them some codes are ambiguous."""
    double_scan_s: Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)] = 0.0
    """The same characters again within this time are one pull of the trigger, counted apart. 0: never."""


class HostFeedback(_Strict):
    """Bytes that make the scanner answer its user; distinct from its own decode beep."""

    success: Annotated[str, Field(min_length=1, max_length=32)]
    """Sent only after the work is durable."""
    step: Annotated[str, Field(min_length=1, max_length=32)]
    """The scan was taken; more is needed to complete the work."""
    refusal: Annotated[str, Field(min_length=1, max_length=32)]
    has_display: bool = False
    """Whether a line of text follows the signal, ended by CR LF."""


class ScannerProfile(_Strict):
    """One kind of scanner, as data."""

    name: Annotated[str, Field(pattern=ID_PATTERN)]
    vendor: str
    model: str
    quality: Quality
    setup: tuple[str, ...]
    """What to configure on the device, in its manual's words."""
    line: Line = Line()
    scan: ScanFormat
    feedback: HostFeedback

    @property
    def framing(self) -> Framing:
        """What the deframer needs."""
        return Framing(self.scan.delimiter, self.scan.max_length, self.scan.aim == "required")


def load_profile(name: str) -> ScannerProfile:
    """Read a profile that ships with the agent, or one of the site's own.

    Args:
        name: The name of a shipped profile (``zebra_ds36x8``), or a path that ends in ``.toml``.

    Returns:
        The validated profile.

    Raises:
        ProfileError: If there is no such profile, it is not TOML, or a field is wrong or unknown.
    """
    source = Path(name) if name.endswith(".toml") else files(SHIPPED) / f"{name}.toml"
    try:
        fields = tomllib.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(
            f"scanner profile {name!r}: expected one of {shipped_profiles()} or a path"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"scanner profile {name!r} is not TOML: {error}") from error
    try:
        return ScannerProfile.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ProfileError(
            f"scanner profile {name!r}: {place}: {first['msg']} (got {first.get('input')!r})"
        ) from error


def shipped_profiles() -> tuple[str, ...]:
    """List the profiles that ship with the agent.

    Returns:
        Their names, sorted.
    """
    return tuple(
        sorted(entry.name[:-5] for entry in files(SHIPPED).iterdir() if entry.name.endswith(".toml"))
    )
