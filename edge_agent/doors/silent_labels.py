"""A pallet whose label nobody heard cross: pieces that did in, the unit that they speak for out.

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
            near: Neighbours of the portal.
            due: Tells which way units of the portal's visits are still to go.

        Returns:
            The only unit that is due and may hold the piece, from the eighth of them on that crossed within
            10 s, if most of those that were heard crossed, too, and no label says something else (see
            ``_is_told_by_a_label``). None otherwise, and when it was asked about in the last three minutes.
        """
        if gtin is None or not may_speak(passage, gtin, known):
            return None
        along, around, against, others = self._companions.crossed_alike(passage, gtin, SPAN_US)
        if along < PALLETFUL or around < max(_MAJORITY * against, others):
            return None
        unit = _only_holder(passage, gtin, known, due())
        if unit is None or self._is_asked(unit, passage.occurred_us):
            return None
        if self._is_told_by_a_label(passage, gtin, known, near, unit):
            return None
        self._asked[unit] = passage.occurred_us
        self._asked.move_to_end(unit)
        if len(self._asked) > _MOST_UNITS:
            self._asked.popitem(last=False)
        return unit

    def _is_told_by_a_label(
        self, passage: Passage, gtin: str, known: Known, near: Iterable[str], unit: str
    ) -> bool:
        """Tell whether a label was heard that the pieces may belong to.

        That is the unit's own if it was heard with them, or seemed to cross; of another that holds them, if
        it was here or crossed next door; and any that crossed here of which nobody knows what it holds.
        """
        begin_us, end_us = passage.occurred_us - SPAN_US, heard_until_us(passage)
        here = self._companions.units_heard((passage.portal,), begin_us, end_us)
        beside = self._companions.units_heard(near, begin_us, end_us)
        meanwhile = self._companions.units_heard((passage.portal,), passage.occurred_us - COMPANY_US, end_us)

        def may_be_theirs(each: str, *, has_crossed: bool) -> bool:
            holds = None if each == unit else _holds(each, gtin, known)
            return has_crossed if holds is None else holds

        return (
            any(each == unit for each, _ in meanwhile)
            or any(may_be_theirs(each, has_crossed=has_crossed) for each, has_crossed in here)
            or any(has_crossed and _holds(each, gtin, known) for each, has_crossed in beside)
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


def _holds(unit: str, gtin: str, known: Known) -> bool | None:
    """Tell whether documents put an item, or they say not what, inside a unit; None if none names it."""
    for visit in known.everywhere():
        families = visit.content_of.get(unit)
        if families is not None:
            return not families or family(gtin) in families
    return None
