"""From a walk to corrections: a pure function; what does not judge the walk better is not proposed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Final

from edge_agent.calibrate.walk import Stretch, Walk, WalkError
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.read_zone import ReadZone
from edge_agent.filters.site import Portal
from edge_agent.filters.whereabouts import Whereabouts
from edge_agent.readers.raw_read import RawRead

REFERENCE_DBM: Final = -45.0
"""What an antenna of a door hears of a tag at its nearest, on the docks on which the filter was fitted."""
MOST_DB: Final = 20.0
_STEP_DB: Final = 0.5
_STRONGEST: Final = 5
_SCALES_DB: Final = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
_GRACE_US: Final = 2_000_000
"""So long after somebody came to a place nobody is asked where they are."""
_LEAST_CHANCE: Final = 1e-3
_BETTER: Final = 0.02
"""A proposal must be worth so much more, in mean log-likelihood, than what is in force."""


@dataclass(frozen=True, slots=True)
class Antenna:
    """What one antenna heard of the tag at its nearest, and what is to be added to it."""

    port: str
    level_dbm: float | None
    """None if it never heard the tag."""
    before_db: float
    after_db: float


@dataclass(frozen=True, slots=True)
class Judged:
    """One stretch, judged with what was in force and with what is proposed."""

    stretch: Stretch
    before: float
    """Chance given to the truth."""
    after: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a portal or read zone should be told."""

    kind: str
    """``portal`` or ``zone``."""
    id: str
    antennas: tuple[Antenna, ...]
    judged: tuple[Judged, ...]
    settings: Mapping[str, object]
    """Keys of its table with their new values; empty if nothing is better than what is in force."""


def calibrate(walk: Walk, portals: Sequence[Portal], zones: Sequence[ReadZone]) -> list[Proposal]:
    """Judge a walk and propose corrections.

    Args:
        walk: Of one tag.
        portals: Of the site.
        zones: Of the site.

    Returns:
        A proposal for each place that was walked.

    Raises:
        WalkError: If a stretch names no place, or says no way through a portal.
    """
    doors = {str(portal.id): portal for portal in portals}
    rooms = {str(zone.id): zone for zone in zones}
    for stretch in walk.stretches:
        if stretch.place not in doors and stretch.place not in rooms:
            known = [*doors, *rooms]
            raise WalkError(f"--at {stretch.place}@…: no such place, expected one of {known}")
        if (stretch.place in doors) != (stretch.way is not None):
            expected = "in or out for a portal" if stretch.place in doors else "no way for a read zone"
            raise WalkError(f"--at {stretch.place}: expected {expected}, got {stretch.way!r}")
    proposals = [
        _calibrate_portal(walk, portal, [each for each in walk.stretches if each.place == name])
        for name, portal in doors.items()
        if any(each.place == name for each in walk.stretches)
    ]
    walked = [each for each in walk.stretches if each.place in rooms]
    return [*proposals, *(_calibrate_zones(walk, zones, walked) if walked else [])]


def _calibrate_portal(walk: Walk, portal: Portal, stretches: Sequence[Stretch]) -> Proposal:
    heard = _levels(portal.ports, [walk.during(each) for each in stretches])
    before = {str(port): value for port, value in portal.offsets_db.items()}
    levels = {port: level for port, level in heard.items() if level is not None}
    candidates = [before]
    if levels:
        middle = median(levels.values())
        candidates += [
            {port: _rounded(goal - level) for port, level in levels.items()}
            for goal in (middle, REFERENCE_DBM)
        ]
    chances = [[_chance(walk, each, portal, offsets) for each in stretches] for offsets in candidates]
    best = _best(chances)
    after = candidates[best]
    return Proposal(
        "portal",
        portal.id,
        tuple(_antenna(port, heard[port], before, after) for port in portal.ports),
        tuple(map(Judged, stretches, chances[0], chances[best])),
        {"offsets_db": after} if best else {},
    )


def _chance(walk: Walk, stretch: Stretch, portal: Portal, offsets: Mapping[str, float]) -> float:
    """Tell how likely the filter thinks the truth."""
    door = PortalFilter((portal.model_copy(update={"offsets_db": dict(offsets)}),))
    passages = [*door.take_many(walk.around(stretch)), *door.flush()]
    chances = [
        each.confidence if each.is_assignable else each.chances[stretch.way == "out"] for each in passages
    ]
    return max(chances, default=0.0)


def _calibrate_zones(walk: Walk, zones: Sequence[ReadZone], stretches: Sequence[Stretch]) -> list[Proposal]:
    """Correct the zones that were walked, so that each hears the tag alike at its own place."""
    own = {
        str(zone.id): _levels(zone.antennas, [walk.during(s) for s in stretches if s.place == zone.id])
        for zone in zones
    }
    candidates = [
        list(zones),
        *(
            [each.model_copy(update={"scale_db": scale}) for each in given]
            for given in (zones, _levelled(zones, own))
            for scale in _SCALES_DB
        ),
    ]
    chances = [_zone_chances(walk, given, stretches) for given in candidates]
    best = _best(chances)
    proposals = []
    for before, after in zip(zones, candidates[best], strict=True):
        if not any(each.place == before.id for each in stretches):
            continue
        heard = own[str(before.id)]
        settings: dict[str, object] = {}
        if after.offsets_db != before.offsets_db:
            settings["offsets_db"] = {str(port): value for port, value in after.offsets_db.items()}
        if after.scale_db != before.scale_db:
            settings["scale_db"] = after.scale_db
        proposals.append(
            Proposal(
                "zone",
                before.id,
                tuple(
                    _antenna(
                        port,
                        heard[port],
                        {str(key): value for key, value in before.offsets_db.items()},
                        {str(key): value for key, value in after.offsets_db.items()},
                    )
                    for port in before.antennas
                ),
                tuple(
                    Judged(stretch, chances[0][n], chances[best][n])
                    for n, stretch in enumerate(stretches)
                    if stretch.place == before.id
                ),
                settings,
            )
        )
    return proposals


def _levelled(zones: Sequence[ReadZone], own: Mapping[str, Mapping[str, float | None]]) -> list[ReadZone]:
    """Correct antennas so that each hears the tag at its own zone as loud as the median does."""
    everyone = [level for heard in own.values() for level in heard.values() if level is not None]
    goal = median(everyone) if everyone else 0.0
    corrected = []
    for zone in zones:
        offsets = {
            port: _rounded(goal - level) for port, level in own[str(zone.id)].items() if level is not None
        }
        corrected.append(zone.model_copy(update={"offsets_db": offsets}) if offsets else zone)
    return corrected


def _zone_chances(walk: Walk, zones: Sequence[ReadZone], stretches: Sequence[Stretch]) -> list[float]:
    """Give the mean chance of the truth in each stretch (the geometric one, as likelihoods multiply)."""
    places = Whereabouts(zones)
    logs: list[list[float]] = [[] for _ in stretches]
    for read in walk.seen:
        if not isinstance(read, RawRead):
            continue
        places.take_many((read,))
        chances = places.chances_of(walk.epc)
        at_s = (read.seen_us - walk.zero_us) * 1e-6
        for n, stretch in enumerate(stretches):
            if chances and stretch.begin_s + _GRACE_US * 1e-6 <= at_s <= stretch.end_s:
                logs[n].append(math.log(max(chances.get(stretch.place, 0.0), _LEAST_CHANCE)))
    return [math.exp(mean(each)) if each else 0.0 for each in logs]


def _levels(ports: Iterable[str], parts: Iterable[Sequence[RawRead]]) -> dict[str, float | None]:
    """Tell what each antenna heard at its best: the mean of its strongest reads, and of all stretches."""
    found: dict[str, list[float]] = {port: [] for port in ports}
    for reads in parts:
        for port, levels in found.items():
            mine = sorted(each.rssi_dbm for each in reads if f"{each.reader}:{each.antenna}" == port)
            mine = [level for level in mine if not math.isnan(level)]
            if mine:
                levels.append(mean(mine[-_STRONGEST:]))
    return {port: mean(levels) if levels else None for port, levels in found.items()}


def _best(chances: Sequence[Sequence[float]]) -> int:
    """Choose the candidate that finds the truth likeliest; the first unless another is plainly better."""
    worth = [mean(math.log(max(each, _LEAST_CHANCE)) for each in given) for given in chances]
    best = max(range(len(worth)), key=lambda n: worth[n])
    return best if worth[best] > worth[0] + _BETTER else 0


def _antenna(
    port: str, level: float | None, before: Mapping[str, float], after: Mapping[str, float]
) -> Antenna:
    return Antenna(port, level, before.get(port, 0.0), after.get(port, 0.0))


def _rounded(decibels: float) -> float:
    return round(min(max(decibels, -MOST_DB), MOST_DB) / _STEP_DB) * _STEP_DB
