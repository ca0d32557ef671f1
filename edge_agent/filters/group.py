"""Tags that came together: a pallet's label borrows from its cases what it could not see itself."""

from typing import Final

from edge_agent.filters.profile import CELL_US, Cells

JOIN_US: Final = 1_000_000
"""Who comes so long after the last one came with it."""
SPAN_US: Final = 6_000_000
"""Nobody joins so long after the first."""
KEPT_US: Final = 25_000_000
"""A tag that is read again so soon is in its group again."""
_MOST_CELLS: Final = 1024
_MOST_PASSES: Final = 32


class Group:
    """Tags of one portal that came together, and the sum of what is heard of them; mutable."""

    __slots__ = ("cells", "first_us", "joined_us", "last_us", "scores", "tags")

    def __init__(self, at_us: int) -> None:
        """Begin.

        Args:
            at_us: When the first tag came.
        """
        self.first_us = at_us
        self.joined_us = at_us
        self.last_us = at_us
        self.tags = 0
        self.cells: Cells = {}
        self.scores: dict[int, dict[str, float]] = {}
        """By the begin of a pass through the beams: log-odds of each tag that it was on it."""

    def takes(self, at_us: int) -> bool:
        """Tell whether a tag that comes now came with them.

        Args:
            at_us: When.

        Returns:
            Whether it may join.
        """
        return at_us <= self.joined_us + JOIN_US and at_us <= self.first_us + SPAN_US

    def note(self, pass_us: int, epc: str, score: float) -> None:
        """Take what one tag says of a pass.

        Args:
            pass_us: Begin of the pass.
            epc: Of the tag.
            score: Log-odds that it was on it.
        """
        if pass_us not in self.scores and len(self.scores) >= _MOST_PASSES:
            del self.scores[min(self.scores)]
        self.scores.setdefault(pass_us, {})[epc] = score

    def between(self, begin_us: int, end_us: int) -> Cells:
        """Cut out a stretch of time.

        Args:
            begin_us: From when.
            end_us: Until when.

        Returns:
            The cells that lie in it.
        """
        begin, end = (begin_us - self.first_us) // CELL_US, (end_us - self.first_us) // CELL_US
        return {number: cell for number, cell in self.cells.items() if begin <= number <= end}

    def add(self, at_us: int, column: int, attowatts: int) -> None:
        """Take a read of any of them.

        Args:
            at_us: When.
            column: 0 inside, 1 outside.
            attowatts: How strong.
        """
        self.last_us = max(self.last_us, at_us)
        number = (at_us - self.first_us) // CELL_US
        cell = self.cells.get(number)
        if cell is None:
            if len(self.cells) >= _MOST_CELLS:
                for old in sorted(self.cells)[: _MOST_CELLS // 2]:
                    del self.cells[old]
            cell = self.cells[number] = [0, 0]
        cell[column] += attowatts
