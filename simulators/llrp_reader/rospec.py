"""One ROSpec (LLRP 1.0.1, 6.1): what it is, which antennas hear in it, and when its triggers act.

Time is microseconds of any clock that only goes forward, and comes with each call.
"""

from dataclasses import dataclass
from typing import Final

from simulators.llrp_reader.element import Element
from simulators.llrp_reader.report import Origin
from simulators.llrp_reader.vocabulary import (
    AISpecStopTriggerType,
    ROSpecStartTriggerType,
    ROSpecState,
    ROSpecStopTriggerType,
)

NEVER: Final = 1 << 63
"""A time that never comes."""
_US_PER_MS: Final = 1000


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
    next_start_us: int = NEVER

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

    def goes_before(self, other: "RoSpec") -> bool:
        """Tell whether it takes the place of another that runs: 0 is the most urgent priority."""
        return self.spec.number("Priority") < other.spec.number("Priority")

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
            return NEVER
        trigger = self.parts[self.part].one("AISpecStopTrigger")
        match trigger.number("AISpecStopTriggerType"):
            case AISpecStopTriggerType.Duration:
                wait = max(1, trigger.number("DurationTrigger")) * _US_PER_MS
            case AISpecStopTriggerType.GPI_With_Timeout:
                wait = _timeout_us(trigger.find("GPITriggerValue"))
            case AISpecStopTriggerType.Tag_Observation:
                wait = _timeout_us(trigger.find("TagObservationTrigger"))
            case _:
                wait = NEVER
        return self.part_started_us + wait

    def has_ended(self, now_us: int) -> bool:
        """Tell whether its stop trigger's time has come."""
        return self._stop_us() <= now_us

    def wanted_tags(self) -> int:
        """Give the number of tags after which the running inventory ends, or a number never reached."""
        trigger = self.parts[self.part].one("AISpecStopTrigger").find("TagObservationTrigger")
        if trigger is None or trigger.number("TriggerType") != 0:
            return NEVER
        return trigger.number("NumberOfTags") or NEVER


def _timeout_us(trigger: Element | None) -> int:
    timeout = 0 if trigger is None else trigger.number("Timeout")
    return timeout * _US_PER_MS or NEVER


def is_met(trigger: Element, port: int, *, is_high: bool) -> bool:
    """Tell whether an input's level is what a trigger waits for.

    Args:
        trigger: A start or stop trigger, perhaps with a GPITriggerValue.
        port: The input.
        is_high: Its level.

    Returns:
        True if the trigger acts.
    """
    gpi = trigger.find("GPITriggerValue")
    return gpi is not None and gpi.number("GPIPortNum") == port and bool(gpi.number("GPIEvent")) is is_high


def first_start_us(trigger: Element, now_us: int) -> int:
    """Give the time at which a ROSpec starts that has just been enabled.

    Args:
        trigger: Its start trigger.
        now_us: The time.

    Returns:
        The time, or ``NEVER`` if something else than the clock starts it.
    """
    match trigger.number("ROSpecStartTriggerType"):
        case ROSpecStartTriggerType.Immediate:
            return now_us
        case ROSpecStartTriggerType.Periodic:
            return now_us + trigger.one("PeriodicTriggerValue").number("Offset") * _US_PER_MS
        case _:
            return NEVER


def next_start_us(trigger: Element, last_us: int, now_us: int) -> int:
    """Give the next start of a periodic trigger; others start when something else says so.

    Args:
        trigger: A start trigger.
        last_us: When it was to start last.
        now_us: The time; starts that were missed are not made up for.

    Returns:
        The time, or ``NEVER``.
    """
    periodic = trigger.find("PeriodicTriggerValue")
    period_us = 0 if periodic is None else periodic.number("Period") * _US_PER_MS
    if not period_us:
        return NEVER
    return last_us + (max(0, now_us - last_us) // period_us + 1) * period_us


def again_us(trigger: Element, now_us: int) -> int:
    """Give the time at which a ROSpec starts that came to its own end: at once if it is immediate.

    Args:
        trigger: Its start trigger.
        now_us: The time.

    Returns:
        The time, or ``NEVER``.
    """
    is_immediate = trigger.number("ROSpecStartTriggerType") == ROSpecStartTriggerType.Immediate
    return now_us if is_immediate else NEVER
