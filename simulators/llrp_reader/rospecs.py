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
from simulators.llrp_reader.rospec import NEVER, RoSpec, again_us, first_start_us, is_met, next_start_us
from simulators.llrp_reader.vocabulary import ROSpecState, StatusCode

ALL: Final = 0
"""The id that stands for every spec in DELETE, ENABLE and DISABLE."""


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
                each.next_start_us = first_start_us(each.start_trigger, now_us)
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
            each.state, each.next_start_us = ROSpecState.Disabled, NEVER

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
        if active is not None and active is not spec and not spec.goes_before(active):
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
                if is_met(each.stop_trigger, port, is_high=is_high):
                    yield from self._end(each)
                elif each.parts and is_met(
                    each.parts[each.part].one("AISpecStopTrigger"), port, is_high=is_high
                ):
                    yield from self._end_part(each, now_us)
            elif self._waits_for(each, port, is_high=is_high):
                yield from self._begin(each, now_us)

    def due_us(self) -> int:
        """Give the time at which ``advance`` has something to do, or one that never comes."""
        return min((each.due_us() for each in self.specs.values() if self._may_act(each)), default=NEVER)

    def advance(self, now_us: int) -> Iterator[Happening]:
        """Let triggers act whose time has come.

        Args:
            now_us: The time.

        Yields:
            What starts and ends by them.
        """
        for each in list(self.specs.values()):
            if each.due_us() > now_us or not self._may_act(each):
                continue
            if each.state is ROSpecState.Active:
                if each.has_ended(now_us):
                    yield from self._end(each)
                    each.next_start_us = min(each.next_start_us, again_us(each.start_trigger, now_us))
                else:
                    yield from self._end_part(each, now_us)
            else:
                each.next_start_us = next_start_us(each.start_trigger, each.next_start_us, now_us)
                yield from self._begin(each, now_us)

    def _waits_for(self, spec: RoSpec, port: int, *, is_high: bool) -> bool:
        return (
            spec.state is ROSpecState.Inactive
            and is_met(spec.start_trigger, port, is_high=is_high)
            and self._may_act(spec)
        )

    def _may_act(self, spec: RoSpec) -> bool:
        """Tell whether a trigger of a ROSpec may act: to start, it must not find one that goes first."""
        active = self.active
        return active is None or active is spec or spec.goes_before(active)

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
            active.next_start_us = min(active.next_start_us, again_us(active.start_trigger, now_us))
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
            spec.next_start_us = min(spec.next_start_us, again_us(spec.start_trigger, now_us))
