"""What is usual is read natively, as the models read it; what is unusual is left to them."""

import pytest
from hypothesis import given
from pydantic import Field

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


def test_a_demand_that_no_struct_holds_is_told_as_it_is_made() -> None:
    class Demanding(Contract):
        number: int = Field(multiple_of=3)

    with pytest.raises(TypeError, match="cannot be held"):
        Structs(is_plain=False).of(Demanding)
