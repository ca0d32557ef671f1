"""Bytes of a serial line in, whole scans out; a partial scan is never passed on, and noise is counted.

Every byte that goes in comes out exactly once: in a frame, in ``Noise``, or in what is still buffered.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

STX: Final = 0x02
ETX: Final = 0x03
LF: Final = 0x0A
CR: Final = 0x0D
GS: Final = 0x1D
"""Stands for FNC1 between GS1 element strings; the one control character a scan may hold."""
AIM_FLAG: Final = 0x5D
"""``]``: opens every AIM identifier (ISO/IEC 15424)."""
LONGEST_SCAN_BYTES: Final = 512

_PRINTABLE: Final = frozenset({*range(0x20, 0x7F), GS})


class Delimiter(StrEnum):
    """How a scanner marks the end (and start) of a scan."""

    STX_ETX = "stx_etx"
    CR = "cr"
    LF = "lf"
    CRLF = "crlf"


@dataclass(frozen=True, slots=True)
class Framing:
    """What a profile says about the line."""

    delimiter: Delimiter
    max_length: int
    """Longest payload in bytes, 1 to 512; what is longer is noise."""
    aim_required: bool
    """Whether each scan opens with ``]``; without STX it tells a whole line from a tail."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole scan: printable ASCII and GS, without its delimiters."""

    payload: bytes

    @property
    def text(self) -> str:
        """The scan as text."""
        return self.payload.decode("ascii")


@dataclass(slots=True)
class Noise:
    """What was not a scan, in bytes and by reason."""

    bytes_outside: int = 0
    """Bytes between an ETX and the next STX, or delimiters with nothing before them."""
    bytes_refused: int = 0
    """Bytes of the frames refused below, delimiters included."""
    unprintable: int = 0
    """Frames that held a character no scan may hold."""
    overlong: int = 0
    """Frames longer than the profile allows."""
    headless: int = 0
    """Lines that did not open with an AIM identifier although the profile promises one."""
    broken_off: int = 0
    """Frames whose end never came: a new start, or the scanner went away."""

    @property
    def bytes(self) -> int:
        """All bytes that were not part of a scan."""
        return self.bytes_outside + self.bytes_refused

    @property
    def frames(self) -> int:
        """All frames that were refused."""
        return self.unprintable + self.overlong + self.headless + self.broken_off


@dataclass(slots=True)
class Deframer:
    """Cuts a line's bytes into scans, however they are chunked."""

    framing: Framing
    noise: Noise = field(default_factory=Noise)
    framed_bytes: int = 0
    """Bytes that left in frames, delimiters included."""
    _buffer: bytearray = field(default_factory=bytearray)
    _is_open: bool = False
    """An STX was seen (STX/ETX framing only)."""
    _discarded: int = 0
    """Bytes of the frame in progress that are dropped already because it is overlong."""

    @property
    def buffered_bytes(self) -> int:
        """Bytes of a frame whose end has not come yet."""
        return len(self._buffer) + self._discarded + self._is_open

    def feed(self, data: bytes) -> tuple[Frame, ...]:
        """Take the next bytes of the line.

        Args:
            data: Any number of bytes, cut anywhere.

        Returns:
            The scans that they completed, in order.
        """
        cut = self._between_marks if self.framing.delimiter is Delimiter.STX_ETX else self._before_suffix
        return tuple(cut(data))

    def reset(self) -> None:
        """Drop a partial scan because the line was lost; it is counted as broken off."""
        if self.buffered_bytes:
            self.noise.broken_off += 1
            self.noise.bytes_refused += self.buffered_bytes
        self._forget()

    def _between_marks(self, data: bytes) -> Iterator[Frame]:
        for byte in data:
            if byte == STX:
                self.reset()
                self._is_open = True
            elif not self._is_open:
                self.noise.bytes_outside += 1
            elif byte == ETX:
                yield from self._close(delimiter_bytes=2)
            else:
                self._keep(byte)

    def _before_suffix(self, data: bytes) -> Iterator[Frame]:
        end = CR if self.framing.delimiter is Delimiter.CR else LF
        is_pair = self.framing.delimiter is Delimiter.CRLF
        for byte in data:
            if byte != end:
                self._keep(byte)
                continue
            has_cr = is_pair and self._buffer.endswith(b"\r")
            if is_pair and not has_cr:
                self._keep(byte)  # a lone LF is no end of line: it makes the line unprintable
                continue
            if has_cr:
                self._buffer.pop()
            yield from self._close(delimiter_bytes=1 + has_cr)

    def _keep(self, byte: int) -> None:
        # One byte more than a payload may have, for the CR of a CRLF that has not come yet.
        if self._discarded or len(self._buffer) > self.framing.max_length:
            self._discarded += 1
            self._buffer[-1] = byte
        else:
            self._buffer.append(byte)

    def _close(self, *, delimiter_bytes: int) -> Iterator[Frame]:
        size = len(self._buffer) + self._discarded + delimiter_bytes
        if not self._buffer:
            self.noise.bytes_outside += size
        elif self._is_refused():
            self.noise.bytes_refused += size
        else:
            self.framed_bytes += size
            yield Frame(bytes(self._buffer))
        self._forget()

    def _is_refused(self) -> bool:
        if self._discarded or len(self._buffer) > self.framing.max_length:
            self.noise.overlong += 1
        elif not _PRINTABLE.issuperset(self._buffer):
            self.noise.unprintable += 1
        elif self.framing.aim_required and self._buffer[0] != AIM_FLAG:
            self.noise.headless += 1
        else:
            return False
        return True

    def _forget(self) -> None:
        self._buffer.clear()
        self._is_open = False
        self._discarded = 0
