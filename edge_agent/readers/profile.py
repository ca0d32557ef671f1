"""Scanner profiles: a TOML file of ``firmware_configs/scanners`` in, a validated frozen model out."""

from typing import Annotated, Final, Literal

from pydantic import Field

from edge_agent.readers.device import DeviceProfile, Strict, load_device, shipped
from edge_agent.readers.framing import LONGEST_SCAN_BYTES, Delimiter, Framing

SHIPPED: Final = "firmware_configs.scanners"

_Answer = Annotated[str, Field(max_length=32)]
"""Bytes as characters; empty where the device cannot be answered."""


class Line(Strict):
    """The serial line; a USB-CDC or TCP scanner ignores all of it."""

    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    bytesize: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stopbits: Literal[1, 2] = 1


class ScanFormat(Strict):
    """How a scan looks on the line."""

    delimiter: Delimiter
    max_length: Annotated[int, Field(ge=1, le=LONGEST_SCAN_BYTES)] = 256
    aim: Literal["required", "absent"] = "required"
    """``required`` unless the device cannot send AIM identifiers; without them some codes are ambiguous."""
    double_scan_s: Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)] = 0.0
    """The same characters again within this time are one pull of the trigger, counted apart. 0: never."""


class HostFeedback(Strict):
    """Bytes that make the scanner answer its user; distinct from its own decode beep."""

    success: _Answer
    """Sent only after the work is durable."""
    step: _Answer
    """The scan was taken; more is needed to complete the work."""
    refusal: _Answer
    has_display: bool = False
    """Whether a line of text follows the signal, ended by CR LF."""


class ScannerProfile(DeviceProfile):
    """One kind of scanner, as data."""

    line: Line = Line()
    scan: ScanFormat
    feedback: HostFeedback

    @property
    def framing(self) -> Framing:
        """What the deframer needs."""
        return Framing(self.scan.delimiter, self.scan.max_length, self.scan.aim == "required")


def load_profile(name: str) -> ScannerProfile:
    """Read a scanner profile.

    Args:
        name: The name of a shipped profile (``zebra_ds36x8``), or a path that ends in ``.toml``.

    Returns:
        The validated profile.

    Raises:
        ProfileError: If there is no such profile, it is not TOML, or a field is wrong or unknown.
    """
    return load_device("scanner profile", SHIPPED, ScannerProfile, name)


def shipped_profiles() -> tuple[str, ...]:
    """List the profiles that ship with the agent.

    Returns:
        Their names, sorted.
    """
    return shipped(SHIPPED)
