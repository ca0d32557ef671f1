"""Cells that only files of demand have: what names an item, kinds, revisions; pure."""

from typing import Final

from cloud.demand.domain import Kind, Scheme
from cloud.sheets.fields import FieldError, code, gtin

_MOST_REVISION: Final = 2**31 - 1


def name(scheme: Scheme, text: str) -> str:
    """Read what names an item.

    Args:
        scheme: The column.
        text: The cell.

    Returns:
        The name; a GTIN with 14 digits.

    Raises:
        FieldError: If it is not one.

    Examples:
        >>> name(Scheme.GTIN, "5012345678900")
        '05012345678900'
    """
    return gtin(text) if scheme is Scheme.GTIN else code(text)


def kind(text: str) -> str:
    """Read what a line says.

    Args:
        text: The cell; none means that something was requested.

    Returns:
        A value of `Kind`.

    Raises:
        FieldError: If it is none of them.
    """
    if not text:
        return Kind.REQUESTED.value
    if text not in _KINDS:
        raise FieldError(f"{text!r:.60}: expected {', '.join(Kind)}, or nothing for requested")
    return text


_KINDS: Final = frozenset(Kind)


def revision(text: str) -> int | None:
    """Read a revision.

    Args:
        text: The cell, perhaps empty.

    Returns:
        The number, or None: the next one if the line says something new.

    Raises:
        FieldError: If it is no whole number from 1.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:12]) <= _MOST_REVISION:
        raise FieldError(f"{text!r:.60}: expected a whole number from 1")
    return int(text)
