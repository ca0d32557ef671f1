"""The virtual reader on a real socket: one client at a time, whole lives, nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from simulators.llrp_reader.element import element
from simulators.llrp_reader.messages import name_of
from simulators.llrp_reader.models import GENERIC
from simulators.llrp_reader.report import Observation
from simulators.llrp_reader.server import LlrpReaderServer
from tests.integration.llrp_reader.client import Client, event, numbers
from tests.patience import PATIENCE_S
from tests.unit.simulators_llrp.specs import (
    IMMEDIATELY,
    T0,
    keepalive,
    report_spec,
    rospec,
    subscription,
    tag,
)


@pytest.fixture
def server() -> Iterator[LlrpReaderServer]:
    with LlrpReaderServer(model=replace(GENERIC, antennas=8)) as running:
        yield running


def test_what_the_antennas_find_reaches_the_client(server: LlrpReaderServer) -> None:
    with Client(server.address).begin() as client:
        assert server.wait_for(lambda: server.is_reporting, PATIENCE_S)
        server.report([tag(1, antenna_id=8), tag(2)])
        assert numbers(client.next()) == [1]
        assert numbers(client.next()) == [2]
        assert (server.reported_tags, server.unheard_tags) == (2, 0)


def test_what_is_found_before_an_inventory_is_found_by_nobody(server: LlrpReaderServer) -> None:
    server.report([tag(1)])
    with Client(server.address).begin() as client:
        assert server.wait_for(lambda: server.is_reporting, PATIENCE_S)
        server.report([tag(2)])
        assert numbers(client.next()) == [2]
    assert server.unheard_tags == 1


def test_a_thousand_reads_a_second_and_more_arrive_in_order(server: LlrpReaderServer) -> None:
    with Client(server.address).begin() as client:
        assert server.wait_for(lambda: server.is_reporting, PATIENCE_S)
        for begin in range(0, 5000, 50):
            server.report([tag(begin + step) for step in range(50)])
        told = [number for _ in range(5000) for number in numbers(client.next())]
        assert told == list(range(5000))


def test_a_second_client_is_refused_and_the_first_is_told(server: LlrpReaderServer) -> None:
    with Client(server.address).begin() as first:
        with Client(server.address) as second:
            assert event(second.next()) == element("ConnectionAttemptEvent", Status=2)
            with pytest.raises(EOFError):
                second.next()
        assert event(first.next()) == element("ConnectionAttemptEvent", Status=4)
        assert first.ask("GET_ROSPECS").all("ROSpec")
    assert server.connections == 1


def test_the_next_client_is_served_when_the_first_has_gone(server: LlrpReaderServer) -> None:
    with Client(server.address).begin() as first:
        first.ask("CLOSE_CONNECTION")
        with pytest.raises(EOFError):
            first.next()
    for _ in range(3):
        with Client(server.address).begin():
            pass
        assert server.wait_for(lambda: not server.is_connected, PATIENCE_S)
    assert server.connections == 4


def test_inputs_and_outputs_go_both_ways(server: LlrpReaderServer) -> None:
    with Client(server.address).begin(subscription(1)) as client:
        server.gpi(3, is_high=True)
        assert event(client.next()) == element("GPIEvent", GPIPortNumber=3, GPIEvent=1)
        client.ask(
            "SET_READER_CONFIG",
            element("GPOWriteData", GPOPortNumber=2, GPOData=1),
            ResetToFactoryDefault=0,
        )
        assert server.gpo_states == {1: False, 2: True, 3: False, 4: False}


def test_antennas_and_exceptions_are_told(server: LlrpReaderServer) -> None:
    with Client(server.address).begin() as client:
        server.plug_antenna(7, is_plugged=False)
        server.raise_exception("hot")
        assert event(client.next()) == element("AntennaEvent", EventType=0, AntennaID=7)
        assert event(client.next()) == element("ReaderExceptionEvent", Message="hot")


def test_keepalives_keep_a_connection_and_their_absence_ends_it(server: LlrpReaderServer) -> None:
    with Client(server.address).begin(keepalive(20)) as client:
        for _ in range(7):
            client.until(lambda each: each.name == "KEEPALIVE")
        assert [client.next().name for _ in range(5)] == ["KEEPALIVE"] * 5
        assert event(client.next()) == element("ConnectionCloseEvent")
        with pytest.raises(EOFError):
            client.next()
    assert server.received.count("KEEPALIVE_ACK") == 7


@pytest.mark.parametrize(
    "broken",
    [
        Observation(T0, 9, bytes(12), 96, -50.0),
        Observation(T0, 0, bytes(12), 96, -50.0),
        Observation(T0, 1, bytes(12), 128, -50.0),
        Observation(T0, 1, bytes(12), 96, -500.0),
    ],
)
def test_what_cannot_be_found_is_refused_where_it_is_given(
    server: LlrpReaderServer, broken: Observation
) -> None:
    with pytest.raises(ValueError, match=r"expected 1 to 8|expected 16 bytes|does not fit"):
        server.report([broken])


def test_ports_and_antennas_that_are_not_there_are_refused(server: LlrpReaderServer) -> None:
    with pytest.raises(ValueError, match="GPI port 5: expected 1 to 4"):
        server.gpi(5, is_high=True)
    with pytest.raises(ValueError, match="antenna 9: expected 1 to 8"):
        server.plug_antenna(9, is_plugged=True)


def test_a_client_that_speaks_no_llrp_is_dropped(server: LlrpReaderServer) -> None:
    with Client(server.address) as client:
        client.next()
        client.peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises((EOFError, ConnectionError)):
            client.next()
    with Client(server.address).begin():
        assert server.is_connected


def test_a_client_that_does_not_read_loses_reports_and_not_the_reader(server: LlrpReaderServer) -> None:
    spec = rospec(start=IMMEDIATELY, report=report_spec(n=200))
    with Client(server.address).begin(spec=spec) as client:
        assert server.wait_for(lambda: server.is_reporting, PATIENCE_S)
        batch = [tag(step) for step in range(2000)]
        for _ in range(120):
            server.report(batch)
        assert server.wait_for(lambda: server.reported_tags == 240_000, PATIENCE_S)
        lost = server.lost_reports
        assert 0 < lost < 1200
        told = [client.receive() for _ in range(1200 - lost)]
        assert {name_of(report) for report in told} == {"RO_ACCESS_REPORT"}
        assert {len(report) for report in told} == {len(told[0])}
        assert client.ask("GET_ROSPECS").all("ROSpec")


def test_a_stopped_reader_says_farewell_and_comes_back_on_its_port_with_its_memory() -> None:
    server = LlrpReaderServer()
    server.start()
    with pytest.raises(RuntimeError, match="runs already"):
        server.start()
    address = server.address
    with Client(address).begin() as client:
        server.stop()
        assert event(client.next()) == element("ConnectionCloseEvent")
        with pytest.raises(EOFError):
            client.next()
    with pytest.raises(ConnectionRefusedError):
        Client(address)
    server.report([tag(1)])
    server.start()
    assert server.address == address
    with Client(address) as client:
        client.next()
        assert client.ask("GET_ROSPECS").one("ROSpec").number("CurrentState") == 2
    server.stop()
    server.stop()


def test_a_reader_whose_power_goes_resets_its_client() -> None:
    server = LlrpReaderServer()
    server.start()
    with Client(server.address).begin() as client:
        server.stop(is_abrupt=True)
        with pytest.raises(ConnectionError):
            client.next()


def test_nothing_is_left_of_thirty_readers_and_their_clients() -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  only their number matters

    before, threads = open_files(), threading.active_count()
    for turn in range(30):
        with LlrpReaderServer() as server, Client(server.address).begin():
            server.report([tag(turn)])
            if turn % 3 == 0:
                server.faults.reset_mid_frame()
    assert (open_files(), threading.active_count()) == (before, threads)


def test_the_command_serves_a_capture_and_its_faults(tmp_path: Path) -> None:
    capture = tmp_path / "dock.jsonl"
    lines = [
        {
            "seen_at": f"2026-09-21T10:13:20.{step:06}Z",
            "reader": "r1",
            "antenna": 1,
            "epc": f"{step:024x}",
            "rssi_dbm": -50.5,
            "phase_deg": None,
            "doppler_hz": None,
            "count": 1,
        }
        for step in range(1, 6)
    ]
    capture.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [sys.executable, "-m", "simulators.cli", "llrp-reader", "--listen", "127.0.0.1:0"]
    command += ["--capture", str(capture), "--fault", "reset-mid-frame@0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        host, _, port = process.stdout.readline().split()[-1].rpartition(":")
        with Client((host, int(port))).begin() as client:
            assert [numbers(client.next())[0] for _ in range(5)] == [1, 2, 3, 4, 5]
            with pytest.raises((EOFError, ConnectionError)):
                client.next()
        process.send_signal(signal.SIGTERM)
        assert json.loads(process.stdout.readline()) == {"reported": 5, "unheard": 0}
        assert process.wait(PATIENCE_S) == 0


def test_the_command_says_when_its_port_is_taken(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "simulators.cli", "llrp-reader", "--listen"]
        ended = subprocess.run(
            [*command, f"127.0.0.1:{taken.getsockname()[1]}"], timeout=PATIENCE_S, check=False
        )
    assert ended.returncode == 1
    assert "in use" in capfd.readouterr().err
