"""Passages in, each with its decision out: remembers where a tag crossed lately, and drops who is private."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Final

from contracts.offline import Assignment
from contracts.vocabulary import CrossingDirection
from edge_agent.decode.epc import Epc
from edge_agent.decode.tag_role import TagRole, TagRoles, TagRules, is_private
from edge_agent.doors.agreement import Agreement
from edge_agent.doors.belonging import (
    ALONE_ON_A_CART,
    CROSSINGS,
    Cart,
    is_expected,
    leaning,
    modest,
    needs_company,
)
from edge_agent.doors.companions import SURE, Companions
from edge_agent.doors.crossed import Crossed
from edge_agent.doors.domain import (
    ALONE,
    COMPANY_US,
    NEIGHBOUR_US,
    Decision,
    Elsewhere,
    decide,
)
from edge_agent.doors.due import Due
from edge_agent.doors.errands import Errands
from edge_agent.doors.loudness import AGAIN_US, AT_ONCE_US, Loudness, is_plainly_louder, may_have_crossed
from edge_agent.doors.returns import Returns
from edge_agent.doors.silent_labels import SilentLabels, heard_until_us, may_speak
from edge_agent.doors.things import thing_of
from edge_agent.doors.visits import MANY, Known, OpenVisit
from edge_agent.filters.passage import Passage
from edge_agent.filters.site import Portal

_MOST_TAGS = 50_000
_STEPPED_US: Final = 300_000_000
"""No visit lasts longer: what is known up to an instant so long before a passage is told by a clock that was
set back, and nothing that it tells is waited for."""
_SURELY_STAYED: Final = 0.9
"""A label that stayed so surely is not moved by its content, unless no other unit that is due may hold that:
a person is asked."""
_when = attrgetter("occurred_us", "portal", "epc")


class Posting:
    """Decides passages of one gateway's doors; in which order those of one call stand says nothing."""

    def __init__(
        self,
        portals: Sequence[Portal],
        roles: TagRoles | TagRules,
        known: Callable[[int], Known] | Assignment | None,
        whereabouts: Callable[[str], str | None] = lambda _unit: None,
    ) -> None:
        """Begin with no memory.

        Args:
            portals: The doors.
            roles: What tags are.
            known: Gives what is known at an instant, in microseconds; or the assignment that always holds.
            whereabouts: Where a scan of this gateway has put a unit, if it stands there still.
        """
        self._portals: dict[str, Portal] = {portal.id: portal for portal in portals}
        self._near: dict[str, set[str]] = {
            portal.id: {other.id for other in portals if portal.id in other.neighbours}
            | set(portal.neighbours)
            for portal in portals
        }
        self._roles = TagRoles(roles) if isinstance(roles, TagRules) else roles
        self._whereabouts = whereabouts
        if callable(known):
            self._known = known
        else:
            always = Known.of(known)
            self._known = lambda _at_us: always
        self._crossed = Crossed()
        self._companions = Companions()
        self._silent = SilentLabels(self._companions)
        self._loudness = Loudness()
        self._agreement = Agreement()
        self._due = Due()
        self._returns = Returns()
        self._errands = Errands(self._crossed, self._returns, self._known)
        self._waiting: list[Passage] = []
        self._moved: OrderedDict[str, CrossingDirection] = OrderedDict()
        """Which way units went last."""
        self.dropped: Counter[str] = Counter()
        """Passages of private tags, by role; their EPC is forgotten."""

    def near(self, portal: str) -> set[str]:
        """Name a portal's neighbours, whichever of the two declares the other.

        Args:
            portal: Portal id.

        Returns:
            Portal ids.
        """
        return self._near[portal]

    def take(
        self,
        passages: Iterable[Passage],
        settled_us: int | None = None,
        is_open: Callable[[str, Iterable[str], int], bool] = lambda _epc, _portals, _before_us: False,
    ) -> list[tuple[Passage, Decision]]:
        """Decide passages that became known together, and those that waited for company.

        Args:
            passages: In any order.
            settled_us: Whatever occurred before this instant is known; None: everything is.
            is_open: Whether a tag's visit to one of some portals, begun before an instant, is undecided.

        Returns:
            In the order of their happening. Private tags are absent; what must wait comes from a later call.
        """
        fresh = [self._leaning(passage) for passage in passages if not self._is_private(passage)]
        for passage in fresh:
            self._companions.note(passage, *self._named(passage))
            self._loudness.note(passage, is_sure=_is_sure(passage))
            self._agreement.note(passage)
            self._returns.note(passage)
            self._remember(passage)
        waiting = [*self._waiting, *fresh]
        ready, self._waiting = self._due.in_turn(
            sorted(waiting, key=_when),
            lambda each: settled_us is not None and self._must_wait(each, settled_us, is_open),
            self._is_unsure,
            self._may_be_on_a_cart,
        )
        decided = []
        for passage in map(self._placed, ready):
            spoken, is_contradicted = self._spoken_for(passage)
            decision = self._decide(
                spoken, is_contradicted=is_contradicted, is_spoken_for=spoken is not passage
            )
            self._note_moved(spoken, decision)
            decided.append((spoken, decision))
        return decided

    def _note_moved(self, passage: Passage, decision: Decision) -> None:
        if not decision.moves:
            return
        if self._is_unsure(passage):  # else the rest of a visit that was cut in two posts it again
            self._remember(replace(passage, direction=decision.direction, confidence=decision.confidence))
        if decision.thing.gtin is not None and decision.visit is not None:
            self._due.note(decision.visit, decision.thing.gtin, passage.epc)
        if (unit := decision.thing.unit) is None:
            return
        self._moved[unit] = decision.direction
        self._moved.move_to_end(unit)
        if len(self._moved) > _MOST_TAGS:
            self._moved.popitem(last=False)

    def _must_wait(
        self, passage: Passage, settled_us: int, is_open: Callable[[str, Iterable[str], int], bool]
    ) -> bool:
        """Tell whether something that the decision depends on is not known yet."""
        if settled_us < passage.first_seen_us - _STEPPED_US:
            return False
        tag, known = self._named(passage)
        is_spoken_for = not _is_sure(passage) and self._content_around(passage) is not None
        is_loose = self._may_be_on_a_cart(passage) is not None
        patience_us = AGAIN_US if is_loose and not _is_sure(passage) else COMPANY_US
        if settled_us < passage.last_seen_us + patience_us and (
            self._is_unsure(passage) or is_spoken_for or needs_company(passage, tag, known) or is_loose
        ):
            return True
        if settled_us < heard_until_us(passage) and may_speak(passage, thing_of(tag, known).gtin, known):
            return True
        is_unit, end_us = tag[0].unit is not None, passage.last_seen_us
        if settled_us < (end_us + 1 if is_unit else self._loudness.along_until_us(passage)) or (
            is_unit and any(is_open(epc, (passage.portal,), end_us) for epc in passage.company)
        ):
            return True  # its content is still at the door, and so it may be, too
        for epc, soon_us in self._returns.awaited(passage, known):
            if settled_us < soon_us or is_open(epc, (passage.portal,), soon_us):
                return True
        until_us = passage.last_seen_us + AT_ONCE_US
        return (
            settled_us < until_us
            and may_have_crossed(passage)
            and is_open(passage.epc, self._portals.keys() - {passage.portal}, until_us)
        )

    @property
    def waiting_since_us(self) -> int | None:
        """When the earliest passage began that waits to be decided; None if there is none."""
        return min((passage.first_seen_us for passage in self._waiting), default=None)

    def _named(self, passage: Passage) -> tuple[tuple[Epc, TagRole], Known]:
        return self._roles.of(passage.epc), self._known(passage.occurred_us)

    def _is_unsure(self, passage: Passage) -> bool:
        """Tell whether a passage is none that posts by itself, and none that says nothing."""
        is_sure = passage.confidence >= self._portals[passage.portal].post_at
        return passage.direction is not CrossingDirection.STRAY and not is_sure

    def _is_private(self, passage: Passage) -> bool:
        _, role = self._roles.of(passage.epc)
        if is_private(role):
            self.dropped[role] += 1
            return True
        return False

    def _leaning(self, passage: Passage, cart: Cart = ALONE_ON_A_CART) -> Passage:
        """Let the only open visit lend a direction to what it expects, and few reads say little."""
        tag, known = self._named(passage)
        thing = thing_of(tag, known)
        return leaning(modest(passage, thing), known, thing, cart)

    def _placed(self, passage: Passage) -> Passage:
        """Weigh how loud the tag was here, and elsewhere."""
        if not may_have_crossed(passage) or passage.is_assignable:
            return passage
        tag, known = self._named(passage)
        names = {unit for visit in known.open_at(passage.portal, passage.occurred_us) for unit in visit.units}
        if tag[0].unit not in names:  # a unit that is expected here does not pass by on its way elsewhere
            passage = self._loudness.weighed(passage, self._near[passage.portal])
        return self._leaning(passage, self._cart_of(passage))

    def _may_be_on_a_cart(self, passage: Passage) -> tuple[str, OpenVisit] | None:
        """Name the item of a piece, and the only visit, if that expects it loose."""
        tag, known = self._named(passage)
        gtin, visits = thing_of(tag, known).gtin, known.open_at(passage.portal, passage.occurred_us)
        if gtin is None or len(visits) != 1 or not may_have_crossed(passage):
            return None
        return (gtin, visits[0]) if visits[0].takes_loose(gtin) else None

    def _cart_of(self, passage: Passage) -> Cart:
        """Tell what went through the doorway with a loose piece that the only visit expects."""
        expected = self._may_be_on_a_cart(passage)
        if expected is None:
            return ALONE_ON_A_CART
        gtin, visit = expected
        alike = [epc for epc in passage.company if self._roles.of(epc)[0].gtin == gtin]
        cart = self._companions.cart_of(passage, gtin, visit, alike)
        return cart._replace(
            is_due=self._due.is_due(visit, gtin, passage.epc),
            is_gone=not self._loudness.is_heard_again(passage),
        )

    def _content_around(self, passage: Passage) -> tuple[str, Mapping[str, frozenset[str]]] | None:
        """Name a unit whose label alone tells too little, if its content may tell more."""
        (epc, _), known = self._named(passage)
        if epc.unit is None or passage.neighbour is not None:
            return None
        visits = known.open_at(passage.portal, passage.occurred_us)
        content = {unit: names for visit in visits for unit, names in visit.content_of.items()}
        return (epc.unit, content) if content.get(epc.unit) else None

    def _spoken_for(self, passage: Passage) -> tuple[Passage, bool]:
        """Let the content of a unit say what its label does not; tell whether they contradict each other."""
        around = self._content_around(passage)
        due = self._units_due(passage)
        told = None if around is None else self._companions.speak_for(passage, *around, due)
        is_sure = _is_sure(passage)
        if told is None or (not is_sure and self._has_crossed(passage)):
            return passage, False
        if passage.direction in CROSSINGS and passage.direction is not told.direction:
            return passage, told.is_its_own or not is_sure
        is_stray = passage.direction is CrossingDirection.STRAY
        if is_sure or (not told.is_its_own and not is_stray):
            return passage, False
        spoken = replace(passage, direction=told.direction, confidence=SURE, occurred_us=told.at_us)
        is_awaited = around is not None and due.get(around[0]) is told.direction and told.is_only_its
        if is_stray and not is_awaited and (not told.is_its_own or passage.confidence >= _SURELY_STAYED):
            return spoken, True
        self._remember(spoken)
        return spoken, False

    def _units_due(self, passage: Passage) -> Mapping[str, CrossingDirection]:
        """Tell which way units of the door's visits are still to go."""
        _, known = self._named(passage)
        return {
            unit: visit.direction
            for visit in known.open_at(passage.portal, passage.occurred_us)
            for unit in visit.units
            if self._moved.get(unit) is not visit.direction
        }

    def _has_crossed(self, passage: Passage) -> bool:
        """Tell whether another passage of the tag at this portal, before or after, is known to be sure."""
        return any(
            other.portal == passage.portal
            and other.confidence >= SURE
            and abs(passage.occurred_us - other.occurred_us) <= NEIGHBOUR_US
            for other in self._crossed.of(passage.epc)
        )

    def _decide(self, passage: Passage, *, is_contradicted: bool, is_spoken_for: bool) -> Decision:
        portal = self._portals[passage.portal]
        (tag, known), near = self._named(passage), self._near[passage.portal]
        speaks_for = self._silent.unit_of(
            passage, thing_of(tag, known).gtin, known, near, lambda: self._units_due(passage)
        )
        unit = speaks_for or tag[0].unit
        cart = self._cart_of(passage)
        moved_along = [self._roles.of(epc) for epc in passage.company]
        company = (
            self._companions.of(passage, tag, known, near, moved_along, cart=cart)
            if needs_company(passage, tag, known) and speaks_for is None
            else ALONE
        )
        return decide(
            passage,
            portal,
            tag,
            known,
            elsewhere=self._elsewhere(passage, near),
            company=company,
            stands_at=None if unit is None else self._whereabouts(unit),
            speaks_for=speaks_for,
            is_again=speaks_for is None
            and (self._is_again(passage, portal) or self._errands.is_way_back(passage, portal.hold_at)),
            is_contradicted=is_contradicted,
            cart=cart,
            is_disputed=passage.direction in CROSSINGS
            and (
                self._errands.is_other_half(passage, portal.hold_at)
                or self._returns.is_brought_back(passage, known)
                or (tag[0].unit is None and self._loudness.went_along(passage))
                or not (
                    is_spoken_for  # by many, though not by most
                    or cart.is_gone_as_expected
                    or not self._agreement.is_disputed(passage, self._its_like(passage))
                )
            ),
        )

    def _its_like(self, passage: Passage) -> Sequence[str]:
        """List who moved with a tag and says something of it; a pallet's pieces say nothing of a cart's."""
        tag, known = self._named(passage)
        own = thing_of(tag, known).gtin
        gtins = {epc: thing_of(self._roles.of(epc), known).gtin for epc in passage.company}
        counts = Counter(gtins.values())
        return [
            epc
            for epc, gtin in gtins.items()
            if gtin is not None and (own is None or gtin == own or counts[gtin] < MANY)
        ]

    def _is_again(self, passage: Passage, portal: Portal) -> bool:
        """Tell whether the tag's last sure crossing here before this one went the same way.

        Of one that is unsure it is enough that a sure one was there meanwhile: a visit that was cut in two.
        """
        if self._is_unsure(passage) and any(
            other.portal == portal.id
            and other.first_seen_us != passage.first_seen_us  # another, not itself as it came
            and other.confidence >= portal.post_at
            and other.first_seen_us <= passage.last_seen_us + COMPANY_US
            and other.last_seen_us >= passage.first_seen_us - COMPANY_US
            for other in self._crossed.of(passage.epc)
        ):
            return True
        if passage.direction not in CROSSINGS:
            return False
        last = self._crossed.before(passage, min(portal.post_at, passage.confidence))
        return last is not None and last.direction is passage.direction

    def _elsewhere(self, passage: Passage, near: Collection[str]) -> Elsewhere:
        """Tell what the neighbours saw of a tag: before, or at once."""
        others = [other for other in self._crossed.of(passage.epc) if other.portal in near]
        if any(is_plainly_louder(other, passage) for other in others):
            return Elsewhere.THERE
        found = [
            other
            for other in others
            if -AT_ONCE_US <= passage.occurred_us - other.occurred_us <= NEIGHBOUR_US
            and not is_plainly_louder(passage, other)
        ]
        if not found:
            return Elsewhere.NOT_SEEN
        at_once = [each for each in found if abs(passage.occurred_us - each.occurred_us) <= AT_ONCE_US]
        is_here, is_there = self._is_expected(passage), any(map(self._is_expected, at_once))
        if at_once and is_there and not is_here:
            return Elsewhere.THERE
        return (
            Elsewhere.NOT_SEEN if len(at_once) == len(found) and is_here and not is_there else Elsewhere.SEEN
        )

    def _is_expected(self, passage: Passage) -> bool:
        return is_expected(passage, *self._named(passage))

    def _remember(self, passage: Passage) -> None:
        self._crossed.note(passage, self._portals[passage.portal].hold_at)


def _is_sure(passage: Passage) -> bool:
    return passage.direction in CROSSINGS and passage.confidence >= SURE
