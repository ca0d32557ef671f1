"""What SET_READER_CONFIG changes, GET_READER_CONFIG tells, and what is refused whole."""

import pytest

from simulators.llrp_reader.element import Element, element
from simulators.llrp_reader.models import GENERIC
from simulators.llrp_reader.vocabulary import NotificationEventType, StatusCode
from tests.unit.simulators_llrp.asking import Ask, asking
from tests.unit.simulators_llrp.specs import (
    accessspec,
    antenna,
    fault_path,
    keepalive,
    report_spec,
    rospec,
    status,
    subscription,
)


@pytest.fixture
def ask() -> Ask:
    return asking(GENERIC)


def configure(ask: Ask, *parameters: Element, reset: int = 0) -> Element:
    return ask("SET_READER_CONFIG", *parameters, ResetToFactoryDefault=reset)


def configuration(
    ask: Ask, requested: int = 0, *, antenna_id: int = 0, gpi: int = 0, gpo: int = 0
) -> Element:
    return ask(
        "GET_READER_CONFIG", AntennaID=antenna_id, RequestedData=requested, GPIPortNum=gpi, GPOPortNum=gpo
    )


@pytest.mark.parametrize(
    ("part", "path", "field", "code"),
    [
        (antenna(5), (222,), 0, StatusCode.A_OutOfRange),
        (antenna(1, power=99), (222, 224), 2, StatusCode.A_OutOfRange),
        (element("GPOWriteData", GPOPortNumber=5, GPOData=1), (219,), 0, StatusCode.A_OutOfRange),
        (element("GPOWriteData", GPOPortNumber=0, GPOData=1), (219,), 0, StatusCode.A_OutOfRange),
        (element("GPIPortCurrentState", GPIPortNum=9, Config=1, State=2), (225,), 0, StatusCode.A_OutOfRange),
        (keepalive(0), (220,), 1, StatusCode.A_Invalid),
        (
            element("KeepaliveSpec", KeepaliveTriggerType=2, PeriodicTriggerValue=1),
            (220,),
            0,
            StatusCode.A_OutOfRange,
        ),
        (subscription(9), (244, 245), 0, StatusCode.A_OutOfRange),
    ],
)
def test_an_impossible_setting_is_refused_and_nothing_is_set(
    ask: Ask, part: Element, path: tuple[int, ...], field: int, code: StatusCode
) -> None:
    before = configuration(ask)
    told = configure(ask, element("AccessReportSpec", AccessReportTrigger=0), part)
    assert status(told) is StatusCode.M_ParameterError
    assert fault_path(told) == (path, field, code)
    assert configuration(ask) == before


def test_antenna_properties_cannot_be_set(ask: Ask) -> None:
    part = element("AntennaProperties", AntennaConnected=1, AntennaID=1, AntennaGain=600)
    told = configure(ask, part)
    assert status(told) is StatusCode.M_UnsupportedParameter


def test_what_is_set_is_told_and_forgotten_by_a_factory_reset(ask: Ask) -> None:
    factory = configuration(ask)
    told = configure(
        ask,
        subscription(NotificationEventType.GPI_Event, NotificationEventType.ROSpec_Event),
        antenna(2, power=3),
        report_spec(n=5),
        element("AccessReportSpec", AccessReportTrigger=0),
        keepalive(5000),
        element("GPOWriteData", GPOPortNumber=2, GPOData=1),
        element("GPIPortCurrentState", GPIPortNum=3, Config=0, State=2),
        element("EventsAndReports", HoldEventsAndReportsUponReconnect=1),
    )
    assert status(told) is StatusCode.M_Success
    now = configuration(ask)
    assert now.one("KeepaliveSpec") == keepalive(5000)
    assert now.one("ROReportSpec").number("N") == 5
    assert now.one("AccessReportSpec").number("AccessReportTrigger") == 0
    assert now.one("EventsAndReports").number("HoldEventsAndReportsUponReconnect") == 1
    powers = [each.one("RFTransmitter").number("TransmitPower") for each in now.all("AntennaConfiguration")]
    assert powers == [21, 3, 21, 21]
    assert [each.number("GPOData") for each in now.all("GPOWriteData")] == [0, 1, 0, 0]
    assert [each.number("Config") for each in now.all("GPIPortCurrentState")] == [1, 1, 0, 1]
    events = now.one("ReaderEventNotificationSpec").all("EventNotificationState")
    assert [each.number("EventType") for each in events if each.number("NotificationState")] == [1, 2, 4, 8]
    state = "LLRPConfigurationStateValue"
    assert now.one(state) != factory.one(state)
    ask("ADD_ROSPEC", rospec())
    ask("ADD_ACCESSSPEC", accessspec())
    ask("ENABLE_ACCESSSPEC", AccessSpecID=1)
    assert status(configure(ask, reset=1)) is StatusCode.M_Success
    outputs = element("GPOWriteData", GPOPortNumber=2, GPOData=1)
    assert [each for each in configuration(ask).parameters if each not in factory.parameters] == [outputs]
    assert len(ask("GET_ROSPECS").parameters) == len(ask("GET_ACCESSSPECS").parameters) == 1


def test_a_setting_for_antenna_0_is_for_all(ask: Ask) -> None:
    configure(ask, antenna(0, power=7))
    told = configuration(ask, 3).all("AntennaConfiguration")
    assert [each.one("RFTransmitter").number("TransmitPower") for each in told] == [7] * 4
    assert all(each.find("C1G2InventoryCommand") for each in told)


@pytest.mark.parametrize(
    ("requested", "ports", "parts"),
    [
        (1, {}, [("Identification", 0)]),
        (2, {}, [("AntennaProperties", antenna_id) for antenna_id in (1, 2, 3, 4)]),
        (2, {"antenna_id": 3}, [("AntennaProperties", 3)]),
        (3, {"antenna_id": 4}, [("AntennaConfiguration", 4)]),
        (9, {"gpi": 2}, [("GPIPortCurrentState", 2)]),
        (10, {"gpo": 1}, [("GPOWriteData", 1)]),
        (11, {}, [("EventsAndReports", 0)]),
    ],
)
def test_one_part_of_the_configuration_is_told_alone(
    ask: Ask, requested: int, ports: dict[str, int], parts: list[tuple[str, int]]
) -> None:
    told = configuration(ask, requested, **ports).parameters[1:]
    numbers = {"AntennaID", "GPIPortNum", "GPOPortNumber"}
    assert [
        (each.name, sum(each.number(field) for field in numbers & set(each.fields))) for each in told
    ] == parts


@pytest.mark.parametrize(
    ("requested", "ports", "field"),
    [(12, {}, 1), (0, {"antenna_id": 5}, 0), (9, {"gpi": 5}, 2), (10, {"gpo": 5}, 3)],
)
def test_a_part_of_the_configuration_that_is_not_there_is_a_field_error(
    ask: Ask, requested: int, ports: dict[str, int], field: int
) -> None:
    told = configuration(ask, requested, **ports)
    assert fault_path(told) == ((), field, StatusCode.A_OutOfRange)
