"""Requests as a client would make them, with the parts that a test is about named."""

from typing import Final

from simulators.llrp_reader.element import Bits, Element, element
from simulators.llrp_reader.report import Observation
from simulators.llrp_reader.vocabulary import (
    AISpecStopTriggerType,
    ROReportTriggerType,
    ROSpecStartTriggerType,
    ROSpecStopTriggerType,
    StatusCode,
)

T0: Final = 1_790_000_000_000_000
"""Microseconds since 1970."""
MS: Final = 1000
S: Final = 1_000_000

SELECTORS: Final = (
    *("EnableROSpecID", "EnableSpecIndex", "EnableInventoryParameterSpecID", "EnableAntennaID"),
    *("EnableChannelIndex", "EnablePeakRSSI", "EnableFirstSeenTimestamp", "EnableLastSeenTimestamp"),
    *("EnableTagSeenCount", "EnableAccessSpecID"),
)
BY_REQUEST: Final = element("ROSpecStartTrigger", ROSpecStartTriggerType=int(ROSpecStartTriggerType.Null))
IMMEDIATELY: Final = element(
    "ROSpecStartTrigger", ROSpecStartTriggerType=int(ROSpecStartTriggerType.Immediate)
)
_NO_BITS: Final = Bits(0, b"")
NEVER: Final = element(
    "ROSpecStopTrigger", ROSpecStopTriggerType=int(ROSpecStopTriggerType.Null), DurationTriggerValue=0
)


def gpi_trigger(port: int, *, is_high: bool, timeout_ms: int = 0) -> Element:
    return element("GPITriggerValue", GPIPortNum=port, GPIEvent=int(is_high), Timeout=timeout_ms)


def on_gpi(port: int) -> Element:
    return element(
        "ROSpecStartTrigger",
        gpi_trigger(port, is_high=True),
        ROSpecStartTriggerType=int(ROSpecStartTriggerType.GPI),
    )


def every(period_ms: int, offset_ms: int = 0) -> Element:
    return element(
        "ROSpecStartTrigger",
        element("PeriodicTriggerValue", Offset=offset_ms, Period=period_ms),
        ROSpecStartTriggerType=int(ROSpecStartTriggerType.Periodic),
    )


def after_ms(duration: int) -> Element:
    return element(
        "ROSpecStopTrigger",
        ROSpecStopTriggerType=int(ROSpecStopTriggerType.Duration),
        DurationTriggerValue=duration,
    )


def inventory(
    *settings: Element, antennas: tuple[int, ...] = (0,), number: int = 1, stop: Element | None = None
) -> Element:
    never = element(
        "AISpecStopTrigger", AISpecStopTriggerType=int(AISpecStopTriggerType.Null), DurationTrigger=0
    )
    how = element("InventoryParameterSpec", *settings, InventoryParameterSpecID=number, ProtocolID=1)
    return element("AISpec", stop or never, how, AntennaIDs=antennas)


def inventory_for_ms(duration: int, antennas: tuple[int, ...] = (0,)) -> Element:
    stop = element(
        "AISpecStopTrigger",
        AISpecStopTriggerType=int(AISpecStopTriggerType.Duration),
        DurationTrigger=duration,
    )
    return inventory(antennas=antennas, stop=stop)


def inventory_of_tags(count: int) -> Element:
    wanted = element(
        "TagObservationTrigger", TriggerType=0, NumberOfTags=count, NumberOfAttempts=0, T=0, Timeout=0
    )
    stop = element(
        "AISpecStopTrigger",
        wanted,
        AISpecStopTriggerType=int(AISpecStopTriggerType.Tag_Observation),
        DurationTrigger=0,
    )
    return inventory(stop=stop)


def antenna(
    number: int = 0,
    *,
    power: int | None = None,
    hop_table: int = 1,
    channel: int = 1,
    mode: int | None = None,
    tari: int = 0,
    is_state_aware: bool = False,
    customs: tuple[Element, ...] = (),
) -> Element:
    parts = []
    if power is not None:
        parts.append(
            element("RFTransmitter", HopTableID=hop_table, ChannelIndex=channel, TransmitPower=power)
        )
    if mode is not None or is_state_aware:
        control = () if mode is None else (element("C1G2RFControl", ModeIndex=mode, Tari=tari),)
        parts.append(element("C1G2InventoryCommand", *control, TagInventoryStateAware=int(is_state_aware)))
    return element("AntennaConfiguration", *parts, *customs, AntennaID=number)


def report_spec(
    *customs: Element,
    n: int = 1,
    trigger: ROReportTriggerType = ROReportTriggerType.Upon_N_Tags_Or_End_Of_ROSpec,
    selected: tuple[str, ...] = SELECTORS,
) -> Element:
    selector = element("TagReportContentSelector", **{name: int(name in selected) for name in SELECTORS})
    return element("ROReportSpec", selector, *customs, ROReportTrigger=int(trigger), N=n)


IMPINJ_SELECTOR: Final = element(
    "ImpinjTagReportContentSelector",
    element("ImpinjEnableRFPhaseAngle", RFPhaseAngleMode=1),
    element("ImpinjEnablePeakRSSI", PeakRSSIMode=1),
    element("ImpinjEnableRFDopplerFrequency", RFDopplerFrequencyMode=1),
)


def rospec(
    *inventories: Element,
    number: int = 1,
    priority: int = 0,
    start: Element = BY_REQUEST,
    stop: Element = NEVER,
    report: Element | None = None,
    state: int = 0,
) -> Element:
    return element(
        "ROSpec",
        element("ROBoundarySpec", start, stop),
        *(inventories or (inventory(),)),
        *(() if report is None else (report,)),
        ROSpecID=number,
        Priority=priority,
        CurrentState=state,
    )


def accessspec(number: int = 1, antenna_id: int = 0) -> Element:
    target = element("C1G2TargetTag", MB=1, Match=1, Pointer=32, TagMask=_NO_BITS, TagData=_NO_BITS)
    read = element("C1G2Read", OpSpecID=1, AccessPassword=0, MB=2, WordPointer=0, WordCount=6)
    return element(
        "AccessSpec",
        element("AccessSpecStopTrigger", AccessSpecStopTrigger=0, OperationCountValue=0),
        element("AccessCommand", element("C1G2TagSpec", target), read),
        AccessSpecID=number,
        AntennaID=antenna_id,
        ProtocolID=1,
        CurrentState=0,
        ROSpecID=0,
    )


def subscription(*kinds: int) -> Element:
    return element(
        "ReaderEventNotificationSpec",
        *(element("EventNotificationState", EventType=int(kind), NotificationState=1) for kind in kinds),
    )


def keepalive(period_ms: int) -> Element:
    return element("KeepaliveSpec", KeepaliveTriggerType=1, PeriodicTriggerValue=period_ms)


def tag(number: int = 1, *, antenna_id: int = 1, at_us: int = T0, rssi_dbm: float = -55.0) -> Observation:
    return Observation(at_us, antenna_id, number.to_bytes(12, "big"), 96, rssi_dbm)


def status(response: Element) -> StatusCode:
    return StatusCode(response.one("LLRPStatus").number("StatusCode"))


def fault_path(response: Element) -> tuple[tuple[int, ...], int | None, StatusCode]:
    """Follow the ParameterErrors: types from outside in, index of the field, what is wrong there."""
    here, path = response.one("LLRPStatus"), []
    while (inner := here.find("ParameterError")) is not None:
        path.append(inner.number("ParameterType"))
        here = inner
    field = here.find("FieldError")
    if field is not None:
        return tuple(path), field.number("FieldNum"), StatusCode(field.number("ErrorCode"))
    return tuple(path), None, StatusCode(here.number("ErrorCode"))
