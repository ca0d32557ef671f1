"""What a keyboard-wedge scanner types becomes the scan it read, or is refused: never one with a hole."""

import random
import string
import struct

import pytest

from edge_agent.readers.framing import Deframer
from edge_agent.readers.keys import EVENT, Keys
from edge_agent.readers.profile import load_profile
from simulators.scanner.keyboard import dropped, typed

GS = "\x1d"
ALL = "".join(char for char in string.printable if " " <= char <= "~")


@pytest.mark.parametrize(
    "text", [ALL, "]C10109506000134352", f"]d201095060001343521721063010ABC{GS}2112", "]E0x"]
)
def test_every_character_comes_as_it_was_read(text: str) -> None:
    assert Keys().feed(typed(text)) == text.encode() + b"\r"


def test_control_characters_may_be_typed_by_their_number_too() -> None:
    assert Keys().feed(typed(f"a{GS}b", by_number_pad=True)) == b"a\x1db\r"


def test_events_may_be_cut_anywhere() -> None:
    keys, source, text = Keys(), random.Random(3), f"]d2{ALL}{GS}21"
    events, heard, offset = typed(text), b"", 0
    while offset < len(events):
        size = source.randrange(1, 100)
        heard += keys.feed(events[offset : offset + size])
        offset += size
    assert heard == text.encode() + b"\r"


def test_a_key_held_down_is_typed_once() -> None:
    down, again, up = (EVENT.pack(0, 0, 1, 30, value) for value in (1, 2, 0))
    assert Keys().feed(down + again * 5 + up) == b"a"


@pytest.mark.parametrize(
    "hole",
    [dropped(), EVENT.pack(0, 0, 1, 113, 1), EVENT.pack(0, 0, 1, 500, 1)],
    ids=["lost", "mute", "strange"],
)
def test_a_scan_with_a_hole_is_refused_and_the_next_is_not(hole: bytes) -> None:
    keys, deframer = Keys(), Deframer(load_profile("keyboard_wedge").framing)
    whole = typed("]C0085123A")
    events = whole[: 9 * EVENT.size] + hole + whole[9 * EVENT.size :]
    assert deframer.feed(keys.feed(events)) == ()
    assert deframer.noise.unprintable == 1
    assert [frame.text for frame in deframer.feed(keys.feed(whole))] == ["]C0085123A"]


def test_a_line_typed_by_a_person_is_no_scan() -> None:
    deframer = Deframer(load_profile("keyboard_wedge").framing)
    assert deframer.feed(Keys().feed(typed("hello"))) == ()
    assert deframer.noise.headless == 1


def test_garbage_is_taken_without_a_word() -> None:
    source, keys = random.Random(5), Keys()
    for _ in range(2000):
        keys.feed(source.randbytes(source.randrange(200)))
    assert struct.calcsize("@llHHi") == EVENT.size
