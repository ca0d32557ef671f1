"""What a faulty link does to bytes is decided by seeded dice alone."""

import random
import signal
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.faults.broken_tcp import Breakage, BrokenTcp
from simulators.faults.damage import DiskFiller, flip_bits
from simulators.faults.killer import Blow, Cruelty, schedule
from simulators.faults.lossy_mqtt import LossyMqtt, Odds
from simulators.faults.mqtt_packets import MqttFramingError, PacketSplitter, PacketType
from simulators.faults.proxy import Ending

PINGREQ = b"\xc0\x00"
PUBACK = b"\x40\x02\x00\x01"


def publish(body: bytes) -> bytes:
    remaining = 5 + len(body)
    length = bytes([remaining]) if remaining < 128 else bytes([remaining & 0x7F | 0x80, remaining >> 7])
    return b"\x32" + length + b"\x00\x01t\x00\x01" + body


def passed(odds: Odds, packets: int, seed: int = 5) -> list[float]:
    judge = LossyMqtt(lambda: odds, random.Random(seed))
    return [delivery.after_s for delivery in judge.feed(PUBACK * packets)]


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 50), min_size=1))
def test_packets_are_cut_out_of_a_stream_however_it_arrives(bodies: list[bytes], sizes: list[int]) -> None:
    expected = [publish(body) for body in bodies]
    stream, splitter, found, turn = b"".join(expected), PacketSplitter(), [], 0
    while stream:
        size = sizes[turn % len(sizes)]
        found += splitter.feed(stream[:size])
        stream, turn = stream[size:], turn + 1
    assert [packet.raw for packet in found] == expected
    assert {packet.type for packet in found} <= {PacketType.PUBLISH}


@pytest.mark.parametrize("nonsense", [b"\x00\x00", b"\x30\xff\xff\xff\xff"])
def test_bytes_that_are_no_packet_are_refused(nonsense: bytes) -> None:
    with pytest.raises(MqttFramingError):
        PacketSplitter().feed(nonsense)


def test_one_in_ten_is_dropped() -> None:
    assert 880 < len(passed(Odds(drop=0.1), 1000)) < 920


def test_certain_duplication_doubles_everything() -> None:
    assert len(passed(Odds(duplicate=1.0), 50)) == 100


def test_delayed_packets_let_later_ones_pass() -> None:
    late = passed(Odds(delay=0.5, delay_s=0.2), 1000)
    assert 400 < sum(after_s > 0 for after_s in late) < 600
    assert max(late) <= 0.2


def test_keepalives_are_never_at_risk() -> None:
    judge = LossyMqtt(lambda: Odds(drop=1.0), random.Random(1))
    assert [delivery.data for delivery in judge.feed(PINGREQ + PUBACK + PINGREQ)] == [PINGREQ, PINGREQ]


def test_the_same_seed_judges_the_same() -> None:
    odds = Odds(drop=0.2, duplicate=0.2, delay=0.3)
    assert passed(odds, 200, seed=9) == passed(odds, 200, seed=9) != passed(odds, 200, seed=10)


@given(st.integers(0, 999), st.integers(1, 5))
def test_a_breaking_link_passes_a_prefix_and_then_ends(seed: int, feeds: int) -> None:
    judge = BrokenTcp(Breakage(Ending.RESET, after_bytes=40, crumb_bytes=7), random.Random(seed))
    sent = b"".join(bytes([n]) * 10 for n in range(feeds))
    deliveries = [d for n in range(feeds) for d in judge.feed(bytes([n]) * 10)]
    through = b"".join(delivery.data for delivery in deliveries)
    assert sent.startswith(through)
    assert len(through) == len(sent) or deliveries[-1].ending is Ending.RESET
    assert max((len(delivery.data) for delivery in deliveries), default=0) <= 7


def test_a_schedule_of_kills_is_fair_and_repeatable() -> None:
    cruelty = Cruelty(pause_s=0.5, down_s=0.2, freeze_share=0.1)
    victims = ["edge", "ingest", "broker", "database"]
    kills = list(schedule(victims, kills=400, cruelty=cruelty, seed=4))
    assert Counter(kill.victim for kill in kills) == dict.fromkeys(victims, 100)
    assert 20 < sum(kill.blow is Blow.FREEZE for kill in kills) < 60
    assert {blow.value for blow in Blow} == {signal.SIGKILL, signal.SIGSTOP}
    assert kills == list(schedule(victims, kills=400, cruelty=cruelty, seed=4))


def test_flipped_bits_are_where_they_are_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "victim"
    path.write_bytes(bytes(1000))
    hit = flip_bits(path, flips=1, seed=2, from_byte=100)
    changed = [n for n, byte in enumerate(path.read_bytes()) if byte]
    assert changed == hit
    assert hit[0] >= 100


def test_nothing_is_flipped_in_a_file_without_such_a_byte(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(ValueError, match="has 0 bytes"):
        flip_bits(tmp_path / "empty", flips=1, seed=1)


def test_a_large_disk_is_never_filled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bytes left, expected <= 10"):
        DiskFiller(tmp_path, at_most_bytes=10).fill()
    assert not (tmp_path / "filler").exists()
