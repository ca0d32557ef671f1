"""Frames come from outside: whatever arrives is the sealed bytes that were sent, or a FrameError."""

import gzip
import hashlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.base import NO_PREDECESSOR
from contracts.batch import (
    BATCH,
    COMPRESS_FROM_BYTES,
    MAX_FRAME_BYTES,
    MAX_ROWS,
    MAX_SEALED_BYTES,
    BatchHeader,
    FrameError,
    FrameHeader,
    decode_frame,
    decode_header,
    encode_frame,
    encode_record,
    seal,
)
from contracts.records import Record
from tests.contract.strategies import EPOCH, GATEWAY, SEALED_AT, SITE, batches


def frame_header(body: bytes, **changes: object) -> FrameHeader:
    header = FrameHeader(
        site=SITE,
        gateway=GATEWAY,
        epoch=EPOCH,
        batch_no=1,
        sha256=hashlib.sha256(body).hexdigest(),
        boot_id="boot-1",
        sent_mono_ns=1,
    )
    return header.model_copy(update=changes)


def batch_header(rows: int = 1) -> BatchHeader:
    return BatchHeader(
        site=SITE,
        gateway=GATEWAY,
        epoch=EPOCH,
        batch_no=1,
        prev_sha256=NO_PREDECESSOR,
        first_seq=1,
        last_seq=rows,
        complete_until=SEALED_AT,
        agent="0.1.0",
    )


def with_first_line(payload: bytes, **changes: object) -> bytes:
    line, _, content = payload.partition(b"\n")
    return orjson.dumps(orjson.loads(line) | changes) + b"\n" + content


def refusal(payload: bytes) -> str:
    with pytest.raises(FrameError) as caught:
        decode_frame(payload)
    return caught.value.code


@given(batches())
def test_what_was_sealed_arrives_unchanged(batch: tuple[BatchHeader, list[Record]]) -> None:
    header, rows = batch
    sealed = seal(header, [encode_record(row) for row in rows])
    frame = decode_frame(encode_frame(frame_header(sealed.body), sealed.body))
    assert frame.body == sealed.body
    assert decode_header(frame.body) == header
    assert list(BATCH.validate_json(frame.body).records) == rows


@given(st.binary(max_size=4 * COMPRESS_FROM_BYTES))
def test_any_body_travels(body: bytes) -> None:
    assert decode_frame(encode_frame(frame_header(body), body)).body == body


@given(st.binary(max_size=3 * COMPRESS_FROM_BYTES), st.data())
def test_a_changed_frame_is_refused_or_carries_the_same_bytes(body: bytes, data: st.DataObject) -> None:
    payload = bytearray(encode_frame(frame_header(body), body))
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        frame = decode_frame(bytes(payload))
    except FrameError:
        return
    assert frame.body == body


@given(st.binary(min_size=1, max_size=3 * COMPRESS_FROM_BYTES), st.data())
def test_a_frame_cut_short_is_refused(body: bytes, data: st.DataObject) -> None:
    payload = encode_frame(frame_header(body), body)
    cut = data.draw(st.integers(0, len(payload) - 1))
    with pytest.raises(FrameError):
        decode_frame(payload[:cut])


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(FrameError):
        decode_frame(noise)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists)
)
def test_a_body_of_any_json_is_a_header_or_a_frame_error(value: object) -> None:
    try:
        body = orjson.dumps(value)
    except TypeError:
        body = str(value).encode()
    with pytest.raises(FrameError):
        decode_header(body)


def test_an_oversized_frame_is_refused_at_both_ends() -> None:
    noise = hashlib.shake_256(b"incompressible").digest(MAX_FRAME_BYTES)
    with pytest.raises(FrameError, match="at most 262144 bytes"):
        encode_frame(frame_header(noise), noise)
    assert refusal(b"x" * (MAX_FRAME_BYTES + 1)) == "oversized"


def test_a_zip_bomb_is_not_inflated() -> None:
    bomb = gzip.compress(b"0" * (MAX_SEALED_BYTES + 1))
    line = frame_header(b"", encoding="gzip").model_dump_json().encode()
    assert refusal(line + b"\n" + bomb) == "bomb"


def test_something_behind_the_gzip_body_is_refused() -> None:
    body = b"a" * COMPRESS_FROM_BYTES
    assert refusal(encode_frame(frame_header(body), body) + b"tail") == "bad_compression"


def test_a_gzip_body_cut_short_is_refused() -> None:
    body = b"a" * COMPRESS_FROM_BYTES
    assert refusal(encode_frame(frame_header(body), body)[:-9]) == "bad_compression"


def test_a_body_that_is_not_gzip_is_refused() -> None:
    line = frame_header(b"", encoding="gzip").model_dump_json().encode()
    assert refusal(line + b"\nplain") == "bad_compression"


def test_another_body_under_the_same_hash_is_refused() -> None:
    payload = encode_frame(frame_header(b"one"), b"one")
    assert refusal(payload.replace(b"\none", b"\ntwo")) == "hash_mismatch"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"schema": 2}, "schema_too_new"),
        ({"schema": 0}, "schema_too_old"),
        ({"schema": "1"}, "bad_header"),
        ({"schema": True}, "bad_header"),
        ({"schema": None}, "bad_header"),
        ({"site": "two words"}, "bad_header"),
        ({"gateway": ""}, "bad_header"),
        ({"epoch": "ABCDEF0123456789"}, "bad_header"),
        ({"batch_no": 0}, "bad_header"),
        ({"batch_no": 1.0}, "bad_header"),
        ({"batch_no": "1"}, "bad_header"),
        ({"batch_no": 2**53}, "bad_header"),
        ({"sha256": "00"}, "bad_header"),
        ({"encoding": "zstd"}, "bad_header"),
        ({"boot_id": "a\0b"}, "bad_header"),
        ({"sent_mono_ns": -1}, "bad_header"),
        ({"from_the_future": "a\0b"}, "bad_header"),
    ],
)
def test_a_wrong_header_is_named_by_a_stable_code(changes: dict[str, object], code: str) -> None:
    payload = encode_frame(frame_header(b"body"), b"body")
    assert refusal(with_first_line(payload, **changes)) == code


def test_a_frame_that_is_not_utf8_is_refused() -> None:
    assert refusal(b'{"schema":1,"site":"\xff\xfe"}\nbody') == "bad_header"


def test_a_header_nested_without_end_is_refused() -> None:
    assert refusal(b"[" * 200_000 + b"\n") == "bad_header"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_batch"),
        (b"[]", "bad_batch"),
        (b'{"schema":1}', "bad_batch"),
        (b'{"schema":"one"}', "bad_batch"),
        (b'{"schema":9}', "schema_too_new"),
        (b'{"schema":0}', "schema_too_old"),
    ],
)
def test_a_wrong_batch_header_is_named_by_a_stable_code(body: bytes, code: str) -> None:
    with pytest.raises(FrameError) as caught:
        decode_header(body)
    assert caught.value.code == code


@pytest.mark.parametrize("rows", [0, MAX_ROWS + 1])
def test_a_batch_holds_1_to_500_records(rows: int) -> None:
    with pytest.raises(ValueError, match="1 to 500 records"):
        seal(batch_header(), [b"{}"] * rows)


def test_a_batch_holds_at_most_128_kib() -> None:
    with pytest.raises(ValueError, match="at most 131072 bytes"):
        seal(batch_header(), [b" " * MAX_SEALED_BYTES])
