"""Door feedback: pallets brought to a wrong door in simulated docks, how many of them a lamp told.

A pallet is wrong at a door if a visit open elsewhere expects it and none open here does (DOMAIN D2). Every
third pallet is made so by moving its line to another door's document. Half of the pallets that only pass by
or stand beside a door are put on some open visit's document too: a lamp that lights for them, or for a right
one, is a false alarm. With ``--all`` every pallet is on the document of a door that is not there: each
crossing is to be told, and each other door that hears a pallet can give a false alarm.
"""

import argparse
import json
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from benchmarks.doors import directory_of, kept_world, seeds_of
from benchmarks.result import Limit, Result
from contracts.offline import Assignment, ExpectedLine, Visit
from edge_agent.config.site_file import load_portals, load_tags
from edge_agent.decode.tag_role import TagRoles
from edge_agent.doors.belonging import CROSSINGS
from edge_agent.doors.door import LONGEST_WAIT_US
from edge_agent.doors.lookout import Lookout, is_wrong_here
from edge_agent.doors.posting import Posting
from edge_agent.doors.visits import Known
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.site import DoorFeedback, Portal
from edge_agent.readers.capture import Fault
from edge_agent.readers.llrp.recording import read_recording
from edge_agent.readers.raw_read import RawRead, Seen
from simulators.warehouse.dock.papers import ASSIGNMENT, SITE, TRUTH
from simulators.warehouse.dock.scenes import SCENES
from simulators.warehouse.dock.score import RECORDING

_WRONG_SHARE: Final = 1 / 3
_BYSTANDER_SHARE: Final = 0.5
_TOGETHER: Final = 256
_LATE: Final = timedelta(seconds=30)
_SECOND: Final = timedelta(seconds=1)
_CONNECTED: Final = timedelta(seconds=10)
"""A lamp that was lit longer before a pallet passed is not taken for its sake."""
_NOWHERE: Final = "door-of-another-building"


class Lamp(NamedTuple):
    """One lamp that was lit."""

    portal: str
    unit: str
    at: datetime
    by: Literal["label", "passage", "decision"]
    """What told it: the label's reads so far, its visit when it was over, or what was decided in the end."""


class Asked(NamedTuple):
    """A crossing that is held: a person is asked."""

    portal: str
    unit: str
    at: datetime


class Kept(NamedTuple):
    """A world on disk, with what gateways are told."""

    directory: Path
    pallets: list[dict[str, Any]]
    assignment: Assignment
    wrong: set[tuple[str, str]]
    """Units that are wrong at a door, with the door."""


@dataclass
class Told:
    """What lamps said in some worlds."""

    pallets: int = 0
    wrong: int = 0
    caught: int = 0
    at_passing: int = 0
    """Of these, from 10 s before to 1 s after the pallet passed."""
    at_second_read: int = 0
    """Of these, within 1 s of its second read at the door, however faint: it may be far away then."""
    asked: int = 0
    """Of these, a lamp was lit before a person is asked whether it crossed at all."""
    false_alarms: int = 0
    by: Counter[str] = field(default_factory=Counter)
    oddities: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--scene", choices=SCENES, default="usual", help="default: usual")
    parser.add_argument("--seeds", default="7001-7003", help="first and last; default: 7001-7003")
    parser.add_argument("--crossings", type=int, default=30, help="of each world, default: 30")
    parser.add_argument("--directory", type=Path, help="as for doors")
    parser.add_argument("--near-dbm", type=float, help="instead of the default of a portal's feedback")
    parser.add_argument("--all", action="store_true", help="every pallet is wrong at every door")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Shares of the wrong pallets that were told, and false alarms in 100 pallets.
    """
    told = Told()
    with tempfile.TemporaryDirectory() as own:
        for seed in seeds_of(arguments.seeds):
            directory = directory_of(
                arguments.directory or Path(own), arguments.scene, seed, arguments.crossings
            )
            kept_world(directory, arguments.scene, seed, arguments.crossings)
            _watch(told, _kept(directory, random.Random(seed), is_all=arguments.all), arguments.near_dbm)
    wrong = max(told.wrong, 1)
    return Result(
        benchmark="feedback",
        headline="caught",
        figures={
            "caught": told.caught / wrong,
            "caught_within_1_s_of_passing": told.at_passing / wrong,
            "caught_within_1_s_of_second_read": told.at_second_read / wrong,
            "asked_after_the_lamp": told.asked / wrong,
            "false_alarms_per_100": 100 * told.false_alarms / max(told.pallets, 1),
        },
        limits={
            "caught": Limit(must=0.98, goal=0.99, better="higher"),
            "false_alarms_per_100": Limit(must=1.0, goal=0.5, better="lower"),
        },
        input={
            "scene": arguments.scene,
            "seeds": arguments.seeds,
            "crossings_each": arguments.crossings,
            "pallets": told.pallets,
            "wrong_pallets": told.wrong,
            **{f"first_told_by_{name}": count for name, count in sorted(told.by.items())},
        },
        notes=tuple(told.oddities),
    )


def _kept(directory: Path, rng: random.Random, *, is_all: bool) -> Kept:
    truth = [json.loads(line) for line in (directory / TRUTH).read_text("utf-8").splitlines()][1:]
    pallets = [line for line in truth if line["unit"] is not None]
    given = Assignment.model_validate_json((directory / ASSIGNMENT).read_bytes())
    return Kept(directory, pallets, *(elsewhere if is_all else misdirected)(given, pallets, rng))


def _watch(told: Told, kept: Kept, near_dbm: float | None) -> None:
    settings = {"wrong_gpo": 1} | ({} if near_dbm is None else {"near_dbm": near_dbm})
    portals = [
        portal.model_copy(update={"feedback": DoorFeedback.model_validate(settings)})
        for portal in load_portals(kept.directory / SITE)
    ]
    recording = read_recording((kept.directory / RECORDING).read_bytes())
    seen = [each for each in recording if not isinstance(each, Fault)]
    roles = TagRoles(load_tags(kept.directory / SITE))
    lit, asked = defaultdict[tuple[str, str], list[Lamp]](list), list[Asked]()
    for each in lamps_of(portals, roles, kept.assignment, seen):
        if isinstance(each, Lamp):
            lit[each.unit, each.portal].append(each)
        else:
            asked.append(each)
    second_reads = _Reads(portals, roles, seen)
    crossings = [line for line in kept.pallets if line["kind"] == "crossing"]
    told.pallets += len(crossings)
    for line in crossings:
        key = line["unit"], line["portal"]
        if key in kept.wrong:
            _note(told, line, lit.pop(key, []), asked, second_reads.of(line))
    was_there = {(line["unit"], line["portal"]) for line in kept.pallets if line["kind"] == "carried_back"}
    for (unit, portal), lamps in lit.items():
        if (unit, portal) not in was_there:
            told.false_alarms += 1
            told.oddities.append(f"false alarm: {unit} at {portal} {lamps[0].at} by {lamps[0].by}")


def _note(
    told: Told,
    line: Mapping[str, Any],
    lamps: Sequence[Lamp],
    asked: Sequence[Asked],
    reads: Sequence[datetime],
) -> None:
    """Note what became of one wrong pallet.

    Args:
        told: Grows.
        line: Of the truth: its crossing.
        lamps: That were lit for it at this door.
        asked: All crossings that are asked about.
        reads: Of its label at this door meanwhile.
    """
    begin, at, end = (datetime.fromisoformat(line[name]) for name in ("begin_at", "at", "end_at"))
    mine = [lamp for lamp in lamps if begin <= lamp.at <= end + _LATE]
    told.wrong += 1
    if not mine:
        place = f"{line['unit']} at {line['portal']} {line['at']}"
        told.oddities.append(f"not told: {place}, {line['direction']}, {len(reads)} reads")
        return
    told.caught += 1
    told.by[mine[0].by] += 1
    told.at_passing += any(at - _CONNECTED <= lamp.at <= at + _SECOND for lamp in mine)
    told.at_second_read += len(reads) > 1 and mine[0].at <= reads[1] + _SECOND
    told.asked += any(
        (each.portal, each.unit) == (line["portal"], line["unit"])
        and begin <= each.at <= end + _LATE
        and mine[0].by != "decision"
        for each in asked
    )


class _Reads:
    """When labels of units were read at doors."""

    def __init__(self, portals: Sequence[Portal], roles: TagRoles, seen: Sequence[Seen]) -> None:
        doors = {port: portal.id for portal in portals for port in portal.ports}
        self._at_us = defaultdict[tuple[str, str], list[int]](list)
        for each in seen:
            if isinstance(each, RawRead):
                unit, door = roles.of(each.epc)[0].unit, doors.get(f"{each.reader}:{each.antenna}")
                if unit is not None and door is not None:
                    self._at_us[unit, door].append(each.seen_us)

    def of(self, line: Mapping[str, Any]) -> list[datetime]:
        """Give when a unit was read at a door while it was about.

        Args:
            line: Of the truth.

        Returns:
            Instants, in order.
        """
        begin, end = (datetime.fromisoformat(line[name]) for name in ("begin_at", "end_at"))
        reads = map(_instant, sorted(self._at_us[line["unit"], line["portal"]]))
        return [at for at in reads if begin <= at <= end]


def elsewhere(
    assignment: Assignment, pallets: Sequence[Mapping[str, Any]], rng: random.Random
) -> tuple[Assignment, set[tuple[str, str]]]:
    """Put every pallet on the document of a door that is not there.

    Args:
        assignment: As it was planned.
        pallets: Lines of the truth about units with an SSCC.
        rng: Not needed: nothing is chosen.

    Returns:
        As ``misdirected`` does.
    """
    del rng
    sample = next(line for visit in assignment.visits for line in visit.lines)
    units = tuple(sorted({pallet["unit"] for pallet in pallets}))
    there = assignment.visits[0].model_copy(
        update={
            "visit": "V-elsewhere",
            "door": _NOWHERE,
            "from_at": min(visit.from_at for visit in assignment.visits),
            "to_at": None,
            "lines": tuple(sample.model_copy(update={"units": (unit,)}) for unit in units),
        }
    )
    here = tuple(
        visit.model_copy(update={"lines": tuple(line for line in visit.lines if not line.units)})
        for visit in assignment.visits
    )
    wrong = {(pallet["unit"], pallet["portal"]) for pallet in pallets if pallet["kind"] == "crossing"}
    return assignment.model_copy(update={"visits": (*here, there)}), wrong


def misdirected(
    assignment: Assignment, pallets: Sequence[Mapping[str, Any]], rng: random.Random
) -> tuple[Assignment, set[tuple[str, str]]]:
    """Put pallets on other doors' documents.

    Args:
        assignment: As it was planned.
        pallets: Lines of the truth about units with an SSCC.
        rng: Chooses.

    Returns:
        What gateways are told, and the units that are wrong at a door, with the door.
    """
    lines: dict[str, list[ExpectedLine]] = {visit.visit: list(visit.lines) for visit in assignment.visits}
    wrong: set[tuple[str, str]] = set()
    for pallet in pallets:
        at = datetime.fromisoformat(pallet["at"] or pallet["begin_at"])
        elsewhere = [
            visit for visit in assignment.visits if visit.door != pallet["portal"] and _is_open(visit, at)
        ]
        if not elsewhere:
            continue
        visit = rng.choice(elsewhere)
        if pallet["kind"] == "crossing" and rng.random() < _WRONG_SHARE:
            mine = [line for line in lines[pallet["visit"]] if pallet["unit"] in line.units]
            lines[pallet["visit"]] = [line for line in lines[pallet["visit"]] if line not in mine]
            lines[visit.visit] += mine
            wrong.add((pallet["unit"], pallet["portal"]))
        elif pallet["kind"] in {"passing", "parked"} and rng.random() < _BYSTANDER_SHARE:
            sample = next(line for each in lines.values() for line in each)
            lines[visit.visit].append(sample.model_copy(update={"units": (pallet["unit"],)}))
    visits = tuple(each.model_copy(update={"lines": tuple(lines[each.visit])}) for each in assignment.visits)
    return assignment.model_copy(update={"visits": visits}), wrong


def lamps_of(
    portals: Sequence[Portal], roles: TagRoles, assignment: Assignment, seen: Sequence[Seen]
) -> Iterator[Lamp | Asked]:
    """Say when which door tells of which unit that it is wrong, as ``edge_agent.doors.door`` does.

    Args:
        portals: With feedback.
        roles: What tags are.
        assignment: Always in force.
        seen: What readers said, in the order it came.

    Yields:
        Lamps that are lit, and crossings of wrong units that are held.
    """
    known = Known.of(assignment)
    lookout = Lookout(portals, roles, lambda _at_us: known)
    door, posting = PortalFilter(portals), Posting(portals, roles, assignment)
    newest_us = 0
    for begin in range(0, len(seen), _TOGETHER):
        batch = seen[begin : begin + _TOGETHER]
        newest_us = max(newest_us, *(each.seen_us for each in batch))
        yield from _by_labels(lookout, roles, batch)
        decided, since_us = door.take_many(batch), door.open_since_us
        for passage in decided:
            portal, unit = lookout.take_passage(passage), roles.of(passage.epc)[0].unit
            if portal is not None and unit is not None:
                yield Lamp(portal.id, unit, _instant(newest_us), "passage")
        settled_us = newest_us if since_us is None else max(since_us, newest_us - LONGEST_WAIT_US)
        for passage, decision in posting.take(decided, settled_us, door.is_open):
            unit, is_held = decision.thing.unit, decision.posted == "held"
            if unit is None or not is_wrong_here(unit, passage.portal, known, passage.occurred_us):
                continue
            if is_held:
                yield Asked(passage.portal, unit, _instant(passage.occurred_us))
            is_crossing = decision.moves or (is_held and decision.direction in CROSSINGS)
            if is_crossing and not lookout.has_told(passage.portal, passage.epc, passage.occurred_us):
                yield Lamp(passage.portal, unit, _instant(newest_us), "decision")


def _by_labels(lookout: Lookout, roles: TagRoles, batch: Sequence[Seen]) -> Iterator[Lamp]:
    for each in batch:
        if not isinstance(each, RawRead):
            lookout.change(each)
            continue
        portal, unit = lookout.take(each), roles.of(each.epc)[0].unit
        if portal is not None and unit is not None:
            yield Lamp(portal.id, unit, _instant(each.seen_us), "label")


def _is_open(visit: Visit, at: datetime) -> bool:
    return visit.from_at <= at and (visit.to_at is None or at <= visit.to_at)


def _instant(at_us: int) -> datetime:
    return datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(microseconds=at_us)
