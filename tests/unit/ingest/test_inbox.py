"""The queue between the network and the worker: a full one drops, whatever fills it."""

from datetime import UTC, datetime

from cloud.ingest.arrival import Delivery
from cloud.ingest.inbox import Inbox

AT = datetime(2026, 1, 5, tzinfo=UTC)


def sized(payload: bytes) -> Delivery:
    return Delivery("dl/v1/leeds/gw-1/records", payload, AT)


def filled(inbox: Inbox, *payloads: bytes) -> list[bytes]:
    for payload in payloads:
        inbox.put(sized(payload))
    return [delivery.payload for delivery in inbox.take(max_deliveries=100, timeout_s=0)]


def test_what_exceeds_its_bytes_is_dropped_and_a_smaller_one_still_fits() -> None:
    assert filled(Inbox(max_bytes=5), b"abc", b"def", b"gh") == [b"abc", b"gh"]


def test_deliveries_without_a_payload_are_bounded_too() -> None:
    inbox = Inbox(max_deliveries=3)
    assert filled(inbox, *[b""] * 10) == [b""] * 3
    assert filled(inbox, b"a") == [b"a"]


def test_the_quick_go_first_and_the_others_are_not_forgotten() -> None:
    inbox = Inbox(is_quick=lambda delivery: len(delivery.payload) < 3)
    for payload in (b"large", b"a", b"larger", b"b", b"c"):
        inbox.put(sized(payload))

    def take() -> list[bytes]:
        return [each.payload for each in inbox.take(max_deliveries=3, max_bytes=2, timeout_s=0)]

    assert [take(), take(), take()] == [[b"a", b"b", b"large"], [b"c", b"larger"], []]
    assert inbox.fullness == 0


def test_one_line_keeps_its_order_and_takes_what_fits_the_budget() -> None:
    inbox = Inbox()
    for payload in (b"1234", b"5", b"678"):
        inbox.put(sized(payload))
    assert inbox.fullness > 0
    groups = [inbox.take(max_deliveries=9, max_bytes=5, timeout_s=0) for _ in range(2)]
    assert [[each.payload for each in group] for group in groups] == [[b"1234", b"5"], [b"678"]]


def test_the_quick_find_room_where_others_find_none() -> None:
    inbox = Inbox(max_bytes=8, is_quick=lambda delivery: len(delivery.payload) < 3)
    for payload in (b"1234567", b"890", b"1", b"2"):
        inbox.put(sized(payload))
    assert [each.payload for each in inbox.take(max_deliveries=9, timeout_s=0)] == [b"1", b"1234567"]
