"""A real pseudo-terminal: scans arrive whole, answers go back, and an unplugged scanner is waited for."""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge_agent.readers.framing import Frame
from edge_agent.readers.line import LineState, Send
from edge_agent.readers.profile import load_profile, shipped_profiles
from edge_agent.readers.serial_port import SerialScanner
from simulators.scanner.answers import Answer, AnswerReader, Beep
from simulators.scanner.device import PtyScanner
from simulators.scanner.keyboard import typed

Wait = Callable[[Callable[[], Any]], Any]


class Display:
    """Reads the host's answers as they come."""

    def __init__(self, device: Any, eventually: Wait) -> None:
        self.device = device
        self.answers: list[Answer] = []
        self._reader = AnswerReader(device.style)
        self._eventually = eventually

    def wait_for(self, count: int) -> list[Answer]:
        def enough() -> bool:
            self.answers += self._reader.feed(self.device.hear())
            return len(self.answers) >= count

        self._eventually(enough)
        return self.answers

    def beeps(self, count: int) -> list[Beep]:
        return [answer.beep for answer in self.wait_for(count)]


@pytest.fixture
def working(gateway: Any, new_device: Any, eventually: Wait) -> tuple[Any, Display]:
    """A device whose user has logged in and begun a shipment."""
    device = new_device()
    device.plug_in()
    gateway.attach("scanner-1", str(device.link))
    display = Display(device, eventually)
    assert display.beeps(1) == [Beep.RESUME]
    device.scan("]C0$BADGE/demo-operator")
    device.scan("]C0$SHIP/I-1")
    display.wait_for(3)
    return device, display


def test_a_scan_is_in_the_outbox_before_the_success_beep(gateway: Any, working: Any) -> None:
    device, display = working
    device.scan("]C085123A")
    answer = display.wait_for(4)[-1]
    assert (answer.beep, answer.scans) == (Beep.SUCCESS, 3)
    assert (gateway.tally["scans"], gateway.tally["records_posted"]) == (3, 1)
    [movement] = gateway.movements()
    assert (movement.identifier.value, movement.device, movement.scan) == ("85123A", "scanner-1", "]C085123A")


def test_a_line_that_delivers_one_byte_at_a_time_loses_nothing(gateway: Any, working: Any) -> None:
    device, display = working
    device.scan_byte_by_byte("]C0$QTY/6")
    device.scan_byte_by_byte("]C085123A")
    assert display.beeps(5)[3:] == [Beep.STEP, Beep.SUCCESS]
    assert [movement.quantity_seen for movement in gateway.movements()] == [6]


def test_noise_between_scans_is_counted_and_makes_no_scan(gateway: Any, working: Any) -> None:
    device, display = working
    device.transmit(b"\xff\x00\x80garbage\r\n")
    device.scan("]C085123A")
    assert display.beeps(4)[3:] == [Beep.SUCCESS]
    counters = gateway.scanners[0].counters
    assert (counters.noise_frames, counters.noise_bytes) == (1, 12)
    assert len(gateway.movements()) == 1


def test_a_refused_scan_is_answered_and_recorded(gateway: Any, working: Any) -> None:
    device, display = working
    device.scan("]C0no such label")
    assert display.beeps(4)[3:] == [Beep.REFUSAL]
    assert ("refused", "unknown_code") in gateway.events()
    assert gateway.tally["scans_refused_unknown_code"] == 1


def test_undo_right_behind_a_scan_still_names_the_row_it_reverses(gateway: Any, working: Any) -> None:
    device, display = working
    scans = ("]C085123A", "]C0$UNDO", "]C071053")
    device.transmit(b"".join(device.style.encode(text) for text in scans))
    display.wait_for(6)
    records = gateway.records()
    original, reversal, other = (record for record in records if record.kind == "movement")
    assert reversal.reverses.seq == original.seq
    assert other.reverses is None


def test_half_a_scan_before_the_cable_goes_is_never_a_scan(
    gateway: Any, working: Any, eventually: Wait
) -> None:
    device, display = working
    scanner = gateway.scanners[0]
    device.scan("]C0$QTY/6")
    display.wait_for(4)
    whole_bytes = scanner.counters.bytes_read
    device.break_off("]C085123A")
    eventually(lambda: scanner.counters.bytes_read > whole_bytes)
    device.unplug()
    eventually(lambda: scanner.counters.noise_frames == 1)
    assert scanner.counters.lost == 1
    device.plug_in()
    resumed = Display(device, eventually)
    [hello] = resumed.wait_for(1)
    assert (hello.beep, hello.scans) == (Beep.RESUME, 3)
    assert "ship I-1, line 1" in hello.text
    device.scan("]C085123A")
    resumed.wait_for(2)
    assert [movement.quantity_seen for movement in gateway.movements()] == [6], "the keyed quantity waited"
    assert ("interrupted", "scanner_lost") in gateway.events()


def test_a_count_goes_on_where_it_was_when_the_scanner_comes_back(
    gateway: Any, working: Any, eventually: Wait
) -> None:
    device, display = working
    for text in ("$DONE", "$COUNT", "A-01", "85123A", "$QTY/4", "71053"):
        device.scan(f"]C0{text}")
    display.wait_for(9)
    device.unplug()
    eventually(lambda: gateway.scanners[0].counters.lost == 1)
    device.plug_in()
    resumed = Display(device, eventually)
    [hello] = resumed.wait_for(1)
    assert (hello.beep, hello.text.startswith("resume count")) == (Beep.RESUME, True)
    for text in ("85123A", "$ZERO", "22752", "$DONE"):
        device.scan(f"]C0{text}")
    assert resumed.beeps(5)[1:] == [Beep.STEP, Beep.STEP, Beep.STEP, Beep.SUCCESS]
    [count] = [record for record in gateway.records() if record.kind == "count"]
    assert {line.identifier.value: line.quantity for line in count.lines} == {"85123A": 2, "71053": 4}
    assert [each.value for each in count.zero_confirmed] == ["22752"]
    assert gateway.movements() == []
    assert ("interrupted", "scanner_lost") in gateway.events()


def test_unplugging_thirty_times_leaks_no_thread_and_no_descriptor(
    gateway: Any, working: Any, eventually: Wait, open_descriptors: Callable[[], int]
) -> None:
    device, _ = working
    threads, descriptors = threading.active_count(), open_descriptors()
    for number in range(30):
        device.unplug()
        device.plug_in()
        display = Display(device, eventually)
        display.wait_for(1)
        device.scan("]C085123A")
        assert display.beeps(2) == [Beep.RESUME, Beep.SUCCESS], f"after {number} times"
    assert threading.active_count() == threads
    assert open_descriptors() == descriptors
    assert len(gateway.movements()) == 30
    gateway.scanners[0].stop()
    assert gateway.scanners[0].counters.state is LineState.STOPPED
    assert threading.active_count() == threads - 1


class Listener:
    """Remembers what it was told; fails on demand."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.silences = 0
        self.connections = 0

    def connected(self, send: Send) -> None:
        self.connections += 1

    def scanned(self, frames: Sequence[Frame]) -> None:
        self.texts += [frame.text for frame in frames]
        if "]C0fail" in self.texts:
            raise ArithmeticError("a rule nobody foresaw")

    def handed_over(self) -> None:
        self.connections = 0

    def silent(self) -> None:
        self.silences += 1

    def disconnected(self) -> None:
        self.connections -= 1


@contextmanager
def listening(device: PtyScanner, profile: str) -> Iterator[tuple[SerialScanner, Listener]]:
    device.plug_in()
    listener = Listener()
    scanner = SerialScanner("scanner-1", str(device.link), load_profile(profile), listener)
    scanner.start()
    try:
        yield scanner, listener
    finally:
        scanner.stop()


def test_a_silent_scanner_is_left_alone(new_device: Any, eventually: Wait) -> None:
    device = new_device()
    with listening(device, "generic_terminal") as (scanner, listener):
        eventually(lambda: listener.silences >= 3)
        device.scan("]C085123A")
        eventually(lambda: listener.texts == ["]C085123A"])
    assert (scanner.counters.opened, scanner.counters.lost, listener.connections) == (1, 0, 0)


def test_one_pull_of_the_trigger_is_one_scan_even_if_it_is_sent_twice(
    new_device: Any, eventually: Wait
) -> None:
    device = new_device("zebra_ds36x8")
    with listening(device, "zebra_ds36x8") as (scanner, listener):
        eventually(lambda: listener.connections)
        for text in ("]C085123A", "]C085123A", "]C071053", "]C085123A"):
            device.scan(text)
        eventually(lambda: len(listener.texts) == 3)
    assert listener.texts == ["]C085123A", "]C071053", "]C085123A"]
    assert (scanner.counters.frames, scanner.counters.double_scans) == (3, 1)


@pytest.mark.parametrize("profile", shipped_profiles())
def test_each_profile_s_device_hears_its_own_success_signal(
    profile: str, gateway: Any, new_device: Any, eventually: Wait
) -> None:
    device = new_device(profile)
    device.plug_in()
    scanner = gateway.attach("scanner-1", str(device.link), profile)
    eventually(lambda: scanner.counters.opened)
    heard = b""

    def hears(signal: bytes) -> bool:
        nonlocal heard
        heard += device.hear()
        return signal in heard

    eventually(lambda: hears(device.style.step))
    for text in ("]C0$BADGE/demo-operator", "]C0$SHIP/I-1", "]C085123A"):
        device.scan(text)
    eventually(lambda: len(gateway.movements()) == 1)
    eventually(lambda: hears(device.style.success))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_listener_that_fails_ends_the_thread_and_says_so(new_device: Any, eventually: Wait) -> None:
    device = new_device()
    with listening(device, "generic_terminal") as (scanner, listener):
        eventually(lambda: listener.connections)
        device.scan("]C0fail")
        eventually(lambda: scanner.counters.state is LineState.FAILED)
        assert not device.is_heard()
        assert listener.connections == 0


def test_a_second_reader_does_not_share_the_scanner(new_device: Any, eventually: Wait) -> None:
    device = new_device()
    with listening(device, "generic_terminal") as (_, first):
        eventually(lambda: first.connections)
        other = Listener()
        second = SerialScanner("scanner-2", str(device.link), load_profile("generic_terminal"), other)
        second.start()
        device.scan("]C085123A")
        eventually(lambda: first.texts == ["]C085123A"])
        second.stop()
    assert (second.counters.opened, other.texts) == (0, [])


def test_a_network_scanner_is_read_through_a_socket_url(gateway: Any, eventually: Wait) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        host, port = server.getsockname()
        scanner = gateway.attach("scanner-net", f"socket://{host}:{port}")
        connection, _ = server.accept()
        with connection:
            assert b"resume" in connection.recv(100)
            for text in ("$BADGE/demo-operator", "$SHIP/I-1", "85123A"):
                connection.sendall(f"]C0{text}\r\n".encode())
            eventually(lambda: scanner.counters.frames == 3)
            eventually(lambda: len(gateway.movements()) == 1)
        eventually(lambda: scanner.counters.lost == 1)
        again, _ = server.accept()
        with again:
            assert b"resume ship I-1, line 2" in again.recv(100)
            again.sendall(b"]C071053\r\n")
            eventually(lambda: len(gateway.movements()) == 2)


def test_a_keyboard_of_its_own_is_read_and_waited_for(gateway: Any, tmp_path: Path, eventually: Wait) -> None:
    path = tmp_path / "usb-scanner-event-kbd"
    scanner = gateway.attach("scanner-kbd", f"evdev://{path}", "keyboard_wedge")
    for count, text in enumerate(("85123A", "71053"), start=1):
        os.mkfifo(path)
        keyboard = os.open(path, os.O_RDWR)
        eventually(lambda count=count: scanner.counters.opened == count)
        for each in ("$BADGE/demo-operator", "$SHIP/I-1", text):
            os.write(keyboard, typed(f"]C0{each}"))
        eventually(lambda count=count: len(gateway.movements()) == count)
        os.close(keyboard)
        path.unlink()
        eventually(lambda count=count: scanner.counters.lost == count)
    assert scanner.counters.noise_frames == 0


def test_a_file_that_is_no_keyboard_is_not_taken_for_one(
    gateway: Any, tmp_path: Path, eventually: Wait
) -> None:
    plain = tmp_path / "notes"
    plain.write_bytes(typed("]C085123A"))
    scanner = gateway.attach("scanner-kbd", f"evdev://{plain}", "keyboard_wedge")
    eventually(lambda: scanner.counters.tries >= 3)
    assert scanner.counters.opened == 0
