"""Looks at reads before the filter has decided: another visit's unit in the doorway is told at once (D2)."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.vocabulary import CrossingDirection
from edge_agent.decode.tag_role import TagRole, TagRoles
from edge_agent.doors.belonging import CROSSINGS
from edge_agent.doors.visits import Known
from edge_agent.filters.passage import Passage
from edge_agent.filters.site import Portal
from edge_agent.readers.raw_read import RawRead

_FORGET_US: Final = 60_000_000
_MOST_TAGS: Final = 20_000
_READS_NEEDED: Final = 2


@dataclass(slots=True)
class _Watched:
    last_us: int
    reads: int = 0
    is_judged: bool = False
    is_told: bool = False


class Lookout:
    """Counts near reads of each logistic unit per portal; says *wrong* at the second one, once a visit.

    One that was read seldom is told when it has surely passed.
    """

    def __init__(
        self,
        portals: Sequence[Portal],
        roles: TagRoles,
        known: Callable[[int], Known],
        is_in_stock: Callable[[str], bool] = lambda _unit: False,
    ) -> None:
        """Begin with empty doors.

        Args:
            portals: The doors; those without feedback are not looked at.
            roles: What tags are.
            known: Gives what is known at an instant, in microseconds.
            is_in_stock: Whether a unit is known to be the site's.
        """
        self._is_in_stock = is_in_stock
        self._portals = {
            _split(port): (portal, portal.feedback.near_dbm)
            for portal in portals
            if portal.feedback is not None
            for port in portal.ports
        }
        self._by_id: dict[str, Portal] = {
            portal.id: portal for portal in portals if portal.feedback is not None
        }
        self._roles = roles
        self._known = known
        self._watched: OrderedDict[tuple[str, str], _Watched] = OrderedDict()

    def take(self, read: RawRead) -> Portal | None:
        """Look at one read.

        Args:
            read: Of any tag at any antenna.

        Returns:
            The portal at which a wrong unit stands, at its second near read; None otherwise.
        """
        place = self._portals.get((read.reader, read.antenna))
        if place is None or read.rssi_dbm < place[1]:
            return None
        portal = place[0]
        epc, role = self._roles.of(read.epc)
        if role is not TagRole.LOGISTIC_UNIT or epc.unit is None:
            return None
        watched = self._watch(portal.id, read.epc, read.seen_us)
        watched.reads += 1
        if watched.is_judged or watched.reads < _READS_NEEDED:
            return None
        watched.is_judged = True
        watched.is_told = self.is_wrong(epc.unit, portal.id, read.seen_us)
        return portal if watched.is_told else None

    def take_passage(self, passage: Passage) -> Portal | None:
        """Look at a visit that is over; what is decided of it may wait for what else is at the door.

        Args:
            passage: Of any tag, as the filter gave it.

        Returns:
            The portal through which a wrong unit surely went, unless that was told; None otherwise.
        """
        portal, tag = self._by_id.get(passage.portal), self._roles.of(passage.epc)
        if portal is None or tag[1] is not TagRole.LOGISTIC_UNIT or tag[0].unit is None:
            return None
        if (
            passage.neighbour is not None
            or passage.direction not in CROSSINGS
            or passage.confidence < portal.post_at
        ):
            return None
        watched = self._watch(portal.id, passage.epc, passage.last_seen_us)
        if watched.is_told or not self.is_wrong(tag[0].unit, portal.id, passage.occurred_us):
            return None
        watched.is_judged = watched.is_told = True
        return portal

    def is_wrong(self, unit: str, portal: str, at_us: int) -> bool:
        """Tell whether a unit plainly does not belong at a portal.

        Args:
            unit: SSCC or GRAI.
            portal: Portal id.
            at_us: When it is seen, microseconds since 1970.

        Returns:
            True if an open visit elsewhere names it, or it is of the stock and no truck here is to take it.
        """
        known = self._known(at_us)
        return is_wrong_here(unit, portal, known, at_us) or (
            self._is_in_stock(unit) and is_extra_here(unit, portal, known, at_us)
        )

    def has_told(self, portal: str, epc: str) -> bool:
        """Tell whether ``take`` or ``take_passage`` called a tag wrong at a portal in the last minute or so.

        Args:
            portal: Portal id.
            epc: Hexadecimal digits.

        Returns:
            True if so.
        """
        watched = self._watched.get((portal, epc))
        return watched is not None and watched.is_told

    def _watch(self, portal: str, epc: str, seen_us: int) -> _Watched:
        key = (portal, epc)
        watched = self._watched.get(key)
        if watched is None or seen_us - watched.last_us > _FORGET_US:
            watched = self._watched[key] = _Watched(seen_us)
        watched.last_us = max(watched.last_us, seen_us)
        self._watched.move_to_end(key)
        if len(self._watched) > _MOST_TAGS:
            self._watched.popitem(last=False)
        return watched


def _split(port: str) -> tuple[str, int]:
    reader, _, number = port.partition(":")
    return reader, int(number)


def is_wrong_here(unit: str, door: str, known: Known, at_us: int) -> bool:
    """Tell whether a unit plainly belongs elsewhere.

    Args:
        unit: SSCC or GRAI.
        door: Portal id.
        known: The assignment in force.
        at_us: When it is seen, microseconds since 1970.

    Returns:
        True if no visit open at this door names it, and an open visit of another door does.
    """
    here = known.open_at(door, at_us)
    if not here or any(unit in visit.units for visit in here):
        return False
    return any(unit in visit.units for visit in known.everywhere() if visit.is_open(at_us))


def is_extra_here(unit: str, door: str, known: Known, at_us: int) -> bool:
    """Tell whether a unit of the stock would be one too many at a door: trucks load there, none of them it.

    Args:
        unit: SSCC or GRAI.
        door: Portal id.
        known: The assignment in force.
        at_us: When it is seen, microseconds since 1970.

    Returns:
        False also where a truck is unloaded: stock does not come off it, so what is near is at work inside;
        and where one takes loose goods, which may have been packed since into any unit.
    """
    here = known.open_at(door, at_us)
    return bool(here) and all(
        visit.direction is CrossingDirection.OUT
        and bool(visit.units)
        and not visit.loose
        and unit not in visit.units
        for visit in here
    )
