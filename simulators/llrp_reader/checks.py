"""Whether a reader of a make can do what a client asks: parameters in, the first fault raised."""

from collections.abc import Iterable
from typing import Final

from simulators.llrp_reader.element import Element, LlrpError
from simulators.llrp_reader.models import AIR_PROTOCOL_C1G2, ReaderModel
from simulators.llrp_reader.parameters import type_of, vendor_of
from simulators.llrp_reader.vocabulary import (
    ROSpecStartTriggerType,
    ROSpecState,
    ROSpecStopTriggerType,
    StatusCode,
)

Path = tuple[int, ...]

_START_NEEDS: Final[dict[int, str]] = {
    ROSpecStartTriggerType.Periodic: "PeriodicTriggerValue",
    ROSpecStartTriggerType.GPI: "GPITriggerValue",
}
_STOP_NEEDS: Final[dict[int, str]] = {ROSpecStopTriggerType.GPI_With_Timeout: "GPITriggerValue"}


def check_vendors(model: ReaderModel, parameters: Iterable[Element], path: Path = ()) -> None:
    """Refuse the custom parameters of other makes, however deep they lie.

    Args:
        model: The make.
        parameters: Of a message or a parameter.
        path: Types of the parameters around them.

    Raises:
        LlrpError: At the first one.
    """
    for parameter in parameters:
        here = (*path, type_of(parameter.name))
        vendor = vendor_of(parameter)
        if vendor is not None and vendor not in model.vendors:
            raise LlrpError(
                f"{parameter.name} of vendor {vendor}: expected one of {sorted(model.vendors)}",
                StatusCode.M_UnsupportedParameter,
                here,
            )
        check_vendors(model, parameter.parameters, here)


def check_rospec(model: ReaderModel, spec: Element) -> None:
    """Check a ROSpec that a client wants to add.

    Args:
        model: The make.
        spec: The ROSpec.

    Raises:
        LlrpError: If an id, a state, an antenna, a power, a mode or a trigger is impossible.
    """
    path = (type_of("ROSpec"),)
    _in_range(spec, "ROSpecID", 0, range(1, 1 << 32), path)
    _in_range(spec, "Priority", 1, range(model.max_priority + 1), path)
    _in_range(spec, "CurrentState", 2, range(ROSpecState.Disabled, ROSpecState.Disabled + 1), path)
    _check_boundary(model, spec.one("ROBoundarySpec"), path)
    for part in spec.parameters:
        if part.name == "RFSurveySpec":
            raise LlrpError(
                "RFSurveySpec: this reader surveys no spectrum",
                StatusCode.M_UnsupportedParameter,
                (*path, type_of(part.name)),
            )
        if part.name == "AISpec":
            _check_aispec(model, part, (*path, type_of("AISpec")))


def check_antenna_configuration(model: ReaderModel, given: Element, path: Path) -> None:
    """Check the settings of an antenna.

    Args:
        model: The make.
        given: AntennaConfiguration.
        path: Types of the parameters around it.

    Raises:
        LlrpError: If the antenna, its power, channel, sensitivity or mode is not in the reader's tables.
    """
    here = (*path, type_of("AntennaConfiguration"))
    _in_range(given, "AntennaID", 0, range(model.antennas + 1), here)
    receiver, transmitter = given.find("RFReceiver"), given.find("RFTransmitter")
    if receiver is not None:
        inner = (*here, type_of("RFReceiver"))
        _in_range(receiver, "ReceiverSensitivity", 0, range(model.sensitivities + 1), inner)
    if transmitter is not None:
        _check_transmitter(model, transmitter, (*here, type_of("RFTransmitter")))
    for command in given.all("C1G2InventoryCommand"):
        _check_inventory_command(model, command, (*here, type_of("C1G2InventoryCommand")))


def check_port(parameter: Element, field: str, ports: int, path: Path, *, or_all: bool = False) -> None:
    """Check the number of a GPI or GPO port.

    Args:
        parameter: That names the port in its first field.
        field: The field.
        ports: How many there are.
        path: Types of the parameters around it and its own.
        or_all: Whether 0 stands for all of them.

    Raises:
        LlrpError: If there is no such port.
    """
    _in_range(parameter, field, 0, range(0 if or_all else 1, ports + 1), path)


def _in_range(given: Element, field: str, index: int, allowed: range, path: Path) -> None:
    value = given.number(field)
    if value not in allowed:
        raise LlrpError(
            f"{given.name}.{field} is {value}: expected {allowed[0]} to {allowed[-1]}",
            StatusCode.A_OutOfRange,
            path,
            index,
        )


def _check_boundary(model: ReaderModel, boundary: Element, path: Path) -> None:
    here = (*path, type_of("ROBoundarySpec"))
    start, stop = boundary.one("ROSpecStartTrigger"), boundary.one("ROSpecStopTrigger")
    for trigger, field, kinds, needs in (
        (start, "ROSpecStartTriggerType", len(ROSpecStartTriggerType), _START_NEEDS),
        (stop, "ROSpecStopTriggerType", len(ROSpecStopTriggerType), _STOP_NEEDS),
    ):
        inner = (*here, type_of(trigger.name))
        _in_range(trigger, field, 0, range(kinds), inner)
        needed = needs.get(trigger.number(field))
        if needed is not None and trigger.find(needed) is None:
            raise LlrpError(
                f"{trigger.name} has no {needed}", StatusCode.M_MissingParameter, (*inner, type_of(needed))
            )
        for gpi in trigger.all("GPITriggerValue"):
            check_port(gpi, "GPIPortNum", model.gpis, (*inner, type_of(gpi.name)))


def _check_aispec(model: ReaderModel, spec: Element, path: Path) -> None:
    for antenna in spec.numbers("AntennaIDs"):
        if antenna > model.antennas:
            raise LlrpError(
                f"AISpec.AntennaIDs has antenna {antenna}: expected 0 to {model.antennas}",
                StatusCode.A_OutOfRange,
                path,
                0,
            )
    for part in spec.all("InventoryParameterSpec"):
        here = (*path, type_of(part.name))
        _in_range(part, "InventoryParameterSpecID", 0, range(1, 1 << 16), here)
        _in_range(part, "ProtocolID", 1, range(AIR_PROTOCOL_C1G2, AIR_PROTOCOL_C1G2 + 1), here)
        for configuration in part.all("AntennaConfiguration"):
            check_antenna_configuration(model, configuration, here)


def _check_transmitter(model: ReaderModel, transmitter: Element, path: Path) -> None:
    if model.hops_khz:
        _in_range(transmitter, "HopTableID", 0, range(int(model.needs_hop_table), 2), path)
    else:
        _in_range(transmitter, "ChannelIndex", 1, range(1, len(model.channels_khz) + 1), path)
    _in_range(transmitter, "TransmitPower", 2, range(1, len(model.powers_cdbm) + 1), path)


def _check_inventory_command(model: ReaderModel, command: Element, path: Path) -> None:
    if command.number("TagInventoryStateAware") and not model.is_state_aware:
        raise LlrpError(
            "C1G2InventoryCommand.TagInventoryStateAware: this reader cannot do it",
            StatusCode.A_Invalid,
            path,
            0,
        )
    filters = command.all("C1G2Filter")
    if len(filters) > model.max_filters:
        raise LlrpError(
            f"{len(filters)} C1G2Filters: expected at most {model.max_filters}",
            StatusCode.M_OverflowParameter,
            (*path, type_of("C1G2Filter")),
        )
    control = command.find("C1G2RFControl")
    if control is not None:
        _check_rf_control(model, control, (*path, type_of("C1G2RFControl")))


def _check_rf_control(model: ReaderModel, control: Element, path: Path) -> None:
    modes = {mode.identifier: mode for mode in model.modes}
    mode = modes.get(control.number("ModeIndex"))
    if mode is None:
        raise LlrpError(
            f"C1G2RFControl.ModeIndex is {control.number('ModeIndex')}: expected one of {sorted(modes)}",
            StatusCode.A_OutOfRange,
            path,
            0,
        )
    tari = control.number("Tari")
    least, greatest, _ = mode.tari_ns
    if tari != 0 and not least <= tari <= greatest:
        raise LlrpError(
            f"C1G2RFControl.Tari is {tari}: expected 0 or {least} to {greatest}",
            StatusCode.A_OutOfRange,
            path,
            1,
        )
