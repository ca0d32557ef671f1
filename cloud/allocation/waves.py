"""Claims that are released together in; tasks out, each a walk for one document in places' order; pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from cloud.allocation.domain import LineName

MOST_LINES: Final = 40
"""Of one task, that a person walks at a time."""
_PART: Final = re.compile(r"[0-9]+|[^0-9]+")


@dataclass(frozen=True, slots=True)
class PickLine:
    """Goods to be taken from one cell to one place."""

    name: LineName | None
    """For whom; None: to fill up a pick face."""
    item_id: int
    cell_id: int
    quantity: Decimal
    from_location: str
    to_location: str
    claim: int | None = None
    """The claim that it is picked for."""


def walk_order(location: str) -> list[tuple[int, int, str]]:
    """Give a place's rank on a walk: runs of digits count as numbers.

    Args:
        location: Its code.

    Returns:
        A sort key.

    Examples:
        >>> sorted(["A-10", "A-9", "B-1"], key=walk_order)
        ['A-9', 'A-10', 'B-1']
    """
    parts = _PART.findall(location)
    return [(0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts]


def tasks_of(lines: Iterable[PickLine], *, most: int = MOST_LINES) -> list[Sequence[PickLine]]:
    """Split what is to be picked into tasks: each of one document, in the order of a walk.

    Args:
        lines: What is to be picked.
        most: Lines of a task.

    Returns:
        Lines of each task, none empty.
    """
    by_document: defaultdict[Any, list[PickLine]] = defaultdict(list)
    for line in lines:
        by_document[None if line.name is None else (line.name.type, line.name.id)].append(line)
    tasks: list[Sequence[PickLine]] = []
    for of_document in by_document.values():
        walk = sorted(of_document, key=lambda line: (walk_order(line.from_location), line.cell_id))
        tasks += [walk[start : start + most] for start in range(0, len(walk), most)]
    return tasks
