"""The queue between the network and the worker: a full one drops, whatever fills it."""

from datetime import UTC, datetime

from cloud.ingest.arrival import Delivery
from cloud.ingest.inbox import Inbox

AT = datetime(2026, 1, 5, tzinfo=UTC)


def filled(inbox: Inbox, *payloads: bytes) -> list[bytes]:
    for payload in payloads:
        inbox.put(Delivery("dl/v1/leeds/gw-1/records", payload, AT))
    return [delivery.payload for delivery in inbox.take(max_deliveries=100, timeout_s=0)]


def test_what_exceeds_its_bytes_is_dropped_and_a_smaller_one_still_fits() -> None:
    assert filled(Inbox(max_bytes=5), b"abc", b"def", b"gh") == [b"abc", b"gh"]


def test_deliveries_without_a_payload_are_bounded_too() -> None:
    inbox = Inbox(max_deliveries=3)
    assert filled(inbox, *[b""] * 10) == [b""] * 3
    assert filled(inbox, b"a") == [b"a"]
