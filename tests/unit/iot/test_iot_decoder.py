"""JSON of Impinj's and Zebra's readers becomes the same reads as LLRP's; what is none is told."""

import json
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from edge_agent.readers.iot import impinj as impinj_events
from edge_agent.readers.iot.decoder import IotDecoder
from edge_agent.readers.iot.profile import IotProfile, load_iot_profile, shipped_iot_profiles
from edge_agent.readers.iot.said import Said
from edge_agent.readers.quality import Rung
from edge_agent.readers.raw_read import GpiChange, RawRead

NOW_US = 1_772_432_100_250_000
NOW = "2026-03-02T06:15:00.250000000Z"
EPC = "3074257BF7194E4000001A85"


def decoder(name: str = "impinj_r700_iot", **changes: Any) -> tuple[IotDecoder, Counter[str]]:
    odd = Counter[str]()
    return IotDecoder("r1", load_iot_profile(name).model_copy(update=changes), odd), odd


def impinj(**tag: Any) -> dict[str, Any]:
    fields = {"epcHex": EPC, "antennaPort": 2, "peakRssiCdbm": -5450, "lastSeenTime": NOW} | tag
    kept = {name: value for name, value in fields.items() if value is not None}
    return {"timestamp": NOW, "hostname": "r", "eventType": "tagInventory", "tagInventoryEvent": kept}


def zebra(**tag: Any) -> dict[str, Any]:
    fields = {"eventNum": 1, "format": "epc", "idHex": EPC.lower(), "antenna": 2, "peakRssi": -54} | tag
    return {"type": "SIMPLE", "timestamp": "2026-03-02T06:15:00.250+0000", "data": fields}


@pytest.mark.parametrize("name", shipped_iot_profiles())
def test_every_shipped_profile_is_valid(name: str) -> None:
    profile: IotProfile = load_iot_profile(name)
    assert (profile.name, profile.rung) == (name, Rung.BRONZE)
    assert profile.sheet


def test_an_impinj_says_in_centi_dbm_what_llrp_says_in_dbm() -> None:
    made, odd = decoder()
    seen, bad = made.take(json.dumps(impinj(phaseAngle=12.5)).encode(), NOW_US + 40_000)
    assert seen == [RawRead(NOW_US, "r1", 2, EPC, -54.5)]
    assert (bad, odd) == ([], Counter())


def test_a_zebra_says_in_dbm_with_its_count_and_another_spelling_of_time() -> None:
    made, _ = decoder("zebra_fx9600_iot")
    seen, bad = made.take(json.dumps([zebra(reads=3), zebra(antenna=4)]).encode(), NOW_US)
    assert seen == [
        RawRead(NOW_US, "r1", 2, EPC, -54.0, None, None, 3),
        RawRead(NOW_US, "r1", 4, EPC, -54.0),
    ]
    assert bad == []


@pytest.mark.parametrize(
    ("unit", "said", "deg"), [("degrees", -10.0, 350.0), ("radians", 3.141592653589793, 180.0)]
)
def test_a_phase_counts_only_where_the_profile_knows_its_unit(unit: str, said: float, deg: float) -> None:
    made, _ = decoder(phase_unit=unit)
    [read], _ = made.take(json.dumps(impinj(phaseAngle=said)).encode(), NOW_US)
    assert isinstance(read, RawRead)
    assert read.phase_deg == pytest.approx(deg)


@pytest.mark.parametrize(
    ("said", "epc"),
    [
        ({"epcHex": "AB" * 26}, "AB" * 26),
        ({"epcHex": "abcd"}, "ABCD"),
        ({"epcHex": None, "epc": "4gCAaEJBWBEIMhkZ"}, "E20080684241581108321919"),
        ({"epcHex": None, "epc": "_-8="}, "FFEF"),
    ],
)
def test_epcs_keep_their_length_and_base64_is_one_way_to_spell_them(said: dict[str, Any], epc: str) -> None:
    made, _ = decoder()
    [read], _ = made.take(json.dumps(impinj(**said)).encode(), NOW_US)
    assert isinstance(read, RawRead)
    assert read.epc == epc


def test_an_epc_spelt_in_ascii_is_one_of_96_bits_for_a_zebra() -> None:
    made, _ = decoder("zebra_fxr90_iot")
    [read], _ = made.take(json.dumps(zebra(idHex=EPC.encode().hex())).encode(), NOW_US)
    assert isinstance(read, RawRead)
    assert read.epc == EPC


def test_inputs_and_heartbeats_are_told() -> None:
    made, odd = decoder()
    change = {
        "timestamp": NOW,
        "eventType": "gpiTransition",
        "gpiTransitionEvent": {"gpi": 1, "transition": "low-to-high"},
    }
    status = {"timestamp": NOW, "eventType": "inventoryStatus", "inventoryStatusEvent": {}}
    assert made.take(json.dumps([change, status]).encode(), NOW_US)[0] == [
        GpiChange(NOW_US, "r1", 1, is_high=True)
    ]
    assert odd == {"reader_events_other": 1}
    other, odd = decoder("zebra_fx9600_iot")
    low = {"type": "gpi", "timestamp": NOW, "data": {"pin": 2, "state": "LOW"}}
    beat = {"type": "heartbeat", "timestamp": NOW, "data": {"system": {}}}
    assert other.take(json.dumps([low, beat]).encode(), NOW_US)[0] == [
        GpiChange(NOW_US, "r1", 2, is_high=False)
    ]
    assert odd == {"reader_events_other": 1}


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (json.dumps(impinj(epcHex=None, epc="é8==")).encode(), "epc = 'é8=='"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b'{"eventType":' + b"[" * 600 + b"]" * 600 + b"}", "eventType = [[["),
        (b"7", "event = 7: expected an object"),
        (json.dumps({"eventType": 3}).encode(), "eventType = 3"),
        (json.dumps({"eventType": "tagInventory"}).encode(), "tagInventoryEvent = None: expected an object"),
        (json.dumps(impinj(epcHex="30742")).encode(), "epcHex = '30742': expected 1 to 62 bytes"),
        (json.dumps(impinj(epcHex=None)).encode(), "epc = None: expected base64, or epcHex"),
        (json.dumps(impinj(epcHex=None, epc="%%")).encode(), "epc = '%%'"),
        (json.dumps(impinj(antennaPort=0)).encode(), "antennaPort = 0: expected a whole number from 1"),
        (json.dumps(impinj(antennaPort=True)).encode(), "antennaPort = True"),
        (json.dumps(impinj(peakRssiCdbm="-54")).encode(), "peakRssiCdbm = '-54'"),
        (json.dumps(impinj(peakRssiCdbm=1e300)).encode(), "peakRssiCdbm = 1e+300"),
        (json.dumps(impinj(lastSeenTime="yesterday")).encode(), "lastSeenTime = 'yesterday'"),
        (json.dumps(impinj(lastSeenTime="2026-03-02T06:15:00")).encode(), "expected RFC 3339"),
    ],
)
def test_what_is_no_event_is_told_with_what_was_expected(payload: bytes, why: str) -> None:
    made, _ = decoder()
    seen, bad = made.take(payload, NOW_US)
    assert seen == []
    assert [why in each.why for each in bad] == [True]


@pytest.mark.parametrize("level", [[1], {}, {"a": [2]}, None, 1, True, "", "HIGH\ud7ff"])
def test_a_level_that_is_none_is_told(level: object) -> None:
    change = {"eventType": "gpiTransition", "gpiTransitionEvent": {"gpi": 1, "transition": level}}
    posted = {"type": "gpi", "data": {"pin": 1, "state": level}}
    for name, event, word in (
        ("impinj_r700_iot", change, "transition"),
        ("zebra_fx9600_iot", posted, "state"),
    ):
        made, _ = decoder(name)
        seen, bad = made.take(json.dumps([event]).encode(), NOW_US)
        assert seen == []
        assert [each.why.startswith(f"{word} = ") for each in bad] == [True]


def test_an_event_that_trips_the_decoder_itself_is_kept_and_costs_no_neighbour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def trip(event: Mapping[str, object]) -> Said:
        if event.get("poison"):
            raise RecursionError("nobody expected that")
        return impinj_events.read_event(event)

    made, _ = decoder()
    monkeypatch.setattr(made, "_read_event", trip)
    seen, bad = made.take(json.dumps([{"poison": True}, impinj()]).encode(), NOW_US)
    assert len(seen) == 1
    assert [each.why for each in bad] == ["RecursionError: nobody expected that"]


def test_a_bad_event_costs_none_of_its_neighbours() -> None:
    made, _ = decoder()
    seen, bad = made.take(
        json.dumps([impinj(), impinj(antennaPort=None), impinj(antennaPort=3)]).encode(), NOW_US
    )
    assert [read.antenna for read in seen if isinstance(read, RawRead)] == [2, 3]
    assert len(bad) == 1


def test_what_is_delivered_twice_counts_once() -> None:
    made, odd = decoder()
    payload = json.dumps([impinj(), impinj(antennaPort=1)]).encode()
    assert len(made.take(payload, NOW_US)[0]) == 2
    assert made.take(payload, NOW_US + 90_000) == ([], [])
    assert odd["reader_reads_again"] == 2


def at(us: int) -> str:
    return f"2026-03-02T06:{15 + us // 60_000_000:02}:{us // 1_000_000 % 60:02}.{us % 1_000_000:06}Z"


def test_what_a_reader_kept_meanwhile_keeps_its_time() -> None:
    """A backlog is no wrong clock: it comes later and later, until it has caught up."""
    made, odd = decoder()
    start_us = NOW_US - 250_000
    arrived_us = start_us + 300_000_000
    for step in range(60):  # five minutes of reads, handed over within six seconds
        stamp_us = step * 5_000_000
        payload = json.dumps(impinj(lastSeenTime=at(stamp_us))).encode()
        [read], _ = made.take(payload, arrived_us + step * 100_000)
        assert read.seen_us == start_us + stamp_us
    assert made.clock_resets == 0
    assert odd["reader_reads_late"] >= 58


@pytest.mark.parametrize("ahead_us", [90_000_000, -90_000_000], ids=["ahead", "behind"])
def test_a_clock_that_is_wrong_is_found_and_taken_out(ahead_us: int) -> None:
    made, _ = decoder()
    start_us = NOW_US - 250_000
    base_us = 120_000_000
    last_us = 0
    for step in range(60):
        true_us = base_us + step * 100_000
        payload = json.dumps(impinj(lastSeenTime=at(true_us + ahead_us))).encode()
        [read], _ = made.take(payload, start_us + true_us + 20_000)
        last_us = read.seen_us - start_us - true_us
        assert read.seen_us <= start_us + true_us + 20_000
    assert abs(last_us) <= 20_000
    assert made.clock_resets == 1


@pytest.mark.parametrize("stamp", ["1970-01-01T00:00:03Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_a_stamp_that_cannot_be_is_replaced_by_the_arrival(stamp: str) -> None:
    made, _ = decoder()
    for _ in range(3):
        seen, _ = made.take(
            json.dumps([impinj(), impinj(antennaPort=1, lastSeenTime=stamp)]).encode(), NOW_US
        )
        assert all(abs(read.seen_us - NOW_US) <= 1_000_000 for read in seen)


def test_garbled_payloads_are_told_or_read_and_never_raise() -> None:
    source = random.Random(7)
    whole = json.dumps([impinj(), zebra(), {"eventType": "gpiTransition"}]).encode()
    made, _ = decoder()
    other, _ = decoder("zebra_fx9600_iot")
    told = 0
    for _ in range(2000):
        garbled = bytearray(whole)
        for _ in range(source.choice((1, 1, 2, 8))):
            garbled[source.randrange(len(garbled))] = source.randrange(256)
        for each in (made, other):
            seen, bad = each.take(bytes(garbled), NOW_US)
            assert all(abs(read.seen_us - NOW_US) <= 7 * 86_400_000_000 for read in seen)
            told += bool(bad)
    assert told > 1000
