"""Every parameter and message survives; whatever is broken is an LlrpError that says where."""

import random
import struct
from typing import Final

import pytest

from simulators.llrp_reader.element import Bits, Element, LlrpError, Value, element
from simulators.llrp_reader.layout import Layout, compile_layouts
from simulators.llrp_reader.messages import (
    Framer,
    Message,
    UnsupportedMessageError,
    decode_message,
    encode_message,
    frame,
    message,
)
from simulators.llrp_reader.models import IMPINJ, capabilities
from simulators.llrp_reader.parameter_table import PARAMETERS, VENDOR_PARAMETERS
from simulators.llrp_reader.parameters import decode_parameters, encode_parameter
from simulators.llrp_reader.status import SUCCESS
from simulators.llrp_reader.vocabulary import StatusCode
from tests.unit.simulators_llrp.specs import accessspec, rospec

LAYOUTS: Final = {
    layout.name: layout
    for table in (PARAMETERS, *VENDOR_PARAMETERS.values())
    for layout in compile_layouts(table)
}
KINDS: Final = {
    name: kind.partition(":")[2]
    for table in (PARAMETERS, *VENDOR_PARAMETERS.values())
    for line in table.replace("\n  ", " ").strip().splitlines()
    for kind in line.partition(";")[0].split()[2:]
    for name in [f"{line.split()[0]}.{kind.partition(':')[0]}"]
}
WIDTHS: Final = {"u8": 8, "u16": 16, "u32": 32, "u64": 64}


def some_value(kind: str, randomness: random.Random) -> Value:
    count = randomness.randrange(5)
    if kind.startswith("s"):
        top = 1 << int(kind[1:]) - 1
        return randomness.randrange(-top, top)
    values: dict[str, Value] = {
        "utf8": "".join(randomness.choices("aß°漢", k=count)),
        "u1v": Bits(8 * count, randomness.randbytes(count)),
        "u8v": randomness.randbytes(count),
        "rest": randomness.randbytes(count),
        "u16v": tuple(randomness.randrange(1 << 16) for _ in range(count)),
        "u32v": tuple(randomness.randrange(1 << 32) for _ in range(count)),
        "u96": randomness.randbytes(12),
    }
    if kind in values:
        return values[kind]
    return randomness.randrange(1 << (int(kind) if kind.isdecimal() else WIDTHS[kind]))


def some(layout: Layout, randomness: random.Random) -> Element:
    """Make any parameter of a layout, with what must be in it and some of what may."""
    fields = {
        name: some_value(KINDS[f"{layout.name}.{name}"], randomness)
        for piece in layout.pieces
        for name in piece.names
    }
    parameters = [
        some(LAYOUTS[randomness.choice(sorted(slot.names))], randomness)
        for slot in layout.slots
        for _ in range(max(slot.least, randomness.randrange(3) if slot.most > 1 else slot.least))
        if slot.names != {"Custom"}
    ]
    return Element(layout.name, fields, tuple(parameters))


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_parameter_survives_encoding_and_decoding(name: str) -> None:
    randomness = random.Random(name)
    given = tuple(some(LAYOUTS[name], randomness) for _ in range(20))
    assert decode_parameters(memoryview(b"".join(map(encode_parameter, given)))) == given


def test_an_unknown_vendors_parameter_is_kept_as_it_is() -> None:
    given = element("Custom", VendorIdentifier=4711, ParameterSubtype=12, Data=b"\x01\x02")
    data = encode_parameter(given)
    assert data == struct.pack(">HHII", 1023, 14, 4711, 12) + b"\x01\x02"
    assert decode_parameters(memoryview(data)) == (given,)


def test_a_vendors_message_survives_under_its_own_name() -> None:
    data = encode_message(message("IMPINJ_ENABLE_EXTENSIONS", message_id=5))
    assert data == struct.pack(">HIIIBI", 1 << 10 | 1023, 19, 5, 25882, 21, 0)
    assert decode_message(data) == message("IMPINJ_ENABLE_EXTENSIONS", message_id=5)


def test_a_message_of_an_unknown_vendor_is_kept_as_it_is() -> None:
    given = message("CUSTOM_MESSAGE", VendorIdentifier=1, MessageSubtype=2, Data=b"abc")
    assert decode_message(encode_message(given)) == given


BIG: Final = encode_message(message("GET_READER_CAPABILITIES_RESPONSE", SUCCESS, *capabilities(IMPINJ, 0)))
REQUESTS: Final = [
    encode_message(message("ADD_ROSPEC", rospec())),
    encode_message(message("ADD_ACCESSSPEC", accessspec())),
    BIG,
]


@pytest.mark.parametrize("whole", REQUESTS[:2])
def test_a_message_that_is_cut_anywhere_is_an_error_and_never_a_crash(whole: bytes) -> None:
    number = struct.unpack_from(">H", whole)[0] & 0x3FF
    for length in range(10, len(whole)):
        with pytest.raises(LlrpError):
            decode_message(frame(number, whole[10:length]))


@pytest.mark.parametrize("whole", REQUESTS)
def test_a_message_with_any_bytes_changed_is_decoded_or_an_error_and_never_a_crash(whole: bytes) -> None:
    randomness = random.Random(20)
    whole = whole[:400]
    outcomes = set()
    for _ in range(600):
        damaged = bytearray(whole)
        for _ in range(randomness.randrange(1, 4)):
            damaged[randomness.randrange(10, len(damaged))] = randomness.randrange(256)
        struct.pack_into(">I", damaged, 2, len(damaged))
        try:
            outcomes.add(type(decode_message(bytes(damaged))))
        except LlrpError as error:
            outcomes.add(type(error))
    assert LlrpError in outcomes


@pytest.mark.parametrize(
    ("data", "expected", "path"),
    [
        (b"\x00\xb1\x00\x03", StatusCode.M_ParameterError, (177,)),
        (b"\x00\xb1\x00", StatusCode.M_ParameterError, ()),
        (b"\x00\xb1\x00\x10\x00", StatusCode.M_ParameterError, (177,)),
        (b"\x03\x00\x00\x04", StatusCode.M_UnknownParameter, (768,)),
        (b"\xff", StatusCode.M_UnknownParameter, (127,)),
        (b"\x8d\x30", StatusCode.M_FieldError, (13,)),
        (b"\x00\xb2\x00\x04", StatusCode.M_MissingParameter, (178, 179)),
        (b"\x00\xb2\x00\x07\x81\x00\x01", StatusCode.M_UnexpectedParameter, (178, 1)),
    ],
)
def test_a_broken_parameter_is_named_with_its_place(
    data: bytes, expected: StatusCode, path: tuple[int, ...]
) -> None:
    with pytest.raises(LlrpError) as caught:
        decode_parameters(memoryview(data))
    assert (caught.value.status, caught.value.path) == (expected, path)


def test_parameters_that_lie_too_deep_are_refused() -> None:
    data = b""
    for _ in range(2000):
        data = struct.pack(">HHHH", 289, 8 + len(data), 1, 100) + data
    with pytest.raises(LlrpError, match="17 deep: expected 16"):
        decode_message(frame(100, struct.pack(">HHHH", 287, 8 + len(data), 100, 0) + data))


def test_a_parameter_that_may_come_once_is_refused_twice() -> None:
    status = encode_parameter(SUCCESS)
    with pytest.raises(LlrpError, match="LLRPStatus 2 times: expected 1") as caught:
        decode_message(frame(30, status + status))
    assert caught.value.status is StatusCode.M_DuplicateParameter


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (struct.pack(">HII", 1 << 10 | 999, 10, 1), StatusCode.M_UnsupportedMessage),
        (struct.pack(">HII", 2 << 10 | 20, 10, 1), StatusCode.M_UnsupportedVersion),
    ],
)
def test_an_unknown_type_and_an_unknown_version_are_told_apart(data: bytes, expected: StatusCode) -> None:
    with pytest.raises(UnsupportedMessageError) as caught:
        decode_message(data)
    assert caught.value.status is expected


@pytest.mark.parametrize("data", [b"\x04", struct.pack(">HII", 1 << 10 | 62, 11, 1)])
def test_a_message_whose_length_lies_is_refused(data: bytes) -> None:
    with pytest.raises(LlrpError):
        decode_message(data)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (element("PeakRSSI", PeakRSSI=-129), "PeakRSSI"),
        (element("AntennaID", AntennaID=1 << 16), "AntennaID"),
        (element("AntennaID"), "expected .'AntennaID'."),
        (element("AntennaID", AntennaID=1, Colour=2), "Colour"),
        (element("C1G2_TID", TID=1), "no parameter is named C1G2_TID"),
        (element("EPCData", EPC=Bits(9, b"\x01")), "9 bits are not 1 bytes"),
        (element("C1G2SingulationControl", Session=4, TagPopulation=1, TagTransitTime=0), "2 bits"),
        (element("AISpec", AntennaIDs=(1,)), "AISpec has no AISpecStopTrigger"),
        (element("Identification", IDType=0, ReaderID="text"), "no u8v"),
        (element("Custom", VendorIdentifier=1, ParameterSubtype=1, Data=bytes(70_000)), "at most 65531"),
    ],
)
def test_what_does_not_fit_is_never_encoded(given: Element, match: str) -> None:
    with pytest.raises(LlrpError, match=match):
        encode_parameter(given)


def test_a_message_that_is_not_in_the_standard_is_never_encoded() -> None:
    with pytest.raises(LlrpError, match="no message is named HELLO"):
        encode_message(message("HELLO"))


def test_fields_are_asked_for_by_what_they_hold() -> None:
    given = element("Identification", IDType=0, ReaderID=b"\x01\x02")
    assert (given.number("IDType"), given.numbers("ReaderID")) == (0, (1, 2))
    with pytest.raises(TypeError, match="ReaderID"):
        given.number("ReaderID")
    with pytest.raises(TypeError, match="IDType"):
        given.numbers("IDType")


def test_a_stream_that_comes_byte_by_byte_is_cut_into_the_same_messages() -> None:
    framer = Framer()
    stream = b"".join(REQUESTS)
    assert [whole for byte in stream for whole in framer.feed(bytes((byte,)))] == REQUESTS


def test_a_stream_that_comes_at_once_is_cut_into_its_messages_and_keeps_the_beginning_of_the_next() -> None:
    framer = Framer()
    assert framer.feed(b"".join(REQUESTS) + REQUESTS[0][:15]) == REQUESTS
    assert framer.feed(REQUESTS[0][15:]) == [REQUESTS[0]]


@pytest.mark.parametrize("length", [0, 9, (1 << 20) + 1])
def test_a_stream_with_an_impossible_length_is_lost(length: int) -> None:
    with pytest.raises(LlrpError, match=f"message length {length}"):
        Framer().feed(struct.pack(">HII", 1 << 10 | 62, length, 1))


def test_a_message_remembers_its_id() -> None:
    assert decode_message(encode_message(message("KEEPALIVE_ACK", message_id=0xFFFFFFFF))) == Message(
        Element("KEEPALIVE_ACK", {}), 0xFFFFFFFF
    )
