"""What is wrong with one part of what somebody sent: where it stands, what was there, what was expected."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from pydantic import BaseModel, ValidationError, model_validator
from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of a document that the book does not bear out."""

    index: int | None
    """Of the line, from 0 as they were sent; None: of the whole."""
    field: str
    """Of the line or of the whole; empty: of more than one of its fields."""
    value: object
    """What was there."""
    message: str
    """Place, value and expectation."""

    @override
    def __str__(self) -> str:
        """Say it."""
        return self.message


class Wrong(NamedTuple):
    """What is wrong with one line, before it is said of which."""

    field: str
    value: object
    message: str
    """Value and expectation."""
    rests_on: tuple[str, ...]
    """Fields without which nobody can tell."""


def of_line(index: int, line: str, wrong: Iterable[Wrong], unread: frozenset[str]) -> Iterator[Fault]:
    """Say of a line what is wrong with it.

    Args:
        index: Of the line, from 0.
        line: Its number; empty or None: it could not be read.
        wrong: What is wrong.
        unread: Its gaps; what rests on them is left out.

    Yields:
        A fault each.
    """
    where = f"line {line!r}" if line else "a line without a number"
    for each in wrong:
        if unread.isdisjoint(each.rests_on):
            yield Fault(index, each.field, each.value, f"{where}: {each.message}")


@dataclass(frozen=True, slots=True)
class Gaps:
    """Fields that could not be read, or do not go together: what rests on them nobody can tell."""

    whole: frozenset[str] = frozenset()
    lines: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """By index of the line."""

    def of_line(self, index: int) -> frozenset[str]:
        """Give what of a line is not known.

        Args:
            index: Of the line, from 0.

        Returns:
            Names of its fields.
        """
        return self.lines.get(index, frozenset())


NO_GAPS: Final = Gaps()
"""Everything could be read."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule between fields that does not hold."""

    message: str
    value: object
    """What is there."""
    rests_on: tuple[str, ...] = ()
    """The fields that it is about; without one of them nobody can tell."""
    at: tuple[str | int, ...] = ()
    """Where within the model; empty: all of it."""


class RuledModel(BaseModel):
    """A model that tells every rule which it breaks, not the first one only."""

    def broken(self) -> Iterable[Broken]:
        """Say which rules between its fields do not hold; asked of models with gaps, too.

        Returns:
            Each; one that rests on a gap means nothing.
        """
        return ()

    @model_validator(mode="after")
    def _keeps_its_rules(self) -> Self:
        if broken := list(self.broken()):
            raise ValidationError.from_exception_data(
                type(self).__name__,
                [
                    {
                        "type": "value_error",
                        "loc": each.at,
                        "input": each.value,
                        "ctx": {"error": ValueError(each.message)},
                    }
                    for each in broken
                ],
            )
        return self
