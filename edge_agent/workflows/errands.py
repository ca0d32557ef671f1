"""A task of the cloud at one scanner: its lines as they are walked, what is done of each, what is next."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from contracts.offline import LabelName, Task, TaskLine
from contracts.records import Identifier
from edge_agent.workflows.prompts import Prompt, say
from edge_agent.workflows.state import Run

NOTHING: Final = Decimal(0)
_PLACES: Final = 6
"""Of a quantity, after the point."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A task that this scanner may do."""

    task: Task
    done: Mapping[int, Decimal] = field(default_factory=dict)
    """Of its lines by number, in base units, as far as this gateway or the cloud knows."""

    @property
    def lines(self) -> Sequence[TaskLine]:
        """Those that a handheld can be led through."""
        return [line for line in self.task.lines if line.number is not None and line.quantity is not None]

    def is_about(self, name: str) -> bool:
        """Tell whether a name is the task's, or of a document that it is for.

        Args:
            name: As it was scanned.

        Returns:
            True if so.
        """
        return self.task.task == name or any(line.document.id == name for line in self.task.lines)

    def remaining(self, line: TaskLine, run: Run | None = None) -> Decimal:
        """Tell what of a line is still to do.

        Args:
            line: One of its lines.
            run: The work under way on it, perhaps.

        Returns:
            In base units; below zero if more was picked than asked for.
        """
        number = line.number or 0
        if run is not None and number in run.short:
            return NOTHING
        own = {} if run is None else dict(run.done)
        return (line.quantity or NOTHING) - own.get(number, self.done.get(number, NOTHING))

    def line(self, number: int | None) -> TaskLine | None:
        """Find a line.

        Args:
            number: Within the task.

        Returns:
            The line; None if it is no longer there.
        """
        return next((line for line in self.lines if line.number == number), None)

    def next_line(self, run: Run | None = None, after: int | None = None) -> TaskLine | None:
        """Find what is to be done next: on the walk after a line, else from its beginning.

        Args:
            run: The work under way on it, perhaps.
            after: Number of a line.

        Returns:
            The line; None if nothing is left.
        """
        still = [line for line in self.lines if self.remaining(line, run) > 0]
        numbers = [line.number for line in self.lines]
        place = numbers.index(after) if after in numbers else -1
        later = [line for line in still if numbers.index(line.number) > place]
        return next(iter(later or still), None)


Errands = Callable[[str, datetime], Sequence[Errand]]
"""Gives the tasks that a device may do at an instant, the oldest first."""


def no_errands(_device: str, _at: datetime) -> Sequence[Errand]:
    """Know of no task."""
    return ()


def ratio_of(line: TaskLine, identifier: Identifier, unit_seen: str) -> Fraction | None:
    """Tell how many base units one seen unit of a label stands for.

    Args:
        line: A line of a task.
        identifier: What the label says.
        unit_seen: The packaging level that it names, or ``base``.

    Returns:
        Base units in one; None if the label is none of the line's goods.
    """
    return named_ratio(line.names, identifier, unit_seen)


def named_ratio(names: Sequence[LabelName], identifier: Identifier, unit_seen: str) -> Fraction | None:
    """Tell how many base units one seen unit of a label stands for.

    Args:
        names: Every name of an item.
        identifier: What the label says.
        unit_seen: The packaging level that it names, or ``base``.

    Returns:
        Base units in one; None if the label bears none of the names.
    """
    known = {name.identifier.value: name for name in names}
    found = known.get(unit_seen) or known.get(identifier.value)
    if found is None:
        return None
    if unit_seen == "base" and identifier.scheme == "gtin":
        return Fraction(1)
    return Fraction(found.base_units_numerator, found.base_units_denominator)


def in_base_units(quantity: Decimal, ratio: Fraction) -> Decimal:
    """Convert a quantity of a label.

    Args:
        quantity: In the label's unit.
        ratio: Base units in one.

    Returns:
        In base units, to six places.
    """
    return round(quantity * ratio.numerator / ratio.denominator, _PLACES)


def instruction(errand: Errand, line: TaskLine, run: Run | None) -> Prompt:
    """Say where to go and what to take.

    Args:
        errand: The task.
        line: The line to do.
        run: The work under way on it, perhaps.

    Returns:
        The prompt.
    """
    place = (
        say("{place}, unit {unit}", place=line.from_location, unit=line.from_unit)
        if line.from_unit
        else line.from_location
    )
    what = say("{item}, lot {lot}", item=line.item, lot=line.lot) if line.lot else line.item
    return say(
        "{place}: {quantity} x {item} ({number}/{count})",
        place=place,
        quantity=plain(errand.remaining(line, run)),
        item=what,
        number=line.number,
        count=len(errand.task.lines),
    )


def plain(quantity: Decimal) -> str:
    """Write a quantity without needless zeros.

    Args:
        quantity: Any.

    Returns:
        Its digits.

    Examples:
        >>> plain(Decimal("24.500000")), plain(Decimal("120"))
        ('24.5', '120')
    """
    return f"{quantity:f}".rstrip("0").rstrip(".") if "." in f"{quantity:f}" else f"{quantity:f}"
