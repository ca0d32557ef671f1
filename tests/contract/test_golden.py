"""Payloads of released versions, kept for ever: each is still read, and none of it is lost."""

import hashlib
from pathlib import Path
from typing import Final

import jsonschema
import orjson
import pytest

from contracts.batch import BATCH, Batch, decode_frame, decode_header, encode_record, seal
from contracts.records import Count, Crossing, Gap, Movement, UnitPosition, WorkflowEvent
from contracts.schema import FOLDER, MESSAGES, stale

GOLDEN: Final = Path(__file__).resolve().parents[1] / "golden"
BATCHES: Final = sorted(GOLDEN.glob("v*/batch*.json"))
FRAMES: Final = sorted(GOLDEN.glob("v*/frame_*.bin"))
FULL: Final = ("batch", "batch_with_radio_pictures", "batch_of_weighed_goods", "batch_of_dated_goods")
OTHERS: Final = sorted(path for path in GOLDEN.glob("v*/*.json") if path not in BATCHES)
EARLIER: Final = sorted(GOLDEN.glob("v*/earlier/*.json"))
"""As they were before a field was added: who has not been upgraded sends these."""


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", BATCHES, ids=named)
def test_a_sealed_batch_reads_and_seals_again_to_the_same_bytes(path: Path) -> None:
    body = path.read_bytes()
    batch = BATCH.validate_json(body)
    sealed = seal(decode_header(body), [encode_record(record) for record in batch.records])
    assert sealed.body == body
    assert sealed.sha256 == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("path", FRAMES, ids=named)
def test_a_frame_reads_to_the_batch_it_was_made_of(path: Path) -> None:
    frame = decode_frame(path.read_bytes())
    batch = BATCH.validate_json(frame.body)
    assert frame.body in {golden.read_bytes() for golden in BATCHES}
    assert (frame.header.gateway, frame.header.batch_no) == (batch.gateway, batch.batch_no)


@pytest.mark.parametrize("path", OTHERS, ids=named)
def test_a_message_reads_and_writes_to_the_same_bytes(path: Path) -> None:
    message = MESSAGES[path.stem].model_validate_json(path.read_bytes())
    assert message.model_dump_json().encode() == path.read_bytes()


@pytest.mark.parametrize("path", EARLIER, ids=named)
def test_a_message_from_before_a_field_was_added_is_read_and_all_it_says_is_kept(path: Path) -> None:
    fields = orjson.loads(path.read_bytes())
    written = orjson.loads(MESSAGES[path.stem].model_validate_json(path.read_bytes()).model_dump_json())
    assert written | fields == written
    assert set(written) > set(fields), "else it is no earlier one"
    schema = orjson.loads((FOLDER / f"{path.stem}.{path.parent.parent.name}.json").read_bytes())
    jsonschema.validate(fields, schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("path", OTHERS, ids=named)
def test_a_field_from_a_later_version_survives_a_round_trip(path: Path) -> None:
    fields = orjson.loads(path.read_bytes()) | {"from_the_future": {"list": [1, None, "x"]}}
    message = MESSAGES[path.stem].model_validate_json(orjson.dumps(fields))
    assert orjson.loads(message.model_dump_json()) == fields


def test_unknown_fields_survive_at_every_depth_of_a_batch() -> None:
    batch = BATCH.validate_json((GOLDEN / "v1/batch_with_unknown_fields.json").read_bytes())
    record = batch.records[0]
    assert isinstance(record, Movement)
    assert batch.model_extra == {"sealed_by": {"tpm": "2.0", "counters": [1, 2.5, None, True]}}
    assert record.model_extra == {"hologram": "present"}
    assert record.source.model_extra == {"shelf_temperature_c": -18.5}
    assert record.identifier.model_extra == {"verified": True}


@pytest.mark.parametrize("kind", [Movement, UnitPosition, Crossing, Count, WorkflowEvent, Gap])
def test_the_golden_batches_fill_every_field_of_every_kind(kind: type[Movement]) -> None:
    batches = [BATCH.validate_json((GOLDEN / f"v1/{name}.json").read_bytes()) for name in FULL]
    records = [record for batch in batches for record in batch.records if type(record) is kind]
    filled = set().union(*(record.model_fields_set for record in records))
    assert filled == set(kind.model_fields)


def test_every_message_has_a_golden_payload_of_this_version() -> None:
    covered = {path.stem for path in (*BATCHES, *OTHERS)} | {"frame_header"}
    assert set(MESSAGES) <= covered


@pytest.mark.parametrize("path", [*BATCHES, *OTHERS], ids=named)
def test_a_golden_payload_satisfies_the_published_schema(path: Path) -> None:
    message = "batch" if path in BATCHES else path.stem
    schema = orjson.loads((FOLDER / f"{message}.{path.parent.name}.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(orjson.loads(path.read_bytes()), schema, jsonschema.Draft202012Validator)


def test_the_published_schemas_are_those_of_the_models() -> None:
    assert stale() == [], "run python -m contracts.schema"


def test_the_schema_refuses_a_quantity_written_as_a_float() -> None:
    schema = orjson.loads((FOLDER / "batch.v1.json").read_bytes())
    body = orjson.loads((GOLDEN / "v1/batch_minimal.json").read_bytes())
    body["records"][0]["quantity_seen"] = 1.5
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, schema, jsonschema.Draft202012Validator)


def test_a_batch_is_also_read_by_its_field_names() -> None:
    fields = orjson.loads((GOLDEN / "v1/batch_minimal.json").read_bytes())
    assert Batch.model_validate_json(orjson.dumps(fields)).schema_version == 1
