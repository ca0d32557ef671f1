"""An assignment in; which visits are open at a door at an instant, and what their documents declare, out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from contracts.offline import Assignment, ExpectedLine, Visit
from contracts.records import DocumentRef
from contracts.vocabulary import CrossingDirection

_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_VARIABLE_MEASURE: Final = "9"
"""GTINs that begin with it are no packaging level of another."""
_BASE_LEVEL: Final = "0"
_GTIN_DIGITS: Final = 14
MANY: Final = 3
"""So many of an item beyond what documents name are rather a pallet's content than loose."""

Documents = tuple[DocumentRef, ...]


def family(gtin: str) -> str:
    """Name what all packaging levels of an item share, as far as a door can tell.

    Levels numbered by the indicator digit differ in it and in the check digit only. Ratios are not known at
    the edge and are not needed: what is declared as content moves with its unit at any level.

    Args:
        gtin: 14 digits.

    Returns:
        The 12 digits between; the whole GTIN for variable measure.

    Examples:
        >>> family("19520011000014") == family("09520011000017")
        True
    """
    return gtin if gtin.startswith(_VARIABLE_MEASURE) else gtin[1:-1]


@dataclass(frozen=True, slots=True)
class OpenVisit:
    """One visit as a door needs it."""

    visit: str
    direction: CrossingDirection
    from_us: int
    to_us: int | None
    clearing_account: str
    units: Mapping[str, Documents]
    """Declared logistic units, with the document lines that name them."""
    content: Mapping[str, Documents]
    """Item families declared inside units."""
    loose: Mapping[str, Documents]
    """Item families declared outside units."""
    loose_gtins: frozenset[str]
    """The packaging levels that these are declared in."""
    least_content: Mapping[str, Decimal | None]
    """How much of a family the unit with the least of it holds; None where that is not said."""
    most_loose: Mapping[str, Decimal | None]
    """How much of a family is declared loose in all; None where that is not said."""
    has_sealed_units: bool
    """Some unit is declared without its content."""
    content_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Item families declared inside each unit."""

    def is_open(self, at_us: int) -> bool:
        """Tell whether the window contains an instant.

        Args:
            at_us: Microseconds since 1970.

        Returns:
            True from the first to the last instant of the window.
        """
        return self.from_us <= at_us and (self.to_us is None or at_us <= self.to_us)

    def declares(self, unit: str | None, gtin: str | None) -> bool:
        """Tell whether the visit's documents name a thing.

        Args:
            unit: A logistic unit, or
            gtin: a trade item.

        Returns:
            True if a line does, as a unit, as content or loose.
        """
        if unit is not None:
            return unit in self.units
        return gtin is not None and (family(gtin) in self.content or family(gtin) in self.loose)

    def takes_loose(self, gtin: str) -> bool:
        """Tell whether a packaging level is declared loose, and not as the inside of one that is.

        Args:
            gtin: 14 digits.

        Returns:
            False for base units of an item that is declared in cases only: they are in those cases.
        """
        if gtin in self.loose_gtins:
            return True
        return family(gtin) in self.loose and not gtin.startswith(_BASE_LEVEL)

    def looks_like_a_pallet(self, gtin: str, count: int) -> bool:
        """Tell whether so many tags of an item that may be loose too are rather a unit's content.

        Args:
            gtin: 14 digits.
            count: Tags that crossed together.

        Returns:
            True if half of the smallest unit's content is there, or more than is loose, or nobody knows.
        """
        name = family(gtin)
        most = self.most_loose.get(name)
        if name not in self.content:
            return count >= MANY and most is not None and count > most
        least = self.least_content.get(name)
        return count > 1 and (least is None or most is None or count * 2 >= least or count > most)

    def documents(self, unit: str | None, gtin: str | None) -> Documents:
        """Give the document lines that name a thing.

        Args:
            unit: A logistic unit, or
            gtin: a trade item.

        Returns:
            Each document once; its line only where there is one.
        """
        if unit is not None:
            return self.units.get(unit, ())
        return () if gtin is None else self.loose.get(family(gtin), ())


@dataclass(frozen=True, slots=True)
class Known:
    """What a gateway knows of its doors' visits at an instant."""

    revision: int | None = None
    """Of the assignment in force; None if there is none."""
    by_door: Mapping[str, tuple[OpenVisit, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, assignment: Assignment | None) -> "Known":
        """Index an assignment.

        Args:
            assignment: In force; None if there is none.

        Returns:
            The index.
        """
        if assignment is None:
            return cls()
        by_door: dict[str, list[OpenVisit]] = {}
        for visit in assignment.visits:
            by_door.setdefault(visit.door or assignment.door, []).append(_opened(visit))
        doors = {
            door: tuple(sorted(visits, key=lambda each: (each.from_us, each.visit)))
            for door, visits in by_door.items()
        }
        return cls(assignment.revision, doors)

    def open_at(self, door: str, at_us: int) -> tuple[OpenVisit, ...]:
        """Give the visits open at a door.

        Args:
            door: Portal id.
            at_us: Microseconds since 1970.

        Returns:
            In order of their windows' beginning.
        """
        return tuple(each for each in self.by_door.get(door, ()) if each.is_open(at_us))

    def everywhere(self) -> Iterator[OpenVisit]:
        """Give every visit of every door, open or not.

        Yields:
            Visit by visit.
        """
        for visits in self.by_door.values():
            yield from visits


def _opened(visit: Visit) -> OpenVisit:
    units: dict[str, list[DocumentRef]] = {}
    content: dict[str, list[DocumentRef]] = {}
    loose: dict[str, list[DocumentRef]] = {}
    content_of: dict[str, set[str]] = {}
    for line in visit.lines:
        for unit in line.units:
            units.setdefault(unit, []).append(line.document)
            content_of.setdefault(unit, set()).update(_families(line))
        for name in _families(line):
            (content if line.units else loose).setdefault(name, []).append(line.document)
    return OpenVisit(
        visit=visit.visit,
        direction=CrossingDirection.IN if visit.direction == "inbound" else CrossingDirection.OUT,
        from_us=to_us(visit.from_at),
        to_us=None if visit.to_at is None else to_us(visit.to_at),
        clearing_account=visit.clearing_account,
        units={unit: _merged(refs) for unit, refs in units.items()},
        content={name: _merged(refs) for name, refs in content.items()},
        loose={name: _merged(refs) for name, refs in loose.items()},
        loose_gtins=frozenset(
            line.identifier.value for line in visit.lines if line.identifier is not None and not line.units
        ),
        least_content=_sums(visit.lines, are_inside=True),
        most_loose=_sums(visit.lines, are_inside=False),
        has_sealed_units=any(line.units and line.identifier is None for line in visit.lines),
        content_of={unit: frozenset(names) for unit, names in content_of.items()},
    )


def _families(line: ExpectedLine) -> set[str]:
    gtins: list[object] = (
        [line.identifier.value] if line.identifier and line.identifier.scheme == "gtin" else []
    )
    levels = (line.model_extra or {}).get("levels")
    if isinstance(levels, list | tuple):
        gtins.extend(levels)
    return {family(gtin) for gtin in gtins if isinstance(gtin, str) and len(gtin) == _GTIN_DIGITS}


def _sums(lines: Iterable[ExpectedLine], *, are_inside: bool) -> dict[str, Decimal | None]:
    """Find the least content of one unit, or the sum of what is loose, by family."""
    sums: dict[str, Decimal | None] = {}
    for line in lines:
        if bool(line.units) is not are_inside:
            continue
        quantity = (
            line.quantity if line.quantity is None or not line.units else line.quantity / len(line.units)
        )
        for name in _families(line):
            before = sums.get(name, quantity)
            if before is None or quantity is None:
                sums[name] = None
            elif name not in sums or are_inside:
                sums[name] = min(before, quantity)
            else:
                sums[name] = before + quantity
    return sums


def _merged(refs: Iterable[DocumentRef]) -> Documents:
    lines: dict[tuple[str, str], set[str | None]] = {}
    for ref in refs:
        lines.setdefault((ref.type, ref.id), set()).add(ref.line)
    return tuple(
        DocumentRef(type=kind, id=name, line=next(iter(found)) if len(found) == 1 else None)
        for (kind, name), found in sorted(lines.items())
    )


def to_us(at: datetime) -> int:
    """Convert an instant.

    Args:
        at: Aware.

    Returns:
        Microseconds since 1970, UTC.
    """
    return (at - _UNIX_EPOCH) // _MICROSECOND


def from_us(at_us: int) -> datetime:
    """Convert back.

    Args:
        at_us: Microseconds since 1970, UTC.

    Returns:
        Aware, in UTC.
    """
    return _UNIX_EPOCH + at_us * _MICROSECOND
