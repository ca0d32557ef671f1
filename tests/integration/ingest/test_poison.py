"""What cannot be understood is held with its bytes, and stops nobody (FAULTS F11, F12)."""

import gzip
import hashlib
import random
from datetime import UTC, datetime

import orjson
import pytest

from cloud.ingest.arrival import Delivery
from cloud.ingest.refusals import identify
from contracts.batch import encode_record, hash_unread
from tests.integration.ingest.conftest import Books, extras
from tests.integration.ingest.forge import Forge, movement
from tests.unit.ingest.mutation import mutations

TOPIC = "dl/v1/leeds/gw-1/records"


def row(seq: int, /, **changes: object) -> bytes:
    return orjson.dumps(orjson.loads(encode_record(movement(seq))) | changes)


@pytest.mark.parametrize(
    "change",
    [
        {"quantity_seen": "NaN"},
        {"quantity_seen": "0"},
        {"quantity_seen": "-1"},
        {"quantity_seen": 1.5},
        {"quantity_seen": [1]},
        {"kind": "teleport"},
        {"occurred_at_claimed": "yesterday"},
        {"occurred_at_claimed": "0001-01-01T00:00:00+14:00"},
        {"seq": 99},
        {"actor": "a\0b"},
        {"note": "\0"},
        {"source": None},
    ],
    ids=str,
)
def test_a_bad_row_is_held_alone_and_its_batch_is_acknowledged(
    books: Books, change: dict[str, object]
) -> None:
    edge = Forge()
    written = books.take(edge.raw_batch([row(1), row(2, **change), row(3)]))
    assert written.answers[0].ack.contiguous_no == 1
    assert extras(written) == [(1, "partly_quarantined")]
    assert books.ask("SELECT gateway, batch_no, seq, state FROM quarantine") == [("gw-1", 1, 2, "held")]
    assert books.rows() == 2
    assert books.take(edge.batch()).answers[0].ack.contiguous_no == 2
    books.check_laws()


def test_impossible_times_never_leave_the_last_400_days(books: Books) -> None:
    edge = Forge()
    books.take(
        edge.raw_batch(
            [
                row(1, occurred_at_claimed="1970-01-01T00:00:00Z"),
                row(2, occurred_at_claimed="9999-01-01T00:00:00Z"),
            ]
        )
    )
    assert books.one("SELECT count(*) FROM movement WHERE occurred_at > now() - interval '1 day'") == 2


def test_a_batch_that_is_no_batch_is_held_whole_and_its_number_counts(books: Books) -> None:
    edge = Forge()
    first = edge.batch()
    header, _ = edge.sealed[0]
    body = b'{"schema":1,"this":"is not a batch"}'
    edge.prev_sha256 = hashlib.sha256(body).hexdigest()
    poison = edge.frame(header, body, edge.prev_sha256)
    assert first.payload != poison.payload
    written = books.take(poison)
    assert extras(written) == [(1, "partly_quarantined")]
    assert written.answers[0].ack.contiguous_no == 1
    assert books.take(edge.batch()).answers[0].ack.contiguous_no == 2
    assert books.ask("SELECT reason, payload FROM quarantine") == [("bad_batch", poison.payload)]


def test_a_newer_schema_is_held_once_unanswered_until_a_release_reads_it(books: Books) -> None:
    edge = Forge()
    delivery = edge.batch()
    newer = Delivery(TOPIC, delivery.payload.replace(b'"schema":1', b'"schema":7', 1), delivery.received_at)
    assert books.take(newer).held == {"schema_too_new": 1}
    assert books.take(newer).answers == ()
    assert books.take(delivery).answers[0].ack.contiguous_no == 1
    assert books.ask("SELECT state FROM quarantine") == [("replayed",)]


@pytest.mark.parametrize(
    ("reason", "payload"),
    [
        ("truncated", b""),
        ("truncated", b"\xff\xfe\x00garbage"),
        ("oversized", b"{" + b" " * 300_000),
        ("bad_header", b"[]\n"),
        ("bad_header", b'{"schema":1}\n{}'),
    ],
)
def test_a_publish_that_is_no_frame_is_held_unanswered(books: Books, reason: str, payload: bytes) -> None:
    written = books.take(Delivery(TOPIC, payload, datetime.now(UTC)))
    assert (written.answers, written.held) == ((), {reason: 1})
    assert books.one("SELECT payload FROM quarantine") == payload


def test_a_bomb_is_held_as_it_is(books: Books) -> None:
    edge = Forge()
    edge.batch()
    header, _ = edge.sealed[0]
    bomb = gzip.compress(b"0" * 256 * 1024 * 1024, 1)[:200_000]
    line = edge.frame(header, b"x" * 2000, "0" * 64).payload.partition(b"\n")[0]
    written = books.take(Delivery(TOPIC, line + b"\n" + bomb, datetime.now(UTC)))
    assert written.held == {"bomb": 1}


def test_a_topic_that_is_none_of_ours_is_held(books: Books) -> None:
    strange = Delivery("(a topic that is not UTF-8)", b"x", datetime.now(UTC))
    assert books.take(strange).held == {"bad_topic": 1}


def test_every_mutated_publish_is_in_the_ledger_or_in_quarantine(books: Books) -> None:
    edge = Forge()
    sent = edge.batch(rows=4)
    payloads = [*mutations(sent.payload, random.Random(11), 300), sent.payload]
    for payload in payloads:
        books.take(Delivery(TOPIC, payload, datetime.now(UTC)))
    hashes = {
        str(row[0])
        for row in books.ask(
            "SELECT sha256 FROM batch UNION SELECT sha256 FROM quarantine"
            " UNION SELECT encode(sha256(payload), 'hex') FROM quarantine"
        )
    }
    lost = [each for each in payloads if not hashes & {identify(each), hash_unread(each)}]
    assert lost == []
    books.check_laws()
