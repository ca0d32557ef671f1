"""ROSpecs and their life (LLRP 1.0.1, 6 and 11): requests, triggers and tags in, what happened out.

Time is microseconds of any clock that only goes forward, and comes with each call.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from simulators.llrp_reader.checks import check_rospec
from simulators.llrp_reader.element import Element, LlrpError
from simulators.llrp_reader.models import ReaderModel
from simulators.llrp_reader.parameters import type_of
from simulators.llrp_reader.report import Observation, Origin
from simulators.llrp_reader.vocabulary import (
    AISpecStopTriggerType,
    ROSpecStartTriggerType,
    ROSpecState,
    ROSpecStopTriggerType,
    StatusCode,
)

ALL: Final = 0
"""The id that stands for every spec in DELETE, ENABLE and DISABLE."""
_US_PER_MS: Final = 1000
_NEVER: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class Found:
    """Tags that an antenna of the running inventory found."""

    observations: list[Observation]
    origin: Origin
    spec: Element


@dataclass(frozen=True, slots=True)
class Started:
    """A ROSpec became active."""

    spec: Element


@dataclass(frozen=True, slots=True)
class PartEnded:
    """An AISpec ended."""

    spec: Element
    index: int
    """SpecIndex, from 1."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A ROSpec is no longer active."""

    spec: Element
    preempting: int = 0
    """ROSpecID of the one that took its place, else 0."""


Happening = Found | Started | PartEnded | Ended


@dataclass(slots=True)
class RoSpec:
    """One ROSpec in the reader."""

    spec: Element
    state: ROSpecState = ROSpecState.Disabled
    started_us: int = 0
    part: int = 0
    """Index of the running AISpec, from 0."""
    part_started_us: int = 0
    part_tags: int = 0
    next_start_us: int = _NEVER

    @property
    def number(self) -> int:
        """ROSpecID."""
        return self.spec.number("ROSpecID")

    @property
    def start_trigger(self) -> Element:
        """When it starts."""
        return self.spec.one("ROBoundarySpec").one("ROSpecStartTrigger")

    @property
    def stop_trigger(self) -> Element:
        """When it stops."""
        return self.spec.one("ROBoundarySpec").one("ROSpecStopTrigger")

    @property
    def parts(self) -> tuple[Element, ...]:
        """Its AISpecs."""
        return self.spec.all("AISpec")

    def element(self) -> Element:
        """Give the ROSpec with its current state, as GET_ROSPECS tells it."""
        return Element("ROSpec", {**self.spec.fields, "CurrentState": int(self.state)}, self.spec.parameters)

    def origin(self) -> Origin:
        """Say which specs find the tags now."""
        inventory = self.parts[self.part].one("InventoryParameterSpec")
        return Origin(self.number, self.part + 1, inventory.number("InventoryParameterSpecID"))

    def hears(self, antenna: int) -> bool:
        """Tell whether the running inventory uses an antenna."""
        antennas = self.parts[self.part].numbers("AntennaIDs")
        return antenna in antennas or 0 in antennas

    def due_us(self) -> int:
        """Give the time of the next stop or start by the clock."""
        if self.state is not ROSpecState.Active:
            return self.next_start_us
        return min(self._stop_us(), self._part_stop_us())

    def _stop_us(self) -> int:
        trigger = self.stop_trigger
        if trigger.number("ROSpecStopTriggerType") == ROSpecStopTriggerType.Duration:
            return self.started_us + max(1, trigger.number("DurationTriggerValue")) * _US_PER_MS
        return self.started_us + _timeout_us(trigger.find("GPITriggerValue"))

    def _part_stop_us(self) -> int:
        if not self.parts:
            return _NEVER
        trigger = self.parts[self.part].one("AISpecStopTrigger")
        match trigger.number("AISpecStopTriggerType"):
            case AISpecStopTriggerType.Duration:
                wait = max(1, trigger.number("DurationTrigger")) * _US_PER_MS
            case AISpecStopTriggerType.GPI_With_Timeout:
                wait = _timeout_us(trigger.find("GPITriggerValue"))
            case AISpecStopTriggerType.Tag_Observation:
                wait = _timeout_us(trigger.find("TagObservationTrigger"))
            case _:
                wait = _NEVER
        return self.part_started_us + wait

    def has_ended(self, now_us: int) -> bool:
        """Tell whether its stop trigger's time has come."""
        return self._stop_us() <= now_us

    def wanted_tags(self) -> int:
        """Give the number of tags after which the running inventory ends, or a number never reached."""
        trigger = self.parts[self.part].one("AISpecStopTrigger").find("TagObservationTrigger")
        if trigger is None or trigger.number("TriggerType") != 0:
            return _NEVER
        return trigger.number("NumberOfTags") or _NEVER


def _timeout_us(trigger: Element | None) -> int:
    timeout = 0 if trigger is None else trigger.number("Timeout")
    return timeout * _US_PER_MS or _NEVER


@dataclass
class RoSpecs:
    """All ROSpecs of a reader; at most one is active."""

    model: ReaderModel
    specs: dict[int, RoSpec] = field(default_factory=dict)

    @property
    def active(self) -> RoSpec | None:
        """The one that runs."""
        return next((each for each in self.specs.values() if each.state is ROSpecState.Active), None)

    def add(self, spec: Element) -> None:
        """Add one, disabled.

        Args:
            spec: As the client sent it.

        Raises:
            LlrpError: If it is impossible, known already, or one too many.
        """
        check_rospec(self.model, spec)
        path = (type_of("ROSpec"),)
        number = spec.number("ROSpecID")
        if number in self.specs:
            raise LlrpError(f"ROSpec {number} is there already", StatusCode.A_Invalid, path, 0)
        if len(self.specs) >= self.model.max_rospecs:
            raise LlrpError(
                f"{len(self.specs)} ROSpecs are there: expected at most {self.model.max_rospecs}",
                StatusCode.M_OverflowParameter,
                path,
            )
        self.specs[number] = RoSpec(spec)

    def delete(self, number: int) -> Iterator[Happening]:
        """Take out one, or all.

        Args:
            number: Its id, or ``ALL``.

        Yields:
            What ends by it.
        """
        for each in self._chosen(number):
            yield from self._end(each)
            del self.specs[each.number]

    def enable(self, number: int, now_us: int) -> Iterator[Happening]:
        """Enable one, or all; an immediate one starts.

        Args:
            number: Its id, or ``ALL``.
            now_us: The time.

        Yields:
            What starts by it.
        """
        for each in self._chosen(number):
            if each.state is ROSpecState.Disabled:
                each.state = ROSpecState.Inactive
                each.next_start_us = _first_start_us(each.start_trigger, now_us)
        yield from self.advance(now_us)

    def disable(self, number: int) -> Iterator[Happening]:
        """Disable one, or all.

        Args:
            number: Its id, or ``ALL``.

        Yields:
            What ends by it.
        """
        for each in self._chosen(number):
            yield from self._end(each)
            each.state, each.next_start_us = ROSpecState.Disabled, _NEVER

    def start(self, number: int, now_us: int) -> Iterator[Happening]:
        """Start one on request.

        Args:
            number: Its id.
            now_us: The time.

        Yields:
            That it started, unless it ran already.

        Raises:
            LlrpError: If it is unknown or disabled, or a more urgent one runs.
        """
        spec = self._one(number)
        if spec.state is ROSpecState.Disabled:
            raise LlrpError(f"ROSpec {number} is disabled: expected inactive", StatusCode.A_Invalid, field=0)
        active = self.active
        if active is not None and active.spec.number("Priority") < spec.spec.number("Priority"):
            raise LlrpError(f"ROSpec {active.number} runs and goes first", StatusCode.A_Invalid, field=0)
        yield from self._begin(spec, now_us)

    def stop(self, number: int) -> Iterator[Happening]:
        """Stop one on request; it stays enabled.

        Args:
            number: Its id.

        Yields:
            That it ended, if it ran.

        Raises:
            LlrpError: If it is unknown or disabled.
        """
        spec = self._one(number)
        if spec.state is ROSpecState.Disabled:
            raise LlrpError(f"ROSpec {number} is disabled: expected active", StatusCode.A_Invalid, field=0)
        yield from self._end(spec)

    def observe(self, observations: Sequence[Observation], now_us: int) -> Iterator[Happening]:
        """Let the running inventory find tags.

        Args:
            observations: What the air gives, of all antennas.
            now_us: The time.

        Yields:
            What was found, and what ended by it.
        """
        found: list[Observation] = []
        for observation in observations:
            active = self.active
            if active is None or not active.parts or not active.hears(observation.antenna):
                continue
            found.append(observation)
            active.part_tags += observation.times
            if active.part_tags >= active.wanted_tags():
                yield Found(found, active.origin(), active.spec)
                found = []
                yield from self._end_part(active, now_us)
        active = self.active
        if found and active is not None:
            yield Found(found, active.origin(), active.spec)

    def gpi(self, port: int, *, is_high: bool, now_us: int) -> Iterator[Happening]:
        """Let a GPI's change start or stop what waits for it.

        Args:
            port: GPI port.
            is_high: Its new level.
            now_us: The time.

        Yields:
            What starts and ends by it.
        """
        for each in list(self.specs.values()):
            if each.state is ROSpecState.Active:
                if _is_met(each.stop_trigger, port, is_high):
                    yield from self._end(each)
                elif each.parts and _is_met(each.parts[each.part].one("AISpecStopTrigger"), port, is_high):
                    yield from self._end_part(each, now_us)
            elif each.state is ROSpecState.Inactive and _is_met(each.start_trigger, port, is_high):
                yield from self._begin(each, now_us)

    def due_us(self) -> int:
        """Give the time at which ``advance`` has something to do, or one that never comes."""
        return min((each.due_us() for each in self.specs.values()), default=_NEVER)

    def advance(self, now_us: int) -> Iterator[Happening]:
        """Let triggers act whose time has come.

        Args:
            now_us: The time.

        Yields:
            What starts and ends by them.
        """
        for each in list(self.specs.values()):
            if each.due_us() > now_us:
                continue
            if each.state is ROSpecState.Active:
                if each.has_ended(now_us):
                    yield from self._end(each)
                    each.next_start_us = min(each.next_start_us, _again_us(each.start_trigger, now_us))
                else:
                    yield from self._end_part(each, now_us)
            else:
                each.next_start_us = _next_start_us(each.start_trigger, each.next_start_us)
                yield from self._begin(each, now_us)

    def _chosen(self, number: int) -> list[RoSpec]:
        return list(self.specs.values()) if number == ALL else [self._one(number)]

    def _one(self, number: int) -> RoSpec:
        if number not in self.specs:
            raise LlrpError(
                f"no ROSpec {number}: expected one of {sorted(self.specs)}", StatusCode.A_Invalid, field=0
            )
        return self.specs[number]

    def _begin(self, spec: RoSpec, now_us: int) -> Iterator[Happening]:
        active = self.active
        if active is spec:
            return
        if active is not None:
            active.state = ROSpecState.Inactive
            yield Ended(active.spec, preempting=spec.number)
        spec.state = ROSpecState.Active
        spec.started_us = spec.part_started_us = now_us
        spec.part = spec.part_tags = 0
        yield Started(spec.spec)

    def _end(self, spec: RoSpec) -> Iterator[Happening]:
        if spec.state is ROSpecState.Active:
            spec.state = ROSpecState.Inactive
            if spec.parts:
                yield PartEnded(spec.spec, spec.part + 1)
            yield Ended(spec.spec)

    def _end_part(self, spec: RoSpec, now_us: int) -> Iterator[Happening]:
        if spec.part + 1 < len(spec.parts):
            yield PartEnded(spec.spec, spec.part + 1)
            spec.part, spec.part_tags, spec.part_started_us = spec.part + 1, 0, now_us
        else:
            yield from self._end(spec)
            spec.next_start_us = min(spec.next_start_us, _again_us(spec.start_trigger, now_us))


def _is_met(trigger: Element, port: int, is_high: bool) -> bool:  # noqa: FBT001  a level is a value here
    gpi = trigger.find("GPITriggerValue")
    return gpi is not None and gpi.number("GPIPortNum") == port and bool(gpi.number("GPIEvent")) is is_high


def _first_start_us(trigger: Element, now_us: int) -> int:
    match trigger.number("ROSpecStartTriggerType"):
        case ROSpecStartTriggerType.Immediate:
            return now_us
        case ROSpecStartTriggerType.Periodic:
            return now_us + trigger.one("PeriodicTriggerValue").number("Offset") * _US_PER_MS
        case _:
            return _NEVER


def _next_start_us(trigger: Element, last_us: int) -> int:
    """Give the next start of a periodic trigger; others start when something else says so."""
    periodic = trigger.find("PeriodicTriggerValue")
    period = 0 if periodic is None else periodic.number("Period")
    return last_us + period * _US_PER_MS if period else _NEVER


def _again_us(trigger: Element, now_us: int) -> int:
    """An immediate ROSpec that came to its own end begins anew at once."""
    is_immediate = trigger.number("ROSpecStartTriggerType") == ROSpecStartTriggerType.Immediate
    return now_us if is_immediate else _NEVER
