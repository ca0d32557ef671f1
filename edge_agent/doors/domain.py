"""What a crossing posts: a passage, its portal, what the tag is and what is known in; a decision out.

A pure function of these (DOMAIN D2, D3, D5), never of the order in which passages arrive.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from contracts.records import DocumentRef
from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.decode.epc import Epc
from edge_agent.decode.tag_role import TagRole
from edge_agent.doors.belonging import (
    ALONE_ON_A_CART,
    CROSSINGS,
    OPEN_QUESTIONS,
    Belonging,
    Cart,
    belonging,
    direction_of,
    fitting_visits,
    informed,
)
from edge_agent.doors.things import Thing, thing_of
from edge_agent.doors.visits import MANY, Known, OpenVisit
from edge_agent.filters.passage import Passage
from edge_agent.filters.site import Portal

NEIGHBOUR_US: Final = 60_000_000
"""D2: a tag that crossed a declared neighbour so shortly before is held."""
COMPANY_US: Final = 3_000_000
"""Tags that cross a portal so close together may be on one pallet."""

PALLETFUL: Final = 8
"""So many pieces of one item that are heard at once are a pallet's."""

_SURELY: Final = 0.97
"""So sure is a piece that speaks against a palletful of its item that stayed."""
_MOST_DOCUMENTS: Final = 8

Posted = Literal["posted", "held", "evidence"]


class Elsewhere(Enum):
    """What a neighbour saw of the same tag."""

    NOT_SEEN = "not_seen"
    """Nothing that matters: of two doors that saw it at once, this one heard it louder, or its documents name
    it."""
    SEEN = "seen"
    THERE = "there"
    """At once, and louder there, or the documents name that door and not this one."""


@dataclass(frozen=True, slots=True)
class Company:
    """Who crossed the portal within ``COMPANY_US`` of a trade item that may be loose or inside a unit."""

    has_unit: bool = False
    """A unit crossed that declares it as content, or whose content nobody declared."""
    is_near_unit: bool = False
    """Such a unit was heard at this portal or a neighbour meanwhile, whatever it did."""
    count: int = 1
    """Tags of the same item, this one included."""
    is_led: bool = False
    """One of them was earlier: that one stands for the whole group."""
    heard: int = 1
    """Tags of the same item that the portal heard meanwhile, whatever they did; this one included."""
    alike: int = 0
    """Tags of the same item that moved with it, as the radio tells."""
    others: int = 0
    """Other tags of the same item that the portal heard at any time of its visit, whatever they did."""
    others_before: int = 0
    """Other tags of the same item, up to a palletful or twice the count, that the portal heard while it was
    there before, in the last minutes."""
    is_out_of_a_palletful: bool = False
    """They were a palletful, and it came neither alone of its item nor with others that the visit expects."""
    is_read_often: bool = False
    """As often as it takes for a piece to speak for itself."""
    is_plain: bool = False
    """It is much surer than what stays, and no palletful of its item moved with it, as the radio tells."""
    is_hardly_read: bool = False
    """So seldom that it says nothing by itself, and nothing that the visit expects crossed with it."""
    went_alone: bool = False
    """No other goods moved with it, and too few that the visit expects crossed with it."""
    is_on_a_cart: bool = False
    """It moved alone, or with tags of other items, and was read often enough to say so."""
    has_mates: bool = False
    """It moved so, and others that the visit expects surely crossed with it."""
    is_spoken_for: bool = False
    """It was read seldom, and most of what moved with it is a palletful of another item."""
    has_met_unit: bool = False
    """A unit that may hold it crossed at some time of its visit."""

    @property
    def is_apart(self) -> bool:
        """Whether it speaks for itself, whatever else of its item is about."""
        return self.is_plain or self.is_on_a_cart

    @property
    def stayed(self) -> bool:
        """Whether it is one of a pallet's that did not cross: many were heard, and most of them stayed."""
        if self.is_apart:
            return False
        is_many = self.heard >= PALLETFUL or self.alike >= MANY
        return is_many and self.count * 2 < max(self.heard, self.alike + 1)


ALONE: Final = Company()


@dataclass(frozen=True, slots=True)
class Decision:
    """What is recorded of one passage."""

    posted: Posted
    because: CrossingReason | None
    direction: CrossingDirection
    """The passage's, or the one that the only open visit lent."""
    confidence: float
    thing: Thing
    visit: str | None
    documents: tuple[DocumentRef, ...]
    inside_location: str
    outside_location: str
    assignment_rev: int | None
    evidence_id: str
    cart: Cart | None = None
    """What went with a loose piece that the only visit expects."""

    @property
    def moves(self) -> bool:
        """Whether something beside the crossing is recorded."""
        return self.posted == "posted"


def decide(
    passage: Passage,
    portal: Portal,
    tag: tuple[Epc, TagRole],
    known: Known,
    *,
    elsewhere: Elsewhere = Elsewhere.NOT_SEEN,
    company: Company = ALONE,
    stands_at: str | None = None,
    speaks_for: str | None = None,
    is_again: bool = False,
    is_contradicted: bool = False,
    is_disputed: bool = False,
    cart: Cart = ALONE_ON_A_CART,
) -> Decision:
    """Decide what a passage posts.

    Args:
        passage: What the filter concluded.
        portal: Where.
        tag: What the tag names, and its role.
        known: The assignment in force when it occurred.
        elsewhere: Whether the tag crossed a declared neighbour in the 60 s before, or at once.
        company: Who crossed with it; looked at only if ``needs_company``.
        stands_at: Where a scan of this gateway has put the unit, if it stands there still.
        speaks_for: The unit that crossed with it, if only its content tells so: a person decides.
        is_again: Whether the tag crossed here the same way just before, and has not come back since.
        is_contradicted: Whether the content of the unit surely crossed the other way.
        is_disputed: Whether most of those that moved with the tag did something else, or it only came back.
        cart: What went through the doorway with it, if it is loose goods.

    Returns:
        The decision; a crossing is recorded whatever it is.
    """
    visits = known.open_at(portal.id, passage.occurred_us)
    direction, confidence = direction_of(passage, visits)
    thing = thing_of(tag, known) if speaks_for is None else Thing(unit=speaks_for)
    fitting = fitting_visits(visits, direction, thing)
    if not passage.is_assignable:
        confidence = informed(passage, direction, known, fitting, thing, cart=cart)
    case = _Case(
        portal=portal,
        thing=thing,
        direction=direction,
        confidence=confidence,
        visits=visits,
        fitting=fitting,
        all_visits=tuple(known.everywhere()),
        belongs=belonging(thing, fitting, visits, tuple(known.everywhere())),
        elsewhere=elsewhere,
        company=company,
        is_there=is_again
        or (stands_at is not None and stands_at == _destination(portal, direction, fitting)),
        is_contradicted=is_contradicted or speaks_for is not None,
        is_disputed=is_disputed,
        is_due=cart.is_due,
    )
    posted, because = _verdict(case)
    visit = _only(fitting)
    return Decision(
        posted=posted,
        because=because,
        direction=direction,
        confidence=confidence,
        thing=thing,
        visit=None if visit is None else visit.visit,
        documents=_documents(visit, thing),
        inside_location=portal.inside_location,
        outside_location=_outside(portal, fitting),
        assignment_rev=known.revision,
        evidence_id=evidence_id(passage),
        cart=None if cart is ALONE_ON_A_CART else cart,
    )


def evidence_id(passage: Passage) -> str:
    """Name what is recorded of a passage, the same whenever it is decided again.

    Args:
        passage: The passage.

    Returns:
        32 hexadecimal digits.
    """
    named = f"{passage.portal}\n{passage.epc}\n{passage.occurred_us}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class _Case:
    portal: Portal
    thing: Thing
    direction: CrossingDirection
    confidence: float
    visits: Sequence[OpenVisit]
    """Open at the door."""
    fitting: Sequence[OpenVisit]
    all_visits: Sequence[OpenVisit]
    belongs: Belonging
    elsewhere: Elsewhere
    company: Company
    is_there: bool
    """A scan, or the passage before this one, has already put it where this one would."""
    is_contradicted: bool
    """The content of the unit went the other way: a person decides between the label and its content."""
    is_disputed: bool
    """Most of those that moved with it did something else, or it came back from where no visit sends it."""
    is_due: bool
    """The only visit does not expect it loose, or not all of the item has gone with it yet."""

    @property
    def is_inside(self) -> bool:
        """Whether it moves, or stays, with a unit."""
        company = self.company
        is_apart = company.is_on_a_cart and self.is_due
        is_with_unit = self.belongs in OPEN_QUESTIONS and company.has_unit and not is_apart
        is_asked_about = self.is_one_of_those_expected or self.is_of_no_pallet
        stayed = self.thing.gtin is not None and company.stayed and not is_asked_about
        return (
            self.belongs == "inside" or is_with_unit or stayed or (self.is_left_over and not company.is_plain)
        )

    @property
    def is_awaited(self) -> bool:
        """Whether a visit expects the item loose, and more of it than went so far."""
        gtin = self.thing.gtin
        return self.is_due and gtin is not None and any(visit.takes_loose(gtin) for visit in self.visits)

    @property
    def is_left_over(self) -> bool:
        """Whether few of many pieces of an item seemed to move, and no visit waits for one that is loose."""
        company = self.company
        is_among_its_like = max(company.others, company.others_before) >= max(MANY, 2 * company.count)
        is_awaited = self.is_awaited and not company.is_hardly_read
        return self.thing.gtin is not None and is_among_its_like and not is_awaited

    @property
    def is_one_of_those_expected(self) -> bool:
        """Whether it surely crossed, alone of its like, and the only visit expects the item loose."""
        company = self.company
        is_single = company.count == 1 and company.alike < PALLETFUL and company.is_read_often
        is_awaited = self.is_awaited and len(self.visits) == 1
        return is_awaited and is_single and self.confidence >= self.portal.post_at

    @property
    def is_of_no_pallet(self) -> bool:
        """Whether it surely crossed with few of its like, and no unit of the only visit may hold it.

        Of four such on 150 simulated docks four had gone; of four less sure ones none.
        """
        company = self.company
        has_met_one = company.has_unit or company.has_met_unit or company.count > MANY
        is_awaited = self.is_awaited and len(self.visits) == 1 and self.belongs == "loose"
        return is_awaited and not has_met_one and self.confidence >= max(_SURELY, self.portal.post_at)

    @property
    def is_odd(self) -> bool:
        """Whether radio and documents tell that it moved apart from a unit or a palletful that is about."""
        company = self.company
        is_beside_a_unit = self.belongs in OPEN_QUESTIONS and (
            company.has_unit or (company.has_met_unit and not company.has_mates)
        )
        is_one_of_a_palletful = company.went_alone and company.others >= max(PALLETFUL, 2 * company.count)
        is_nobodys = self.is_left_over and (bool(self.visits) or _is_heard_of(self))
        return (
            is_beside_a_unit
            or is_nobodys
            or (is_one_of_a_palletful and self.is_awaited and not company.is_plain)
            or (company.is_out_of_a_palletful and self.is_awaited)
            or (company.stayed and (self.is_one_of_those_expected or self.is_of_no_pallet))
        )

    @property
    def is_in_a_group(self) -> bool:
        """Whether it may be one of a pallet's whose own tag was not read."""
        gtin, count = self.thing.gtin, self.company.count
        if self.company.alike >= PALLETFUL:
            count = max(count, self.company.alike + 1)
        if gtin is None or self.belongs == "inside":
            return False
        if self.belongs == "undeclared":
            return bool(self.all_visits) and count >= MANY
        scopes = (self.fitting, self.visits, self.all_visits)
        naming = next(
            found for scope in scopes if (found := [each for each in scope if each.declares(None, gtin)])
        )
        return any(each.looks_like_a_pallet(gtin, count) for each in naming)


def _only(fitting: Sequence[OpenVisit]) -> OpenVisit | None:
    return fitting[0] if len(fitting) == 1 else None


def _outside(portal: Portal, fitting: Sequence[OpenVisit]) -> str:
    visit = _only(fitting)
    return portal.outside_location if visit is None else visit.clearing_account


def _destination(portal: Portal, direction: CrossingDirection, fitting: Sequence[OpenVisit]) -> str:
    return portal.inside_location if direction is CrossingDirection.IN else _outside(portal, fitting)


def _documents(visit: OpenVisit | None, thing: Thing) -> tuple[DocumentRef, ...]:
    if visit is None:
        return ()
    lines = visit.documents(thing.unit, thing.gtin)[: _MOST_DOCUMENTS - 1]
    return (DocumentRef(type="visit", id=visit.visit), *lines)


def _verdict(case: _Case) -> tuple[Posted, CrossingReason | None]:
    evidence = _evidence(case)
    if evidence is not None:
        return "evidence", evidence
    held = _doubt(case)
    company = case.company
    is_apart = company.is_apart or case.is_odd
    if held is not None and case.belongs in OPEN_QUESTIONS and company.is_near_unit and not is_apart:
        return "evidence", CrossingReason.CONTAINED  # if anybody is asked, then of the unit
    if held is not None:
        return "held", held
    if case.thing.gtin is not None and not case.visits and not _is_heard_of(case):
        return "evidence", CrossingReason.UNKNOWN_TAG
    if len(case.fitting) == 1:
        return "posted", None
    return "posted", CrossingReason.SEVERAL_VISITS if case.fitting else CrossingReason.NO_VISIT


def _evidence(case: _Case) -> CrossingReason | None:
    """Say why the passage can post nothing, whoever is asked."""
    is_crossing, portal = case.direction in CROSSINGS, case.portal
    reasons = {
        CrossingReason.STRAY: case.direction is CrossingDirection.STRAY,
        case.thing.why_not: case.thing.why_not is not None,
        CrossingReason.LOW_CONFIDENCE: is_crossing and case.confidence < portal.hold_at,
        CrossingReason.CONTAINED: case.is_inside,
        CrossingReason.NEIGHBOUR_PORTAL: case.elsewhere is Elsewhere.THERE,
        CrossingReason.AMBIGUOUS_CONTENT: case.is_in_a_group and case.company.is_led,
        CrossingReason.SHADOW: portal.mode == "shadow",
        CrossingReason.CONFIRMS: portal.posting_source == "handheld" or case.is_there,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _doubt(case: _Case) -> CrossingReason | None:
    """Say what a person must look at before anything is posted."""
    reasons = {
        CrossingReason.UNDECIDED: case.direction not in CROSSINGS,
        CrossingReason.CONTRADICTS_VISIT: bool(case.visits) and not case.fitting,
        CrossingReason.NEIGHBOUR_PORTAL: case.elsewhere is Elsewhere.SEEN,
        CrossingReason.AMBIGUOUS_CONTENT: case.is_in_a_group or case.is_odd or case.is_contradicted,
        CrossingReason.LOW_CONFIDENCE: case.confidence < case.portal.post_at
        or case.is_disputed
        or case.company.is_spoken_for,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _is_heard_of(case: _Case) -> bool:
    """Tell whether the item is in scope for sure: some visit names it, or this site has no visits at all."""
    return not case.all_visits or any(each.declares(None, case.thing.gtin) for each in case.all_visits)
