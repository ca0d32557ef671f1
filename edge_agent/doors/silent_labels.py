"""A pallet whose label nobody heard: pieces that crossed in, the unit that they speak for out.

Labels are torn, wet, or turned to metal; hundreds of pieces are not. Where documents say which unit holds an
item, many pieces of it that surely went tell that the unit did. A person is asked, as nothing read its name.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from contracts.vocabulary import CrossingDirection
from edge_agent.doors.belonging import CROSSINGS
from edge_agent.doors.companions import Companions
from edge_agent.doors.domain import COMPANY_US, PALLETFUL
from edge_agent.doors.visits import Known, family
from edge_agent.filters.passage import Passage

SPAN_US: Final = 10_000_000
"""Pieces of one pallet seem to turn in the doorway within so long, and its label would be heard so shortly
before or after them: on five of 124 simulated docks it was up to 8 s after the eighth."""
_MAJORITY: Final = 5
"""So many times more of them went that way than the other."""
_ASKED_US: Final = 180_000_000
"""Nobody is asked about a unit twice within so long."""
_MOST_UNITS: Final = 4_096


class SilentLabels:
    """Remembers which units were asked about."""

    def __init__(self, companions: Companions) -> None:
        """Begin with nobody asked.

        Args:
            companions: Who passed lately.
        """
        self._companions = companions
        self._asked: OrderedDict[str, int] = OrderedDict()

    def unit_of(
        self,
        passage: Passage,
        gtin: str | None,
        known: Known,
        near: Iterable[str],
        due: Callable[[], Mapping[str, CrossingDirection]],
    ) -> str | None:
        """Name the unit that crossed with a piece, if only its content tells so.

        Args:
            passage: The piece's.
            gtin: Its item, if it is a trade item's.
            known: The assignment in force when it occurred.
            near: Neighbours of the portal: a label that one of them hears is not silent.
            due: Tells which way units of the portal's visits are still to go.

        Returns:
            The only unit that is due and may hold the piece, from the eighth of them on that crossed within
            10 s, if most of those that were heard crossed, too, and no label of a unit that may hold them was
            heard meanwhile. None otherwise, and when it was asked about in the last three minutes.
        """
        if gtin is None or not may_speak(passage, gtin, known):
            return None
        along, around, against, others = self._companions.crossed_alike(passage, gtin, SPAN_US)
        is_most = around >= max(_MAJORITY * against, others)
        if along < PALLETFUL or not is_most or self._has_heard_a_holder(passage, gtin, known, near):
            return None
        unit = _only_holder(passage, gtin, known, due())
        if unit is None or self._is_asked(unit, passage.occurred_us):
            return None
        self._asked[unit] = passage.occurred_us
        self._asked.move_to_end(unit)
        if len(self._asked) > _MOST_UNITS:
            self._asked.popitem(last=False)
        return unit

    def _has_heard_a_holder(self, passage: Passage, gtin: str, known: Known, near: Iterable[str]) -> bool:
        """Tell whether the label of a unit was heard that holds the piece, or may as nobody declared it."""
        holds = {
            unit: not families or family(gtin) in families
            for visit in known.everywhere()
            for unit, families in visit.content_of.items()
        }
        begin_us, end_us = passage.occurred_us - SPAN_US, heard_until_us(passage)
        return any(
            holds.get(unit, has_crossed)
            for unit, has_crossed in self._companions.units_heard((passage.portal, *near), begin_us, end_us)
        )

    def _is_asked(self, unit: str, at_us: int) -> bool:
        asked_us = self._asked.get(unit)
        return asked_us is not None and abs(at_us - asked_us) <= _ASKED_US


def heard_until_us(passage: Passage) -> int:
    """Tell until when a label would be heard that moves with a piece.

    Args:
        passage: The piece's.

    Returns:
        Microseconds since 1970.
    """
    return max(passage.occurred_us + SPAN_US, passage.last_seen_us + COMPANY_US)


def may_speak(passage: Passage, gtin: str | None, known: Known) -> bool:
    """Tell whether a piece is declared as content only, and seems to have crossed.

    Args:
        passage: Of any tag.
        gtin: Its item, if it is a trade item's.
        known: The assignment in force when it occurred.

    Returns:
        True if so: it waits for the label of its unit.
    """
    if gtin is None or passage.direction not in CROSSINGS:
        return False
    visits = known.open_at(passage.portal, passage.occurred_us)
    is_inside = any(family(gtin) in visit.content for visit in visits)
    return is_inside and not any(visit.takes_loose(gtin) for visit in visits)


def _only_holder(
    passage: Passage, gtin: str, known: Known, due: Mapping[str, CrossingDirection]
) -> str | None:
    holders = {
        unit
        for visit in known.open_at(passage.portal, passage.occurred_us)
        for unit, families in visit.content_of.items()
        if due.get(unit) is passage.direction and (not families or family(gtin) in families)
    }
    return next(iter(holders)) if len(holders) == 1 else None
