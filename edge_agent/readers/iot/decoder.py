"""Payloads of one JSON reader with their arrivals in, raw reads and input changes out; what is bad is told.

It knows no clock and no thread. The reader's clock is trusted, since readers of this kind set it by the
network and may deliver what they kept meanwhile: only stamps of the future, or a clock that stays behind,
prove it wrong. What is delivered twice counts once.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import orjson

from edge_agent.readers.epc_digits import spell_epc
from edge_agent.readers.iot import impinj, zebra
from edge_agent.readers.iot.profile import IotProfile
from edge_agent.readers.iot.said import InputSaid, OtherSaid, PayloadError, Said, TagSaid
from edge_agent.readers.llrp.clock_offset import ClockOffset
from edge_agent.readers.raw_read import GpiChange, RawRead, Seen

OLDEST_US: Final = 7 * 86_400_000_000
"""A stamp older than this is one of a clock that was never set."""
LATE_US: Final = 1_000_000
"""Doors wait so long for what readers have seen; what comes later is counted."""
REMEMBERED: Final = 8192
"""Reads that are known again when a payload is delivered twice."""

_READERS: Final[Mapping[str, Callable[[Mapping[str, object]], Said]]] = {
    "impinj_iot": impinj.read_event,
    "zebra_iot": zebra.read_event,
}
_TURN: Final = {"degrees": 1.0, "radians": 57.29577951308232}
_DIGIT_BITS: Final = 4
_TRIPS: Final = (TypeError, ValueError, LookupError, ArithmeticError, RecursionError)
"""What a hostile event could raise where its decoder has a bug."""


class Bad(NamedTuple):
    """One event, or a whole payload, that says nothing usable."""

    what: bytes
    why: str


class IotDecoder:
    """Decodes what one reader says, over all its connections."""

    def __init__(self, reader: str, profile: IotProfile, oddities: Counter[str]) -> None:
        """Begin without any memory.

        Args:
            reader: The id that its reads carry.
            profile: How it speaks.
            oddities: Where to count what did not go as it should.
        """
        self.reader = reader
        self.oddities = oddities
        self._read_event = _READERS[profile.protocol]
        self._profile = profile
        self._turn = _TURN.get(profile.phase_unit)
        self._clock = ClockOffset(offset_us=0, latest_us=OLDEST_US)
        self._told: OrderedDict[tuple[int, int, str], None] = OrderedDict()

    @property
    def clock_offset_us(self) -> int:
        """What is added to the reader's stamps, in microseconds."""
        return self._clock.offset_us or 0

    @property
    def clock_resets(self) -> int:
        """How often its clock was found to be wrong."""
        return self._clock.resets

    def take(self, payload: bytes, arrived_us: int) -> tuple[list[Seen], list[Bad]]:
        """Take one payload: an event, or an array of them.

        Args:
            payload: JSON.
            arrived_us: When it came, in microseconds since 1970, UTC.

        Returns:
            What it says about tags and inputs, and what of it cannot be used; each event is one or the other.
        """
        try:
            found = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            return [], [Bad(payload, f"not JSON: {error}")]
        events = found if isinstance(found, list) else [found]
        said: list[TagSaid | InputSaid] = []
        bad: list[Bad] = []
        for event in events:
            try:
                each = self._understood(event)
            except PayloadError as error:
                bad.append(Bad(_as_it_came(event, payload), str(error)))
                continue
            except _TRIPS as error:  # it would come again for ever: kept, told and counted
                bad.append(Bad(_as_it_came(event, payload), f"{type(error).__name__}: {error}"))
                continue
            if isinstance(each, OtherSaid):
                self.oddities["reader_events_other"] += 1
            else:
                said.append(each)
        return self._seen(said, arrived_us), bad

    def _understood(self, event: object) -> Said:
        if not isinstance(event, dict):
            raise PayloadError(f"event = {event!r:.80}: expected an object")
        return self._read_event(event)

    def _seen(self, said: list[TagSaid | InputSaid], arrived_us: int) -> list[Seen]:
        stamps = [each.stamp_us for each in said if each.stamp_us is not None]
        offset_us = self._clock.observe(max(stamps), arrived_us) if stamps else 0
        seen: list[Seen] = []
        for each in said:
            at_us = arrived_us if each.stamp_us is None else each.stamp_us + offset_us
            if not arrived_us - OLDEST_US <= at_us <= arrived_us + LATE_US:
                self.oddities["reader_stamps_unusable"] += 1
                at_us = arrived_us
            if arrived_us - at_us > LATE_US:
                self.oddities["reader_reads_late"] += 1
            if isinstance(each, InputSaid):
                seen.append(GpiChange(at_us, self.reader, each.port, each.is_high))
            elif each.stamp_us is None or self._is_new(each.stamp_us, each):
                seen.append(self._read(each, at_us))
        seen.sort(key=_seen_us)
        return seen

    def _is_new(self, stamp_us: int, tag: TagSaid) -> bool:
        key = (stamp_us, tag.antenna, tag.digits)
        if key in self._told:
            self.oddities["reader_reads_again"] += 1
            return False
        self._told[key] = None
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return True

    def _read(self, tag: TagSaid, at_us: int) -> RawRead:
        bits = len(tag.digits) * _DIGIT_BITS
        epc = spell_epc(tag.digits.encode(), bits, self._profile.epc_may_be_ascii_hex)
        phase = None if tag.phase is None or self._turn is None else tag.phase * self._turn % 360.0
        return RawRead(at_us, self.reader, tag.antenna, epc, tag.rssi_dbm, phase, None, tag.times)


def _as_it_came(event: object, payload: bytes) -> bytes:
    """Write one event alone; with its payload where it is nested too deep for that."""
    try:
        return orjson.dumps(event)
    except orjson.JSONEncodeError:
        return payload


def _seen_us(seen: Seen) -> int:
    return seen.seen_us
