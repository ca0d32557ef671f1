"""Papers that Dockledger issues of what a visit or another paper brought or took: their names and lines."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Final

from cloud.documents.domain import Line
from contracts.records import DocumentRef

_NAME_LENGTH: Final = 110
"""What is kept of a number in the name of another paper, which has at most 128 characters."""


def fresh_names(number: str, what: str, is_there: Callable[[str], bool]) -> Iterator[str]:
    """Name papers that are issued of another one.

    Args:
        number: The other's.
        what: What became of its goods, as ``received``.
        is_there: Whether a paper has a name.

    Yields:
        Names that none has: ``V-1~received``, ``V-1~received-2`` …
    """
    for nth in count(1):
        name = f"{number[:_NAME_LENGTH]}~{what}" + (f"-{nth}" if nth > 1 else "")
        if not is_there(name):
            yield name


def numbered(kind: str, name: str, lines: Iterable[Line]) -> dict[Line, DocumentRef]:
    """Number what a paper takes over of others.

    Args:
        kind: The paper's type.
        name: Its number.
        lines: Of the others, in its order.

    Returns:
        By each line, the paper's own line.
    """
    return {line: DocumentRef(type=kind, id=name, line=f"{nth}") for nth, line in enumerate(lines, 1)}
