"""Names on papers are short printable text, as what is posted from them demands."""

import pytest
from pydantic import ValidationError

from cloud.documents.order_papers import ReceiptPaper

CAME = {"line": "1", "received": "1"}
RECEIPT = {"receipt": "DN 7-a", "location": "Añ 1", "lines": [CAME]}


def test_a_receipt_names_its_note_and_place_in_printable_text() -> None:
    assert ReceiptPaper.model_validate(RECEIPT).location == "Añ 1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"receipt": "DN\x04"},
        {"receipt": "DN/7"},
        {"location": "A\x01"},
        {"location": "@supplier"},
        {"lines": [CAME | {"line": "1\x7f"}]},
    ],
)
def test_a_receipt_with_another_name_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="should match pattern"):
        ReceiptPaper.model_validate(RECEIPT | wrong)
