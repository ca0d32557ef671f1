"""Whole LLRP messages of one reader with their arrivals in, raw reads and input changes out.

The live adapter, the replay of recordings and the benchmark all use this. It knows no clock and no thread:
the arrival says what time it is.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import repeat
from math import nan
from typing import Final

from edge_agent.readers.epc_digits import EpcDigitsError, spell_epc, spell_epcs
from edge_agent.readers.llrp.clock_offset import ClockOffset
from edge_agent.readers.llrp.framing import message_type
from edge_agent.readers.llrp.layout import ANTENNA, EPC, ZEBRA_PHASE, Columns, Layouts
from edge_agent.readers.llrp.messages import (
    Fields,
    MalformedMessageError,
    decode_message,
    decode_report,
    require_llrp,
)
from edge_agent.readers.llrp.profile import Quirks
from edge_agent.readers.raw_read import GpiChange, RawRead, Seen

RO_ACCESS_REPORT: Final = 61
READER_EVENT_NOTIFICATION: Final = 63

_STAMPS: Final = (
    "LastSeenTimestampUTC",
    "FirstSeenTimestampUTC",
    "LastSeenTimestampUptime",
    "FirstSeenTimestampUptime",
)
"""In order of preference: the last time is one of this report, whatever a reader takes the first to be."""
_CARRIED: Final = (*_STAMPS, "AntennaID", "PeakRSSI", "TagSeenCount", "ImpinjPeakRSSI")
_ZEBRA: Final = 161
_MOTO_TAG_PHASE: Final = 709
_OLDEST_US: Final = 7 * 86_400_000_000
"""A stamp that is further away than this is damage, or of a clock that jumped within one message."""
_UNDECODED: Final = "SllurpDecodeError"
_PHASE_DEG: Final = 360 / 4096
_MOTO_PHASE_DEG: Final = 180 / 32768
_DOPPLER_HZ: Final = 1 / 16
_EPC_96_BITS: Final = 96
_new_read: Final[Callable[[type[RawRead], Iterable[object]], RawRead]] = tuple.__new__
"""As ``RawRead._make`` does, without counting the values of each."""


class LlrpDecoder:
    """Decodes what one reader says over one connection."""

    def __init__(
        self, reader: str, quirks: Quirks | None = None, oddities: Counter[str] | None = None
    ) -> None:
        """Begin without any memory.

        Args:
            reader: The id that its reads carry.
            quirks: Of its profile; by default those of any reader.
            oddities: Where to count what did not go as it should; its own by default.

        Raises:
            LlrpMissingError: If the extra ``llrp`` is not installed.
        """
        require_llrp(reader)
        self.reader = reader
        self.oddities: Counter[str] = Counter() if oddities is None else oddities
        self.detail = ""
        """What was wrong with the last malformed message."""
        self._quirks = quirks or Quirks()
        self._utc = ClockOffset()
        self._uptime = ClockOffset()
        self._last: Fields = {}
        self._layouts = Layouts()

    @property
    def clock_offset_us(self) -> int | None:
        """What is added to the reader's UTC stamps, in microseconds; None while it has given none."""
        return self._utc.offset_us

    @property
    def clock_resets(self) -> int:
        """How often the reader's clock was set or began anew."""
        return self._utc.resets + self._uptime.resets

    def take(self, message: bytes, arrived_us: int) -> list[Seen]:
        """Take one message.

        Args:
            message: Whole, header included.
            arrived_us: When it came, in microseconds since 1970, UTC.

        Returns:
            What it says about tags and inputs; nothing for other messages, nor for malformed ones, which are
            counted.
        """
        kind = message_type(message)
        try:
            if kind == RO_ACCESS_REPORT:
                alike = self._layouts.read(message)
                if alike is not None and alike[0].keys() >= self._last.keys():
                    return self._reads_alike(*alike, arrived_us)
                return self._reads(decode_report(message), arrived_us)
            if kind == READER_EVENT_NOTIFICATION:
                return self._changes(decode_message(message), arrived_us)
        except (MalformedMessageError, EpcDigitsError) as error:
            self.detail = str(error)
            self.oddities["reader_messages_malformed"] += 1
        return []

    def _reads(self, tags: list[Fields], arrived_us: int) -> list[Seen]:
        if not tags:
            return []
        if self._quirks.omitted_means_last:
            tags = [self._filled(tag) for tag in tags]
        stamp = next((name for name in _STAMPS if name in tags[0]), _STAMPS[0])
        stamps = [tag[stamp] for tag in tags if stamp in tag]
        clock = self._utc if stamp.endswith("UTC") else self._uptime
        offset_us = clock.observe(max(stamps), arrived_us) if stamps else 0
        reader, may_be_ascii = self.reader, self._quirks.epc_may_be_ascii_hex
        reads: list[Seen] = []
        for tag in tags:
            get = tag.get
            antenna, epc = get("AntennaID"), spell_epc(tag["EPC"], get("bits", _EPC_96_BITS), may_be_ascii)
            if antenna is None or not epc:
                self._count_unusable(antenna, epc)
                continue
            at_us = arrived_us if stamp not in tag else self._usable_us(tag[stamp] + offset_us, arrived_us)
            fine_rssi, phase = get("ImpinjPeakRSSI"), get("ImpinjRFPhaseAngle")
            doppler = get("ImpinjRFDopplerFrequency")
            if phase is not None:
                phase_deg: float | None = phase * _PHASE_DEG % 360.0
            else:
                phase_deg = _zebra_phase(tag[_UNDECODED]) if _UNDECODED in tag else None
            reads.append(
                RawRead(
                    at_us,
                    reader,
                    antenna,
                    epc,
                    get("PeakRSSI", nan) + 0.0 if fine_rssi is None else fine_rssi / 100,
                    phase_deg,
                    None if doppler is None else doppler * _DOPPLER_HZ,
                    get("TagSeenCount", 1),
                )
            )
        return reads

    def _reads_alike(self, columns: Columns, epc_bits: int, arrived_us: int) -> list[Seen]:
        """Take a report whose tags are laid out alike, column by column."""
        if self._quirks.omitted_means_last:
            self._last = {name: columns[name][-1] for name in _CARRIED if name in columns}
        get = columns.get
        stamp = next((name for name in _STAMPS if name in columns), None)
        at_us: Iterable[int] = repeat(arrived_us)
        if stamp is not None:
            clock = self._utc if stamp.endswith("UTC") else self._uptime
            offset_us = clock.observe(max(columns[stamp]), arrived_us)
            at_us = stamped = [stamp_us + offset_us for stamp_us in columns[stamp]]
            if min(stamped) < arrived_us - _OLDEST_US or max(stamped) > arrived_us + _OLDEST_US:
                at_us = [self._usable_us(each, arrived_us) for each in stamped]
        fine_rssi, rssi = get("ImpinjPeakRSSI"), get("PeakRSSI")
        if fine_rssi is not None:
            rssi_dbm: Iterable[float] = [value / 100 for value in fine_rssi]
        else:
            rssi_dbm = repeat(nan) if rssi is None else map(float, rssi)
        phase, zebra_phase, doppler = (
            get("ImpinjRFPhaseAngle"),
            get(ZEBRA_PHASE),
            get("ImpinjRFDopplerFrequency"),
        )
        phase_deg: Iterable[float | None] = repeat(None)
        if phase is not None:
            phase_deg = [value * _PHASE_DEG % 360.0 for value in phase]
        elif zebra_phase is not None:
            phase_deg = [value * _MOTO_PHASE_DEG % 360.0 for value in zebra_phase]
        values = zip(
            at_us,
            repeat(self.reader),
            columns[ANTENNA],
            spell_epcs(columns[EPC], epc_bits, may_be_ascii=self._quirks.epc_may_be_ascii_hex),
            rssi_dbm,
            phase_deg,
            repeat(None) if doppler is None else [value * _DOPPLER_HZ for value in doppler],
            get("TagSeenCount", repeat(1)),
            strict=False,
        )
        return list(map(_new_read, repeat(RawRead), values))

    def _usable_us(self, at_us: int, arrived_us: int) -> int:
        if arrived_us - _OLDEST_US <= at_us <= arrived_us + _OLDEST_US:
            return at_us
        self.oddities["reader_stamps_unusable"] += 1
        return arrived_us

    def _filled(self, tag: Fields) -> Fields:
        filled = {**self._last, **tag}
        self._last = {name: filled[name] for name in _CARRIED if name in filled}
        return filled

    def _count_unusable(self, antenna: int | None, epc: str) -> None:
        if antenna is None:
            self.oddities["reader_reads_without_antenna"] += 1
        if not epc:
            self.oddities["reader_reads_without_epc"] += 1

    def _changes(self, fields: Fields, arrived_us: int) -> list[Seen]:
        event = fields.get("ReaderEventNotificationData", {})
        at_us = arrived_us
        for name, clock in (("UTCTimestamp", self._utc), ("Uptime", self._uptime)):
            if name in event:
                stamp_us = event[name]["Microseconds"]
                at_us = stamp_us + clock.observe(stamp_us, arrived_us)
                break
        if "GPIEvent" in event:
            change = event["GPIEvent"]
            return [GpiChange(at_us, self.reader, change["GPIPortNumber"], change["GPIEvent"])]
        for name, counted in _COUNTED.items():
            if name in event:
                self.oddities[counted] += 1
        return []


_COUNTED: Final = {
    "ReaderExceptionEvent": "reader_exceptions",
    "ReportBufferOverflowErrorEvent": "reader_buffer_overflows",
    "AntennaEvent": "reader_antenna_events",
}


def _zebra_phase(parameters: list[Fields]) -> float | None:
    """Find MotoTagPhase among the parameters that sllurp does not know: 16 bits, a turn from -pi to pi."""
    for parameter in parameters:
        if parameter.get("VendorID") == _ZEBRA and parameter.get("Subtype") == _MOTO_TAG_PHASE:
            data = parameter["Data"]
            if len(data) == 2:  # noqa: PLR2004  bytes of 16 bits
                return int.from_bytes(data, "big", signed=True) * _MOTO_PHASE_DEG % 360.0
    return None
