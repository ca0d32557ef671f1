"""What is usual is read natively, as the models read it; what is unusual is left to them."""

import re
from decimal import Decimal
from typing import Annotated

import pytest
from hypothesis import given
from pydantic import Field, field_validator, model_validator

from cloud.ledger.compiled import read_compiled
from cloud.ledger.structs import Structs
from contracts.base import Contract
from contracts.batch import BatchHeader, encode_record, seal
from contracts.records import Record
from tests.contract.natively import assert_read_as_by_the_models
from tests.contract.strategies import batches
from tests.contract.test_mutations import BATCH_BODY


@given(batches())
def test_a_batch_that_an_agent_seals_is_read_natively(drawn: tuple[BatchHeader, list[Record]]) -> None:
    header, rows = drawn
    sealed = seal(header, [encode_record(row) for row in rows])
    assert assert_read_as_by_the_models(sealed.body)


@pytest.mark.parametrize(
    ("usual", "unusual"),
    [
        (b'"clock_ok":true', b'"clock_ok":true,"colour":"red"'),
        (b'"clock_ok":true', b'"clock_ok":1'),
        (b'"boot_id":"', b'"boot_id":"\x7f'),
        (b'"boot_id":"', b'"boot_id":"\\n'),
        (b'"boot_id":"', b'"boot_id":"\xc2\x85'),
        (b'"seq":', b'"seq":1,"kind":"gap","seq":'),
    ],
)
def test_what_is_unusual_is_left_to_the_models(usual: bytes, unusual: bytes) -> None:
    assert usual in BATCH_BODY
    assert read_compiled(BATCH_BODY) is not None
    assert read_compiled(BATCH_BODY.replace(usual, unusual, 1)) is None


def test_a_batch_that_claims_to_hold_more_than_it_does_is_left_to_the_models_at_once() -> None:
    header, records = re.split(rb'(?="records":)', BATCH_BODY, maxsplit=1)
    claiming = re.sub(rb'"last_seq":\d+', b'"last_seq":9007199254740991', header)
    assert claiming != header
    assert read_compiled(claiming + records) is None


class Bounded(Contract):
    number: int = Field(multiple_of=3)


class Priced(Contract):
    quantity: Decimal = Field(le=Decimal(10))


class Coded(Contract):
    code: Annotated[str | None, Field(max_length=3)] = None


class Looked(Contract):
    name: str

    @field_validator("name")
    @classmethod
    def _good(cls, name: str) -> str:
        return name.strip()


class Early(Contract):
    name: str

    @model_validator(mode="before")
    @classmethod
    def _known(cls, stated: object) -> object:
        return stated


@pytest.mark.parametrize("model", [Bounded, Priced, Coded, Looked, Early])
def test_a_demand_that_no_struct_holds_is_told_as_it_is_made(model: type[Contract]) -> None:
    with pytest.raises(TypeError, match="cannot be held"):
        Structs(is_plain=False).of(model)
