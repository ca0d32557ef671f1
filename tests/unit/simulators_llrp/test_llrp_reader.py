"""What a reader says by itself: events, reports, keepalives, and what waits for a client."""

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from simulators.llrp_reader.element import Element, element
from simulators.llrp_reader.messages import Message, decode_message, encode_message, message
from simulators.llrp_reader.models import GENERIC, IMPINJ, ReaderModel
from simulators.llrp_reader.reader import VirtualReader
from simulators.llrp_reader.report import Observation, Origin
from simulators.llrp_reader.tag_buffer import TagBuffer
from simulators.llrp_reader.vocabulary import NotificationEventType as Kind
from simulators.llrp_reader.vocabulary import ROReportTriggerType
from simulators.llrp_reader.voice import Outgoing
from tests.unit.simulators_llrp.specs import (
    IMMEDIATELY,
    IMPINJ_SELECTOR,
    MS,
    T0,
    S,
    after_ms,
    inventory_for_ms,
    keepalive,
    report_spec,
    rospec,
    subscription,
    tag,
)

ALL_EVENTS = subscription(*Kind)
HOLDING = element("EventsAndReports", HoldEventsAndReportsUponReconnect=1)


def said(outgoing: Iterable[Outgoing]) -> list[Message]:
    return [decode_message(data) for _, data in outgoing]


def tell(
    reader: VirtualReader, name: str, *parameters: Element, at_us: int = T0, **fields: int
) -> list[Message]:
    return said(reader.receive(encode_message(message(name, *parameters, **fields)), at_us))


def events(messages: Iterable[Message]) -> list[Element]:
    return [
        each.body.one("ReaderEventNotificationData").parameters[1]
        for each in messages
        if each.name == "READER_EVENT_NOTIFICATION"
    ]


def tags(messages: Iterable[Message]) -> list[list[int]]:
    """Give the tags' numbers in each report."""
    return [
        [int.from_bytes(entry.one("EPC_96").fields["EPC"]) for entry in each.body.parameters]  # type: ignore[arg-type]
        for each in messages
        if each.name == "RO_ACCESS_REPORT"
    ]


def reader_in_use(
    *settings: Element, spec: Element | None = None, model: ReaderModel = GENERIC
) -> VirtualReader:
    reader = VirtualReader(model, T0)
    reader.connect(T0)
    tell(reader, "SET_READER_CONFIG", *settings, ResetToFactoryDefault=0)
    tell(reader, "ADD_ROSPEC", spec or rospec(start=IMMEDIATELY, report=report_spec()))
    tell(reader, "ENABLE_ROSPEC", ROSpecID=1)
    assert reader.is_reporting
    return reader


def test_a_connection_begins_with_its_success_and_the_readers_time() -> None:
    (first,) = said(VirtualReader(GENERIC, T0).connect(T0 + 5))
    assert first.body.one("ReaderEventNotificationData").parameters == (
        element("UTCTimestamp", Microseconds=T0 + 5),
        element("ConnectionAttemptEvent", Status=0),
    )


def test_a_reader_without_a_clock_tells_its_uptime() -> None:
    reader = reader_in_use(model=replace(GENERIC, has_utc_clock=False))
    reader.disconnect()
    (first,) = said(reader.connect(T0 + 9 * S))
    assert first.body.one("ReaderEventNotificationData").one("Uptime").number("Microseconds") == 9 * S
    (report,) = said(reader.observe([tag(at_us=T0 + 7 * S)], T0 + 9 * S))
    assert report.body.parameters[0].one("FirstSeenTimestampUptime").number("Microseconds") == 7 * S


def test_a_clock_that_was_reset_begins_at_nothing_and_what_was_seen_before_has_no_time() -> None:
    reader = reader_in_use()
    reader.set_clock(-(T0 + 2 * S))
    (report,) = said(reader.observe([tag(1, at_us=T0 + S), tag(2, at_us=T0 + 3 * S)], T0 + 3 * S))
    assert tags([report]) == [[2]]
    assert report.body.parameters[0].one("FirstSeenTimestampUTC").number("Microseconds") == S
    assert said(reader.observe([tag(1, at_us=T0 + S)], T0 + 3 * S)) == []


def test_events_go_only_to_those_who_subscribe() -> None:
    deaf = reader_in_use()
    assert said(deaf.change_gpi(1, T0, is_high=True)) == []
    keen = reader_in_use(ALL_EVENTS)
    assert events(said(keen.change_gpi(1, T0, is_high=True))) == [
        element("GPIEvent", GPIPortNumber=1, GPIEvent=1)
    ]


def test_an_input_that_keeps_its_level_or_is_disabled_tells_nothing() -> None:
    disabled = element("GPIPortCurrentState", GPIPortNum=2, Config=0, State=2)
    reader = reader_in_use(ALL_EVENTS, disabled)
    assert len(reader.change_gpi(1, T0, is_high=True)) == 1
    assert reader.change_gpi(1, T0, is_high=True) == []
    assert len(reader.change_gpi(1, T0, is_high=False)) == 1
    assert reader.change_gpi(2, T0, is_high=True) == []


def test_the_inputs_of_an_impinj_are_off_until_a_client_wants_them() -> None:
    reader = reader_in_use(ALL_EVENTS, model=IMPINJ)
    assert reader.change_gpi(1, T0, is_high=True) == []
    wanted = element("GPIPortCurrentState", GPIPortNum=1, Config=1, State=2)
    tell(reader, "SET_READER_CONFIG", wanted, ResetToFactoryDefault=0)
    assert len(reader.change_gpi(1, T0, is_high=False)) == 1


def test_a_rospec_tells_of_its_start_and_end() -> None:
    spec = rospec(inventory_for_ms(100), start=IMMEDIATELY, stop=after_ms(100))
    reader = reader_in_use(ALL_EVENTS, spec=spec)
    told = events(said(reader.advance(T0 + 100 * MS)))
    assert told == [
        element("AISpecEvent", EventType=0, ROSpecID=1, SpecIndex=1),
        element("ROSpecEvent", EventType=1, ROSpecID=1, PreemptingROSpecID=0),
    ]
    assert events(said(reader.advance(T0 + 100 * MS))) == [
        element("ROSpecEvent", EventType=0, ROSpecID=1, PreemptingROSpecID=0)
    ]


def test_a_response_comes_before_what_happens_by_it() -> None:
    reader = VirtualReader(GENERIC, T0)
    reader.connect(T0)
    tell(reader, "SET_READER_CONFIG", ALL_EVENTS, ResetToFactoryDefault=0)
    tell(reader, "ADD_ROSPEC", rospec(start=IMMEDIATELY))
    assert [each.name for each in tell(reader, "ENABLE_ROSPEC", ROSpecID=1)] == [
        *("ENABLE_ROSPEC_RESPONSE", "READER_EVENT_NOTIFICATION")
    ]


def test_an_antenna_that_is_unplugged_tells_so_and_hears_nothing() -> None:
    reader = reader_in_use()
    assert events(said(reader.plug_antenna(1, T0, is_plugged=False))) == [
        element("AntennaEvent", EventType=0, AntennaID=1)
    ]
    assert tags(said(reader.observe([tag(1, antenna_id=1), tag(2, antenna_id=2)], T0))) == [[2]]
    (told,) = tell(reader, "GET_READER_CONFIG", AntennaID=1, RequestedData=2, GPIPortNum=0, GPOPortNum=0)
    assert told.body.one("AntennaProperties").number("AntennaConnected") == 0
    assert events(said(reader.plug_antenna(1, T0, is_plugged=True))) == [
        element("AntennaEvent", EventType=1, AntennaID=1)
    ]
    assert tags(said(reader.observe([tag(1, antenna_id=1)], T0))) == [[1]]
    assert reader.unheard_tags == 1


def test_an_exception_inside_the_reader_is_told() -> None:
    reader = reader_in_use()
    assert events(said(reader.raise_exception("hot", T0))) == [element("ReaderExceptionEvent", Message="hot")]


def test_keepalives_come_at_the_period_that_was_asked_for() -> None:
    reader = reader_in_use(keepalive(1000))
    told = []
    for tenth in range(40):
        for each in said(reader.advance(T0 + tenth * 100 * MS)):
            told.append((tenth, each.name))
            assert tell(reader, "KEEPALIVE_ACK", at_us=T0 + tenth * 100 * MS) == []
    assert told == [(10, "KEEPALIVE"), (20, "KEEPALIVE"), (30, "KEEPALIVE")]
    assert reader.due_us() == T0 + 4 * S


def test_a_client_that_acknowledges_no_keepalive_is_dropped() -> None:
    reader = reader_in_use(keepalive(1000))
    told = [each for second in range(1, 7) for each in said(reader.advance(T0 + second * S))]
    assert [each.name for each in told] == ["KEEPALIVE"] * 5 + ["READER_EVENT_NOTIFICATION"]
    assert events(told) == [element("ConnectionCloseEvent")]
    assert reader.is_closing


def test_a_client_that_asks_to_close_is_answered_and_let_go() -> None:
    reader = reader_in_use()
    assert [each.name for each in tell(reader, "CLOSE_CONNECTION")] == ["CLOSE_CONNECTION_RESPONSE"]
    assert reader.is_closing
    reader.disconnect()
    reader.connect(T0)
    assert not reader.is_closing


def test_each_tag_is_reported_at_once_when_n_is_one() -> None:
    reader = reader_in_use()
    assert tags(said(reader.observe([tag(1), tag(2), tag(1)], T0))) == [[1], [2], [1]]


def test_tags_are_reported_in_batches_of_n_and_those_of_the_same_tag_together() -> None:
    reader = reader_in_use(spec=rospec(start=IMMEDIATELY, report=report_spec(n=3)))
    seen = [tag(1, at_us=T0, rssi_dbm=-60), tag(2), tag(1, at_us=T0 + 9, rssi_dbm=-50), tag(3), tag(4)]
    (report,) = said(reader.observe(seen, T0))
    assert tags([report]) == [[1, 2, 3]]
    first = report.body.parameters[0]
    assert first.one("TagSeenCount").number("TagCount") == 2
    assert first.one("PeakRSSI").number("PeakRSSI") == -50
    assert first.one("FirstSeenTimestampUTC").number("Microseconds") == T0
    assert first.one("LastSeenTimestampUTC").number("Microseconds") == T0 + 9
    assert tags(tell(reader, "GET_REPORT")) == [[4]]
    assert tags(tell(reader, "GET_REPORT")) == []


def test_tags_wait_for_the_end_of_the_rospec_when_n_is_zero() -> None:
    reader = reader_in_use(spec=rospec(start=IMMEDIATELY, report=report_spec(n=0)))
    assert said(reader.observe([tag(1), tag(2)], T0)) == []
    assert tags(tell(reader, "STOP_ROSPEC", ROSpecID=1)) == [[1, 2]]


def test_tags_wait_for_the_end_of_the_inventory() -> None:
    at_end = report_spec(n=0, trigger=ROReportTriggerType.Upon_N_Tags_Or_End_Of_AISpec)
    spec = rospec(inventory_for_ms(100), inventory_for_ms(100), start=IMMEDIATELY, report=at_end)
    reader = reader_in_use(spec=spec)
    assert said(reader.observe([tag(1)], T0)) == []
    assert tags(said(reader.advance(T0 + 100 * MS))) == [[1]]


def test_tags_wait_for_a_client_to_ask_without_a_trigger() -> None:
    spec = rospec(start=IMMEDIATELY, report=report_spec(trigger=ROReportTriggerType.None_))
    reader = reader_in_use(spec=spec)
    assert said(reader.observe([tag(1), tag(2)], T0)) == []
    assert tags(tell(reader, "STOP_ROSPEC", ROSpecID=1)) == []
    assert tags(tell(reader, "GET_REPORT")) == [[1, 2]]


def test_a_rospec_without_a_report_spec_reports_as_the_reader_is_configured() -> None:
    only_count = report_spec(selected=("EnableTagSeenCount",))
    reader = reader_in_use(only_count, spec=rospec(start=IMMEDIATELY))
    (report,) = said(reader.observe([tag(1)], T0))
    assert [each.name for each in report.body.parameters[0].parameters] == ["EPC_96", "TagSeenCount"]


def test_an_impinj_tells_phase_and_doppler_to_those_who_ask() -> None:
    seen = tag(1)._replace(phase_deg=90.0, doppler_hz=1.0, rssi_dbm=-55.25)
    for customs, count in (((), 0), ((IMPINJ_SELECTOR,), 3)):
        spec = rospec(start=IMMEDIATELY, report=report_spec(*customs))
        (report,) = said(reader_in_use(spec=spec, model=IMPINJ).observe([seen], T0))
        told = [each for each in report.body.parameters[0].parameters if each.name.startswith("Impinj")]
        assert len(told) == count
    assert [next(iter(each.fields.values())) for each in told] == [1024, -5525, 16]


def test_what_repeats_is_left_out_of_reports_in_the_manner_of_some_readers() -> None:
    reader = reader_in_use()
    reader.omit_repeated(is_on=True)
    sizes = [len(said(reader.observe([tag(1)], T0))[0].body.parameters[0].parameters) for _ in range(3)]
    assert sizes[0] > sizes[1] == sizes[2] == 1
    reader.omit_repeated(is_on=False)
    assert len(said(reader.observe([tag(1)], T0))[0].body.parameters[0].parameters) == sizes[0]


def test_reports_for_a_client_that_is_away_are_gone_unless_it_asked_to_hold_them() -> None:
    reader = reader_in_use(ALL_EVENTS)
    reader.disconnect()
    assert reader.observe([tag(1)], T0) == reader.change_gpi(1, T0, is_high=True) == []
    assert [each.name for each in said(reader.connect(T0))] == ["READER_EVENT_NOTIFICATION"]
    assert tell(reader, "ENABLE_EVENTS_AND_REPORTS") == []


def test_what_was_held_comes_when_the_client_is_ready() -> None:
    reader = reader_in_use(ALL_EVENTS, HOLDING)
    reader.disconnect()
    reader.observe([tag(1)], T0)
    reader.change_gpi(1, T0, is_high=True)
    assert events(said(reader.connect(T0))) == [element("ConnectionAttemptEvent", Status=0)]
    assert reader.observe([tag(2)], T0) == []
    told = tell(reader, "ENABLE_EVENTS_AND_REPORTS")
    assert tags(told) == [[1], [2]]
    assert events(told) == [element("GPIEvent", GPIPortNumber=1, GPIEvent=1)]
    assert tags(said(reader.observe([tag(3)], T0))) == [[3]]


def test_a_reader_that_cannot_hold_all_says_that_it_lost_some() -> None:
    reader = reader_in_use(HOLDING, model=replace(GENERIC, report_buffer=10))
    reader.disconnect()
    for number in range(15):
        reader.observe([tag(number)], T0)
    reader.connect(T0)
    told = tell(reader, "ENABLE_EVENTS_AND_REPORTS")
    assert [number for report in tags(told) for number in report] == list(range(10))
    assert events(told) == [element("ReportBufferOverflowErrorEvent")]


def test_a_reader_whose_client_never_asks_warns_it_and_says_when_it_lost_some() -> None:
    spec = rospec(start=IMMEDIATELY, report=report_spec(n=0))
    reader = reader_in_use(ALL_EVENTS, spec=spec, model=replace(GENERIC, report_buffer=10))
    overflow = element("ReportBufferOverflowErrorEvent")
    told = [events(said(reader.observe([tag(number)], T0))) for number in range(13)]
    warning = element("ReportBufferLevelWarningEvent", ReportBufferPercentageFull=80)
    assert told == [[]] * 7 + [[warning]] + [[]] * 2 + [[overflow]] * 3
    assert tags(tell(reader, "GET_REPORT")) == [list(range(10))]
    assert events(said(reader.observe([tag(number) for number in range(8)], T0))) == [warning]


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_no_sighting_is_lost_or_doubled_however_tags_are_batched(n: int) -> None:
    randomness = random.Random(n)
    buffer = TagBuffer(1000)
    seen = [
        Observation(T0 + step, randomness.randrange(1, 3), bytes((randomness.randrange(9),)), 8, -50.0)
        for step in range(500)
    ]
    batches = [
        batch
        for begin in range(0, 500, 13)
        for batch in buffer.add(seen[begin : begin + 13], Origin(), report_spec(n=n))
    ]
    told = [each for batch in [*batches, *buffer.flush()] for each in batch.observations]
    for antenna_id in (1, 2):
        for number in range(9):
            of_one = [each for each in seen if (each.antenna, each.epc[0]) == (antenna_id, number)]
            counted = [each for each in told if (each.antenna, each.epc[0]) == (antenna_id, number)]
            assert sum(each.times for each in counted) == len(of_one)
            assert {each.at_us for each in counted} <= {each.at_us for each in of_one}
