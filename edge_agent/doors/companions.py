"""Who crossed a portal with whom: passages in, a trade item's company out (DOMAIN D3)."""

from bisect import bisect_left, insort
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple, TypeVar

from contracts.vocabulary import CrossingDirection
from edge_agent.decode.epc import Epc
from edge_agent.decode.tag_role import TagRole
from edge_agent.doors.belonging import ALONE_ON_A_CART, CROSSINGS, LEAST_READS, LIKELY, OFTEN, Cart
from edge_agent.doors.domain import COMPANY_US, PALLETFUL, Company
from edge_agent.doors.things import thing_of
from edge_agent.doors.visits import MANY, Known, OpenVisit, family
from edge_agent.filters.passage import Passage

_REMEMBERED_US: Final = 180_000_000
"""Passages are forgotten so long after the newest at their portal: none waits longer for its company."""
_MOST_ITEMS: Final = 8_192
"""At all portals; no gateway hears so many in three minutes."""
_LONGEST_STAY_US: Final = 60_000_000
"""A unit that stands in a field for longer stands there: nobody carries it along."""


_LEAST_CONTENT: Final = 5
"""So many pieces of its content speak for a unit."""
_MAJORITY: Final = 5
"""And so many times more than speak against it."""
SURE: Final = 0.95
"""What a passage is worth that speaks for others, and what a unit's is for which they speak."""

MOST_MATES: Final = 3
"""More are a pallet's pieces, or more than one cart's: of five that found four others two only passed by."""

_PLAIN: Final = 0.99
_PLAIN_READS: Final = 50
"""An item that crossed so surely, and was read so often, is none of a pallet that stayed."""

_NEVER: Final = (0, -1, "")

_Entry = TypeVar(
    "_Entry",
    tuple[int, str, CrossingDirection],
    tuple[int, int, str],
    tuple[int, str, str, CrossingDirection],
)


class Content(NamedTuple):
    """What the content that crossed while a unit was heard says of it."""

    direction: CrossingDirection
    at_us: int
    is_with_it: bool
    """It moved with the unit's label, as the radio tells."""
    is_only_its: bool
    """No other unit that is due may hold it."""

    @property
    def is_its_own(self) -> bool:
        """Whether it is this unit's content, by the radio or by documents."""
        return self.is_with_it or self.is_only_its


class Companions:
    """Remembers units and items that passed each portal lately."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._crossed: dict[str, list[tuple[int, int, str]]] = {}
        """Units that crossed: by portal, when."""
        self._around: dict[str, list[tuple[int, int, str]]] = {}
        """The same, from when until when they were heard."""
        self._heard: dict[str, list[tuple[int, int, str]]] = {}
        self._items: OrderedDict[tuple[str, str], list[tuple[int, str, CrossingDirection]]] = OrderedDict()
        """What seemed to cross of items: by portal and GTIN, when, EPC, direction."""
        self._stayed: OrderedDict[tuple[str, str], list[tuple[int, int, str]]] = OrderedDict()
        """What was heard of items, whatever they did: by portal and GTIN, from when until when, EPC."""
        self._sure: dict[str, list[tuple[int, str, str, CrossingDirection]]] = {}
        """Sure crossings by portal: when, unit or item family, EPC, direction."""
        self._likely: dict[str, list[tuple[int, str, str, CrossingDirection]]] = {}
        """The same of items, a little less sure."""

    def note(self, passage: Passage, tag: tuple[Epc, TagRole], known: Known) -> None:
        """Remember a passage.

        Args:
            passage: Of any tag.
            tag: What it names, and its role.
            known: The assignment in force when it occurred.
        """
        thing = thing_of(tag, known)
        name = thing.unit or (thing.gtin and family(thing.gtin))
        if name and passage.direction in CROSSINGS and passage.confidence >= LIKELY:
            crossed = (passage.occurred_us, name, passage.epc, passage.direction)
            if passage.confidence >= SURE:
                _insert(self._sure.setdefault(passage.portal, []), crossed)
            if thing.gtin is not None:
                _insert(self._likely.setdefault(passage.portal, []), crossed)
        if thing.unit is not None:
            if passage.direction is not CrossingDirection.STRAY:
                when = (passage.occurred_us, passage.occurred_us)
                _insert(self._crossed.setdefault(passage.portal, []), (*when, thing.unit))
            if passage.last_seen_us - passage.first_seen_us <= _LONGEST_STAY_US:
                when = (passage.first_seen_us, passage.last_seen_us)
                _insert(self._heard.setdefault(passage.portal, []), (*when, thing.unit))
                if passage.direction is not CrossingDirection.STRAY:
                    _insert(self._around.setdefault(passage.portal, []), (*when, thing.unit))
        elif thing.gtin is not None:
            heard = _list_of(self._stayed, passage.portal, thing.gtin)
            _insert(heard, (passage.first_seen_us, passage.last_seen_us, passage.epc))
        if thing.gtin is not None and passage.direction is not CrossingDirection.STRAY:
            kept = _list_of(self._items, passage.portal, thing.gtin)
            _insert(kept, (passage.occurred_us, passage.epc, passage.direction))

    def speak_for(
        self,
        passage: Passage,
        unit: str,
        content: Mapping[str, frozenset[str]],
        due: Mapping[str, CrossingDirection],
    ) -> Content | None:
        """Tell which way a unit went by the content that crossed while it was heard.

        Args:
            passage: The unit's.
            unit: Which.
            content: Item families declared inside each unit of the door's visits.
            due: Which way units of the door's visits are still to go.

        Returns:
            What it says. None if too little crossed, some of it the other way, or another unit that may hold
            it crossed with it.
        """
        mine = content.get(unit, frozenset())
        begin_us, end_us = passage.first_seen_us - COMPANY_US, passage.last_seen_us
        if passage.confidence < SURE or passage.direction not in CROSSINGS:  # who is sure waits for nobody
            end_us += COMPANY_US
        kept = self._sure.get(passage.portal, [])
        crossed = [each for each in kept if begin_us <= each[0] <= end_us]
        others = {name for _, name, _, _ in crossed if name != unit and content.get(name, mine) & mine}
        if not others.isdisjoint(content):
            return None
        counts = {
            direction: sorted(
                {
                    epc: at_us for at_us, name, epc, way in crossed if name in mine and way is direction
                }.values()
            )
            for direction in CROSSINGS
        }
        likelier = max(CROSSINGS, key=lambda direction: (len(counts[direction]), direction))
        against = sum(len(times) for direction, times in counts.items() if direction is not likelier)
        times = counts[likelier]
        if len(times) < _LEAST_CONTENT or len(times) < _MAJORITY * against:
            return None
        with_it = {epc for _, name, epc, way in crossed if name in mine and way is likelier}
        is_with_it = len(with_it.intersection(passage.company)) >= _LEAST_CONTENT
        is_only_its = not any(
            way is likelier and content.get(other, mine) & mine for other, way in due.items() if other != unit
        )
        return Content(likelier, times[len(times) // 2], is_with_it, is_only_its)

    def cart_of(self, passage: Passage, gtin: str, visit: OpenVisit, alike: Collection[str]) -> Cart:
        """Tell what went through the doorway when a piece of an item did, if it is none of a pallet's.

        Args:
            passage: The piece's, whatever the radio made of it.
            gtin: Of its item.
            visit: The only one that is open at the portal; it expects the item loose.
            alike: Tags of the same item that moved with it, as the radio tells.

        Returns:
            Its cart.
        """
        mates = {
            epc
            for at_us, name, epc, way in self._likely.get(passage.portal, ())
            if abs(at_us - passage.occurred_us) <= COMPANY_US
            and way is visit.direction
            and name in visit.loose
        } - {passage.epc}
        if len(mates) > MOST_MATES or not mates.issuperset(alike):
            return ALONE_ON_A_CART._replace(is_lone=False)
        is_lone = {passage.epc, *mates}.issuperset(self._came_with(passage, gtin))
        moved_with_it = not mates.isdisjoint(passage.company)
        return Cart(is_lone, len(mates) if is_lone or moved_with_it else 0)

    def of(
        self,
        passage: Passage,
        tag: tuple[Epc, TagRole],
        known: Known,
        near: Iterable[str],
        moved_along: Sequence[tuple[Epc, TagRole]] = (),
        *,
        cart: Cart = ALONE_ON_A_CART,
    ) -> Company:
        """Tell who passed with a trade item.

        Args:
            passage: The item's.
            tag: What it names, and its role.
            known: The assignment in force when it occurred.
            near: Neighbours of its portal: what crosses there is heard here.
            moved_along: Tags that moved with it, as the radio tells.
            cart: What went through the doorway with it.

        Returns:
            Its company, as far as passages were noted.
        """
        gtin = thing_of(tag, known).gtin
        if gtin is None:
            return Company()
        alike = sum(thing_of(other, known).gtin == gtin for other in moved_along)
        at_us = passage.occurred_us
        same = [(each_us, epc) for each_us, epc, _ in self._crossed_of(passage, gtin, COMPANY_US)]
        mine = (at_us, passage.epc)
        crossed, heard = self._crossed.get(passage.portal, []), (passage.portal, *near)
        with_it = list(_present(crossed, at_us))
        heard_with = len({*self._came_with(passage, gtin), passage.epc})
        count = len({epc for _, epc in same} | {passage.epc})
        others_before = self._heard_before(passage, gtin, enough=max(PALLETFUL, 2 * count))
        is_apart = cart.is_sure or (cart.is_lone and count == 1)
        if alike >= MANY or heard_with >= PALLETFUL:  # not all of a pallet seem to turn at one time
            with_it.extend(_present(self._around.get(passage.portal, []), at_us))
        is_mixed = alike < MANY and (not alike or len(moved_along) > 2 * alike)
        is_read_often = passage.reads >= OFTEN
        is_on_a_cart = is_mixed and (is_read_often or cart.is_sure)
        return Company(
            has_unit=any(_may_hold(unit, gtin, known) for unit in with_it),
            is_near_unit=any(
                _may_hold(unit, gtin, known)
                for portal in heard
                for unit in _present(self._heard.get(portal, []), at_us)
            ),
            count=count,
            is_led=any(each < mine for each in same if each[1] != passage.epc),
            heard=heard_with,
            alike=alike,
            others=len({*self._heard_with(passage, gtin)} - {passage.epc}),
            others_before=others_before,
            is_out_of_a_palletful=others_before >= PALLETFUL and not is_apart,
            is_plain=alike < PALLETFUL and passage.reads >= _PLAIN_READS and passage.confidence >= _PLAIN,
            is_hardly_read=passage.reads < LEAST_READS and not cart.mates,
            went_alone=len(moved_along) == alike and not cart.is_sure,
            is_read_often=is_read_often,
            is_on_a_cart=is_on_a_cart,
            has_mates=is_mixed and cart.is_sure,
            is_spoken_for=alike < MANY and not is_read_often and _are_a_palletful(moved_along, known),
            has_met_unit=any(
                _may_hold(unit, gtin, known)
                for crossed_us, _, unit in crossed
                if passage.first_seen_us - COMPANY_US <= crossed_us <= passage.last_seen_us + COMPANY_US
            ),
        )

    def crossed_alike(self, passage: Passage, gtin: str, span_us: int) -> tuple[int, int, int, int]:
        """Count the tags of an item that seemed to cross around a piece, itself included.

        Args:
            passage: The piece's.
            gtin: Of its item.
            span_us: For how long before and after it they are looked for.

        Returns:
            How many went its way until it did; until the span's end; how many only the other way; and how
            many the portal heard at any time of its visit that did not go its way.
        """
        found = self._crossed_of(passage, gtin, span_us)
        along = {epc: at_us for at_us, epc, way in reversed(found) if way is passage.direction}
        against = {epc for _, epc, way in found if way in CROSSINGS} - along.keys()
        until = sum(at_us <= passage.occurred_us for at_us in along.values())
        return until, len(along), len(against), len(set(self._heard_with(passage, gtin)) - along.keys())

    def units_heard(self, portals: Iterable[str], begin_us: int, end_us: int) -> Iterator[tuple[str, bool]]:
        """List the units whose labels portals heard, whatever they did.

        Args:
            portals: Ids.
            begin_us: From when on.
            end_us: Until when.

        Yields:
            Each with whether it seemed to cross, as far as passages were noted; what stands in a field for
            more than a minute is absent.
        """
        for portal in portals:
            for kept, has_crossed in ((self._heard, False), (self._around, True)):
                for first_us, last_us, unit in kept.get(portal, ()):
                    if first_us <= end_us and last_us >= begin_us:
                        yield unit, has_crossed

    def _crossed_of(
        self, passage: Passage, gtin: str, span_us: int
    ) -> list[tuple[int, str, CrossingDirection]]:
        """List what seemed to cross of an item, in its order, so shortly before and after a piece."""
        kept = self._items.get((passage.portal, gtin), [])
        begin = bisect_left(kept, passage.occurred_us - span_us, key=itemgetter(0))
        end = bisect_left(kept, passage.occurred_us + span_us + 1, key=itemgetter(0))
        return kept[begin:end]

    def _heard_with(self, passage: Passage, gtin: str) -> Iterator[str]:
        """List the tags of the same item that this portal heard at any time of this one's visit."""
        kept = self._stayed.get((passage.portal, gtin), [])
        begin = bisect_left(kept, (passage.first_seen_us - _LONGEST_STAY_US, 0, ""))
        end = bisect_left(kept, (passage.last_seen_us + 1, 0, ""))
        return (epc for _, last_us, epc in kept[begin:end] if last_us >= passage.first_seen_us)

    def _heard_before(self, passage: Passage, gtin: str, enough: int) -> int:
        """Count the other tags of the same item, up to enough, that were here at its last stay before."""
        kept = self._stayed.get((passage.portal, gtin), [])
        earlier = range(bisect_left(kept, (passage.first_seen_us, 0, "")) - 1, -1, -1)
        came_us, left_us, _ = next((kept[n] for n in earlier if kept[n][2] == passage.epc), _NEVER)
        begin = bisect_left(kept, (came_us - _LONGEST_STAY_US, 0, ""))
        end = bisect_left(kept, (left_us + 1, 0, ""))
        others = set[str]()
        for n in range(begin, end):
            _, last_us, epc = kept[n]
            if last_us >= came_us and epc != passage.epc:
                others.add(epc)
            if len(others) == enough:
                break
        return len(others)

    def _came_with(self, passage: Passage, gtin: str) -> Iterator[str]:
        """List the tags of the same item that this portal began to hear when it began to hear this one."""
        kept = self._stayed.get((passage.portal, gtin), [])
        begin = bisect_left(kept, (passage.first_seen_us - COMPANY_US, 0, ""))
        end = bisect_left(kept, (passage.first_seen_us + COMPANY_US + 1, 0, ""))
        return (epc for _, _, epc in kept[begin:end])


def _present(kept: list[tuple[int, int, str]], at_us: int) -> Iterator[str]:
    first = bisect_left(kept, (at_us - _LONGEST_STAY_US - COMPANY_US, 0, ""))
    last = bisect_left(kept, (at_us + COMPANY_US + 1, 0, ""))
    for _, left_us, unit in kept[first:last]:
        if left_us >= at_us - COMPANY_US:
            yield unit


def _are_a_palletful(tags: Sequence[tuple[Epc, TagRole]], known: Known) -> bool:
    """Tell whether tags are, most of them, a pallet's."""
    counts = Counter(thing_of(tag, known).gtin for tag in tags)
    del counts[None]
    return max(counts.values(), default=0) >= max(PALLETFUL, len(tags) // 2)


def _may_hold(unit: str, gtin: str, known: Known) -> bool:
    naming = [visit for visit in known.everywhere() if unit in visit.units]
    return not naming or any(family(gtin) in visit.content or visit.has_sealed_units for visit in naming)


def _list_of(lists: OrderedDict[tuple[str, str], list[_Entry]], portal: str, gtin: str) -> list[_Entry]:
    """Give what is kept of an item at a portal, forgetting the item of which nothing came for longest."""
    kept = lists.setdefault((portal, gtin), [])
    lists.move_to_end((portal, gtin))
    if len(lists) > _MOST_ITEMS:
        lists.popitem(last=False)
    return kept


def _insert(kept: list[_Entry], entry: _Entry) -> None:
    insort(kept, entry)
    oldest_us = kept[-1][0] - _REMEMBERED_US
    if kept[0][0] < oldest_us:
        del kept[: bisect_left(kept, oldest_us, key=itemgetter(0))]
