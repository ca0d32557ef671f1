"""What of handhelds' scans is over or inspected, and does not wait yet; pure (DOMAIN D4)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

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
    is_blind: bool = False
    """Whether there is no document: nobody expected anything."""
    inspects: bool = False
    """Whether all that is not on hold waits until somebody has inspected it."""
    came: Decimal = NOTHING
    """What came of the line up to this part, with it, while its order was not closed."""

    @property
    def is_unexpected(self) -> bool:
        """Whether a document is there and does not ask for it, however much it is."""
        return not self.is_blind and (self.line is None or self.is_closed)


def beyond(part: Part) -> Decimal:
    """Say how much of a part came beyond what is tolerated, as if it had been received on paper.

    Args:
        part: Of a document.

    Returns:
        At most its quantity.

    Examples:
        >>> rule, ordered = Decimal(10), Decimal(10)
        >>> scans = [(("gw", 1, 1), Decimal(9), Decimal(9)), (("gw", 1, 2), Decimal(5), Decimal(14))]
        >>> [int(beyond(Part(name, "TEA", "1", q, rule, ordered, came=came))) for name, q, came in scans]
        [0, 3]
    """
    if part.is_unexpected:
        return part.quantity
    if part.is_blind or part.over_percent is None or part.ordered is None:
        return NOTHING
    room = NOTHING if part.is_ended else part.ordered * (1 + part.over_percent / 100) - part.taken
    return min(part.quantity, max(NOTHING, part.came - max(NOTHING, room)))


@dataclass(frozen=True, slots=True)
class Judged:
    """A part, and what is known of it."""

    part: Part
    beyond: Decimal


class Asked(NamedTuple):
    """What of a scan was asked to wait so far."""

    on_hold: Decimal = NOTHING
    to_inspect: Decimal = NOTHING


class Wanted(NamedTuple):
    """What of a part is to wait now, and as what."""

    part: Part
    quantity: Decimal
    is_inspection: bool
    """All of it, wherever it was carried, until somebody has inspected or graded it; else on hold."""
    is_return: bool = False
    """Whether customers sent it back: it is graded."""


@dataclass(frozen=True, slots=True)
class Due:
    """What of an item is to wait, and what was put on hold without need."""

    wanted: tuple[Wanted, ...]
    """What was not asked for yet; the latest first."""
    expected_after_all: Decimal
    """What was asked to be held, and came within what is tolerated by what is known now."""


def due(judged: Sequence[Judged], asked: Mapping[tuple[str, int, int], Asked]) -> dict[str, Due]:
    """Say what is to wait of each item: on hold as much as came beyond, the rest of what is inspected so.

    What was asked to be held of one scan counts for another of the same item where what came late made that
    one the one too many: in the end as much is on hold as came beyond, whichever scan it was asked for. What
    waits already, on hold or to be inspected, is not asked for again, and nothing is taken off it.

    Args:
        judged: Parts of one document, in the order of what occurred.
        asked: By scan, so far.

    Returns:
        By item.

    Examples:
        >>> late = Judged(Part(("gw", 1, 2), "TEA", None, Decimal(5), inspects=True), Decimal(3))
        >>> told = due([late], {("gw", 1, 2): Asked(Decimal(2))})["TEA"]
        >>> [(int(each.quantity), each.is_inspection) for each in told.wanted]
        [(1, False), (2, True)]
    """
    by_item: defaultdict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        by_item[each.part.item].append(each)
    return {item: _due(parts, asked) for item, parts in by_item.items()}


@dataclass(slots=True)
class _Left:
    """What of a part is not asked for yet."""

    part: Part
    beyond: Decimal
    rest: Decimal
    """All of it, what came beyond included."""
    held: Decimal = NOTHING

    def hold(self, most: Decimal) -> Decimal:
        """Put some of it on hold; say how much."""
        more = min(most, self.rest)
        self.held += more
        self.rest -= more
        return more


def _due(judged: Sequence[Judged], asked: Mapping[tuple[str, int, int], Asked]) -> Due:
    known = {each.part.scan: asked.get(each.part.scan, Asked()) for each in judged}
    more = sum((each.beyond for each in judged), NOTHING) - sum((a.on_hold for a in known.values()), NOTHING)
    surplus, more = max(NOTHING, -more), max(NOTHING, more)
    left = _not_asked(judged, known)
    for each in left:
        more -= each.hold(min(more, each.beyond))
    inspected = [each for each in left if each.part.inspects]
    for each in inspected:  # what goes on hold in place of what waits to be inspected already
        more -= each.hold(more)
    wanted = [Wanted(each.part, each.held, is_inspection=False) for each in left]
    wanted += [Wanted(each.part, each.rest, is_inspection=True) for each in inspected]
    return Due(tuple(each for each in wanted if each.quantity > 0), surplus)


def _not_asked(judged: Sequence[Judged], known: dict[tuple[str, int, int], Asked]) -> list[_Left]:
    """Take what was asked for of each scan off its parts, of what is beyond first; the latest part first."""
    left = []
    for each in reversed(judged):
        on_hold, to_inspect = known[each.part.scan]
        covered = min(each.beyond, on_hold)
        known[each.part.scan] = Asked(on_hold - covered, to_inspect)
        left.append(_Left(each.part, each.beyond - covered, each.part.quantity - covered))
    spare = {scan: sum(of_scan, NOTHING) for scan, of_scan in known.items()}
    for of_beyond in (False, True):
        for one in left:
            covered = min(spare[one.part.scan], one.rest if of_beyond else one.rest - one.beyond)
            spare[one.part.scan] -= covered
            one.rest -= covered
            one.beyond = min(one.beyond, one.rest)
    return left
