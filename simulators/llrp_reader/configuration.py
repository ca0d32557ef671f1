"""A reader's configuration (12): what SET_READER_CONFIG changes and GET_READER_CONFIG tells."""

import binascii
from dataclasses import dataclass
from typing import Final

from simulators.llrp_reader.checks import check_antenna_configuration, check_port
from simulators.llrp_reader.element import Element, LlrpError, element
from simulators.llrp_reader.models import ReaderModel
from simulators.llrp_reader.parameters import encode_parameter, type_of
from simulators.llrp_reader.vocabulary import (
    GetReaderConfigRequestedData,
    GPIPortState,
    KeepaliveTriggerType,
    NotificationEventType,
    ROReportTriggerType,
    StatusCode,
)

_READER_ID: Final = bytes.fromhex("001625ffff000001")
"""EUI-64 of no reader."""
_ENABLED_EVENTS: Final = frozenset(
    {NotificationEventType.Reader_Exception_Event, NotificationEventType.Antenna_Event}
)


@dataclass
class Gpi:
    """One input."""

    is_enabled: bool
    is_high: bool | None = None
    """Nothing before its first change."""

    @property
    def state(self) -> GPIPortState:
        """Its level in the standard's words."""
        if self.is_high is None:
            return GPIPortState.Unknown
        return GPIPortState.High if self.is_high else GPIPortState.Low


class Configuration:
    """What holds beyond a connection."""

    def __init__(self, model: ReaderModel) -> None:
        """Configure as the factory does.

        Args:
            model: The make.
        """
        self.model = model
        self.gpis = {port: Gpi(model.has_gpis_enabled) for port in range(1, model.gpis + 1)}
        self.gpos = dict.fromkeys(range(1, model.gpos + 1), False)
        self.unplugged: set[int] = set()
        self.reset()

    def reset(self) -> None:
        """Go back to the factory's settings; levels of inputs and outputs are no settings."""
        self.antennas = {
            antenna: _factory_antenna(self.model, antenna) for antenna in range(1, self.model.antennas + 1)
        }
        self.events = {kind: kind in _ENABLED_EVENTS for kind in NotificationEventType}
        self.ro_report_spec = _factory_report_spec()
        self.access_report_spec = element("AccessReportSpec", AccessReportTrigger=1)
        self.keepalive_ms = 0
        self.holds_upon_reconnect = False
        for gpi in self.gpis.values():
            gpi.is_enabled = self.model.has_gpis_enabled

    def check(self, wanted: Element) -> None:
        """Check a SET_READER_CONFIG before any of it is applied.

        Args:
            wanted: The message's body.

        Raises:
            LlrpError: If a part of it is impossible.
        """
        for given in wanted.parameters:
            path = (type_of(given.name),)
            match given.name:
                case "AntennaConfiguration":
                    check_antenna_configuration(self.model, given, ())
                case "AntennaProperties":
                    raise LlrpError(
                        "AntennaProperties cannot be set", StatusCode.M_UnsupportedParameter, path
                    )
                case "GPOWriteData":
                    check_port(given, "GPOPortNumber", self.model.gpos, path)
                case "GPIPortCurrentState":
                    check_port(given, "GPIPortNum", self.model.gpis, path)
                case "KeepaliveSpec":
                    _check_keepalive(given, path)
                case "ReaderEventNotificationSpec":
                    _check_events(given, path)

    def apply(self, wanted: Element) -> None:
        """Apply a SET_READER_CONFIG that was checked.

        Args:
            wanted: The message's body.
        """
        if wanted.number("ResetToFactoryDefault"):
            self.reset()
        for given in wanted.parameters:
            match given.name:
                case "AntennaConfiguration":
                    self._configure_antenna(given)
                case "GPOWriteData":
                    self.gpos[given.number("GPOPortNumber")] = bool(given.number("GPOData"))
                case "GPIPortCurrentState":
                    self.gpis[given.number("GPIPortNum")].is_enabled = bool(given.number("Config"))
                case "ROReportSpec":
                    self.ro_report_spec = given
                case "AccessReportSpec":
                    self.access_report_spec = given
                case _:
                    self._configure_link(given)

    def _configure_link(self, given: Element) -> None:
        match given.name:
            case "KeepaliveSpec":
                is_periodic = given.number("KeepaliveTriggerType") == KeepaliveTriggerType.Periodic
                self.keepalive_ms = given.number("PeriodicTriggerValue") if is_periodic else 0
            case "ReaderEventNotificationSpec":
                for state in given.all("EventNotificationState"):
                    kind = NotificationEventType(state.number("EventType"))
                    self.events[kind] = bool(state.number("NotificationState"))
            case "EventsAndReports":
                self.holds_upon_reconnect = bool(given.number("HoldEventsAndReportsUponReconnect"))

    def parameters(self, asked: Element) -> tuple[Element, ...]:
        """Answer a GET_READER_CONFIG.

        Args:
            asked: The message's body; port or antenna 0 stands for all.

        Returns:
            The parameters of the response, without its status.

        Raises:
            LlrpError: If there is no such antenna, port or part of the configuration.
        """
        requested = asked.number("RequestedData")
        if requested not in set(GetReaderConfigRequestedData):
            raise LlrpError(
                f"RequestedData is {requested}: expected 0 to {max(GetReaderConfigRequestedData)}",
                StatusCode.A_OutOfRange,
                field=1,
            )
        antenna, gpi, gpo = (asked.number(name) for name in ("AntennaID", "GPIPortNum", "GPOPortNum"))
        limits = (self.model.antennas, self.model.gpis, self.model.gpos)
        for field, (number, most) in enumerate(zip((antenna, gpi, gpo), limits, strict=True)):
            if number > most:
                raise LlrpError(
                    f"port {number}: expected 0 to {most}", StatusCode.A_OutOfRange, field=(0, 2, 3)[field]
                )
        kinds = GetReaderConfigRequestedData
        answers = {
            kinds.Identification: [element("Identification", IDType=0, ReaderID=_READER_ID)],
            kinds.AntennaProperties: [self._properties(port) for port in self.antennas],
            kinds.AntennaConfiguration: list(self.antennas.values()),
            kinds.ReaderEventNotificationSpec: [self._event_spec()],
            kinds.ROReportSpec: [self.ro_report_spec],
            kinds.AccessReportSpec: [self.access_report_spec],
            kinds.LLRPConfigurationStateValue: [self._state_value()],
            kinds.KeepaliveSpec: [self._keepalive_spec()],
            kinds.GPIPortCurrentState: [self._gpi_state(port) for port in self.gpis],
            kinds.GPOWriteData: [self._gpo(port) for port in self.gpos],
            kinds.EventsAndReports: [
                element("EventsAndReports", HoldEventsAndReportsUponReconnect=int(self.holds_upon_reconnect))
            ],
        }
        one_of = {"AntennaProperties": antenna, "AntennaConfiguration": antenna}
        one_of |= {"GPIPortCurrentState": gpi, "GPOWriteData": gpo}
        return tuple(
            part
            for kind, parts in answers.items()
            if requested in {kinds.All, kind}
            for part in _chosen(parts, one_of.get(kind.name, 0))
        )

    def _configure_antenna(self, given: Element) -> None:
        number = given.number("AntennaID")
        for antenna in [number] if number else list(self.antennas):
            parts = {part.name: part for part in self.antennas[antenna].parameters}
            parts |= {part.name: part for part in given.parameters}
            self.antennas[antenna] = element("AntennaConfiguration", *parts.values(), AntennaID=antenna)

    def _properties(self, antenna: int) -> Element:
        return element(
            "AntennaProperties",
            AntennaConnected=int(antenna not in self.unplugged),
            AntennaID=antenna,
            AntennaGain=0,
        )

    def _event_spec(self) -> Element:
        return element(
            "ReaderEventNotificationSpec",
            *(
                element("EventNotificationState", EventType=int(kind), NotificationState=int(is_wanted))
                for kind, is_wanted in self.events.items()
            ),
        )

    def _keepalive_spec(self) -> Element:
        return element(
            "KeepaliveSpec",
            KeepaliveTriggerType=int(self.keepalive_ms > 0),
            PeriodicTriggerValue=self.keepalive_ms,
        )

    def _gpi_state(self, port: int) -> Element:
        gpi = self.gpis[port]
        return element(
            "GPIPortCurrentState", GPIPortNum=port, Config=int(gpi.is_enabled), State=int(gpi.state)
        )

    def _gpo(self, port: int) -> Element:
        return element("GPOWriteData", GPOPortNumber=port, GPOData=int(self.gpos[port]))

    def _state_value(self) -> Element:
        """Give a number that changes with the configuration."""
        settings = [*self.antennas.values(), self._event_spec(), self.ro_report_spec, self._keepalive_spec()]
        value = binascii.crc32(b"".join(map(encode_parameter, settings)))
        return element("LLRPConfigurationStateValue", LLRPConfigurationStateValue=value)


def _chosen(parts: list[Element], number: int) -> list[Element]:
    """Give all, or the one of a port; parts are in the order of their ports, from 1."""
    return parts if number == 0 else [parts[number - 1]]


def _check_keepalive(given: Element, path: tuple[int, ...]) -> None:
    kind, period = given.number("KeepaliveTriggerType"), given.number("PeriodicTriggerValue")
    if kind not in set(KeepaliveTriggerType):
        raise LlrpError(f"KeepaliveTriggerType is {kind}: expected 0 or 1", StatusCode.A_OutOfRange, path, 0)
    if kind == KeepaliveTriggerType.Periodic and period == 0:
        raise LlrpError("PeriodicTriggerValue is 0: expected at least 1", StatusCode.A_Invalid, path, 1)


def _check_events(given: Element, path: tuple[int, ...]) -> None:
    for state in given.all("EventNotificationState"):
        kind = state.number("EventType")
        if kind not in set(NotificationEventType):
            raise LlrpError(
                f"EventType is {kind}: expected 0 to {max(NotificationEventType)}",
                StatusCode.A_OutOfRange,
                (*path, type_of(state.name)),
                0,
            )


def _factory_antenna(model: ReaderModel, antenna: int) -> Element:
    mode = model.modes[0]
    return element(
        "AntennaConfiguration",
        element("RFReceiver", ReceiverSensitivity=1),
        element(
            "RFTransmitter",
            HopTableID=int(bool(model.hops_khz)),
            ChannelIndex=int(not model.hops_khz),
            TransmitPower=len(model.powers_cdbm),
        ),
        element(
            "C1G2InventoryCommand",
            element("C1G2RFControl", ModeIndex=mode.identifier, Tari=0),
            element("C1G2SingulationControl", Session=1, TagPopulation=32, TagTransitTime=0),
            TagInventoryStateAware=0,
        ),
        AntennaID=antenna,
    )


def _factory_report_spec() -> Element:
    enabled = {"EnableAntennaID", "EnablePeakRSSI", "EnableFirstSeenTimestamp"}
    names = (
        *("EnableROSpecID", "EnableSpecIndex", "EnableInventoryParameterSpecID", "EnableAntennaID"),
        *("EnableChannelIndex", "EnablePeakRSSI", "EnableFirstSeenTimestamp", "EnableLastSeenTimestamp"),
        *("EnableTagSeenCount", "EnableAccessSpecID"),
    )
    return element(
        "ROReportSpec",
        element("TagReportContentSelector", **{name: int(name in enabled) for name in names}),
        ROReportTrigger=int(ROReportTriggerType.Upon_N_Tags_Or_End_Of_ROSpec),
        N=1,
    )
