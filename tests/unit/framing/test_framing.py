"""Framing: the same bytes give the same scans however they are cut, and noise never becomes a scan."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.readers.framing import ETX, GS, STX, Deframer, Delimiter, Frame, Framing

ENDS = {
    Delimiter.STX_ETX: (bytes([STX]), bytes([ETX])),
    Delimiter.CR: (b"", b"\r"),
    Delimiter.LF: (b"", b"\n"),
    Delimiter.CRLF: (b"", b"\r\n"),
}
MAX_LENGTH = 40

scans = st.lists(
    st.text([*map(chr, range(0x20, 0x7F)), chr(GS)], min_size=1, max_size=30).map(lambda text: "]C1" + text),
    max_size=8,
)
line_noise = st.binary(max_size=12).map(lambda data: bytes(0x80 | byte for byte in data))
delimiters = st.sampled_from(list(Delimiter))


def deframer(delimiter: Delimiter, *, aim_required: bool = True) -> Deframer:
    return Deframer(Framing(delimiter, MAX_LENGTH, aim_required))


def encoded(delimiter: Delimiter, text: str) -> bytes:
    start, end = ENDS[delimiter]
    return start + text.encode("ascii") + end


def fed(target: Deframer, data: bytes, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [frame.text for start, end in itertools.pairwise(edges) for frame in target.feed(data[start:end])]


@given(delimiters, scans, st.lists(st.integers(0, 10_000), max_size=20))
def test_any_chunking_gives_the_same_scans(delimiter: Delimiter, texts: list[str], cuts: list[int]) -> None:
    data = b"".join(encoded(delimiter, text) for text in texts)
    assert fed(deframer(delimiter), data, cuts) == texts


@pytest.mark.parametrize("delimiter", Delimiter)
def test_one_byte_at_a_time_gives_whole_scans(delimiter: Delimiter) -> None:
    target = deframer(delimiter)
    data = encoded(delimiter, "]C10107032069804988") + encoded(delimiter, "]C0A-01")
    frames = [frame for byte in data for frame in target.feed(bytes([byte]))]
    assert frames == [Frame(b"]C10107032069804988"), Frame(b"]C0A-01")]
    assert target.noise.bytes == 0


@given(delimiters, scans, st.data())
def test_noise_on_the_line_never_makes_a_scan_that_was_not_sent(
    delimiter: Delimiter, texts: list[str], data: st.DataObject
) -> None:
    target = deframer(delimiter)
    line = bytearray()
    for text in texts:
        whole = encoded(delimiter, text)
        at = data.draw(st.integers(0, len(whole)))
        line += whole[:at] + data.draw(line_noise) + whole[at:]
    seen = fed(target, bytes(line), data.draw(st.lists(st.integers(0, 10_000), max_size=10)))
    remaining = iter(texts)
    assert all(text in remaining for text in seen), "scans came out that were not sent, or out of order"


@given(
    delimiter=delimiters,
    data=st.binary(max_size=400),
    cuts=st.lists(st.integers(0, 400), max_size=10),
    aim_required=st.booleans(),
)
def test_every_byte_is_in_a_frame_in_the_noise_or_still_waiting(
    *, delimiter: Delimiter, data: bytes, cuts: list[int], aim_required: bool
) -> None:
    target = deframer(delimiter, aim_required=aim_required)
    texts = fed(target, data, cuts)
    assert target.framed_bytes + target.noise.bytes + target.buffered_bytes == len(data)
    assert all(0 < len(text) <= MAX_LENGTH for text in texts)
    target.reset()
    assert target.framed_bytes + target.noise.bytes == len(data)
    assert target.buffered_bytes == 0


@pytest.mark.parametrize("delimiter", Delimiter)
def test_half_a_scan_is_never_passed_on(delimiter: Delimiter) -> None:
    target = deframer(delimiter)
    whole = encoded(delimiter, "]C10107032069804988")
    assert target.feed(whole[:9]) == ()
    target.reset()
    assert target.noise.broken_off == 1
    assert target.feed(encoded(delimiter, "]C0A-01")) == (Frame(b"]C0A-01"),)


@pytest.mark.parametrize("delimiter", [Delimiter.CR, Delimiter.LF, Delimiter.CRLF])
def test_the_tail_of_a_line_joined_in_the_middle_is_noise(delimiter: Delimiter) -> None:
    target = deframer(delimiter)
    assert target.feed(encoded(delimiter, "]C10107032069804988")[6:]) == ()
    assert target.noise.headless == 1


def test_a_second_start_breaks_the_scan_before_it_off() -> None:
    target = deframer(Delimiter.STX_ETX)
    assert target.feed(b"\x02]C0A-0\x02]C0A-02\x03") == (Frame(b"]C0A-02"),)
    assert target.noise.broken_off == 1
    assert target.noise.bytes == 7


@pytest.mark.parametrize("delimiter", Delimiter)
@pytest.mark.parametrize("excess", [1, 2, 3, 500])
def test_an_overlong_scan_is_noise_and_the_next_one_is_not(delimiter: Delimiter, excess: int) -> None:
    target = deframer(delimiter)
    longest = "]" * MAX_LENGTH
    data = encoded(delimiter, longest + "x" * excess) + encoded(delimiter, longest)
    assert [frame.text for frame in target.feed(data)] == [longest]
    assert target.noise.overlong == 1


def test_control_characters_other_than_the_separator_make_a_scan_unprintable() -> None:
    target = deframer(Delimiter.CR)
    assert target.feed(b"]C110A\x1d21B\r") == (Frame(b"]C110A\x1d21B"),)
    assert target.feed(b"]C110A\x0021B\r]C110A\n21B\r") == ()
    assert target.noise.unprintable == 2


def test_blank_lines_are_counted_and_pass_nothing_on() -> None:
    target = deframer(Delimiter.CRLF)
    assert target.feed(b"\r\n\r\n") == ()
    assert target.noise.bytes_outside == 4


def test_without_aim_identifiers_a_line_need_not_open_with_one() -> None:
    assert deframer(Delimiter.CR, aim_required=False).feed(b"A-01\r") == (Frame(b"A-01"),)


def test_a_lossy_line_delivers_only_scans_that_were_sent() -> None:
    chance = random.Random(11)
    target = deframer(Delimiter.STX_ETX)
    sent, seen = [], []
    for number in range(2000):
        text = f"]C0ITEM-{number:05d}"
        data = encoded(Delimiter.STX_ETX, text)
        if chance.random() < 0.2:
            data = data[: chance.randrange(len(data))]
        sent.append(text)
        seen.extend(frame.text for byte in data for frame in target.feed(bytes([byte])))
    assert set(seen) <= set(sent)
    assert len(seen) > 1500
