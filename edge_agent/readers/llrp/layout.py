"""A report whose tags are all laid out alike in, its columns out, by one struct; pure.

A reader writes every tag alike while its settings stay: the first tag tells the layout, and one comparison
of all bytes that are no values (types, lengths, the EPC's bits) tells that the others keep to it. Only
parameters whose length is fixed are known here; a report with anything else is for sllurp.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from edge_agent.readers.llrp.framing import MESSAGE_HEADER

EPC: Final = "EPC"
ANTENNA: Final = "AntennaID"
ZEBRA_PHASE: Final = "MotoTagPhase"

TAG_REPORT_DATA: Final = 240
EPC_DATA: Final = 241
CUSTOM: Final = 1023
TV: Final = 0x80
EPC_96_BITS: Final = 96

_IMPINJ: Final = 25882
_ZEBRA: Final = 161
_HEAD: Final = struct.Struct(">HH")
_EPC_HEAD: Final = struct.Struct(">HHH")
_CUSTOM_HEAD: Final = struct.Struct(">HHII")
_BY_TYPE: Final = {
    1: (ANTENNA, "H"),
    2: ("FirstSeenTimestampUTC", "Q"),
    3: ("FirstSeenTimestampUptime", "Q"),
    4: ("LastSeenTimestampUTC", "Q"),
    5: ("LastSeenTimestampUptime", "Q"),
    6: ("PeakRSSI", "b"),
    7: ("ChannelIndex", "2x"),
    8: ("TagSeenCount", "H"),
    9: ("ROSpecID", "4x"),
    10: ("InventoryParameterSpecID", "2x"),
    11: ("C1G2CRC", "2x"),
    12: ("C1G2PC", "2x"),
    13: (EPC, "12s"),
    14: ("SpecIndex", "2x"),
    16: ("AccessSpecID", "4x"),
    19: ("C1G2XPCW1", "2x"),
    20: ("C1G2XPCW2", "2x"),
}
"""Parameters whose type tells their length (LLRP 1.0.1, section 16.2.7.3), by sllurp's names."""
_BY_VENDOR: Final = {
    (_IMPINJ, 56): ("ImpinjRFPhaseAngle", "H"),
    (_IMPINJ, 57): ("ImpinjPeakRSSI", "h"),
    (_IMPINJ, 68): ("ImpinjRFDopplerFrequency", "h"),
    (_ZEBRA, 709): (ZEBRA_PHASE, "h"),
}
_MOST_LAYOUTS: Final = 16
_MOST_COUNTS: Final = 64

Columns = dict[str, tuple[Any, ...]]
"""Values of all tags of a report by sllurp's names, those that are read here; EPCs as bytes, as many as their
bits need."""


class _OtherLayoutError(ValueError):
    """A tag that is for sllurp."""


@dataclass(slots=True)
class Layout:
    """Where the values of a TagReportData stand."""

    names: tuple[str, ...]
    values: struct.Struct
    """Of a whole TagReportData; what is no value, or not read, is passed over."""
    fixed: bytes
    """1 for each bit that is no value."""
    meant: bytes
    """What those bits are."""
    epc_bits: int
    _patterns: dict[int, tuple[int, int]] = field(default_factory=dict)
    """The same of so many tags in a row."""

    def columns(self, report: bytes) -> Columns | None:
        """Read a report.

        Args:
            report: Whole, header included.

        Returns:
            Its columns; None if it is not laid out like this throughout.
        """
        count, rest = divmod(len(report) - MESSAGE_HEADER.size, self.values.size)
        if rest:
            return None
        fixed, meant = self._patterns.get(count) or self._pattern(count)
        body = report[MESSAGE_HEADER.size :]
        if int.from_bytes(body, "big") & fixed != meant:
            return None
        return dict(zip(self.names, zip(*self.values.iter_unpack(body), strict=True), strict=True))

    def _pattern(self, count: int) -> tuple[int, int]:
        if len(self._patterns) >= _MOST_COUNTS:
            self._patterns.clear()
        pattern = int.from_bytes(self.fixed * count, "big"), int.from_bytes(self.meant * count, "big")
        self._patterns[count] = pattern
        return pattern


def layout_of(report: bytes) -> Layout | None:
    """Tell how the first tag of a report is laid out.

    Args:
        report: Whole, header included.

    Returns:
        Its layout; None for a tag that is for sllurp.
    """
    try:
        kind, size = _HEAD.unpack_from(report, MESSAGE_HEADER.size)
        end = MESSAGE_HEADER.size + size
        if kind != TAG_REPORT_DATA or end > len(report):
            return None
        head = report[MESSAGE_HEADER.size : MESSAGE_HEADER.size + _HEAD.size]
        parts = list(_parts(report, MESSAGE_HEADER.size + _HEAD.size, end))
    except (_OtherLayoutError, struct.error):
        return None
    names = [part.name for part in parts]
    if len(set(names)) != len(names) or not {EPC, ANTENNA} <= set(names):
        return None
    fixed, meant = bytearray(b"\xff" * len(head)), bytearray(head)
    for part in parts:
        fixed += b"\xff" * len(part.head) + bytes(part.size)
        meant += part.head + bytes(part.size)
    values = struct.Struct(">4x" + "".join(f"{len(part.head)}x{part.form}" for part in parts))
    [bits] = (part.bits for part in parts if part.name == EPC)
    read = tuple(part.name for part in parts if part.is_read)
    return Layout(read, values, bytes(fixed), bytes(meant), bits)


@dataclass(frozen=True, slots=True)
class _Part:
    """One parameter of a tag."""

    name: str
    head: bytes
    """What comes before the value and never changes."""
    form: str
    """Of the value, as struct writes it."""
    bits: int = EPC_96_BITS
    """Of an EPC."""

    @property
    def size(self) -> int:
        return struct.calcsize(">" + self.form)

    @property
    def is_read(self) -> bool:
        return self.form != f"{self.size}x"


def _parts(report: bytes, offset: int, end: int) -> Iterator[_Part]:
    while offset < end:
        part = _tv(report, offset) if report[offset] & TV else _tlv(report, offset)
        offset += len(part.head) + part.size
        if offset > end:
            raise _OtherLayoutError
        yield part


def _tv(report: bytes, offset: int) -> _Part:
    name, form = _BY_TYPE.get(report[offset] & ~TV, ("", ""))
    if not name:
        raise _OtherLayoutError
    return _Part(name, report[offset : offset + 1], form)


def _tlv(report: bytes, offset: int) -> _Part:
    kind, length, bits = _EPC_HEAD.unpack_from(report, offset)
    if kind == EPC_DATA:
        held = length - _EPC_HEAD.size
        if not 0 < bits <= 8 * held:
            raise _OtherLayoutError
        whole = (bits + 7) // 8
        return _Part(EPC, report[offset : offset + _EPC_HEAD.size], f"{whole}s{held - whole}x", bits)
    kind, length, vendor, subtype = _CUSTOM_HEAD.unpack_from(report, offset)
    name, form = _BY_VENDOR.get((vendor, subtype), ("", ""))
    if kind != CUSTOM or not name or length != _CUSTOM_HEAD.size + struct.calcsize(">" + form):
        raise _OtherLayoutError
    return _Part(name, report[offset : offset + _CUSTOM_HEAD.size], form)


class Layouts:
    """Remembers how one reader lays out its tags, by their length."""

    def __init__(self) -> None:
        """Begin without any."""
        self._by_size: dict[bytes, Layout] = {}

    def read(self, report: bytes) -> tuple[Columns, int] | None:
        """Read a report.

        Args:
            report: Whole, header included.

        Returns:
            Its columns, and the bits of its EPCs; None if it is for sllurp.
        """
        size = report[MESSAGE_HEADER.size + 2 : MESSAGE_HEADER.size + 4]
        layout = self._by_size.get(size)
        columns = None if layout is None else layout.columns(report)
        if columns is None or layout is None:
            layout = layout_of(report)
            columns = None if layout is None else layout.columns(report)
            if columns is None or layout is None:
                return None
            if len(self._by_size) >= _MOST_LAYOUTS:
                self._by_size.clear()
            self._by_size[size] = layout
        return columns, layout.epc_bits
