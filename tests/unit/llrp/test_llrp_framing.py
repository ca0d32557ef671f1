"""Whole messages come out of bytes, however they are cut, and damage never takes its neighbours."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.readers.llrp.framing import MAX_MESSAGE_BYTES, Framer, FramingLostError, message_type


def framed(kind: int, body: bytes = b"", message_id: int = 7) -> bytes:
    return struct.pack(">HII", 1 << 10 | kind, 10 + len(body), message_id) + body


MESSAGES = st.lists(st.builds(framed, st.integers(0, 1023), st.binary(max_size=60)), max_size=8)


@given(MESSAGES, st.lists(st.integers(1, 40), max_size=40))
def test_every_cut_gives_the_same_messages(messages: list[bytes], sizes: list[int]) -> None:
    stream, framer, got = b"".join(messages), Framer(), []
    for size in sizes:
        got += framer.feed(stream[:size])
        stream = stream[size:]
    got += framer.feed(stream)
    assert got == messages
    assert not framer.buffered


def test_a_message_of_an_unknown_type_is_one_message_like_any_other() -> None:
    stream = framed(62) + framed(900, b"?" * 33) + framed(61, b"tags")
    assert [message_type(each) for each in Framer().feed(stream)] == [62, 900, 61]


@pytest.mark.parametrize(
    "head",
    [
        struct.pack(">HII", 1 << 10 | 62, 9, 0),
        struct.pack(">HII", 1 << 10 | 62, MAX_MESSAGE_BYTES + 1, 0),
        struct.pack(">HII", 62, 10, 0),
        struct.pack(">HII", 1 << 15 | 1 << 10 | 62, 10, 0),
        b"HTTP/1.1 200 OK\r\n",
    ],
    ids=["shorter than its header", "endless", "version 0", "reserved bits", "another protocol"],
)
def test_an_impossible_header_is_named_after_the_messages_before_it_were_given(head: bytes) -> None:
    given_before = []
    with pytest.raises(FramingLostError, match=head[:10].hex(" ")):
        given_before.extend(Framer().feed(framed(62) + framed(61) + head))
    assert [message_type(each) for each in given_before] == [62, 61]
