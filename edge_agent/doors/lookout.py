"""Looks at reads before the filter has decided: another visit's unit in the doorway is told at once (D2)."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from contracts.vocabulary import CrossingDirection
from edge_agent.decode.tag_role import TagRole, TagRoles
from edge_agent.doors.approach import LATELY_US, NOW_US, Approach, Sides
from edge_agent.doors.belonging import CROSSINGS
from edge_agent.doors.visits import Known
from edge_agent.filters.passage import Passage
from edge_agent.filters.profile import INSIDE_COLUMN, OUTSIDE_COLUMN, shift_of
from edge_agent.filters.read import LOWEST_DBM, usable_dbm
from edge_agent.filters.site import Portal
from edge_agent.readers.raw_read import GpiChange, RawRead

_FORGET_US: Final = 60_000_000
_MOST_TAGS: Final = 4_000
_AGAIN_US: Final = 5_000_000
"""A lamp that was lit so long ago is not connected with what passes now."""
_JUDGE_US: Final = 500_000
"""Documents are asked about a unit at most so often,"""
_LOOK_US: Final = 150_000
"""and it is put on the scales at most so often."""
_VERY_DB: Final = 6.0
"""So much above ``near_dbm`` it is in the doorway: what is parked behind the door is hardly louder."""
_OUTSIDE_DB: Final = -12.0
"""So loud the outward antennas must hear what is not heard inside,"""
_ASIDE_DB: Final = 12.0
"""or at least so much fainter,"""
_APART_DB: Final = 3.0
"""and by other doors so much fainter: two outward antennas side by side hear the same truck."""
_BEAMS_DB: Final = -7.0
"""So loud is what stands in light beams, or was there just now."""
_BEAMS_US: Final = 1_500_000
_STUCK_US: Final = 60_000_000
"""Beams that are broken for longer have something leaning in them, and tell nothing."""
_THROUGH: Final = ((-10.0, 0.9), (-17.0, 0.99))
"""What went through was so loud, and its chances are so; what is fainter must be surer."""
_FAINTEST_DB: Final = -17.0


@dataclass(slots=True)
class _Beams:
    """Both light beams of a door."""

    broken: set[str] = field(default_factory=set)
    since_us: int = 0
    """Since when both are broken, or were."""
    until_us: int = -_STUCK_US
    """Until when both were."""

    def change(self, port: str, at_us: int, *, is_broken: bool, count: int) -> None:
        were_both = len(self.broken) == count
        (self.broken.add if is_broken else self.broken.discard)(port)
        if were_both and not is_broken:
            self.until_us = at_us
        elif not were_both and len(self.broken) == count:
            self.since_us = at_us
            self.until_us = at_us + _STUCK_US

    def are_passed(self, at_us: int) -> bool:
        return self.since_us <= at_us <= self.until_us + _BEAMS_US


@dataclass(frozen=True, slots=True)
class _Door:
    """A portal as the lookout needs it."""

    portal: Portal
    near_dbm: float
    sides: Sides
    columns: tuple[int, ...]
    offsets_db: tuple[float, ...]
    has_beams: bool
    beams: _Beams


@dataclass(slots=True)
class _Watched:
    heard: Approach
    last_us: int
    judged_us: int = 0
    is_wrong: bool = False
    looked_us: int = 0
    told_us: int | None = None
    """When a lamp was lit for it last."""


class Lookout:
    """Follows each logistic unit at each portal; says *wrong* as soon as it is in the doorway, or through.

    Who was told while it stood before the door is told again when it passes.
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
            portals: The doors; those without feedback only say where a unit is heard louder.
            roles: What tags are.
            known: Gives what is known at an instant, in microseconds.
            is_in_stock: Whether a unit is known to be the site's.
        """
        self._is_in_stock = is_in_stock
        if all(portal.feedback is None for portal in portals):
            portals = ()  # nobody is to be told
        self._doors: dict[str, _Door] = {portal.id: _door(portal) for portal in portals}
        self._antennas: dict[tuple[str, int], tuple[_Door, int]] = {
            _split(port): (self._doors[portal.id], antenna)
            for portal in portals
            for antenna, port in enumerate(portal.ports)
        }
        self._beams: dict[tuple[str, int], tuple[_Door, str]] = {
            _split(port): (self._doors[portal.id], port) for portal in portals for port in portal.beam_ports
        }
        self._roles = roles
        self._known = known
        self._watched: OrderedDict[tuple[str, str], _Watched] = OrderedDict()

    def change(self, change: GpiChange) -> None:
        """Look at a light beam.

        Args:
            change: Of any input.
        """
        place = self._beams.get((change.reader, change.port))
        if place is not None:
            door, port = place
            count = len(door.portal.beam_ports)
            door.beams.change(port, change.seen_us, is_broken=change.is_high, count=count)

    def take(self, read: RawRead) -> Portal | None:
        """Look at one read.

        Args:
            read: Of any tag at any antenna.

        Returns:
            The portal at which a lamp is to be lit now for a wrong unit; None otherwise.
        """
        place = self._antennas.get((read.reader, read.antenna))
        if place is None:
            return None
        door, antenna = place
        tag, role = self._roles.of(read.epc)
        if role is not TagRole.LOGISTIC_UNIT or tag.unit is None:
            return None
        watched = self._watch(door, read.epc, read.seen_us)
        rssi_dbm = usable_dbm(read.rssi_dbm) + door.offsets_db[antenna]
        shift = 0 if read.doppler_hz is None else shift_of(read.doppler_hz)
        watched.heard.add(read.seen_us, antenna, door.columns[antenna], rssi_dbm, shift)
        if door.portal.feedback is None or not self._is_wrong(door, tag.unit, watched, read.seen_us):
            return None
        if not self._is_there(door, read.epc, watched, read.seen_us):
            return None
        watched.told_us = read.seen_us
        return door.portal

    def _is_wrong(self, door: _Door, unit: str, watched: _Watched, at_us: int) -> bool:
        if abs(at_us - watched.judged_us) >= _JUDGE_US:
            watched.judged_us = at_us
            watched.is_wrong = self.is_wrong(unit, door.portal.id, at_us)
        return watched.is_wrong

    def _is_there(self, door: _Door, epc: str, watched: _Watched, at_us: int) -> bool:
        """Tell whether a unit is in the doorway or through, and no lamp told so just now."""
        if watched.told_us is not None and abs(at_us - watched.told_us) < _AGAIN_US:
            return False
        loud_dbm = watched.heard.second_dbm(at_us - LATELY_US)
        if loud_dbm < door.near_dbm + _FAINTEST_DB:
            return False
        apart_db = loud_dbm - self._elsewhere_dbm(door, epc, at_us)
        if apart_db < 0:
            return False
        if door.has_beams and door.beams.are_passed(at_us):
            return watched.heard.second_dbm(at_us - NOW_US) >= door.near_dbm + _BEAMS_DB
        is_first = watched.told_us is None
        if is_first and _is_in_doorway(door, watched.heard, at_us, apart_db):
            return True
        surely = next(chance for above_db, chance in _THROUGH if loud_dbm >= door.near_dbm + above_db)
        return _is_through(door, watched, at_us, surely)

    def _elsewhere_dbm(self, door: _Door, epc: str, at_us: int) -> float:
        """Tell how loud another door hears a unit."""
        others = (self._watched.get((name, epc)) for name, other in self._doors.items() if other is not door)
        return max(
            (each.heard.second_dbm(at_us - LATELY_US) for each in others if each is not None),
            default=LOWEST_DBM,
        )

    def take_passage(self, passage: Passage) -> Portal | None:
        """Look at a visit that is over; what is decided of it may wait for what else is at the door.

        Args:
            passage: Of any tag, as the filter gave it.

        Returns:
            The portal through which a wrong unit surely went, unless that was told; None otherwise.
        """
        door, (tag, role) = self._doors.get(passage.portal), self._roles.of(passage.epc)
        if door is None or door.portal.feedback is None:
            return None
        if role is not TagRole.LOGISTIC_UNIT or tag.unit is None:
            return None
        if (
            passage.neighbour is not None
            or passage.direction not in CROSSINGS
            or passage.confidence < door.portal.post_at
        ):
            return None
        is_told = self.has_told(passage.portal, passage.epc, passage.occurred_us)
        if is_told or not self._was_wrong(tag.unit, passage):
            return None
        watched = self._watch(door, passage.epc, passage.last_seen_us)
        watched.told_us = passage.last_seen_us
        watched.heard.forget()
        return door.portal

    def _was_wrong(self, unit: str, passage: Passage) -> bool:
        """Tell whether a unit was wrong when it passed, or when it came and nobody here expects it since."""
        portal, at_us = passage.portal, passage.occurred_us
        here = self._known(at_us).open_at(portal, at_us)
        is_expected = any(unit in visit.units for visit in here)
        times = (at_us,) if is_expected else (at_us, passage.first_seen_us)
        return any(self.is_wrong(unit, portal, each_us) for each_us in times)

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

    def has_told(self, portal: str, epc: str, at_us: int) -> bool:
        """Tell whether a lamp was lit for a tag's passing, and not only while it stood before the door.

        Args:
            portal: Portal id.
            epc: Hexadecimal digits.
            at_us: When it passed, microseconds since 1970.

        Returns:
            True if one was lit 5 s before, or later.
        """
        watched = self._watched.get((portal, epc))
        told_us = None if watched is None else watched.told_us
        return told_us is not None and told_us >= at_us - _AGAIN_US

    def _watch(self, door: _Door, epc: str, seen_us: int) -> _Watched:
        key = (door.portal.id, epc)
        watched = self._watched.get(key)
        if watched is None or seen_us - watched.last_us > _FORGET_US:
            watched = self._watched[key] = _Watched(Approach(len(door.columns)), seen_us)
        watched.last_us = max(watched.last_us, seen_us)
        self._watched.move_to_end(key)
        if len(self._watched) > _MOST_TAGS:
            self._watched.popitem(last=False)
        return watched


def _door(portal: Portal) -> _Door:
    inside, outside = set(portal.inside_ports), set(portal.outside_ports)
    return _Door(
        portal=portal,
        near_dbm=0.0 if portal.feedback is None else portal.feedback.near_dbm,
        sides=tuple(
            tuple(n for n, port in enumerate(portal.ports) if port in side) for side in (inside, outside)
        ),
        columns=tuple(OUTSIDE_COLUMN if port in outside else INSIDE_COLUMN for port in portal.ports),
        offsets_db=tuple(portal.offsets_db.get(port, 0.0) for port in portal.ports),
        has_beams=bool(portal.beam_ports),
        beams=_Beams(),
    )


def _is_in_doorway(door: _Door, heard: Approach, at_us: int, apart_db: float) -> bool:
    if door.has_beams:
        return False  # they tell it
    loud_dbm = heard.second_dbm(at_us - NOW_US)
    if not door.portal.is_two_sided:
        return loud_dbm >= door.near_dbm
    outside_dbm, aside_db = heard.outward_db(at_us)
    is_outside = outside_dbm >= door.near_dbm + _OUTSIDE_DB and aside_db >= _ASIDE_DB
    return loud_dbm >= door.near_dbm + _VERY_DB or (is_outside and apart_db >= _APART_DB)


def _is_through(door: _Door, watched: _Watched, at_us: int, surely: float) -> bool:
    if not door.portal.is_two_sided or abs(at_us - watched.looked_us) < _LOOK_US:
        return False
    watched.looked_us = at_us
    if watched.heard.through(door.sides) < surely:
        return False
    watched.heard.forget()
    return True


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
