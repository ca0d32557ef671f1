"""Holds what is read natively against what the models read."""

from typing import Any, Final

import orjson

from cloud.ledger.compiled import Rest, read_compiled
from cloud.ledger.rows import TABLE_OF_KIND
from contracts.base import Contract
from contracts.batch import BATCH, BatchHeader

REST: Final = {kind: Rest(kind, table.in_columns) for kind, table in TABLE_OF_KIND.items()}


def assert_same(found: Any, expected: Any) -> None:
    """Compare a struct with a model, field by field and to the last nested one."""
    if isinstance(expected, Contract):
        assert not expected.model_extra
        for name in type(expected).model_fields:
            assert_same(getattr(found, name), getattr(expected, name))
    elif isinstance(expected, tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert (found, repr(found)[:9]) == (expected, repr(expected)[:9])


def assert_read_as_by_the_models(body: bytes) -> bool:
    """Read a body both ways; tell whether it was read natively."""
    read = read_compiled(body)
    if read is None:
        return False
    batch = BATCH.validate_json(body)
    header, records = read
    assert header == BatchHeader.model_validate(batch.model_dump(exclude={"records"}))
    assert_same(records, batch.records)
    for record, model in zip(records, batch.records, strict=True):
        assert orjson.loads(REST[model.kind].write(record)) == orjson.loads(REST[model.kind].write(model))
    return True
