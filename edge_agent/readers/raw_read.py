"""What a reader says, in the gateway's words: raw reads and GPI changes, the only input of the filters."""

from typing import NamedTuple


class RawRead(NamedTuple):
    """One report of one tag by one antenna."""

    seen_us: int
    """When, in microseconds since 1970, UTC, the reader's clock offset taken out."""
    reader: str
    antenna: int
    """Antenna port, from 1."""
    epc: str
    """Upper-case hexadecimal digits, as many as the tag's EPC has."""
    rssi_dbm: float
    phase_deg: float | None = None
    """Backscatter phase, 0 <= phase < 360, where the reader reports it."""
    doppler_hz: float | None = None
    times: int = 1
    """How many times the tag was seen since it was reported last."""


class GpiChange(NamedTuple):
    """A general-purpose input changed: a light beam was broken or is free again."""

    seen_us: int
    """As in a raw read."""
    reader: str
    port: int
    """GPI port, from 1."""
    is_high: bool
    """High means the beam is broken."""


Seen = RawRead | GpiChange
"""Anything a reader says that a portal listens to."""
