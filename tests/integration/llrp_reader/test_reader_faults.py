"""Each fault on a real socket: what the client meets, and that the reader is well afterwards."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from simulators.llrp_reader.element import LlrpError
from simulators.llrp_reader.faults import NAMED
from simulators.llrp_reader.messages import HEADER, decode_message, name_of
from simulators.llrp_reader.models import GENERIC
from simulators.llrp_reader.report import Observation
from simulators.llrp_reader.server import LlrpReaderServer
from simulators.llrp_reader.vocabulary import StatusCode
from tests.integration.llrp_reader.client import Client, is_report, numbers
from tests.patience import PATIENCE_S
from tests.unit.simulators_llrp.specs import T0, S, keepalive, rospec, status, tag


class HandClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_us = T0

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def server() -> Iterator[LlrpReaderServer]:
    with LlrpReaderServer() as running:
        yield running


@pytest.fixture
def client(server: LlrpReaderServer) -> Iterator[Client]:
    with Client(server.address).begin() as begun:
        assert server.wait_for(lambda: server.is_reporting, PATIENCE_S)
        yield begun


def assert_well(server: LlrpReaderServer) -> None:
    """A new client gets along with the reader as if nothing had been."""
    assert server.wait_for(lambda: not server.is_connected, PATIENCE_S)
    with Client(server.address).begin() as client:
        assert server.wait_for(lambda: server.is_reporting, PATIENCE_S)
        server.report([tag(77, at_us=2 * T0)])  # after whatever its clock was reset to
        assert numbers(client.until(is_report)) == [77]


def test_a_silent_reader_keeps_the_connection_and_says_nothing(server: LlrpReaderServer) -> None:
    with Client(server.address).begin(keepalive(10)) as client:
        client.until(lambda each: each.name == "KEEPALIVE")
        server.faults.silence()
        client.send("GET_ROSPECS")
        assert server.wait_for(lambda: "GET_ROSPECS" in server.received, PATIENCE_S)
        server.report([tag(1)])
        on_their_way = client.names_until_silence(0.2)
        assert set(on_their_way) <= {"KEEPALIVE"}
        assert server.is_connected
        server.faults.speak()
        assert server.wait_for(lambda: server.reported_tags == 1, PATIENCE_S)
        server.report([tag(2)])
        assert numbers(client.until(is_report)) == [2]


def test_a_silent_reader_accepts_the_next_client_and_says_nothing_to_it_either(
    server: LlrpReaderServer,
) -> None:
    server.faults.silence()
    with Client(server.address) as client:
        assert client.names_until_silence(0.1) == []
        server.faults.speak()
        assert client.ask("GET_ROSPECS").all("ROSpec") == ()


def test_a_reset_in_the_middle_of_a_frame_leaves_half_a_report(
    server: LlrpReaderServer, client: Client
) -> None:
    server.report([tag(1)])
    whole = client.receive()
    server.faults.reset_mid_frame()
    half = client.bytes_until_reset()
    assert half == whole[: len(whole) // 2]
    assert_well(server)


def test_a_reset_before_any_report_leaves_half_a_keepalive(server: LlrpReaderServer, client: Client) -> None:
    server.faults.reset_mid_frame()
    half = client.bytes_until_reset()
    assert len(half) == HEADER.size // 2
    assert_well(server)


def test_a_reset_between_frames_loses_the_connection_only(server: LlrpReaderServer, client: Client) -> None:
    server.faults.reset()
    with pytest.raises(ConnectionResetError):
        client.next()
    assert_well(server)


def test_garbage_is_no_message(server: LlrpReaderServer, client: Client) -> None:
    server.faults.garbage()
    with pytest.raises(LlrpError, match="message length"):
        client.next()
    client.peer.close()
    assert_well(server)


def test_an_unknown_message_is_whole_and_others_follow(server: LlrpReaderServer, client: Client) -> None:
    server.faults.unknown_message()
    server.report([tag(1)])
    unknown = client.receive()
    assert name_of(unknown) is None
    with pytest.raises(LlrpError, match="message type 900"):
        decode_message(unknown)
    assert numbers(client.next()) == [1]


def test_a_truncated_parameter_is_inside_a_whole_message(server: LlrpReaderServer, client: Client) -> None:
    server.faults.truncated_parameter()
    server.report([tag(1)])
    broken = client.receive()
    assert name_of(broken) == "RO_ACCESS_REPORT"
    with pytest.raises(LlrpError, match="parameter 240 has length 200"):
        decode_message(broken)
    assert numbers(client.next()) == [1]


def test_slow_answers_keep_their_order_and_let_reports_pass() -> None:
    clock = HandClock()
    with LlrpReaderServer(clock=clock) as server, Client(server.address).begin() as client:
        server.faults.slow_acks(2.0)
        first, second = client.send("GET_ROSPECS"), client.send("GET_ACCESSSPECS")
        assert server.wait_for(lambda: "GET_ACCESSSPECS" in server.received, PATIENCE_S)
        server.report([tag(1)])
        assert numbers(client.next()) == [1]
        clock.now_us += 2 * S
        server.report([tag(2)])  # wakes the reader, whose clock the test holds
        told = [client.next() for _ in range(3)]
        answers = [each for each in told if not is_report(each)]
        assert [(each.name, each.message_id) for each in answers] == [
            ("GET_ROSPECS_RESPONSE", first),
            ("GET_ACCESSSPECS_RESPONSE", second),
        ]
        server.faults.slow_acks(0.0)
        assert client.ask("GET_ROSPECS").all("ROSpec")


def test_partial_frames_arrive_in_many_pieces_and_make_the_same_messages(
    server: LlrpReaderServer, client: Client
) -> None:
    server.faults.crumble()
    before = client.chunks
    server.report([tag(number) for number in range(20)])
    assert [numbers(client.next()) for _ in range(20)] == [[number] for number in range(20)]
    assert client.chunks - before > 20
    server.faults.mend()
    server.report([tag(21)])
    assert numbers(client.next()) == [21]


def test_a_half_closed_reader_still_listens(server: LlrpReaderServer, client: Client) -> None:
    server.faults.half_close()
    with pytest.raises(EOFError):
        client.next()
    client.send("GET_ACCESSSPECS")
    assert server.wait_for(lambda: "GET_ACCESSSPECS" in server.received, PATIENCE_S)
    assert server.is_connected
    client.peer.shutdown(socket.SHUT_RDWR)
    assert_well(server)


def test_a_reader_that_refuses_rospecs_says_so_until_it_takes_them_again(server: LlrpReaderServer) -> None:
    server.faults.refuse_rospecs()
    with Client(server.address) as client:
        client.next()
        assert status(client.ask("ADD_ROSPEC", rospec())) is StatusCode.R_DeviceError
        server.faults.accept_rospecs()
        assert status(client.ask("ADD_ROSPEC", rospec())) is StatusCode.M_Success


def first_seen(client: Client) -> int:
    tag_data = client.until(is_report).body.parameters[0]
    stamp = tag_data.find("FirstSeenTimestampUTC") or tag_data.one("FirstSeenTimestampUptime")
    return stamp.number("Microseconds")


def test_a_clock_can_be_off_and_be_reset() -> None:
    clock = HandClock()
    with LlrpReaderServer(clock=clock) as server, Client(server.address).begin() as client:
        server.faults.offset_clock(-90.0)
        server.report([tag(at_us=T0)])
        assert first_seen(client) == T0 - 90 * S
        clock.now_us = T0 + 5 * S
        server.faults.clock_reset()
        server.report([tag(at_us=T0 + 7 * S)])
        assert first_seen(client) == 2 * S


def test_an_uptime_begins_anew_when_the_reader_does() -> None:
    clock = HandClock()
    model = replace(GENERIC, has_utc_clock=False)
    with LlrpReaderServer(model=model, clock=clock) as server, Client(server.address).begin() as client:
        server.report([tag(at_us=T0 + 3 * S)])
        assert first_seen(client) == 3 * S
        clock.now_us = T0 + 10 * S
        server.faults.clock_reset()
        server.report([tag(at_us=T0 + 11 * S)])
        assert first_seen(client) == S
        server.faults.offset_clock(4.0)
        server.report([tag(at_us=T0 + 11 * S)])
        assert first_seen(client) == 5 * S


def test_what_repeats_is_left_out_of_reports_on_command(server: LlrpReaderServer, client: Client) -> None:
    server.faults.omit_repeated()
    seen = Observation(T0, 2, bytes(12), 96, -50.0)
    server.report([seen, seen])
    sizes = [len(client.next().body.parameters[0].parameters) for _ in range(2)]
    assert sizes == [11, 1]
    server.faults.repeat_all()
    server.report([seen])
    assert len(client.next().body.parameters[0].parameters) == 11


@pytest.mark.parametrize("name", NAMED)
def test_every_fault_may_come_without_a_client_and_the_reader_is_well(name: str) -> None:
    with LlrpReaderServer() as server:
        NAMED[name](server.faults)
        server.faults.speak()
        server.faults.slow_acks(0.0)
        server.faults.accept_rospecs()
        server.faults.repeat_all()
        assert_well(server)


def test_faults_come_one_upon_another_and_the_reader_is_well(
    server: LlrpReaderServer, client: Client
) -> None:
    for name in (
        "reset-mid-frame",
        "half-close",
        "garbage",
        "reset",
        "reset",
        "half-close",
        "reset-mid-frame",
    ):
        NAMED[name](server.faults)
    client.bytes_until_reset()
    assert_well(server)


def test_thirty_clients_of_an_unlucky_reader_leave_nothing_behind() -> None:
    before = threading.active_count()
    with LlrpReaderServer() as server:
        for turn in range(30):
            with Client(server.address).begin():
                server.report([tag(turn)])
                NAMED[("reset-mid-frame", "reset", "half-close", "garbage", "truncated-parameter")[turn % 5]](
                    server.faults
                )
            assert server.wait_for(lambda: not server.is_connected, PATIENCE_S)
        assert server.connections == 30
    assert threading.active_count() == before
