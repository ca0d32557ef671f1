"""What readers of each make answer to requests, and exactly where they say a fault lies."""

from dataclasses import replace
from typing import Final

import pytest

from simulators.llrp_reader.element import Bits, Element, element
from simulators.llrp_reader.messages import decode_message, frame
from simulators.llrp_reader.models import GENERIC, IMPINJ, ZEBRA, ReaderModel
from simulators.llrp_reader.parameters import type_of
from simulators.llrp_reader.reader import VirtualReader
from simulators.llrp_reader.vocabulary import StatusCode
from tests.unit.simulators_llrp.asking import Ask, asking
from tests.unit.simulators_llrp.specs import (
    IMPINJ_SELECTOR,
    T0,
    accessspec,
    after_ms,
    antenna,
    every,
    fault_path,
    inventory,
    on_gpi,
    report_spec,
    rospec,
    status,
)

ZEBRA_CUSTOM: Final = element("Custom", VendorIdentifier=161, ParameterSubtype=703, Data=b"\x00\x01")


@pytest.fixture
def ask() -> Ask:
    return asking(GENERIC)


@pytest.mark.parametrize("model", [GENERIC, IMPINJ, ZEBRA])
def test_capabilities_tell_the_tables_of_the_make(model: ReaderModel) -> None:
    told = asking(model)("GET_READER_CAPABILITIES", RequestedData=0)
    general = told.one("GeneralDeviceCapabilities")
    band = told.one("RegulatoryCapabilities").one("UHFBandCapabilities")
    assert general.number("MaxNumberOfAntennaSupported") == 4
    assert general.number("DeviceManufacturerName") == model.manufacturer
    powers = {
        row.number("Index"): row.number("TransmitPowerValue")
        for row in band.all("TransmitPowerLevelTableEntry")
    }
    assert powers == dict(enumerate(model.powers_cdbm, start=1))
    frequencies = band.one("FrequencyInformation")
    table = frequencies.find("FrequencyHopTable") or frequencies.one("FixedFrequencyTable")
    assert table.numbers("Frequency") == (model.hops_khz or model.channels_khz)
    assert len(set(table.numbers("Frequency"))) in {4, 50}
    modes = band.one("UHFC1G2RFModeTable").all("UHFC1G2RFModeTableEntry")
    assert [mode.number("ModeIdentifier") for mode in modes] == [mode.identifier for mode in model.modes]
    assert told.one("C1G2LLRPCapabilities").number("MaxNumSelectFiltersPerQuery") == model.max_filters


@pytest.mark.parametrize(
    ("requested", "name"),
    [
        (1, "GeneralDeviceCapabilities"),
        (2, "LLRPCapabilities"),
        (3, "RegulatoryCapabilities"),
        (4, "C1G2LLRPCapabilities"),
    ],
)
def test_one_part_of_the_capabilities_is_told_alone(ask: Ask, requested: int, name: str) -> None:
    told = ask("GET_READER_CAPABILITIES", RequestedData=requested)
    assert [each.name for each in told.parameters] == ["LLRPStatus", name]


def test_an_unknown_part_of_the_capabilities_is_a_field_error(ask: Ask) -> None:
    told = ask("GET_READER_CAPABILITIES", RequestedData=5)
    assert status(told) is StatusCode.M_FieldError
    assert fault_path(told) == ((), 0, StatusCode.A_OutOfRange)


ROSPEC, AISPEC, INVENTORY = type_of("ROSpec"), type_of("AISpec"), type_of("InventoryParameterSpec")
ANTENNA: Final = (ROSPEC, AISPEC, INVENTORY, type_of("AntennaConfiguration"))
COMMAND: Final = (*ANTENNA, type_of("C1G2InventoryCommand"))
TRIGGERS: Final = (ROSPEC, type_of("ROBoundarySpec"))


def with_antenna(**settings: object) -> Element:
    return rospec(inventory(antenna(**settings)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "path", "field", "code"),
    [
        (rospec(number=0), (ROSPEC,), 0, StatusCode.A_OutOfRange),
        (rospec(priority=8), (ROSPEC,), 1, StatusCode.A_OutOfRange),
        (rospec(state=1), (ROSPEC,), 2, StatusCode.A_OutOfRange),
        (rospec(inventory(antennas=(1, 5))), (ROSPEC, AISPEC), 0, StatusCode.A_OutOfRange),
        (rospec(inventory(number=0)), (ROSPEC, AISPEC, INVENTORY), 0, StatusCode.A_OutOfRange),
        (with_antenna(number=5), ANTENNA, 0, StatusCode.A_OutOfRange),
        (with_antenna(power=0), (*ANTENNA, 224), 2, StatusCode.A_OutOfRange),
        (with_antenna(power=22), (*ANTENNA, 224), 2, StatusCode.A_OutOfRange),
        (with_antenna(power=1, channel=5), (*ANTENNA, 224), 1, StatusCode.A_OutOfRange),
        (with_antenna(mode=7), (*COMMAND, 335), 0, StatusCode.A_OutOfRange),
        (with_antenna(mode=2, tari=6250), (*COMMAND, 335), 1, StatusCode.A_OutOfRange),
        (with_antenna(is_state_aware=True), COMMAND, 0, StatusCode.A_Invalid),
        (rospec(start=on_gpi(5)), (*TRIGGERS, 179, 181), 0, StatusCode.A_OutOfRange),
        (
            rospec(start=element("ROSpecStartTrigger", ROSpecStartTriggerType=4)),
            (*TRIGGERS, 179),
            0,
            StatusCode.A_OutOfRange,
        ),
        (
            rospec(start=element("ROSpecStartTrigger", ROSpecStartTriggerType=2)),
            (*TRIGGERS, 179, 180),
            None,
            StatusCode.P_MissingParameter,
        ),
        (
            rospec(stop=element("ROSpecStopTrigger", ROSpecStopTriggerType=2, DurationTriggerValue=0)),
            (*TRIGGERS, 182, 181),
            None,
            StatusCode.P_MissingParameter,
        ),
    ],
)
def test_an_impossible_rospec_is_refused_with_the_place_of_its_fault(
    ask: Ask, spec: Element, path: tuple[int, ...], field: int | None, code: StatusCode
) -> None:
    told = ask("ADD_ROSPEC", spec)
    assert told.name == "ADD_ROSPEC_RESPONSE"
    assert status(told) is StatusCode.M_ParameterError
    assert fault_path(told) == (path, field, code)
    assert ask("GET_ROSPECS").all("ROSpec") == ()


def test_an_rf_survey_is_not_supported(ask: Ask) -> None:
    survey = element(
        "RFSurveySpec",
        element("RFSurveySpecStopTrigger", StopTriggerType=0, DurationPeriod=0, N=0),
        AntennaID=1,
        StartFrequency=865_000,
        EndFrequency=868_000,
    )
    told = ask("ADD_ROSPEC", rospec(survey))
    assert fault_path(told) == ((ROSPEC, 187), None, StatusCode.P_UnsupportedParameter)


def tag_mask() -> Element:
    return element("C1G2TagInventoryMask", MB=1, Pointer=32, TagMask=Bits(8, b"\x30"))


def test_too_many_select_filters_are_refused(ask: Ask) -> None:
    select = element("C1G2Filter", tag_mask(), T=0)
    command = element("C1G2InventoryCommand", select, select, select, TagInventoryStateAware=0)
    spec = rospec(inventory(element("AntennaConfiguration", command, AntennaID=0)))
    told = ask("ADD_ROSPEC", spec)
    assert fault_path(told) == ((*COMMAND, 331), None, StatusCode.P_OverflowParameter)


def test_a_rospec_is_told_as_it_was_added_with_the_state_it_is_in(ask: Ask) -> None:
    spec = rospec(inventory(antenna(1, power=21, mode=1)), start=every(1000), stop=after_ms(100))
    assert status(ask("ADD_ROSPEC", spec)) is StatusCode.M_Success
    assert ask("GET_ROSPECS").one("ROSpec") == spec
    assert status(ask("ENABLE_ROSPEC", ROSpecID=1)) is StatusCode.M_Success
    assert ask("GET_ROSPECS").one("ROSpec").number("CurrentState") == 2


def test_a_rospec_of_the_same_id_is_refused(ask: Ask) -> None:
    ask("ADD_ROSPEC", rospec())
    assert fault_path(ask("ADD_ROSPEC", rospec())) == ((ROSPEC,), 0, StatusCode.A_Invalid)


@pytest.mark.parametrize(
    ("before", "request_name"),
    [
        ([], "ENABLE_ROSPEC"),
        ([], "DELETE_ROSPEC"),
        ([], "DISABLE_ROSPEC"),
        ([], "STOP_ROSPEC"),
        ([rospec()], "START_ROSPEC"),
        ([rospec()], "STOP_ROSPEC"),
    ],
)
def test_a_change_that_the_state_does_not_allow_is_a_field_error(
    ask: Ask, before: list[Element], request_name: str
) -> None:
    for spec in before:
        ask("ADD_ROSPEC", spec)
    told = ask(request_name, ROSpecID=1)
    assert (told.name, status(told)) == (f"{request_name}_RESPONSE", StatusCode.M_FieldError)
    assert fault_path(told) == ((), 0, StatusCode.A_Invalid)


def test_an_enabled_access_spec_is_not_let_go_before_it_is_disabled(ask: Ask) -> None:
    assert status(ask("ADD_ACCESSSPEC", accessspec())) is StatusCode.M_Success
    assert status(ask("ENABLE_ACCESSSPEC", AccessSpecID=1)) is StatusCode.M_Success
    refused = ask("DELETE_ACCESSSPEC", AccessSpecID=0)
    assert status(refused) is StatusCode.M_FieldError
    assert ask("GET_ACCESSSPECS").one("AccessSpec").number("CurrentState") == 1
    assert status(ask("DISABLE_ACCESSSPEC", AccessSpecID=0)) is StatusCode.M_Success
    assert status(ask("DELETE_ACCESSSPEC", AccessSpecID=1)) is StatusCode.M_Success
    assert ask("GET_ACCESSSPECS").all("AccessSpec") == ()


@pytest.mark.parametrize(
    ("number", "antenna_id", "field"), [(0, 0, 0), (1, 5, 1), (2, 0, 0)], ids=["zero", "antenna", "taken"]
)
def test_an_impossible_access_spec_is_refused(ask: Ask, number: int, antenna_id: int, field: int) -> None:
    ask("ADD_ACCESSSPEC", accessspec(2))
    told = ask("ADD_ACCESSSPEC", accessspec(number, antenna_id))
    assert (fault_path(told)[0], fault_path(told)[1]) == ((207,), field)


def test_no_more_access_specs_than_the_reader_holds() -> None:
    ask = asking(replace(GENERIC, max_accessspecs=1))
    ask("ADD_ACCESSSPEC", accessspec(1))
    assert status(ask("ADD_ACCESSSPEC", accessspec(2))) is StatusCode.M_OverflowParameter
    assert status(ask("ENABLE_ACCESSSPEC", AccessSpecID=2)) is StatusCode.M_FieldError


@pytest.mark.parametrize(
    ("model", "custom", "is_taken"),
    [
        (IMPINJ, IMPINJ_SELECTOR, True),
        (IMPINJ, ZEBRA_CUSTOM, False),
        (ZEBRA, ZEBRA_CUSTOM, True),
        (ZEBRA, IMPINJ_SELECTOR, False),
        (GENERIC, ZEBRA_CUSTOM, False),
        (GENERIC, IMPINJ_SELECTOR, False),
    ],
)
def test_each_make_takes_its_own_custom_parameters_only(
    model: ReaderModel, custom: Element, *, is_taken: bool
) -> None:
    told = asking(model)("ADD_ROSPEC", rospec(report=report_spec(custom)))
    if is_taken:
        assert status(told) is StatusCode.M_Success
    else:
        place = (ROSPEC, type_of("ROReportSpec"), 1023)
        assert fault_path(told) == (place, None, StatusCode.P_UnsupportedParameter)


def test_a_custom_parameter_of_the_message_itself_is_the_messages_fault(ask: Ask) -> None:
    told = ask("GET_READER_CAPABILITIES", ZEBRA_CUSTOM, RequestedData=0)
    assert status(told) is StatusCode.M_UnsupportedParameter
    assert fault_path(told) == ((1023,), None, StatusCode.P_UnsupportedParameter)


def test_only_an_impinj_knows_the_extensions_of_impinj(ask: Ask) -> None:
    assert asking(IMPINJ)("IMPINJ_ENABLE_EXTENSIONS").name == "IMPINJ_ENABLE_EXTENSIONS_RESPONSE"
    refused = ask("IMPINJ_ENABLE_EXTENSIONS")
    assert (refused.name, status(refused)) == ("ERROR_MESSAGE", StatusCode.M_UnsupportedMessage)


@pytest.mark.parametrize(
    ("model", "hop_table", "is_taken"),
    [(ZEBRA, 0, False), (ZEBRA, 1, True), (IMPINJ, 0, True), (IMPINJ, 2, False)],
)
def test_the_hop_table_must_be_one_of_the_make(model: ReaderModel, hop_table: int, *, is_taken: bool) -> None:
    told = asking(model)("ADD_ROSPEC", with_antenna(power=1, hop_table=hop_table, channel=0))
    assert (status(told) is StatusCode.M_Success) is is_taken


def test_zebra_singulates_with_state_awareness() -> None:
    assert status(asking(ZEBRA)("ADD_ROSPEC", with_antenna(is_state_aware=True))) is StatusCode.M_Success


@pytest.mark.parametrize(
    ("data", "answer", "code"),
    [
        (frame(900, b"", 9), "ERROR_MESSAGE", StatusCode.M_UnsupportedMessage),
        (frame(30, b"\x01\x1f\x00\x08\x00\x00\x00\x00", 9), "ERROR_MESSAGE", StatusCode.M_UnsupportedMessage),
        (frame(62, b"", 9), "ERROR_MESSAGE", StatusCode.M_UnsupportedMessage),
        (b"\x08\x14" + frame(20, b"", 9)[2:], "ERROR_MESSAGE", StatusCode.M_UnsupportedVersion),
        (frame(20, b"", 9), "ADD_ROSPEC_RESPONSE", StatusCode.M_MissingParameter),
        (frame(21, b"\x00", 9), "DELETE_ROSPEC_RESPONSE", StatusCode.M_FieldError),
        (frame(20, b"\x03\x00\x00\x04", 9), "ADD_ROSPEC_RESPONSE", StatusCode.M_UnknownParameter),
        (frame(20, b"\x00\xb1\x00\x40\x01", 9), "ADD_ROSPEC_RESPONSE", StatusCode.M_ParameterError),
        (frame(26, b"\x81\x00\x01", 9), "GET_ROSPECS_RESPONSE", StatusCode.M_UnexpectedParameter),
    ],
)
def test_a_message_that_makes_no_sense_is_answered_with_what_is_wrong(
    data: bytes, answer: str, code: StatusCode
) -> None:
    reader = VirtualReader(GENERIC, T0)
    reader.connect(T0)
    (told,) = [decode_message(each) for _, each in reader.receive(data, T0)]
    assert (told.name, told.message_id, status(told.body)) == (answer, 9, code)
