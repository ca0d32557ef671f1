"""Everything that was seen to break an LLRP client, one by one, against a reader on a real socket."""

import dataclasses
import os
import resource
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from edge_agent.readers.llrp import delivery
from edge_agent.readers.llrp.listener import ReaderState
from edge_agent.readers.llrp.reader import Timing
from edge_agent.readers.raw_read import Seen
from simulators.llrp_reader.models import GENERIC, ReaderModel
from simulators.llrp_reader.report import Observation
from tests.integration.llrp.conftest import FAST, LIVELY, SOON, Dock
from tests.patience import PATIENCE_S

Docks = Callable[[ReaderModel], Dock]


def test_a_silent_reader_is_given_up_and_read_again_when_it_speaks(dock: Dock) -> None:
    dock.open(LIVELY)
    dock.server.faults.silence()
    dock.heard.wait(lambda: "disconnected" in dock.heard.words)
    assert "silent for 0.55 s: 2 keepalives missed" in dock.reader.counters.detail
    assert dock.reader.counters.is_silent
    dock.server.faults.speak()
    dock.wait_until_read(times=2)
    dock.expect(dock.show())


def test_keepalives_alone_keep_a_reader_without_tags_alive(dock: Dock) -> None:
    dock.open(LIVELY)
    dock.heard.wait(lambda: dock.heard.words.count("silent") >= 4)
    assert dock.reader.counters.keepalives >= 4
    assert dock.server.connections == 1


def test_half_a_message_does_not_outlive_its_connection(dock: Dock) -> None:
    dock.open()
    dock.expect(dock.show())
    dock.server.faults.reset_mid_frame()
    dock.wait_until_read(times=2)
    dock.expect(dock.show(20))
    assert len(dock.heard.epcs) == len(set(dock.heard.epcs)) == 21


def test_a_message_of_an_unknown_type_costs_none_of_its_neighbours(dock: Dock) -> None:
    dock.open()
    shown = dock.show(10)
    dock.server.faults.unknown_message()
    shown += dock.show(12)
    dock.expect(shown)
    assert dock.reader.counters.oddities()["reader_messages_unknown"] == 1
    assert dock.server.connections == 1


def test_a_malformed_parameter_costs_its_message_and_not_the_connection(dock: Dock) -> None:
    dock.open()
    shown = dock.show(2)
    dock.server.faults.truncated_parameter()
    shown += dock.show(2)
    dock.expect(shown)
    assert dock.reader.counters.oddities()["reader_messages_malformed"] == 1
    assert sorted(dock.heard.epcs) == sorted(shown)
    assert dock.server.connections == 1


def test_a_slow_listener_delays_no_answer_to_a_keepalive(dock: Dock) -> None:
    reader = dock.open(LIVELY)
    dock.heard.may_go_on.clear()
    shown = dock.show()
    dock.heard.wait(lambda: dock.heard.batches)
    answered = reader.counters.keepalives
    assert dock.server.wait_for(
        lambda: dock.server.received.count("KEEPALIVE_ACK") >= answered + 4, PATIENCE_S
    )
    shown += dock.show(50)
    dock.heard.may_go_on.set()
    dock.expect(shown)
    assert dock.server.connections == 1


def test_what_a_slow_listener_leaves_beyond_the_bound_is_counted(
    dock: Dock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MOST_WAITING_BYTES", 2000)
    reader = dock.open()
    dock.heard.may_go_on.clear()
    shown = dock.show()
    dock.heard.wait(lambda: dock.heard.batches)
    for _ in range(100):
        shown += dock.show()

    def lost() -> int:
        return reader.counters.oddities()["reader_reports_overflowed"]

    until_s = time.monotonic() + PATIENCE_S
    while lost() < 100 - 2000 // 50:
        assert time.monotonic() < until_s
        time.sleep(0.01)
    dock.heard.may_go_on.set()
    dock.heard.wait(lambda: len(dock.heard.epcs) == len(shown) - lost())  # else the next one is too many
    dock.expect(dock.show())
    assert len(dock.heard.epcs) == len(shown) + 1 - lost()


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip(f"at most {hard} descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    taken = []
    while not taken or taken[-1] <= 1100:
        taken.append(os.dup(0))
    yield
    for descriptor in taken:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_descriptor_beyond_1023_is_one_like_any_other(dock: Dock, many_descriptors: None) -> None:
    dock.open()
    dock.expect(dock.show())


def test_a_reader_is_tried_for_ever_and_read_when_it_is_there(dock: Dock) -> None:
    dock.open()
    dock.server.stop()
    dock.heard.wait(lambda: "disconnected" in dock.heard.words)
    with socket.create_server(dock.server.address) as nobody:
        for _ in range(20):
            visitor, _ = nobody.accept()
            visitor.close()
    dock.server.start()
    dock.wait_until_read(times=2)
    dock.expect(dock.show())
    assert dock.reader.counters.opened == 2


def test_partial_frames_are_put_together(dock: Dock) -> None:
    dock.server.faults.crumble()
    dock.open()
    dock.expect(dock.show(5))
    assert dock.server.connections == 1


def test_garbage_ends_the_connection_and_is_counted(dock: Dock) -> None:
    dock.open()
    shown = dock.show(3)
    dock.server.faults.garbage()
    dock.wait_until_read(times=2)
    dock.expect([*shown, *dock.show(3)])
    assert dock.reader.counters.oddities()["reader_framing_lost"] == 1


def test_a_half_closed_connection_is_a_lost_one(dock: Dock) -> None:
    dock.open()
    dock.server.faults.half_close()
    dock.wait_until_read(times=2)
    dock.expect(dock.show())


def test_slow_answers_are_waited_for_and_too_slow_ones_are_not(dock: Dock) -> None:
    dock.server.faults.slow_acks(0.05)
    dock.open()
    dock.expect(dock.show())
    dock.server.faults.slow_acks(60.0)
    dock.server.faults.reset()
    dock.heard.wait(lambda: "disconnected" in dock.heard.words)
    dock.reader.stop()
    dock.read(Timing(SOON, answer_s=0.1))
    until_s = time.monotonic() + PATIENCE_S
    while "expected an answer to GET_READER_CAPABILITIES within 0.1 s" not in dock.reader.counters.detail:
        assert time.monotonic() < until_s, dock.reader.counters.detail
        time.sleep(0.01)
    dock.server.faults.slow_acks(0.0)
    dock.server.faults.reset()
    dock.wait_until_read(times=2)


def test_epcs_of_every_length_arrive_whole(dock: Dock) -> None:
    dock.open()
    lengths = [16, 96, 128, 198, 208, 496]
    now_us = time.time_ns() // 1000
    tags = [Observation(now_us, 1, b"\xfc" * ((bits + 7) // 8), bits, -50.0) for bits in lengths]
    dock.server.report(tags)
    dock.heard.wait(lambda: len(dock.heard.reads) == len(lengths))
    assert [len(epc) for epc in dock.heard.epcs] == [4, 24, 32, 50, 52, 124]


@pytest.mark.parametrize("has_utc_clock", [True, False], ids=["by UTC", "by uptime"])
def test_reads_have_the_true_time_whatever_the_readers_clock_says(
    *, has_utc_clock: bool, docks: Docks
) -> None:
    dock = docks(dataclasses.replace(GENERIC, has_utc_clock=has_utc_clock))
    dock.server.faults.offset_clock(86_400.0)
    dock.open()
    before_us = time.time_ns() // 1000
    dock.expect(dock.show())
    dock.server.faults.clock_reset()
    dock.expect(dock.show(later_us=50_000))  # the reader's clock cannot tell what was before its reset
    after_us = time.time_ns() // 1000
    assert all(before_us - 500_000 <= read.seen_us <= after_us for read in dock.heard.reads)
    assert dock.reader.counters.oddities()["reader_clock_resets"] == 1


def test_what_a_reader_omits_is_as_before(dock: Dock) -> None:
    dock.server.faults.omit_repeated()
    dock.open()
    for _ in range(3):
        dock.expect(dock.show(2, antenna=3))
    assert {(read.antenna, read.rssi_dbm) for read in dock.heard.reads} == {(3, -60.0)}


def test_the_listener_is_only_told_on_one_thread_of_its_own(dock: Dock) -> None:
    dock.open()
    dock.expect(dock.show())
    dock.server.faults.reset()
    dock.wait_until_read(times=2)
    assert dock.heard.threads == {"reader-r1-delivery"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_listener_that_fails_ends_the_reader_so_that_it_can_be_replaced(dock: Dock) -> None:
    def fail(batch: list[Seen]) -> None:
        raise RuntimeError(f"no room for {len(batch)}")

    dock.heard.seen = fail  # type: ignore[method-assign]
    reader = dock.open()
    dock.show()
    dock.wait_for_state(ReaderState.FAILED)
    reader.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader-")]


def test_a_host_that_is_no_name_is_told_and_tried_on(dock: Dock) -> None:
    dock.read(FAST, address=("no..name", 5084))
    until_s = time.monotonic() + PATIENCE_S
    while "no..name" not in dock.reader.counters.detail:
        assert time.monotonic() < until_s
        time.sleep(0.01)
    assert dock.reader.counters.state is ReaderState.WAITING


def test_something_else_on_the_port_is_framing_lost_and_not_a_read(dock: Dock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        dock.read(FAST, address=other.getsockname())
        visitor, _ = other.accept()
        with visitor:
            visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + struct.pack(">H", 61))
            until_s = time.monotonic() + PATIENCE_S
            while not dock.reader.counters.oddities()["reader_framing_lost"]:
                assert time.monotonic() < until_s
                time.sleep(0.01)
    assert dock.heard.all == []


def test_stopping_does_not_wait_for_a_reader_that_takes_no_connection(dock: Dock) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(full.getsockname())
        reader = dock.read(FAST, address=full.getsockname())
        began_s = time.monotonic()
        reader.stop()
        for each in waiting:
            each.close()
    assert time.monotonic() - began_s < 1.0
    assert reader.counters.state is ReaderState.STOPPED
