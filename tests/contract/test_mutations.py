"""Anything may stand where a value should: it is refused as invalid or storable, never another error."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cloud.ledger.compiled import read_compiled
from contracts.base import is_storable
from contracts.batch import BATCH, FrameError, decode_header
from contracts.schema import MESSAGES
from tests.contract.natively import assert_read_as_by_the_models

GOLDEN: Final = Path(__file__).resolve().parents[1] / "golden/v1"
BATCH_BODY: Final = (GOLDEN / "batch.json").read_bytes()
OTHERS: Final = sorted(name for name in MESSAGES if name not in {"batch", "frame_header"})

odd_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**65)
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-23:59", "1e5", "NaN", "\0"])
    | st.sampled_from(
        ["2016-12-31T23:59:60Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "٣", "@", "+1"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the path of every value in a JSON document."""
    if path:
        yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def with_value(body: bytes, path: tuple[str | int, ...], value: Any) -> bytes:
    """Write a JSON document with one value replaced, as any other JSON writer might."""
    document = orjson.loads(body)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = "@@here@@"
    return orjson.dumps(document).replace(b'"@@here@@"', as_json(value))


def as_json(value: Any) -> bytes:
    """Write what orjson would not: NaN, infinities and numbers of any size."""
    match value:
        case bool() | None | str():
            return orjson.dumps(value)
        case int() | float():
            return repr(value).replace("inf", "Infinity").replace("nan", "NaN").encode()
        case list():
            return b"[" + b",".join(map(as_json, value)) + b"]"
        case _:
            return b"{" + b",".join(as_json(k) + b":" + as_json(v) for k, v in value.items()) + b"}"


@settings(max_examples=1000)
@given(st.sampled_from(list(places(orjson.loads(BATCH_BODY)))), odd_values)
def test_a_batch_with_an_odd_value_is_refused_or_storable(path: tuple[str | int, ...], value: Any) -> None:
    body = with_value(BATCH_BODY, path, value)
    try:
        decode_header(body)
        batch = BATCH.validate_json(body)
    except (FrameError, ValidationError):
        assert read_compiled(body) is None
        return
    assert_read_as_by_the_models(body)
    assert is_storable(batch.model_dump(mode="json"))


@settings(max_examples=500)
@given(st.data())
def test_a_message_with_an_odd_value_is_refused_or_storable(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(OTHERS))
    body = (GOLDEN / f"{name}.json").read_bytes()
    path = data.draw(st.sampled_from(list(places(orjson.loads(body)))))
    try:
        message = MESSAGES[name].model_validate_json(with_value(body, path, data.draw(odd_values)))
    except ValidationError:
        return
    assert is_storable(message.model_dump(mode="json"))


@settings(max_examples=500)
@given(st.integers(0, len(BATCH_BODY) - 1), st.integers(0, 255))
def test_a_flipped_byte_is_refused_or_harmless(place: int, byte: int) -> None:
    body = BATCH_BODY[:place] + bytes([byte]) + BATCH_BODY[place + 1 :]
    try:
        decode_header(body)
        BATCH.validate_json(body)
    except (FrameError, ValidationError):
        assert read_compiled(body) is None
        return
    assert_read_as_by_the_models(body)
