"""What is wrong with a form, in the words of whoever filled it in."""

from datetime import date

import pytest
from pydantic import BaseModel, Field, ValidationError

from cloud.web.forms import words_of


class Line(BaseModel):
    """One of a paper."""

    quantity: int


class Paper(BaseModel):
    """What a form becomes."""

    due_on: date | None = None
    lines: tuple[Line, ...] = Field(min_length=1)


def words(**paper: object) -> str:
    with pytest.raises(ValidationError) as refused:
        Paper.model_validate(paper)
    return words_of(refused.value)


def test_a_fault_is_told_at_its_line_as_people_count_them_and_once() -> None:
    told = words(lines=[{"quantity": 1}, {"quantity": "3,5"}])
    assert told.startswith("line 2, quantity: Input should be a valid integer")
    assert told.endswith("got '3,5'"), "and not that the list has too few lines, which is because of it"
    assert words(lines=[], due_on="soon").split(": ")[0] == "due_on"
    assert "; lines: Tuple should have at least 1 item" in words(lines=[], due_on="soon")
