"""Whatever a client sends, at whatever time: the reader answers it, and goes on."""

import random
import struct
from typing import Final

import pytest

from simulators.llrp_reader.element import element
from simulators.llrp_reader.messages import decode_message, encode_message, message
from simulators.llrp_reader.models import GENERIC, IMPINJ, ZEBRA, ReaderModel
from simulators.llrp_reader.reader import VirtualReader
from simulators.llrp_reader.vocabulary import NotificationEventType
from tests.unit.simulators_llrp.specs import (
    IMMEDIATELY,
    IMPINJ_SELECTOR,
    MS,
    T0,
    accessspec,
    after_ms,
    antenna,
    every,
    inventory,
    inventory_for_ms,
    inventory_of_tags,
    keepalive,
    on_gpi,
    report_spec,
    rospec,
    subscription,
    tag,
)

SEEDS: Final = [
    message("GET_READER_CAPABILITIES", RequestedData=0),
    message("GET_READER_CONFIG", AntennaID=0, RequestedData=0, GPIPortNum=0, GPOPortNum=0),
    message(
        "SET_READER_CONFIG",
        subscription(*NotificationEventType),
        antenna(0, power=3),
        report_spec(n=3),
        keepalive(20),
        element("GPOWriteData", GPOPortNumber=2, GPOData=1),
        element("GPIPortCurrentState", GPIPortNum=3, Config=0, State=2),
        element("EventsAndReports", HoldEventsAndReportsUponReconnect=1),
        ResetToFactoryDefault=0,
    ),
    message("ADD_ROSPEC", rospec(inventory(antenna(1, power=2)), start=IMMEDIATELY, stop=after_ms(7))),
    message("ADD_ROSPEC", rospec(inventory_of_tags(3), number=2, start=every(9), report=report_spec(n=0))),
    message("ADD_ROSPEC", rospec(inventory_for_ms(5), number=3, priority=1, start=on_gpi(1))),
    message("ADD_ROSPEC", rospec(start=IMMEDIATELY, report=report_spec(IMPINJ_SELECTOR))),
    message("ADD_ACCESSSPEC", accessspec()),
    *(
        message(f"{verb}_{kind}", **{f"{kind[:2] if kind == 'ROSPEC' else 'Access'}SpecID": number})
        for kind in ("ROSPEC", "ACCESSSPEC")
        for verb in ("ENABLE", "DISABLE", "DELETE", *(("START", "STOP") if kind == "ROSPEC" else ()))
        for number in (0, 1, 2)
    ),
    *(message(name) for name in ("GET_ROSPECS", "GET_ACCESSSPECS", "GET_REPORT", "KEEPALIVE_ACK")),
    message("ENABLE_EVENTS_AND_REPORTS"),
    message("IMPINJ_ENABLE_EXTENSIONS"),
]


def damaged(data: bytes, randomness: random.Random) -> bytes:
    """Change, cut or lengthen the body; the length in the header stays true, as a framer wants it."""
    changed = bytearray(data)
    for _ in range(randomness.choice((0, 0, 1, 1, 2, 8))):
        if len(changed) > 10:
            changed[randomness.randrange(10, len(changed))] = randomness.choice(
                (0, 1, 255, randomness.randrange(256))
            )
    if randomness.random() < 0.1:
        del changed[randomness.randrange(10, len(changed) + 1) :]
    if randomness.random() < 0.1:
        changed += randomness.randbytes(randomness.randrange(1, 9))
    if randomness.random() < 0.05:
        struct.pack_into(">H", changed, 0, randomness.randrange(1 << 16))
    struct.pack_into(">I", changed, 2, len(changed))
    return bytes(changed)


@pytest.mark.parametrize("model", [GENERIC, IMPINJ, ZEBRA])
def test_a_reader_outlives_a_client_that_sends_anything(model: ReaderModel) -> None:
    randomness = random.Random(1)
    reader = VirtualReader(model, T0)
    requests = [encode_message(each) for each in SEEDS]
    now_us, answered, reported = T0, set(), 0
    for step in range(4000):
        now_us += randomness.randrange(10) * MS
        if not reader.voice.is_connected or reader.is_closing:
            reader.disconnect()
            assert [name for name, _ in reader.connect(now_us)] == ["READER_EVENT_NOTIFICATION"]
        told = reader.receive(damaged(randomness.choice(requests), randomness), now_us)
        told += reader.observe([tag(step % 5, antenna_id=1 + step % 4, at_us=now_us)], now_us)
        told += reader.change_gpi(1, now_us, is_high=randomness.random() < 0.5)
        told += reader.advance(now_us)
        for name, data in told:
            assert decode_message(data).name == name
            answered.add(name)
            reported += name == "RO_ACCESS_REPORT"
    assert {"ERROR_MESSAGE", "KEEPALIVE", "ADD_ROSPEC_RESPONSE", "SET_READER_CONFIG_RESPONSE"} <= answered
    assert reported > 100
