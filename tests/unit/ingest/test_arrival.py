"""A publish taken apart, believing nothing."""

import hashlib
import random
import time
from datetime import UTC, datetime, timedelta

import pytest

from cloud.ingest.arrival import Arrival, Delivery, Unpostable, read
from contracts.base import NO_PREDECESSOR
from contracts.batch import BatchHeader, FrameHeader, encode_frame, encode_record, seal
from contracts.records import Identifier, Movement, Side
from tests.unit.ingest.mutation import mutations

RECEIVED_AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
TOPIC = "dl/v1/leeds/gw-1/records"


def publish(rows: int = 3, *, in_row: str = "", in_header: str = "") -> bytes:
    records = [
        Movement(
            seq=seq,
            occurred_at_claimed=RECEIVED_AT - timedelta(minutes=1),
            mono_ns=seq,
            boot_id="boot",
            clock_ok=True,
            identifier=Identifier(scheme="sku", value="A"),
            quantity_seen=1,
            source=Side(location="@supplier"),
            destination=Side(location="A-1"),
        )
        for seq in range(1, rows + 1)
    ]
    ids = {"site": "leeds", "gateway": "gw-1", "epoch": "00000000000000a1", "batch_no": 1}
    header = BatchHeader.model_validate(
        ids
        | {
            "prev_sha256": NO_PREDECESSOR,
            "first_seq": 1,
            "last_seq": rows,
            "complete_until": RECEIVED_AT,
            "agent": "t",
        }
    )
    body = seal(header, [encode_record(record)[:-1] + in_row.encode() + b"}" for record in records]).body
    body = body[:-1] + in_header.encode() + b"}"
    sha256 = hashlib.sha256(body).hexdigest()
    frame = FrameHeader.model_validate(ids | {"sha256": sha256, "boot_id": "boot", "sent_mono_ns": 10})
    return encode_frame(frame, body)


def test_a_whole_publish_is_an_arrival_with_effective_times() -> None:
    arrival = read(Delivery(TOPIC, publish(), RECEIVED_AT))
    assert isinstance(arrival, Arrival)
    assert [row.occurred_at for row in arrival.batch.rows] == [RECEIVED_AT - timedelta(minutes=1)] * 3
    assert arrival.batch.refused == ()


def test_topic_and_payload_must_name_the_same_gateway() -> None:
    for topic in ("dl/v1/leeds/gw-2/records", "dl/v1/york/gw-1/records", "dl/v1/leeds/gw-1/status"):
        reading = read(Delivery(topic, publish(), RECEIVED_AT))
        assert isinstance(reading, Unpostable)
        assert (reading.reason, reading.claim, reading.is_acknowledged) == ("forged", None, False)


@pytest.mark.parametrize("depth", [250, 300, 1000, 5000])
def test_fields_that_nest_without_end_are_held_and_kill_nobody(depth: int) -> None:
    unknown = f',"unknown":{"[" * depth}{"]" * depth}'
    for payload in (publish(in_row=unknown), publish(in_header=unknown)):
        reading = read(Delivery(TOPIC, payload, RECEIVED_AT))
        if isinstance(reading, Unpostable):
            assert (reading.reason, reading.is_acknowledged) == ("bad_batch", True)
        else:
            assert len(reading.batch.rows) + len(reading.batch.refused) == 3


def test_twenty_thousand_mutated_publishes_neither_crash_nor_hang() -> None:
    source = random.Random(20_000)
    whole = {rows: publish(rows) for rows in (1, 3, 40)}
    slowest_s, reasons = 0.0, set()
    for rows, count in ((1, 10_000), (3, 9_000), (40, 1_000)):
        for payload in mutations(whole[rows], source, count):
            began_at = time.process_time()
            reading = read(Delivery(TOPIC, payload, RECEIVED_AT))
            slowest_s = max(slowest_s, time.process_time() - began_at)
            if isinstance(reading, Unpostable):
                assert reading.delivery.payload == payload
                reasons.add(reading.reason)
            else:
                kept = len(reading.batch.rows) + len(reading.batch.refused)
                assert kept == reading.batch.header.last_seq - reading.batch.header.first_seq + 1
    assert slowest_s < 1.0
    assert {"bad_batch", "bad_header", "hash_mismatch", "truncated", "schema_too_old"} <= reasons


@pytest.mark.parametrize(
    ("in_row", "reason"),
    [
        (r',"note":"a\u0000"', "invalid_record"),
        (r',"x":{"a\u0000":1}', "invalid_record"),
        (r',"scan":"a\u0000"', "invalid_record"),
        (r',"kind":"a\u0000"', "unknown_kind"),
    ],
)
def test_a_row_with_a_nul_is_refused_and_what_is_said_of_it_can_be_stored(in_row: str, reason: str) -> None:
    arrival = read(Delivery(TOPIC, publish(rows=1, in_row=in_row), RECEIVED_AT))
    assert isinstance(arrival, Arrival)
    (refused,) = arrival.batch.refused
    assert refused.reason == reason
    assert "\0" not in refused.message


def test_a_text_that_only_spells_a_nul_is_a_text() -> None:
    arrival = read(Delivery(TOPIC, publish(in_row=r',"scan":"C:\\u0000"'), RECEIVED_AT))
    assert isinstance(arrival, Arrival)
    assert [row.record.scan for row in arrival.batch.rows] == [r"C:\u0000"] * 3
    assert arrival.batch.refused == ()
