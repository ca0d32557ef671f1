"""Where a passage belongs by the documents: which visits fit, and whether an item is loose or in a unit."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal, NamedTuple

from contracts.vocabulary import CrossingDirection
from edge_agent.decode.epc import Epc
from edge_agent.decode.tag_role import TagRole
from edge_agent.doors.things import Thing, thing_of
from edge_agent.doors.visits import Known, OpenVisit, family
from edge_agent.filters.alone import MOST_UNSURE
from edge_agent.filters.passage import Passage

ASSIGNED_AT_MOST: Final = 0.80
"""D2: a direction that only the visit tells is never surer."""


class Worth(NamedTuple):
    """What it is worth, in log-odds, that a visit's documents name a thing, or do not."""

    asks: float
    """By what became of such passages: enough to ask a person."""
    posts: float
    """Before anything is posted: goods that are expected are carried to the door and back, too."""


class Cart(NamedTuple):
    """What went through the doorway when a loose piece did, as far as the radio tells."""

    is_lone: bool
    """No other piece of its item, which stayed, was heard with it: it is none of a pallet's."""
    mates: int
    """Other loose goods of the visit that surely crossed."""
    is_due: bool = True
    """The visit expects more of the item than went with it so far."""
    is_gone: bool = False
    """The portal did not hear it again soon afterwards."""

    @property
    def words(self) -> str:
        """Say it to people."""
        due = "one more of it is due" if self.is_due else "no more of it is due"
        gone = "not heard again" if self.is_gone else "heard again soon"
        alone = "" if self.is_lone else ", others of it stayed"
        return f"{due}, {self.mates} others of the visit crossed with it, {gone}{alone}"

    @property
    def is_gone_as_expected(self) -> bool:
        """Whether it was due, seemed to cross alone or with others of the visit, and was not heard again."""
        return self.is_due and self.is_gone and (self.is_lone or self.mates > 0)

    @property
    def went_together(self) -> bool:
        """Whether nothing speaks against its having gone with others of the visit."""
        return self.is_lone and self.mates > 0 and self.is_gone

    @property
    def is_sure(self) -> bool:
        """Whether there are so many that it went with them."""
        return self.mates >= _LEAST_MATES


_LEAST_MATES: Final = 2
"""One says nothing more than that a cart was there."""
ALONE_ON_A_CART: Final = Cart(is_lone=False, mates=0)
EXPECTED_UNIT: Final = Worth(4.0, 2.0)
"""The only visit's documents expect this very unit, in this direction: of 60 passages of eight simulated
docks of which the radio was not sure, 58 crossed."""
EXPECTED_ITEM: Final = Worth(1.75, 1.75)
"""They expect one more piece of the item, and no other was about that stayed; but this portal heard it again
soon afterwards, as what is carried to the door and back: 2.2 by 70 passages of 36 simulated docks of which
the radio was not sure."""
GONE: Final = Worth(1.75, 2.75)
"""The same of one that it did not hear again: 2.8 by 80 that were there for long. Where the radio tells less
nobody is asked: as many of those were carried back as went."""
GONE_STRAIGHT: Final = Worth(3.0, 4.0)
"""And of one that was not there for long, as what stops in the doorway and turns: 4.5 by 50."""
ON_A_CART: Final = Worth(5.0, 2.75)
"""Others that are expected surely crossed with it: 4.0 by 29."""
GONE_ON_A_CART: Final = Worth(5.0, 5.0)
"""And it was not heard again: 4.4 by 540, for one other as for more; 13 of 13 of those that the radio called
strays two to twenty times as likely."""
HARDLY_READ_ON_A_CART: Final = Worth(3.0, 0.0)
"""The same of one that was hardly read: of three that the radio gave a chance of 5 % or more two went, of 13
that it gave less none."""
LIKELY: Final = 0.9
"""What crossed so surely speaks for the other goods of its cart, and needs few reads if they speak for it: of
seven in 65 simulated docks seven crossed."""
_STRAIGHT_US: Final = 10_000_000
"""Nobody who stops in the doorway is through it, and gone, so soon."""
OFTEN: Final = 25
"""So often read is a piece that speaks for itself."""
LEAST_READS: Final = 10
"""Less often read is nothing that documents could add to: pieces of the item are on other pallets too."""
UNEXPECTED: Final = Worth(-3.0, -3.0)
"""Where documents of visits name neither, or another visit's do: of what crosses, one in fifty is nowhere
announced; of what merely comes near, most is not announced here."""
ELSEWHERE: Final = Worth(-1.0, -1.0)
"""The same of a unit that another visit expects at another door now: it is meant to move, and is brought to a
wrong door more often than anything comes unannounced."""
UNKNOWN: Final = Worth(0.0, 0.0)
AGAINST: Final = -3.0
"""Against the direction of the only visit, in log-odds."""
FEW_READS: Final = 0.5
"""An item is at most sure by 1 - this / its reads, whoever moved with it: tags of others on its pallet or its
cart speak for a label, which they must have gone with, but not for one piece among many."""
_LIKELIER_THAN_NOT: Final = 0.5
_PLAINLY_LIKELIER: Final = 10.0
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


def modest(passage: Passage, thing: Thing) -> Passage:
    """Limit what a few reads of a trade item can say.

    Args:
        passage: What the filter concluded.
        thing: What passed.

    Returns:
        The passage, or one that is less sure.
    """
    most = 1.0 - FEW_READS / passage.reads
    if thing.gtin is None or passage.direction not in CROSSINGS or passage.confidence <= most:
        return passage
    return replace(passage, confidence=most)


def leaning(passage: Passage, known: Known, thing: Thing, cart: Cart = ALONE_ON_A_CART) -> Passage:
    """Name what radio and the documents of the only open visit together make likeliest.

    Args:
        passage: What the filter concluded.
        known: The assignment in force when it occurred.
        thing: What passed.
        cart: What went through the doorway with it, if it is loose goods.

    Returns:
        The passage with the visit's direction, and the radio's own confidence in it, if the radio alone names
        none and both together make it likelier than not; a stray, if the radio is undecided and both together
        make it likelier that nothing crossed; the passage itself otherwise.
    """
    visits = known.open_at(passage.portal, passage.occurred_us)
    if passage.direction in CROSSINGS or len(visits) != 1 or passage.neighbour is not None:
        return passage
    direction = visits[0].direction
    chances = _together(passage, visits[0], _worth(visits[0], thing, passage, known, cart).asks)
    if chances[direction is CrossingDirection.OUT] >= _LIKELIER_THAN_NOT:
        chance = passage.chances[direction is CrossingDirection.OUT]
        return replace(passage, direction=direction, confidence=chance)
    stayed = 1.0 - sum(chances)
    if (
        passage.direction is CrossingDirection.UNDECIDED
        and any(passage.chances)
        and stayed >= _LIKELIER_THAN_NOT
    ):
        return replace(passage, direction=CrossingDirection.STRAY, confidence=stayed)
    return passage


def informed(
    passage: Passage,
    direction: CrossingDirection,
    known: Known,
    fitting: Sequence[OpenVisit],
    thing: Thing,
    *,
    cart: Cart = ALONE_ON_A_CART,
) -> float:
    """Weigh what the documents say beside what the radio says (Bayes' rule on in, out and neither).

    Args:
        passage: What the filter concluded.
        direction: Of the passage.
        known: The assignment in force when it occurred.
        fitting: Visits open at the door that fit.
        thing: What passed.
        cart: What went through the doorway with it, if it is loose goods.

    Returns:
        The confidence that is compared with the portal's limits and recorded; the passage's own where no
        visit is open, or where of several not one alone fits and expects the thing.
    """
    if direction not in CROSSINGS:
        return passage.confidence
    visits: Sequence[OpenVisit] = known.open_at(passage.portal, passage.occurred_us)
    if len(visits) > 1 and len(fitting) == 1 and _worth(fitting[0], thing, passage, known, cart).posts > 0:
        visits = fitting
    if len(visits) != 1:
        return passage.confidence
    worth = _worth(visits[0], thing, passage, known, cart)
    asks, posts = (_together(passage, visits[0], each)[direction is CrossingDirection.OUT] for each in worth)
    return max(posts, min(asks, MOST_UNSURE))


def _together(passage: Passage, visit: OpenVisit, worth: float) -> tuple[float, float]:
    """Give the chances of in and out by radio and documents together."""
    into, out = passage.chances
    if passage.direction in CROSSINGS:  # what limited its confidence limits the chance
        is_out = passage.direction is CrossingDirection.OUT
        into, out = (into, passage.confidence) if is_out else (passage.confidence, out)
    is_outbound = visit.direction is CrossingDirection.OUT
    along, against = math.exp(worth), math.exp(AGAINST)
    stayed = max(1.0 - into - out, 1e-6)
    into, out = (into * against, out * along) if is_outbound else (into * along, out * against)
    total = into + out + stayed
    return into / total, out / total


def _worth(visit: OpenVisit, thing: Thing, passage: Passage, known: Known, cart: Cart) -> Worth:
    if thing.unit is not None and thing.unit in visit.units:
        return EXPECTED_UNIT if _tells_a_way(passage) else EXPECTED_UNIT._replace(asks=EXPECTED_UNIT.posts)
    if not (visit.units or visit.loose):
        return UNKNOWN  # a blind receipt: everything may come
    if thing.unit is not None:
        now_us = passage.occurred_us
        is_due = any(thing.unit in other.units and other.is_open(now_us) for other in known.everywhere())
        return ELSEWHERE if is_due else UNEXPECTED
    if thing.gtin is None:
        return UNKNOWN
    return _worth_of_loose(passage, cart) if visit.takes_loose(thing.gtin) else UNEXPECTED


def _worth_of_loose(passage: Passage, cart: Cart) -> Worth:
    is_hardly_read = passage.reads < LEAST_READS
    if not cart.is_due or (is_hardly_read and not cart.went_together):
        return UNKNOWN
    if is_hardly_read and max(passage.chances) < LIKELY:
        return HARDLY_READ_ON_A_CART
    if cart.mates:
        return GONE_ON_A_CART if cart.is_gone else ON_A_CART
    if not cart.is_lone:
        return UNKNOWN
    if not cart.is_gone:
        return EXPECTED_ITEM
    return GONE_STRAIGHT if passage.last_seen_us - passage.first_seen_us <= _STRAIGHT_US else GONE


def _tells_a_way(passage: Passage) -> bool:
    """Tell whether the radio at least says which way it would have been."""
    return max(passage.chances) >= _PLAINLY_LIKELIER * min(passage.chances)


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
