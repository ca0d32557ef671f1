"""Wrong parts of a request as a problem's `errors` tell them: those of form and those of the book alike."""

from collections.abc import Iterable, Mapping, Sequence
from reprlib import Repr
from typing import Any, Final

from pydantic import BaseModel, Field

from cloud import faults

_MOST_SHOWN: Final = 100
_MOST_SAID: Final = 20
_SHORT: Final = Repr()


class Fault(BaseModel):
    """One wrong part of a request."""

    place: str = Field(description="Where: `query.limit`, `body.lines.17.received`; lines are counted from 0")
    message: str
    value: str = Field(description="What was there, at most 100 characters; empty: nothing")


def faults_of_form(errors: Iterable[Mapping[str, Any]], *within: str) -> list[Fault]:
    """Give what a model refused.

    Args:
        errors: As pydantic tells them.
        *within: What their places stand in: ``body``.

    Returns:
        One each.
    """
    return [
        Fault(
            place=".".join(map(str, (*within, *error["loc"]))),
            message=error["msg"],
            value=_shown(error.get("input")),
        )
        for error in errors
    ]


def faults_of_book(found: Iterable[faults.Fault]) -> list[Fault]:
    """Give what the book does not bear out, by its place in the body.

    Args:
        found: As a service tells them.

    Returns:
        One each.
    """
    told = []
    for fault in found:
        line = () if fault.index is None else ("lines", str(fault.index))
        place = ".".join(("body", *line, *filter(None, [fault.field])))
        value = "" if fault.value is None else _shown(fault.value)
        told.append(Fault(place=place, message=fault.message, value=value))
    return told


def detail_of(messages: Sequence[str]) -> str:
    """Say the first of many faults, one a line.

    Args:
        messages: Of all.

    Returns:
        The first, and how many more there are.
    """
    more = len(messages) - _MOST_SAID
    return "\n".join([*messages[:_MOST_SAID], *([f"and {more:,} more: see errors"] if more > 0 else [])])


def _shown(value: object) -> str:
    """Show what was there; of a large one no more is written than is shown."""
    if isinstance(value, (dict, list)):
        return _SHORT.repr(value)[:_MOST_SHOWN]
    whole = value[:_MOST_SHOWN] if isinstance(value, str) else value
    return f"{whole!r}"[:_MOST_SHOWN]
