"""What forms share: their columns as rows, who may send them, and what is wrong with what was sent."""

from collections.abc import Callable, Sequence

from pydantic import ValidationError

from cloud.documents.domain import DocumentError
from cloud.identity.actor import Actor, NotAllowedError, Role


def rows_of(*columns: Sequence[str] | None) -> list[tuple[str, ...]]:
    """Give a form's lines, whose fields come column by column.

    Args:
        *columns: The values of each field, in the order of the lines.

    Returns:
        The fields of each line without blanks around them.

    Raises:
        DocumentError: If a line lacks a field.

    Examples:
        >>> rows_of(["1", "2"], [" 5", ""])
        [('1', '5'), ('2', '')]
    """
    if len({len(column or ()) for column in columns}) != 1:
        raise DocumentError("the form's lines are not complete: load the page again")
    return [
        tuple(text.strip() for text in row) for row in zip(*(column or () for column in columns), strict=True)
    ]


def may(actor: Actor, site: str, *roles: Role) -> bool:
    """Tell whether somebody may do something at a site.

    Args:
        actor: Who.
        site: Where.
        *roles: Any one of them suffices.

    Returns:
        Whether they hold one of them there.
    """
    try:
        actor.require(*roles, site=site)
    except NotAllowedError:
        return False
    return True


def words_of(error: ValidationError) -> str:
    """Say what is wrong with a form.

    Args:
        error: What the model refused.

    Returns:
        One sentence per fault, with place, expectation and value; a list whose lines are at fault is not told
        beside them.
    """
    told = []
    faults = error.errors(include_url=False, include_context=False)
    for fault in faults:
        place = fault["loc"]
        if any(len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in faults):
            continue
        message = str(fault["msg"]).removeprefix("Value error, ")
        value = "" if fault["type"] in {"missing", "value_error"} else f", got {fault['input']!r:.60}"
        told.append(f"{_place_of(place)}: {message}{value}")
    return "; ".join(told)


def _place_of(parts: Sequence[int | str]) -> str:
    """Say where something stands, as ``line 1, quantity``; lines are counted as people count them."""
    words: list[str] = []
    for part in parts:
        if isinstance(part, int) and words:
            words[-1] = f"{words[-1].removesuffix('s')} {part + 1}"
        else:
            words.append(str(part))
    return ", ".join(words) or "form"


def refused(work: Callable[[], object], *refusals: type[Exception]) -> str:
    """Do what a form asks for, and say why not, where it cannot be done.

    Args:
        work: What it asks for.
        *refusals: Errors whose words are for whoever sent the form; any other is raised.

    Returns:
        What is wrong; empty if it was done.
    """
    try:
        work()
    except ValidationError as error:
        return words_of(error)
    except refusals as error:
        return f"{error}"
    return ""
