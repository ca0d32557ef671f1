"""Messages of a real reader: decoded to the meaning that another project found, encoded to the same bytes."""

import base64
import json
from pathlib import Path
from typing import Any, Final

import pytest

from simulators.llrp_reader.element import Element
from simulators.llrp_reader.messages import HEADER, Message, decode_body, encode_message

VECTORS: Final = Path(__file__).resolve().parents[4] / "shared" / "vectors" / "llrp"
MESSAGES: Final = {
    "CloseConnectionResponse": 4,
    "GetAccessSpecsResponse": 54,
    "GetROSpecsResponse": 36,
    "GetReaderCapabilitiesResponse": 11,
    "GetReaderConfigResponse": 12,
    "ROAccessReport": 61,
    "ReaderEventNotification": 63,
}
KEYS: Final = {
    "EPC_96": "EPC96",
    "FirstSeenTimestampUTC": "FirstSeenUTC",
    "ReceiveSensitivityTableEntry": "ReceiveSensitivities",
    "PerAntennaAirProtocol": "PerAntennaAirProtocols",
    "TransmitPowerLevelTableEntry": "TransmitPowerLevels",
    "FrequencyHopTable": "FrequencyHopTables",
    "UHFC1G2RFModeTable": "C1G2RFModes",
    "UHFC1G2RFModeTableEntry": "UHFC1G2RFModeTableEntries",
    "AntennaConfiguration": "AntennaConfigurations",
    "C1G2RFControl": "RFControl",
    "C1G2SingulationControl": "SingulationControl",
    "EventNotificationState": "EventNotificationStates",
    "KeepaliveSpec": "KeepAliveSpec",
    "GPIPortCurrentState": "GPIPortCurrentStates",
}
"""The other project's words for the standard's parameters."""
FIELDS: Final = {
    "AirProtocolIDs": "ProtocolID",
    "BackscatterDataRate": "BDRValue",
    "ChannelIndex": "ChannelIndex",
    "ClientRequestedOpSpecTimeout": "ClientRequestOpSpecTimeout",
    "Data": "GPOData",
    "DeviceManufacturer": "DeviceManufacturerName",
    "DivideRatio": "DRValue",
    "EnableInventoryParamSpecID": "EnableInventoryParameterSpecID",
    "Enabled": "Config",
    "FirmwareVersion": "ReaderFirmwareVersion",
    "Frequencies": "Frequency",
    "HasUTCClock": "HasUTCClockCapability",
    "Interval": "PeriodicTriggerValue",
    "IsEPCHagConformant": "EPCHAGTCConformance",
    "MaxAccessSpecs": "MaxNumAccessSpecs",
    "MaxInventoryParameterSpecsPerAISpec": "MaxNumInventoryParameterSpecsPerAISpec",
    "MaxOpSpecsPerAccessSpec": "MaxNumOpSpecsPerAccessSpec",
    "MaxPriorityLevelSupported": "MaxNumPriorityLevelsSupported",
    "MaxROSpecs": "MaxNumROSpecs",
    "MaxSelectFiltersPerQuery": "MaxNumSelectFiltersPerQuery",
    "MaxSpecsPerROSpec": "MaxNumSpecsPerROSpec",
    "MaxSupportedAntennas": "MaxNumberOfAntennaSupported",
    "MaxTariTime": "MaxTariValue",
    "MinTariTime": "MinTariValue",
    "ModeID": "ModeIdentifier",
    "Model": "ModelName",
    "Modulation": "MValue",
    "NotificationEnabled": "NotificationState",
    "PIERatio": "PIEValue",
    "ReaderEventType": "EventType",
    "ReceiveSensitivity": "ReceiveSensitivityValue",
    "RFModeID": "ModeIndex",
    "SpectralMask": "SpectralMaskIndicator",
    "Status": "StatusCode",
    "StepTariTime": "StepTariValue",
    "SupportsBlockErase": "CanSupportBlockErase",
    "SupportsBlockWrite": "CanSupportBlockWrite",
    "SupportsEventsAndReportHolding": "SupportsEventAndReportHolding",
    "TransmitPowerIndex": "TransmitPower",
}
"""The standard's words for the other project's fields, where they differ."""
PORTS: Final = {"GPIPortCurrentState": "GPIPortNum", "GPOWriteData": "GPOPortNumber"}
TRIGGERS: Final = {"ROReportSpec": "ROReportTrigger", "KeepaliveSpec": "KeepaliveTriggerType"}
OF_LLRP_1_1: Final = {
    "SupportsBlockPermalock",
    "SupportsTagRecommissioning",
    "SupportsUMIMethod2",
    "SupportsXPC",
    "CRCEnabled",
    "PCBitsEnabled",
    "XPCBitsEnabled",
}
"""Or named apart below."""

needs_vectors = pytest.mark.skipif(
    not VECTORS.exists(), reason="shared vectors are not beside the repository"
)
STEMS: Final = sorted(path.stem for path in VECTORS.glob("*.bytes"))


def body_of(stem: str) -> tuple[bytes, Element]:
    data = (VECTORS / f"{stem}.bytes").read_bytes()
    return data, decode_body(MESSAGES[stem.partition("-")[0]], data)


@needs_vectors
@pytest.mark.parametrize("stem", STEMS)
def test_a_captured_message_is_encoded_to_the_same_bytes(stem: str) -> None:
    data, body = body_of(stem)
    assert (
        encode_message(Message(body, 77))
        == HEADER.pack(1 << 10 | MESSAGES[stem.partition("-")[0]], HEADER.size + len(data), 77) + data
    )


@needs_vectors
@pytest.mark.parametrize("stem", STEMS)
def test_a_captured_message_is_decoded_to_its_meaning(stem: str) -> None:
    _, body = body_of(stem)
    meaning = json.loads((VECTORS / f"{stem}.json").read_text("utf-8"))
    assert compared(body, meaning, stem) >= 1


def compared(element: Element, meaning: dict[str, Any], place: str) -> int:
    """Compare every field that the meaning tells of, and give how many there were."""
    count = 0
    told = {name: value for name, value in meaning.items() if value is not None}
    for name, value in told.items():
        if not is_nested(value) and name not in OF_LLRP_1_1:
            count += compared_field(element, name, value, place)
    seen: dict[str, int] = {}
    for parameter in element.parameters:
        key = KEYS.get(parameter.name, parameter.name)
        inner = told[key] if key in told else told["UTCTimestamp"]
        if isinstance(inner, list):
            index = seen.get(key, 0)
            seen[key] = index + 1
            inner = inner[index]
        here = f"{place}.{parameter.name}"
        if isinstance(inner, dict):
            count += compared(parameter, inner, here)
    lists = {name: value for name, value in told.items() if is_nested(value) and isinstance(value, list)}
    assert {name: len(value) for name, value in lists.items()} == {name: seen.get(name) for name in lists}
    return count


def is_nested(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and isinstance(value[0], dict))


def compared_field(element: Element, name: str, value: Any, place: str) -> int:
    standard = FIELDS.get(name, name)
    match name:
        case "Port":
            standard = PORTS[element.name]
        case "Trigger":
            standard = TRIGGERS[element.name]
        case "Uptime" | "EPCNumBits":
            return 0  # there for the other project's own sake, 0
        case _:
            pass
    single = next((each for each in element.parameters if KEYS.get(each.name, each.name) == name), None)
    fields = element.fields if single is None else single.fields
    found = fields[standard] if standard in fields else only(fields.values())
    if isinstance(found, bytes):
        found = base64.b64encode(found).decode()
    assert found == (tuple(value) if isinstance(value, list) else value), f"{place}.{name}"
    return 1


def only(values: Any) -> Any:
    (value,) = values
    return value


@needs_vectors
def test_the_epc_memory_selector_of_a_real_reader_selects_nothing() -> None:
    _, body = body_of("GetReaderConfigResponse-000")
    selector = body.one("ROReportSpec").one("TagReportContentSelector").one("C1G2EPCMemorySelector")
    assert dict(selector.fields) == {"EnableCRC": 0, "EnablePCBits": 0}
