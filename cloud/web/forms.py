"""What forms of several lines share: their columns as rows, and who may send them."""

from collections.abc import Sequence

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
