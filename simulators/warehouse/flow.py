"""A stream of records as columns: one row per record, in order of time."""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final, Self

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

NO_LOT: Final = -1
SPAN: Final = 10**12
"""Ticks of a flow's whole span, until it is dated."""


class Kind(IntEnum):
    """What happened."""

    OPENING = 0
    RECEIPT = 1
    PUT_AWAY = 2
    MOVE = 3
    PICK = 4
    SHIP = 5
    RETURN = 6
    UNIT_POSITION = 7
    """``source`` is the unit, ``destination`` where it came to stand; nothing else is set."""
    COUNT = 8
    """``source`` and ``destination`` are the place, ``quantity`` what was seen."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Columns of equal length."""

    kind: Ints
    at_us: Ints
    """Microseconds since 1970, UTC; ascending."""
    site: Ints
    gateway: Ints
    item: Ints
    lot: Ints
    """Lot number, or -1 where the item is not lot-controlled."""
    quantity: Ints
    """In base units."""
    source: Ints
    """Place number (``Layout``)."""
    destination: Ints

    def __len__(self) -> int:
        """Count the records."""
        return len(self.kind)

    @property
    def moves(self) -> npt.NDArray[np.bool_]:
        """Which rows are movements."""
        return np.asarray(self.kind < Kind.UNIT_POSITION)

    def take(self, rows: Ints | npt.NDArray[np.bool_] | slice) -> Self:
        """Keep some rows.

        Args:
            rows: Indices, a mask or a slice.

        Returns:
            A flow of those rows, in that order.
        """
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    def with_column(self, name: str, values: Ints) -> Self:
        """Replace one column.

        Args:
            name: Name of a column.
            values: As many values as the flow has rows.

        Returns:
            A new flow.
        """
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(**columns | {name: values})


def join(parts: list[Flow]) -> Flow:
    """Put flows one behind the other.

    Args:
        parts: At least one flow.

    Returns:
        All their rows; sort by time afterwards.
    """
    return Flow(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Flow)))
