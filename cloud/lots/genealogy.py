"""What was made of a lot, and what a lot was made of, however often things were made of things; pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from cloud.lots.domain import Link, LotError, LotKey, Transformation

MOST_LOTS: Final = 5_000
"""A genealogy of more is refused, never cut short in silence."""

FindLinks = Callable[[Sequence[LotKey], bool], Sequence[Link]]
"""All links of the transformations that consumed the lots (True), or that made them (False)."""


@dataclass(frozen=True, slots=True)
class Relative:
    """A lot in a genealogy."""

    key: LotKey
    item: str
    base_unit: str
    steps: int
    """How many transformations away: above zero made of the lot, below zero what it was made of."""
    is_possible: bool = False
    """Whether the trail leads through goods of which no lot was kept, or several pieces that became several:
    it may be others of the item."""
    since: datetime | None = None
    """Of goods without a lot: from when on they may be of it."""


@dataclass(frozen=True, slots=True)
class Genealogy:
    """A lot, everything made of it and everything it was made of."""

    start: LotKey
    relatives: Mapping[LotKey, Relative]
    """The start among them, at zero steps."""
    links: Mapping[Transformation, tuple[Link, ...]]

    def forward(self) -> list[Relative]:
        """List the start and what was made of it, the nearest first."""
        return [each for each in self._in_order() if each.steps >= 0]

    def backward(self) -> list[Relative]:
        """List the start and what it was made of, the nearest first."""
        return [each for each in self._in_order() if each.steps <= 0]

    def _in_order(self) -> list[Relative]:
        return sorted(self.relatives.values(), key=lambda each: (abs(each.steps), each.key.sort_key))


@dataclass(slots=True)
class _Walk:
    find: FindLinks
    relatives: dict[LotKey, Relative]
    links: dict[Transformation, tuple[Link, ...]] = field(default_factory=dict)

    def go(self, *starts: Relative, is_forward: bool) -> None:
        start, edge = starts[0], list(starts)
        while edge:
            found = _by_transformation(self.find([each.key for each in edge], is_forward))
            self.links |= found
            at = {each.key: each for each in edge}
            reached: dict[LotKey, Relative] = {}
            for links in found.values():
                for relative in _next(links, at, is_forward=is_forward):
                    known = reached.get(relative.key)
                    reached[relative.key] = relative if known is None else _nearer(known, relative)
            edge = []
            for key, relative in sorted(reached.items(), key=lambda pair: pair[0].sort_key):
                known = self.relatives.get(key)
                if known is None or _says_more(relative, known):
                    edge.append(relative)
                if known is None or (known.steps != 0 and _says_more(relative, known)):
                    self.relatives[key] = relative
            if len(self.relatives) > MOST_LOTS:
                raise LotError(
                    f"more than {MOST_LOTS:,} lots are related to lot {start.key.lot!r} of {start.item!r}: "
                    "expected fewer; begin at a lot nearer to what is asked"
                )
            # Goods without a lot lead no further back: nobody knows which of them were used.
            edge = [each for each in edge if is_forward or each.key.is_known]


def trace(
    start: LotKey, item: str, base_unit: str, find: FindLinks, *, unknown: Sequence[Relative] = ()
) -> Genealogy:
    """Walk from a lot to everything made of it and everything it was made of.

    A lot is met again where goods are repacked under their own name, or taken apart and put together again:
    each is walked through once. Where an output has no lot, the trail goes on through all goods of that item
    without one, from when it was made on; what is found so is *possible*. Every output of a transformation is
    taken to hold every input; of a serial among several pieces that became several, each of these *possibly*.

    Args:
        start: The lot, or the serial.
        item: Its item's code.
        base_unit: Its item's base unit.
        find: Finds links, for many lots at once.
        unknown: Goods of the item of which nobody knows the lot and that may be of this one: as far away, and
            possible as is what was made of them from then on.

    Returns:
        The genealogy.

    Raises:
        LotError: If more lots are related than `MOST_LOTS`.
    """
    here = Relative(start, item, base_unit, 0)
    forth = _Walk(find, {each.key: each for each in (here, *unknown)})
    back = _Walk(find, {start: here})
    forth.go(here, *unknown, is_forward=True)
    back.go(here, is_forward=False)
    return Genealogy(start, {**back.relatives, **forth.relatives}, {**back.links, **forth.links})


def _by_transformation(links: Sequence[Link]) -> dict[Transformation, tuple[Link, ...]]:
    found: dict[Transformation, list[Link]] = {}
    for link in links:
        found.setdefault(link.transformation, []).append(link)
    return {name: tuple(of_one) for name, of_one in found.items()}


def _next(links: Sequence[Link], at: Mapping[LotKey, Relative], *, is_forward: bool) -> list[Relative]:
    """What one transformation leads to from the lots that are walked from now."""
    came_from = [
        at[link.key]
        for link in links
        if link.is_input == is_forward and link.key in at and _is_in_time(at[link.key], link)
    ]
    if not came_from:
        return []
    is_possible = all(each.is_possible for each in came_from)
    is_vague = _is_vague(links)
    from_serials = all(each.key.serial for each in came_from)
    steps = min(abs(each.steps) for each in came_from) + 1
    found = []
    for link in links:
        if link.is_input == is_forward:
            continue
        has_none = not link.key.is_known and is_forward
        is_one_of_several = is_vague and (from_serials if is_forward else link.serial is not None)
        found.append(
            Relative(
                link.key,
                link.item,
                link.base_unit,
                steps if is_forward else -steps,
                is_possible=is_possible or has_none or is_one_of_several,
                since=link.first_at if has_none else None,
            )
        )
    return found


def _is_vague(links: Sequence[Link]) -> bool:
    """Whether several pieces were made of several: which one a serial went into, nobody knows."""
    pieces = [
        sum((link.quantity for link in links if link.is_input == is_input), Decimal(0))
        for is_input in (True, False)
    ]
    return min(pieces) > 1


def _is_in_time(relative: Relative, link: Link) -> bool:
    return relative.since is None or link.last_at >= relative.since


def _nearer(one: Relative, other: Relative) -> Relative:
    """Of two ways to a lot what both say: the sure one, the earliest instant, the fewest steps."""
    since = None if one.since is None or other.since is None else min(one.since, other.since)
    return Relative(
        one.key,
        one.item,
        one.base_unit,
        min(one.steps, other.steps, key=abs),
        is_possible=one.is_possible and other.is_possible,
        since=since,
    )


def _says_more(one: Relative, known: Relative) -> bool:
    """Whether a lot that was met before must be walked from again: it is sure now, or from earlier on."""
    if known.is_possible and not one.is_possible:
        return True
    return one.since is not None and known.since is not None and one.since < known.since
