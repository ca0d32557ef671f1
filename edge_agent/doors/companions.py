"""Who crossed a portal with whom: passages in, a trade item's company out (DOMAIN D3)."""

from bisect import bisect_left, insort
from typing import Final

from contracts.vocabulary import CrossingDirection
from edge_agent.decode.epc import Epc
from edge_agent.decode.tag_role import TagRole
from edge_agent.doors.domain import COMPANY_US, Company, thing_of
from edge_agent.doors.visits import Known, family
from edge_agent.filters.passage import Passage

_REMEMBERED_US: Final = 180_000_000
"""Passages are forgotten so long after the newest at their portal: none waits longer for its company."""


class Companions:
    """Remembers units and items that passed each portal lately."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._units: dict[str, list[tuple[int, str]]] = {}
        self._items: dict[tuple[str, str], list[tuple[int, str]]] = {}

    def note(self, passage: Passage, tag: tuple[Epc, TagRole], known: Known) -> None:
        """Remember a passage.

        Args:
            passage: Of any tag.
            tag: What it names, and its role.
            known: The assignment in force when it occurred.
        """
        if passage.direction is CrossingDirection.STRAY:
            return
        thing = thing_of(tag, known)
        if thing.unit is not None:
            _insert(self._units.setdefault(passage.portal, []), (passage.occurred_us, thing.unit))
        elif thing.gtin is not None:
            kept = self._items.setdefault((passage.portal, thing.gtin), [])
            _insert(kept, (passage.occurred_us, passage.epc))

    def of(self, passage: Passage, tag: tuple[Epc, TagRole], known: Known) -> Company:
        """Tell who passed with a trade item.

        Args:
            passage: The item's.
            tag: What it names, and its role.
            known: The assignment in force when it occurred.

        Returns:
            Its company, as far as passages were noted.
        """
        gtin = thing_of(tag, known).gtin
        if gtin is None:
            return Company()
        at_us = passage.occurred_us
        units = _between(self._units.get(passage.portal, []), at_us - COMPANY_US, at_us + COMPANY_US)
        same = _between(self._items.get((passage.portal, gtin), []), at_us - COMPANY_US, at_us + COMPANY_US)
        mine = (at_us, passage.epc)
        return Company(
            has_unit=any(_may_hold(unit, gtin, known) for _, unit in units),
            count=len({epc for _, epc in same} | {passage.epc}),
            is_led=any(each < mine for each in same if each[1] != passage.epc),
        )


def _may_hold(unit: str, gtin: str, known: Known) -> bool:
    naming = [visit for visit in known.everywhere() if unit in visit.units]
    return not naming or any(family(gtin) in visit.content or visit.has_sealed_units for visit in naming)


def _between(kept: list[tuple[int, str]], from_us: int, to_us: int) -> list[tuple[int, str]]:
    return kept[bisect_left(kept, (from_us, "")) : bisect_left(kept, (to_us + 1, ""))]


def _insert(kept: list[tuple[int, str]], entry: tuple[int, str]) -> None:
    insort(kept, entry)
    if kept[0][0] < kept[-1][0] - _REMEMBERED_US:
        del kept[: bisect_left(kept, (kept[-1][0] - _REMEMBERED_US, ""))]
