"""What a record may say: exact quantities, believable instants, one place at a time."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts.base import CountedQuantity, PositiveQuantity, UtcDatetime, epoch_from_int, epoch_to_int
from contracts.batch import BATCH, encode_record
from contracts.records import RECORD, Record
from contracts.vocabulary import VirtualLocation, clearing_account
from tests.contract.strategies import records

POSITIVE: TypeAdapter[Decimal] = TypeAdapter(PositiveQuantity)
COUNTED: TypeAdapter[Decimal] = TypeAdapter(CountedQuantity)
INSTANT: TypeAdapter[datetime] = TypeAdapter(UtcDatetime)


def movement(**changes: object) -> bytes:
    fields: dict[str, object] = {
        "kind": "movement",
        "seq": 1,
        "occurred_at_claimed": "2026-11-02T08:15:30Z",
        "mono_ns": 1,
        "boot_id": "boot-1",
        "clock_ok": True,
        "identifier": {"scheme": "gtin", "value": "04012345678901"},
        "quantity_seen": "1",
        "source": {"location": "A-01"},
        "destination": {"location": "@customer"},
    }
    return orjson.dumps(fields | changes)


@given(records)
def test_a_record_reads_back_as_it_was_written(record: Record) -> None:
    written = encode_record(record)
    assert RECORD.validate_json(written) == record
    assert encode_record(RECORD.validate_json(written)) == written


@given(st.decimals("0.000001", "99999999999999", places=6))
def test_a_quantity_is_written_plainly_and_exactly(quantity: Decimal) -> None:
    written = POSITIVE.dump_json(POSITIVE.validate_python(quantity))
    assert POSITIVE.validate_json(written) == quantity
    assert b"E" not in written.upper()


@pytest.mark.parametrize(
    "written",
    [
        '"NaN"',
        '"-1"',
        '"0"',
        "0",
        "-1",
        "1.5",
        "1.0",
        "1e2",
        "true",
        "null",
        '"1e3"',
        '"1_000"',
        '" 1 "',
        '"+1"',
        '"0.0000001"',
        '"100000000000000"',
        "100000000000000",
        '"Infinity"',
        '"\u0663"',
        '""',
        "[]",
        '"0x10"',
    ],
)
def test_a_moved_quantity_is_plain_positive_and_exact(written: str) -> None:
    with pytest.raises(ValidationError):
        POSITIVE.validate_json(written)


def test_a_counted_quantity_may_be_zero_and_never_less() -> None:
    assert COUNTED.validate_json('"0"') == COUNTED.validate_json("0") == 0
    with pytest.raises(ValidationError):
        COUNTED.validate_json('"-0.5"')


def test_a_refused_quantity_is_shown_with_what_was_expected() -> None:
    with pytest.raises(ValidationError, match=r"quantity 1\.5 must be a whole number or a string"):
        RECORD.validate_json(movement(quantity_seen=1.5))


@pytest.mark.parametrize(
    "written",
    [
        "1700000000",
        '"1700000000"',
        '"2026-11-02"',
        '"2026-11-02T08:15:30"',
        '"2026-11-02 08:15:30Z"',
        '"2026-13-02T08:15:30Z"',
        '"0001-01-01T00:00:00+14:00"',
        '"9999-12-31T23:59:59-14:00"',
        "null",
        "true",
    ],
)
def test_an_instant_is_written_out_with_its_offset(written: str) -> None:
    with pytest.raises(ValidationError):
        INSTANT.validate_json(written)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001  bounds are naive by Hypothesis' rule
def test_an_instant_keeps_its_moment_in_utc(local: datetime, offset_minutes: int) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    read = INSTANT.validate_json(orjson.dumps(moment.isoformat()))
    assert read == moment
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": 0},
        {"seq": "1"},
        {"seq": 1.0},
        {"seq": True},
        {"mono_ns": -1},
        {"mono_ns": 2**63},
        {"clock_ok": "yes"},
        {"clock_ok": 1},
        {"boot_id": ""},
        {"boot_id": "a\nb"},
        {"boot_id": "x" * 129},
        {"confidence": 1.5},
        {"biz_step": "teleporting"},
        {"kind": "miracle"},
        {"identifier": {"scheme": "gtin", "value": "a\0b"}},
        {"source": {"location": "A-01", "unit": "340123450000000017"}},
        {"destination": {"location": "A-01"}},
        {"reverses": {"gateway": "gw 1", "epoch": "0" * 16, "seq": 1}},
        {"scan": "a\0b"},
        {"from_the_future": "a\0b"},
        {"from_the_future": [{"deep\0": 1}]},
        {"source": {"location": "A-01", "from_the_future": "\0"}},
    ],
    ids=str,
)
def test_an_impossible_movement_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RECORD.validate_json(movement(**changes))


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"NaN", b"18446744073709551616"])
def test_a_number_no_column_can_hold_is_refused_in_an_unknown_field(number: bytes) -> None:
    with pytest.raises(ValidationError):
        RECORD.validate_json(movement()[:-1] + b',"from_the_future":' + number + b"}")


def test_rows_of_a_batch_are_consecutive() -> None:
    head = (
        b'{"schema":1,"site":"leeds","gateway":"gw-1","epoch":"0000000000000001","batch_no":1,"prev_sha256":"'
        + b"0" * 64
        + b'","first_seq":1,"last_seq":2,"complete_until":"2026-11-02T08:15:30Z","agent":"0.1.0","records":['
    )
    BATCH.validate_json(head + movement(seq=1) + b"," + movement(seq=2) + b"]}")
    with pytest.raises(ValidationError, match=r"records\[1\]\.seq is 3, expected 2"):
        BATCH.validate_json(head + movement(seq=1) + b"," + movement(seq=3) + b"]}")
    with pytest.raises(ValidationError, match="last_seq is 2, expected 1"):
        BATCH.validate_json(head + movement(seq=1) + b"]}")


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_epoch_fits_a_signed_column_and_comes_back(value: int) -> None:
    assert epoch_to_int(epoch_from_int(value)) == value


def test_virtual_accounts_are_told_from_places_by_their_prefix() -> None:
    assert all(account.startswith("@") for account in VirtualLocation)
    assert clearing_account("visit-9").startswith("@clearing/")
