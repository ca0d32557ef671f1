"""Observations in, one whole RO_ACCESS_REPORT out, by a struct compiled once for each layout.

Section and parameter numbers are of LLRP 1.0.1 (14.2.3, TagReportData = 240); the phase, the Doppler
frequency and the finer RSSI are custom parameters of Impinj (vendor 25882).
"""

import binascii
import dataclasses
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, repeat
from typing import Any, Final, NamedTuple

from simulators.llrp_reader.parameter_table import IMPINJ_VENDOR_ID

PHASE_STEPS: Final = 4096
"""Units of ImpinjRFPhaseAngle in a full turn."""
DOPPLER_STEPS_PER_HZ: Final = 16
RSSI_STEPS_PER_DB: Final = 100
"""Of ImpinjPeakRSSI."""

_MESSAGE_HEADER: Final = struct.Struct(">HII")
_RO_ACCESS_REPORT: Final = (1 << 10) | 61
_TAG_REPORT_DATA: Final = 240
_EPC_DATA: Final = 241
_CUSTOM: Final = 1023
_CUSTOM_HEADER: Final = struct.Struct(">HHII")
_EPC_96_BITS: Final = 96
_S16: Final = (-(1 << 15), (1 << 15) - 1)


class Observation(NamedTuple):
    """What the air gave: one tag answered one antenna, once or several times in a row."""

    at_us: int
    """When it answered first, in microseconds since 1970, UTC, by the true clock."""
    antenna: int
    """Antenna port, from 1."""
    epc: bytes
    epc_bits: int
    """Length of the EPC; ``epc`` has as many bytes as hold it."""
    rssi_dbm: float
    phase_deg: float | None = None
    doppler_hz: float | None = None
    channel: int = 1
    """ChannelIndex, from 1."""
    times: int = 1
    last_us: int | None = None
    """When it answered last; the same as ``at_us`` if not given."""


@dataclass(frozen=True, slots=True)
class ReportFields:
    """What a report carries: TagReportContentSelector (14.2.1.1) and Impinj's selector."""

    ro_spec_id: bool = False
    spec_index: bool = False
    inventory_parameter_spec_id: bool = False
    antenna_id: bool = True
    channel_index: bool = False
    peak_rssi: bool = True
    first_seen_timestamp: bool = True
    last_seen_timestamp: bool = False
    tag_seen_count: bool = True
    access_spec_id: bool = False
    pc_bits: bool = False
    crc: bool = False
    impinj_phase_angle: bool = False
    impinj_peak_rssi: bool = False
    impinj_doppler_frequency: bool = False


IMPINJ_FIELDS: Final = ReportFields(
    channel_index=True,
    last_seen_timestamp=True,
    impinj_phase_angle=True,
    impinj_peak_rssi=True,
    impinj_doppler_frequency=True,
)
"""Everything that a filter can use, as an Impinj reader gives it when asked."""


@dataclass(frozen=True, slots=True)
class Stamping:
    """How the reader's clock reads: UTC plus an offset, or microseconds since its start."""

    is_utc: bool = True
    shift_us: int = 0
    """Added to the true time."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which ROSpec the tags were found by."""

    ro_spec_id: int = 1
    spec_index: int = 1
    inventory_parameter_spec_id: int = 1


DEFAULT_FIELDS: Final = ReportFields()
EVERY_FIELD: Final = ReportFields(**{field.name: True for field in dataclasses.fields(ReportFields)})
TRUE_UTC: Final = Stamping()
FIRST_RO_SPEC: Final = Origin()


def encode_report(
    observations: Sequence[Observation],
    fields: ReportFields = DEFAULT_FIELDS,
    *,
    stamping: Stamping = TRUE_UTC,
    origin: Origin = FIRST_RO_SPEC,
    message_id: int = 0,
) -> bytes:
    """Encode one RO_ACCESS_REPORT.

    A phase or a Doppler frequency that an observation does not have is left out of its TagReportData.

    Args:
        observations: One TagReportData each, in this order.
        fields: What to tell of each.
        stamping: What the reader's clock reads.
        origin: The specs to name, where their ids are asked for.
        message_id: Of the message header.

    Returns:
        The whole message, header included.

    Raises:
        ValueError: If a value does not fit its field, or an EPC its length.
    """
    shapes = groupby(observations, key=_shape_of)
    try:
        body = b"".join(
            data
            for shape, run in shapes
            for data in _encode_run(list(run), _compiled(fields, shape, stamping, origin))
        )
    except (struct.error, OverflowError) as error:
        raise ValueError(f"an observation does not fit into a TagReportData: {error}") from error
    return _MESSAGE_HEADER.pack(_RO_ACCESS_REPORT, _MESSAGE_HEADER.size + len(body), message_id) + body


class _Shape(NamedTuple):
    epc_bits: int
    has_phase: bool
    has_doppler: bool


Values = Callable[[Sequence[Observation]], Iterable[object]]


class _Layout(NamedTuple):
    pack: Callable[..., bytes]
    columns: tuple[Values, ...]


def _shape_of(observation: Observation) -> tuple[int, bool, bool]:
    return (observation[3], observation[5] is not None, observation[6] is not None)


def _encode_run(run: Sequence[Observation], layout: _Layout) -> Iterable[bytes]:
    return map(layout.pack, *[column(run) for column in layout.columns])


@lru_cache(maxsize=1024)
def _compiled(
    fields: ReportFields, shape: tuple[int, bool, bool], stamping: Stamping, origin: Origin
) -> _Layout:
    columns: list[tuple[str, Values]] = [
        *_epc(shape[0]),
        *_standard(fields, shape[0], stamping, origin),
        *_impinj(fields, _Shape(*shape)),
    ]
    form = "".join(code for code, _ in columns)
    size = struct.calcsize(">HH" + form)
    head = [("H", _always(_TAG_REPORT_DATA)), ("H", _always(size))]
    return _Layout(struct.Struct(">HH" + form).pack, tuple(values for _, values in [*head, *columns]))


def _epc(bits: int) -> list[tuple[str, Values]]:
    count = (bits + 7) // 8

    def epcs(run: Sequence[Observation]) -> Iterable[object]:
        for observation in run:
            if len(observation.epc) != count:
                raise ValueError(f"EPC {observation.epc.hex()}: expected {count} bytes for {bits} bits")
            yield observation.epc

    if bits == _EPC_96_BITS:
        return [("B", _always(0x80 | 13)), (f"{count}s", epcs)]
    return [
        ("H", _always(_EPC_DATA)),
        ("H", _always(6 + count)),
        ("H", _always(bits)),
        (f"{count}s", epcs),
    ]


def _standard(
    fields: ReportFields, bits: int, stamping: Stamping, origin: Origin
) -> list[tuple[str, Values]]:
    shift = stamping.shift_us
    first, last = (2, 4) if stamping.is_utc else (3, 5)
    protocol_control = (bits + 15) // 16 << 11
    asked: list[tuple[bool, int, str, Values]] = [
        (fields.ro_spec_id, 9, "I", _always(origin.ro_spec_id)),
        (fields.spec_index, 14, "H", _always(origin.spec_index)),
        (fields.inventory_parameter_spec_id, 10, "H", _always(origin.inventory_parameter_spec_id)),
        (fields.antenna_id, 1, "H", lambda run: [seen[1] for seen in run]),
        (fields.peak_rssi, 6, "b", lambda run: [round(seen[4]) for seen in run]),
        (fields.channel_index, 7, "H", lambda run: [seen[7] for seen in run]),
        (fields.first_seen_timestamp, first, "Q", lambda run: [seen[0] + shift for seen in run]),
        (
            fields.last_seen_timestamp,
            last,
            "Q",
            lambda run: [(seen[0] if seen[9] is None else seen[9]) + shift for seen in run],
        ),
        (fields.tag_seen_count, 8, "H", lambda run: [seen[8] for seen in run]),
        (fields.pc_bits, 12, "H", _always(protocol_control)),
        (fields.crc, 11, "H", lambda run: [_crc(protocol_control, seen.epc) for seen in run]),
        (fields.access_spec_id, 16, "I", _always(0)),
    ]
    return [
        column
        for is_asked, number, code, values in asked
        if is_asked
        for column in (("B", _always(0x80 | number)), (code, values))
    ]


def _impinj(fields: ReportFields, shape: _Shape) -> list[tuple[str, Values]]:
    asked: list[tuple[bool, int, str, Values]] = [
        (fields.impinj_phase_angle and shape.has_phase, 56, "H", _phases),
        (fields.impinj_peak_rssi, 57, "h", lambda run: [round(seen[4] * RSSI_STEPS_PER_DB) for seen in run]),
        (fields.impinj_doppler_frequency and shape.has_doppler, 68, "h", _dopplers),
    ]
    columns: list[tuple[str, Values]] = []
    for is_asked, subtype, code, values in asked:
        if is_asked:
            head = _CUSTOM_HEADER.pack(
                _CUSTOM, _CUSTOM_HEADER.size + struct.calcsize(code), IMPINJ_VENDOR_ID, subtype
            )
            columns += [(f"{len(head)}s", _always(head)), (code, values)]
    return columns


def _always(value: object) -> Values:
    return lambda _: repeat(value)


def _phases(run: Sequence[Observation]) -> Iterable[object]:
    scale = PHASE_STEPS / 360
    # Only runs whose observations all have a phase come here.
    phases: Iterable[Any] = [seen[5] for seen in run]
    return [round(phase * scale) % PHASE_STEPS for phase in phases]


def _dopplers(run: Sequence[Observation]) -> Iterable[object]:
    """Saturate as the reader's own 16-bit register does, at about 2 kHz."""
    low, high = _S16
    frequencies: Iterable[Any] = [seen[6] for seen in run]
    return [min(high, max(low, round(hertz * DOPPLER_STEPS_PER_HZ))) for hertz in frequencies]


def _crc(protocol_control: int, epc: bytes) -> int:
    """Compute the CRC-16 that a Gen2 tag stores over its PC and EPC."""
    return binascii.crc_hqx(protocol_control.to_bytes(2, "big") + epc, 0xFFFF) ^ 0xFFFF
