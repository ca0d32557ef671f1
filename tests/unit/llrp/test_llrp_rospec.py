"""What a reader is sent says all that the profile says, as an independent codec reads it, and no more."""

import dataclasses
from pathlib import Path
from typing import Any, Final

import pytest

from edge_agent.readers.llrp import requests
from edge_agent.readers.llrp.capabilities import Capabilities, ReaderRefusalError, parse_capabilities
from edge_agent.readers.llrp.choice import choose
from edge_agent.readers.llrp.messages import decode_message
from edge_agent.readers.llrp.profile import LlrpProfile, load_llrp_profile
from edge_agent.readers.llrp.requests import Request
from edge_agent.readers.llrp.rospec import add_rospec
from edge_agent.readers.llrp.setup import check_status
from simulators.llrp_reader import messages as codec
from simulators.llrp_reader.element import Element, element
from simulators.llrp_reader.models import GENERIC, IMPINJ, ZEBRA, ReaderModel, capabilities

VECTORS: Final = Path(__file__).parents[4] / "shared" / "vectors" / "llrp"
MODELS: Final = {
    "impinj_r420": IMPINJ,
    "impinj_r700": IMPINJ,
    "zebra_fx9600": ZEBRA,
    "zebra_fxr90": ZEBRA,
    "thingmagic": GENERIC,
    "generic_llrp": GENERIC,
}


def ability(model: ReaderModel) -> Capabilities:
    parameters = (element("LLRPStatus", StatusCode=0, ErrorDescription=""), *capabilities(model, 0))
    answer = codec.message("GET_READER_CAPABILITIES_RESPONSE", *parameters, message_id=1)
    return parse_capabilities(decode_message(codec.encode_message(answer)))


def profile(name: str, **radio: Any) -> LlrpProfile:
    shipped = load_llrp_profile(name)
    return shipped.model_copy(update={"radio": shipped.radio.model_copy(update=radio)})


def understood(request: Request) -> Element:
    message = codec.decode_message(request.encode(9))
    assert message.message_id == 9
    assert message.name == request.name
    return message.body


def rospec(name: str, powers: dict[int, float] | None = None, **radio: Any) -> Element:
    exceptions = {str(port): power for port, power in (powers or {}).items()}
    chosen = profile(name, power_dbm_by_antenna=exceptions, **radio)
    return understood(add_rospec(chosen, ability(MODELS[name]))).one("ROSpec")


def antennas(spec: Element) -> tuple[Element, ...]:
    return spec.one("AISpec").one("InventoryParameterSpec").all("AntennaConfiguration")


def custom(spec: Element) -> set[str]:
    """Name every vendor's parameter in it, however deep."""
    own = {spec.name} if spec.name.startswith(("Impinj", "Moto", "Custom")) else set()
    return own.union(*(custom(each) for each in spec.parameters))


@pytest.mark.parametrize("name", MODELS)
def test_the_carrier_stays_on_and_each_tag_is_reported_at_once(name: str) -> None:
    spec = rospec(name)
    boundary, report = spec.one("ROBoundarySpec"), spec.one("ROReportSpec")
    assert boundary.one("ROSpecStartTrigger").fields["ROSpecStartTriggerType"] == 1
    assert boundary.one("ROSpecStopTrigger").fields["ROSpecStopTriggerType"] == 0
    assert spec.one("AISpec").one("AISpecStopTrigger").fields["AISpecStopTriggerType"] == 0
    assert (report.fields["ROReportTrigger"], report.fields["N"]) == (2, 1)


@pytest.mark.parametrize("name", MODELS)
def test_a_report_holds_antenna_channel_rssi_times_and_count(name: str) -> None:
    selector = rospec(name).one("ROReportSpec").one("TagReportContentSelector").fields
    assert {field.removeprefix("Enable") for field, is_on in selector.items() if is_on} == {
        "AntennaID",
        "ChannelIndex",
        "PeakRSSI",
        "FirstSeenTimestamp",
        "LastSeenTimestamp",
        "TagSeenCount",
    }


@pytest.mark.parametrize("name", MODELS)
def test_every_antenna_is_named_with_its_radio(name: str) -> None:
    spec = rospec(name, antennas=(1, 3), power_dbm=24.0, session=2, tag_population=77)
    assert spec.one("AISpec").numbers("AntennaIDs") == (1, 3)
    assert [each.fields["AntennaID"] for each in antennas(spec)] == [1, 3]
    for antenna in antennas(spec):
        singulation = antenna.one("C1G2InventoryCommand").one("C1G2SingulationControl")
        assert (singulation.fields["Session"], singulation.fields["TagPopulation"]) == (2, 77)
        assert antenna.find("RFReceiver") is not None
        assert MODELS[name].powers_cdbm[antenna.one("RFTransmitter").number("TransmitPower") - 1] == 2400


def test_no_antennas_means_all_that_the_reader_has() -> None:
    eight = dataclasses.replace(GENERIC, antennas=8)
    spec = understood(add_rospec(profile("generic_llrp"), ability(eight))).one("ROSpec")
    assert spec.one("AISpec").numbers("AntennaIDs") == tuple(range(1, 9))


def test_an_impinj_gets_its_own_parameters() -> None:
    spec = rospec("impinj_r700")
    command = antennas(spec)[0].one("C1G2InventoryCommand")
    assert command.one("ImpinjInventorySearchMode").fields["InventorySearchMode"] == 2
    assert command.one("C1G2RFControl").fields == {"ModeIndex": 1000, "Tari": 0}
    selector = spec.one("ROReportSpec").one("ImpinjTagReportContentSelector")
    assert {each.name for each in selector.parameters} == {
        "ImpinjEnableRFPhaseAngle",
        "ImpinjEnablePeakRSSI",
        "ImpinjEnableRFDopplerFrequency",
    }
    assert all(name.startswith("Impinj") for name in custom(spec))


def test_a_zebra_gets_its_own_parameters_and_its_hop_table() -> None:
    spec = rospec("zebra_fx9600")
    command = antennas(spec)[0].one("C1G2InventoryCommand")
    assert command.fields["TagInventoryStateAware"] == 1
    action = command.one("C1G2SingulationControl").one("C1G2TagInventoryStateAwareSingulationAction")
    assert dict(action.fields) == {"I": 0, "S": 0}
    vendors = [*command.all("Custom"), *spec.one("ROReportSpec").all("Custom")]
    assert [(each.fields["VendorIdentifier"], each.fields["ParameterSubtype"]) for each in vendors] == [
        (161, 703),
        (161, 708),
    ]
    assert antennas(spec)[0].one("RFTransmitter").fields["HopTableID"] == 1
    assert command.one("C1G2RFControl").fields == {"ModeIndex": 21, "Tari": 25_000}


def test_any_other_reader_gets_nothing_but_the_standard_on_a_fixed_channel() -> None:
    spec = rospec("generic_llrp")
    assert custom(spec) == set()
    transmitter = antennas(spec)[0].one("RFTransmitter").fields
    assert (transmitter["HopTableID"], transmitter["ChannelIndex"]) == (0, 1)
    assert antennas(spec)[0].one("C1G2InventoryCommand").fields["TagInventoryStateAware"] == 0


@pytest.mark.parametrize(
    ("power_dbm", "cdbm"),
    [(None, 3300), (33.0, 3300), (30.0, 3000), (29.99, 2975), (10.0, 1000), (24.6, 2450)],
)
def test_a_power_is_the_highest_of_the_readers_table_that_is_not_above_it(
    power_dbm: float | None, cdbm: int
) -> None:
    index = ability(IMPINJ).power_index(1, power_dbm)
    assert IMPINJ.powers_cdbm[index - 1] == cdbm


def test_negative_powers_have_their_sign() -> None:
    quiet = ability(dataclasses.replace(GENERIC, powers_cdbm=(-500, 0, 500)))
    assert dict(quiet.power_dbm) == {1: -5.0, 2: 0.0, 3: 5.0}
    assert quiet.power_index(1, -2.5) == 1


@pytest.mark.parametrize(
    ("radio", "powers", "words"),
    [
        ({"power_dbm": 34.0}, {}, "antenna 1: power_dbm = 34: expected 10 to 33, the reader's table"),
        ({"power_dbm": 9.0}, {}, "antenna 1: power_dbm = 9: expected 10 to 33"),
        ({}, {3: 40.0}, "antenna 3: power_dbm = 40: expected 10 to 33"),
        ({"antennas": (1, 5)}, {}, "antennas = [1, 5]: expected 1 to 4, the reader's ports"),
        ({}, {9: 20.0}, "antennas = [9]: expected 1 to 4"),
        ({"mode_index": 99}, {}, "mode_index = 99: expected one of [0, 1, 2, 3, 4, 1000, 1002, 1003, 1004]"),
        ({"sensitivity_index": 43}, {}, "sensitivity_index = 43: expected one of [1, 2, 3"),
    ],
)
def test_what_the_reader_cannot_do_is_refused_before_it_is_asked(
    radio: dict[str, Any], powers: dict[int, float], words: str
) -> None:
    with pytest.raises(ReaderRefusalError) as refusal:
        rospec("impinj_r700", powers, **radio)
    assert words in str(refusal.value)


def test_one_antenna_may_be_weaker_than_the_others() -> None:
    spec = rospec("generic_llrp", {2: 21.0}, power_dbm=27.0)
    powers = [each.one("RFTransmitter").number("TransmitPower") for each in antennas(spec)]
    assert [GENERIC.powers_cdbm[index - 1] for index in powers] == [2700, 2100, 2700, 2700]


@pytest.mark.skipif(not VECTORS.exists(), reason="shared vectors are not beside the repository")
def test_a_real_readers_capabilities_are_understood() -> None:
    body = (VECTORS / "GetReaderCapabilitiesResponse-000.bytes").read_bytes()
    can = parse_capabilities(decode_message(codec.frame(11, body)))
    assert (can.antennas, can.vendor, can.firmware) == (4, 25882, "5.14.0.240")
    assert (can.has_utc_clock, can.is_state_aware, can.hop_table_id) == (True, False, 1)
    assert (min(can.power_dbm.values()), can.power_dbm[can.power_index(1, 29.9)]) == (10.0, 29.75)
    assert can.rf_mode(1000).mode_index == 1000
    fit = choose(load_llrp_profile("impinj_r420"), can)
    assert fit.choice is not None
    assert [each.power_dbm for each in fit.choice.antennas] == [30.0] * 4


def test_a_reader_on_one_channel_and_one_that_names_none_are_understood() -> None:
    assert ability(dataclasses.replace(GENERIC, channels_khz=(865_700,))).channels == 1
    assert ability(IMPINJ).channels == 50
    parts = (element("LLRPStatus", StatusCode=0, ErrorDescription=""), *capabilities(GENERIC, 0))
    answer = codec.message("GET_READER_CAPABILITIES_RESPONSE", *parts, message_id=1)
    fields = decode_message(codec.encode_message(answer))
    del fields["RegulatoryCapabilities"]["UHFBandCapabilities"]["FrequencyInformation"]["FixedFrequencyTable"]
    assert parse_capabilities(fields).channels == 0


def test_capabilities_without_what_llrp_demands_are_refused_by_name() -> None:
    with pytest.raises(ReaderRefusalError, match="RegulatoryCapabilities"):
        parse_capabilities({"GeneralDeviceCapabilities": {}})


def test_the_configuration_asks_for_keepalives_events_and_inputs() -> None:
    body = understood(requests.configure(keepalive_s=10.0, inputs=2))
    assert body.fields["ResetToFactoryDefault"] == 0
    keepalive = body.one("KeepaliveSpec").fields
    assert (keepalive["KeepaliveTriggerType"], keepalive["PeriodicTriggerValue"]) == (1, 10_000)
    states = body.one("ReaderEventNotificationSpec").all("EventNotificationState")
    assert [state.fields["EventType"] for state in states] == [1, 3, 4, 8]
    inputs = body.all("GPIPortCurrentState")
    assert [(each.fields["GPIPortNum"], each.fields["Config"]) for each in inputs] == [(1, 1), (2, 1)]
    assert body.one("EventsAndReports").fields["HoldEventsAndReportsUponReconnect"] == 0


def test_an_output_is_written_and_nothing_else() -> None:
    body = understood(requests.write_output(3, on=True))
    [written] = body.parameters
    assert (written.fields["GPOPortNumber"], written.fields["GPOData"]) == (3, 1)


@pytest.mark.parametrize(
    "request_",
    [requests.get_capabilities(), requests.get_inputs(), requests.enable_impinj_extensions()]
    + [
        requests.of_spec(f"{verb}_{spec}")
        for verb in ("DISABLE", "DELETE")
        for spec in ("ROSPEC", "ACCESSSPEC")
    ],
    ids=lambda request_: request_.name,
)
def test_every_request_is_understood(request_: Request) -> None:
    assert understood(request_).name == request_.name


def test_a_refusal_has_the_readers_words_and_the_place_of_the_fault() -> None:
    status = element(
        "LLRPStatus",
        element(
            "ParameterError",
            element("FieldError", FieldNum=2, ErrorCode=300),
            ParameterType=224,
            ErrorCode=201,
        ),
        StatusCode=100,
        ErrorDescription="no such hop table",
    )
    answer = codec.encode_message(codec.message("ADD_ROSPEC_RESPONSE", status, message_id=4))
    with pytest.raises(ReaderRefusalError) as refusal:
        check_status("ADD_ROSPEC", decode_message(answer))
    for words in ("ADD_ROSPEC refused", "no such hop table", "RFTransmitter", "field 2"):
        assert words in str(refusal.value)


def test_a_status_that_llrp_does_not_know_is_a_refusal_too() -> None:
    with pytest.raises(ReaderRefusalError, match="a status unknown to LLRP"):
        check_status("ENABLE_ROSPEC", {"LLRPStatus": {"ErrorDescription": b""}})
