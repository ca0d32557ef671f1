"""A reader is brought to read as its profile says, or says why not; its inputs and outputs; its release."""

import dataclasses
import socket
import threading
import time
from collections.abc import Callable

import pytest

from edge_agent.readers.llrp.listener import ReaderState
from edge_agent.readers.llrp.profile import load_llrp_profile, shipped_llrp_profiles
from simulators.llrp_reader.element import Bits, Element, element
from simulators.llrp_reader.messages import encode_message, message
from simulators.llrp_reader.models import GENERIC, IMPINJ, ZEBRA, ReaderModel
from tests.integration.llrp.conftest import Dock
from tests.patience import PATIENCE_S

Docks = Callable[[ReaderModel], Dock]


MAKES = {"impinj": IMPINJ, "zebra": ZEBRA, "generic": GENERIC}


@pytest.mark.parametrize("profile", shipped_llrp_profiles())
def test_each_make_of_reader_is_set_up_and_read(profile: str, docks: Docks) -> None:
    dock = docks(MAKES[load_llrp_profile(profile).kind])
    dock.open(profile=profile)
    dock.expect(dock.show(3, antenna=4))
    assert {read.antenna for read in dock.heard.reads} == {4}
    assert dock.reader.counters.reads == 3
    assert set(dock.reader.counters.oddities().values()) == {0}


def test_a_refused_rospec_shows_the_readers_words_until_it_is_taken(dock: Dock) -> None:
    dock.server.faults.refuse_rospecs()
    dock.read()
    dock.wait_for_state(ReaderState.REFUSED)
    assert "ADD_ROSPEC refused: DeviceError" in dock.reader.counters.detail
    dock.server.faults.accept_rospecs()
    dock.wait_until_read()
    assert (dock.reader.counters.state, dock.reader.counters.detail) == (ReaderState.OPEN, "")
    assert dock.reader.counters.oddities()["reader_refused"] >= 1


def test_the_profile_of_another_make_is_refused_with_both_names(docks: Docks) -> None:
    dock = docks(ZEBRA)
    dock.read(profile="impinj_r700")
    dock.wait_for_state(ReaderState.REFUSED)
    assert "IMPINJ_ENABLE_EXTENSIONS refused" in dock.reader.counters.detail
    other = docks(GENERIC)
    other.read(profile="zebra_fx9600")
    other.wait_for_state(ReaderState.REFUSED)
    assert other.reader.counters.detail == "profile 'zebra_fx9600' is for vendor 161, this reader's is 0"


def test_a_power_outside_the_table_is_told(dock: Dock) -> None:
    dock.read(power_dbm=33.0)
    dock.wait_for_state(ReaderState.REFUSED)
    assert "power_dbm = 33: expected 10 to 30" in dock.reader.counters.detail


def test_a_reader_that_serves_another_client_is_waited_for(dock: Dock) -> None:
    with socket.create_connection(dock.server.address):
        assert dock.server.wait_for(lambda: dock.server.is_connected, PATIENCE_S)
        dock.read()
        dock.wait_for_state(ReaderState.REFUSED)
        assert "it takes no client" in dock.reader.counters.detail
    dock.wait_until_read()


def leave_behind(dock: Dock, *bodies: tuple[str, tuple[Element, ...], dict[str, int]]) -> None:
    """Be another client that leaves specs in the reader and goes."""
    with socket.create_connection(dock.server.address) as other:
        for number, (name, parameters, fields) in enumerate(bodies, start=1):
            other.sendall(encode_message(message(name, *parameters, message_id=number, **fields)))
        assert dock.server.wait_for(lambda: len(dock.server.received) >= len(bodies), PATIENCE_S)
    assert dock.server.wait_for(lambda: not dock.server.is_connected, PATIENCE_S)


def test_specs_that_another_client_left_enabled_are_removed(docks: Docks) -> None:
    dock = docks(dataclasses.replace(GENERIC, max_rospecs=1, max_accessspecs=1))
    access = element(
        "AccessSpec",
        element("AccessSpecStopTrigger", AccessSpecStopTrigger=0, OperationCountValue=0),
        element(
            "AccessCommand",
            element(
                "C1G2TagSpec",
                element(
                    "C1G2TargetTag", MB=1, Match=1, Pointer=32, TagMask=Bits(0, b""), TagData=Bits(0, b"")
                ),
            ),
            element("C1G2Read", OpSpecID=1, AccessPassword=0, MB=2, WordPointer=0, WordCount=2),
        ),
        AccessSpecID=7,
        AntennaID=0,
        ProtocolID=1,
        CurrentState=0,
        ROSpecID=0,
    )
    leave_behind(
        dock,
        ("ADD_ACCESSSPEC", (access,), {}),
        ("ENABLE_ACCESSSPEC", (), {"AccessSpecID": 7}),
    )
    dock.open()
    order = [name for name in dock.server.received if "SPEC" in name]
    assert order[2:] == [
        "DISABLE_ACCESSSPEC",
        "DELETE_ACCESSSPEC",
        "DISABLE_ROSPEC",
        "DELETE_ROSPEC",
        "ADD_ROSPEC",
        "ENABLE_ROSPEC",
    ]
    dock.expect(dock.show())


def test_beams_are_heard_and_those_broken_meanwhile_are_told(dock: Dock) -> None:
    dock.server.gpi(2, is_high=True)
    dock.open()
    dock.heard.wait(lambda: dock.heard.levels)
    dock.server.gpi(1, is_high=True)
    dock.heard.wait(lambda: len(dock.heard.levels) == 2)
    dock.server.stop()
    dock.server.gpi(2, is_high=False)
    dock.server.start()
    dock.wait_until_read(times=2)
    dock.heard.wait(lambda: len(dock.heard.levels) == 3)
    assert dock.heard.levels == [(2, True), (1, True), (2, False)]


def test_a_gate_reads_only_between_two_inputs_and_opens_at_once_where_it_should_be_open(dock: Dock) -> None:
    gate = {"start_gpi": 1, "stop_gpi": 2, "stop_high": True, "stop_after_s": 600}
    dock.read(gate=gate)
    dock.heard.wait(lambda: "connected" in dock.heard.words)
    unheard = dock.show()
    dock.server.gpi(1, is_high=True)
    assert dock.server.wait_for(lambda: dock.server.is_reporting, PATIENCE_S)
    dock.expect(dock.show())
    dock.server.gpi(2, is_high=True)
    assert dock.server.wait_for(lambda: not dock.server.is_reporting, PATIENCE_S)
    unheard += dock.show()
    dock.server.faults.reset()
    dock.wait_until_read(times=2)  # input 1 is high still: nobody waits for it to rise again
    dock.expect(dock.show())
    assert not set(unheard) & set(dock.heard.epcs)
    assert dock.reader.counters.state is ReaderState.OPEN


def test_a_gate_closes_after_its_time(dock: Dock) -> None:
    dock.server.gpi(3, is_high=False)
    dock.read(gate={"start_gpi": 3, "start_high": False, "stop_after_s": 0.1})
    dock.wait_until_read()
    assert dock.server.wait_for(lambda: not dock.server.is_reporting, PATIENCE_S)
    dock.server.gpi(3, is_high=True)
    dock.server.gpi(3, is_high=False)
    assert dock.server.wait_for(lambda: dock.server.is_reporting, PATIENCE_S)


def test_outputs_are_set_and_set_again_in_a_reader_that_forgot(dock: Dock) -> None:
    reader = dock.open()
    reader.set_gpo(2, on=True)
    assert dock.server.wait_for(lambda: dock.server.gpo_states[2], PATIENCE_S)
    reader.set_gpo(2, on=False)
    assert dock.server.wait_for(lambda: not dock.server.gpo_states[2], PATIENCE_S)
    reader.set_gpo(3, on=True)
    assert dock.server.wait_for(lambda: dock.server.gpo_states[3], PATIENCE_S)
    dock.server.stop()
    dock.server = type(dock.server)(dock.server.address)
    dock.server.start()
    dock.wait_until_read(times=2)
    assert dock.server.gpo_states == {1: False, 2: False, 3: True, 4: False}


def test_an_output_that_is_not_there_is_told_and_nothing_ends(dock: Dock) -> None:
    reader = dock.open()
    reader.set_gpo(9, on=True)
    until_s = time.monotonic() + PATIENCE_S
    while not reader.counters.oddities().get("reader_requests_refused"):
        assert time.monotonic() < until_s
        time.sleep(0.01)
    dock.expect(dock.show())


def test_stopping_leaves_the_reader_without_work_and_no_thread(dock: Dock) -> None:
    reader = dock.open()
    reader.stop()
    assert dock.server.wait_for(lambda: not dock.server.is_connected, PATIENCE_S)
    assert dock.server.received[-2:] == ("DELETE_ROSPEC", "CLOSE_CONNECTION")
    assert dock.heard.words[-1] == "disconnected"
    assert reader.counters.state is ReaderState.STOPPED
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader-")]
    assert reader.counters.oddities()["reader_lost"] == 0
