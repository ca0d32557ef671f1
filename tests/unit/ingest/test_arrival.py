"""A publish taken apart, believing nothing."""

import random
import time
from datetime import UTC, datetime, timedelta

from cloud.ingest.arrival import Arrival, Delivery, Unpostable, read
from contracts.base import NO_PREDECESSOR
from contracts.batch import BatchHeader, FrameHeader, encode_frame, encode_record, seal
from contracts.records import Identifier, Movement, Side
from tests.unit.ingest.mutation import mutations

RECEIVED_AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
TOPIC = "dl/v1/leeds/gw-1/records"


def publish(rows: int = 3) -> bytes:
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
    sealed = seal(header, [encode_record(record) for record in records])
    frame = FrameHeader.model_validate(ids | {"sha256": sealed.sha256, "boot_id": "boot", "sent_mono_ns": 10})
    return encode_frame(frame, sealed.body)


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


def test_twenty_thousand_mutated_publishes_neither_crash_nor_hang() -> None:
    source = random.Random(20_000)
    whole = {rows: publish(rows) for rows in (1, 3, 40)}
    slowest_s, reasons = 0.0, set()
    for rows, count in ((1, 10_000), (3, 9_000), (40, 1_000)):
        for payload in mutations(whole[rows], source, count):
            began_at = time.perf_counter()
            reading = read(Delivery(TOPIC, payload, RECEIVED_AT))
            slowest_s = max(slowest_s, time.perf_counter() - began_at)
            if isinstance(reading, Unpostable):
                assert reading.delivery.payload == payload
                reasons.add(reading.reason)
            else:
                kept = len(reading.batch.rows) + len(reading.batch.refused)
                assert kept == reading.batch.header.last_seq - reading.batch.header.first_seq + 1
    assert slowest_s < 1.0
    assert {"bad_batch", "bad_header", "hash_mismatch", "truncated", "schema_too_old"} <= reasons
