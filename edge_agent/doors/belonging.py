"""Where a passage belongs by the documents: which visits fit, and whether an item is loose or in a unit."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from contracts.vocabulary import CrossingDirection
from edge_agent.decode.epc import Epc
from edge_agent.decode.tag_role import TagRole
from edge_agent.doors.things import Thing, thing_of
from edge_agent.doors.visits import Known, OpenVisit, family
from edge_agent.filters.passage import Passage

ASSIGNED_AT_MOST: Final = 0.80
"""D2: a direction that only the visit tells is never surer."""
UNIT_LOG_ODDS: Final = 2.0
"""What it is worth that the documents of the only visit expect this very unit here, in this direction: set by
judgement, not fitted."""
ITEM_LOG_ODDS: Final = 1.5
"""The same where they expect loose goods of the item: of 51 such passages on four simulated docks with a
confidence of 0.75 to 0.95 by radio 35 were right, so this is rather too much."""
OFTEN: Final = 25
"""Less often read is nothing that a document could add to: pieces of the item are on other pallets too."""
Belonging = Literal["loose", "inside", "either", "undeclared"]
OPEN_QUESTIONS: Final = frozenset({"either", "undeclared"})
CROSSINGS: Final = frozenset({CrossingDirection.IN, CrossingDirection.OUT})


def direction_of(passage: Passage, visits: Sequence[OpenVisit]) -> tuple[CrossingDirection, float]:
    """Give the direction, from the only open visit where nothing else tells it.

    Args:
        passage: What the filter concluded.
        visits: Open at the door.

    Returns:
        Direction and confidence.
    """
    if passage.is_assignable and len(visits) == 1:
        return visits[0].direction, min(passage.confidence, ASSIGNED_AT_MOST)
    return passage.direction, passage.confidence


def leaning(passage: Passage, known: Known, thing: Thing) -> Passage:
    """Name the direction that the only open visit expects a thing in, where the radio alone names none.

    Args:
        passage: What the filter concluded.
        known: The assignment in force when it occurred.
        thing: What passed.

    Returns:
        The passage with that direction, and the radio's own confidence in it, if radio and documents together
        make it likelier than not; the passage itself otherwise.
    """
    visits = known.open_at(passage.portal, passage.occurred_us)
    if passage.direction in CROSSINGS or len(visits) != 1 or passage.neighbour is not None:
        return passage
    direction = visits[0].direction
    chance = passage.chances[direction is CrossingDirection.OUT]
    worth = _worth(passage, visits[0], thing)
    if not worth or _with_worth(chance, worth) < 0.5:  # noqa: PLR2004  likelier than not
        return passage
    return replace(passage, direction=direction, confidence=chance)


def informed(
    passage: Passage, direction: CrossingDirection, fitting: Sequence[OpenVisit], thing: Thing
) -> float:
    """Weigh what the documents say beside what the radio says (Bayes' rule on log-odds).

    Args:
        passage: What the filter concluded.
        direction: Of the passage.
        fitting: Visits that fit.
        thing: What passed.

    Returns:
        The confidence that is compared with the portal's limits and recorded; the passage's own where no
        document, or more than one visit, expects the thing.
    """
    if len(fitting) != 1 or direction not in CROSSINGS:
        return passage.confidence
    return _with_worth(passage.confidence, _worth(passage, fitting[0], thing))


def _worth(passage: Passage, visit: OpenVisit, thing: Thing) -> float:
    if thing.unit is not None and thing.unit in visit.units:
        return UNIT_LOG_ODDS
    if thing.gtin is not None and visit.takes_loose(thing.gtin) and passage.reads >= OFTEN:
        return ITEM_LOG_ODDS
    return 0.0


def _with_worth(chance: float, worth: float) -> float:
    if not worth or not 0.0 < chance < 1.0:
        return chance
    return 1.0 / (1.0 + (1.0 - chance) / chance * math.exp(-worth))


def fitting_visits(
    visits: Sequence[OpenVisit], direction: CrossingDirection, thing: Thing
) -> Sequence[OpenVisit]:
    """Find the visits that a passage can belong to.

    Args:
        visits: Open at the door.
        direction: Of the passage.
        thing: What passed.

    Returns:
        Those of its direction; of several only the one whose documents name the thing, if one does.
    """
    fitting = [each for each in visits if direction not in CROSSINGS or each.direction is direction]
    if len(fitting) > 1:
        naming = [each for each in fitting if each.declares(thing.unit, thing.gtin)]
        return naming if len(naming) == 1 else fitting
    return fitting


def belonging(
    thing: Thing,
    fitting: Sequence[OpenVisit],
    visits: Sequence[OpenVisit],
    all_visits: Sequence[OpenVisit],
) -> Belonging:
    """Look a trade item up in documents: the fitting visits', else this door's, else any.

    An item that no document names, on a visit with units whose content none names either, is taken to be in
    those: one card too few rather than one for every tag of a pallet.

    Args:
        thing: A trade item.
        fitting: Visits that fit.
        visits: Open at the door.
        all_visits: Of every door.

    Returns:
        ``either`` if documents name it loose and inside, ``undeclared`` if no document of this door names it.
    """
    gtin = thing.gtin
    if gtin is None:
        return "loose"
    for is_here, scope in ((True, fitting), (True, visits), (False, all_visits)):
        naming = [each for each in scope if each.declares(None, gtin)]
        if naming:
            is_loose = any(each.takes_loose(gtin) for each in naming)
            is_inside = any(family(gtin) in each.content for each in naming)
            if not is_loose:
                return "inside"
            if is_inside:
                return "either"
            return "loose" if is_here else "undeclared"
    return "inside" if any(each.has_sealed_units for each in fitting) else "undeclared"


def needs_company(passage: Passage, tag: tuple[Epc, TagRole], known: Known) -> bool:
    """Tell whether a decision depends on what else crosses with the tag.

    Args:
        passage: What the filter concluded.
        tag: What the tag names, and its role.
        known: The assignment in force when it occurred.

    Returns:
        True for a trade item that may be loose or inside a unit, by the documents.
    """
    thing = thing_of(tag, known)
    if thing.gtin is None or passage.direction is CrossingDirection.STRAY:
        return False
    visits = known.open_at(passage.portal, passage.occurred_us)
    direction, _ = direction_of(passage, visits)
    fitting = fitting_visits(visits, direction, thing)
    return belonging(thing, fitting, visits, tuple(known.everywhere())) != "inside"


def is_expected(passage: Passage, tag: tuple[Epc, TagRole], known: Known) -> bool:
    """Tell whether a visit open at the portal names what passed, in this direction.

    Args:
        passage: What the filter concluded.
        tag: What the tag names, and its role.
        known: The assignment in force when it occurred.

    Returns:
        True if one does.
    """
    thing = thing_of(tag, known)
    visits = known.open_at(passage.portal, passage.occurred_us)
    return any(
        each.declares(thing.unit, thing.gtin) for each in fitting_visits(visits, passage.direction, thing)
    )
