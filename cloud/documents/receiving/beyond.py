"""What of handhelds' scans came beyond what is tolerated, and is not on hold yet; pure (DOMAIN D4)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from cloud.documents.receiving.domain import NOTHING


@dataclass(frozen=True, slots=True)
class Part:
    """A scan, or the part of one that is of one line; quantities in base units."""

    scan: tuple[str, int, int]
    """Gateway, epoch and seq."""
    item: str
    line: str | None
    """None: no line of the document names the item."""
    quantity: Decimal
    over_percent: Decimal | None = None
    """What is tolerated of the line; None: whatever comes is taken in."""
    ordered: Decimal | None = None
    """None: its unit has no known ratio."""
    taken: Decimal = NOTHING
    """What people received of the line by its name, and did not put on hold."""
    is_ended: bool = False
    """Whether the line was closed short before the scan."""
    is_closed: bool = False
    """Whether the order was closed before the scan: nothing was expected of it any more."""

    @property
    def is_unexpected(self) -> bool:
        """Whether nobody asked for it, however much it is."""
        return self.line is None or self.is_closed


def beyond(parts: Sequence[Part]) -> list[Decimal]:
    """Say how much of each part came beyond what is tolerated, as if it had been received on paper.

    Args:
        parts: Of one document, in the order of what occurred.

    Returns:
        In the parts' order; at most each one's quantity.

    Examples:
        >>> rule, ordered = Decimal(10), Decimal(10)
        >>> scans = [(("gw", 1, 1), Decimal(9)), (("gw", 1, 2), Decimal(5))]
        >>> [int(each) for each in beyond([Part(name, "TEA", "1", q, rule, ordered) for name, q in scans])]
        [0, 3]
    """
    came: defaultdict[str, Decimal] = defaultdict(Decimal)
    found = []
    for part in parts:
        if part.line is None or part.is_closed:
            found.append(part.quantity)
            continue
        came[part.line] += part.quantity
        if part.over_percent is None or part.ordered is None:
            found.append(NOTHING)
            continue
        room = NOTHING if part.is_ended else part.ordered * (1 + part.over_percent / 100) - part.taken
        found.append(min(part.quantity, max(NOTHING, came[part.line] - max(NOTHING, room))))
    return found


@dataclass(frozen=True, slots=True)
class Judged:
    """A part, and what is known of it."""

    part: Part
    beyond: Decimal


@dataclass(frozen=True, slots=True)
class Due:
    """What of an item is to be put on hold, and what was without need."""

    parts: tuple[Judged, ...]
    """Each with how much of it is to be held that was not asked for yet; the latest first."""
    expected_after_all: Decimal
    """What was asked to be held, and came within what is tolerated by what is known now."""


def due(judged: Sequence[Judged], asked: dict[tuple[str, int, int], Decimal]) -> dict[str, Due]:
    """Say what is to be put on hold of each item: as much as came beyond, and never twice.

    What was asked for of one scan counts for another of the same item where what came late made that one the
    one too many: in the end as much is on hold as came beyond, whichever scan it was asked for. Nothing that
    was put on hold is taken off it.

    Args:
        judged: Parts of one document, in the order of what occurred.
        asked: What was asked to be held of each scan so far.

    Returns:
        By item.

    Examples:
        >>> late = Judged(Part(("gw", 1, 2), "TEA", None, Decimal(5)), Decimal(5))
        >>> told = due([late], {("gw", 1, 2): Decimal(2)})["TEA"]
        >>> [int(each.beyond) for each in told.parts], int(told.expected_after_all)
        ([3], 0)
    """
    by_item: defaultdict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        by_item[each.part.item].append(each)
    return {item: _due(parts, asked) for item, parts in by_item.items()}


def _due(judged: Sequence[Judged], asked: dict[tuple[str, int, int], Decimal]) -> Due:
    known = {each.part.scan: asked.get(each.part.scan, NOTHING) for each in judged}
    left = sum((each.beyond for each in judged), NOTHING) - sum(known.values(), NOTHING)
    surplus = max(NOTHING, -left)
    found = []
    for each in reversed(judged):
        covered = min(each.beyond, known[each.part.scan])
        known[each.part.scan] -= covered
        more = min(each.beyond - covered, max(NOTHING, left))
        if more > 0:
            found.append(Judged(each.part, more))
            left -= more
    return Due(tuple(found), surplus)
