"""Door feedback: pallets brought to a wrong door in simulated docks, how many of them a lamp told.

A pallet is wrong at a door if a visit open elsewhere expects it and none open here does (DOMAIN D2). Every
third pallet is made so by moving its line to another door's document. Half of the pallets that only pass by
or stand beside a door are put on some open visit's document too: a lamp that lights for them, or for a right
one, is a false alarm.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.doors import directory_of, kept_world, seeds_of
from benchmarks.result import Limit, Result
from contracts.offline import Assignment, ExpectedLine, Visit
from edge_agent.config.site_file import load_portals, load_tags
from edge_agent.decode.tag_role import TagRoles
from edge_agent.doors.belonging import CROSSINGS
from edge_agent.doors.lookout import Lookout, is_wrong_here
from edge_agent.doors.posting import Posting
from edge_agent.doors.visits import Known
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.site import DoorFeedback, Portal
from edge_agent.readers.capture import Fault
from edge_agent.readers.llrp.recording import read_recording
from edge_agent.readers.raw_read import RawRead, Seen
from simulators.warehouse.dock.papers import ASSIGNMENT, SITE, TRUTH
from simulators.warehouse.dock.score import RECORDING

_WRONG_SHARE: Final = 1 / 3
_BYSTANDER_SHARE: Final = 0.5
_TOGETHER: Final = 256
_LATE: Final = timedelta(seconds=30)


@dataclass
class Told:
    """What lamps said in some worlds."""

    pallets: int = 0
    wrong: int = 0
    caught: int = 0
    at_once: int = 0
    """Of these, by the second near read: before the pallet had passed, or within a second after it."""
    false_alarms: int = 0
    oddities: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--seeds", default="7001-7003", help="first and last; default: 7001-7003")
    parser.add_argument("--crossings", type=int, default=30, help="of each world, default: 30")
    parser.add_argument("--directory", type=Path, help="as for doors")
    parser.add_argument("--near-dbm", type=float, help="instead of the default of a portal's feedback")


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
            kept = directory_of(arguments.directory or Path(own), "usual", seed, arguments.crossings)
            kept_world(kept, "usual", seed, arguments.crossings)
            _watch(told, kept, random.Random(seed), arguments.near_dbm)
    return Result(
        benchmark="feedback",
        headline="caught",
        figures={
            "caught": told.caught / max(told.wrong, 1),
            "caught_at_once": told.at_once / max(told.wrong, 1),
            "false_alarms_per_100": 100 * told.false_alarms / max(told.pallets, 1),
        },
        limits={
            "caught": Limit(must=0.98, goal=0.99, better="higher"),
            "false_alarms_per_100": Limit(must=1.0, goal=0.5, better="lower"),
        },
        input={
            "seeds": arguments.seeds,
            "crossings_each": arguments.crossings,
            "pallets": told.pallets,
            "wrong_pallets": told.wrong,
        },
        notes=tuple(told.oddities),
    )


def _watch(told: Told, kept: Path, rng: random.Random, near_dbm: float | None) -> None:
    truth = [json.loads(line) for line in (kept / TRUTH).read_text("utf-8").splitlines()][1:]
    pallets = [line for line in truth if line["unit"] is not None]
    given = Assignment.model_validate_json((kept / ASSIGNMENT).read_bytes())
    assignment, wrong = misdirected(given, pallets, rng)
    lamps = {"wrong_gpo": 1} | ({} if near_dbm is None else {"near_dbm": near_dbm})
    portals = [
        portal.model_copy(update={"feedback": DoorFeedback.model_validate(lamps)})
        for portal in load_portals(kept / SITE)
    ]
    recording = read_recording((kept / RECORDING).read_bytes())
    seen = [each for each in recording if not isinstance(each, Fault)]
    lit: dict[tuple[str, str], datetime] = {}
    for portal, unit, at in lamps_of(portals, TagRoles(load_tags(kept / SITE)), assignment, seen):
        lit.setdefault((unit, portal), at)
    crossings = [line for line in pallets if line["kind"] == "crossing"]
    told.pallets += len(crossings)
    for line in crossings:
        key = line["unit"], line["portal"]
        if key not in wrong:
            continue
        told.wrong += 1
        told_at = [lit.pop(key)] if key in lit else []
        if not told_at or told_at[0] > datetime.fromisoformat(line["end_at"]) + _LATE:
            told.oddities.append(f"not told: {line['unit']} at {line['portal']} {line['at']}")
            continue
        told.caught += 1
        told.at_once += told_at[0] <= datetime.fromisoformat(line["at"]) + timedelta(seconds=1)
    was_there = {(line["unit"], line["portal"]) for line in pallets if line["kind"] == "carried_back"}
    for (unit, portal), at in lit.items():
        if (unit, portal) not in was_there:
            told.false_alarms += 1
            told.oddities.append(f"false alarm: {unit} at {portal} {at}")


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
) -> Iterator[tuple[str, str, datetime]]:
    """Say when which door tells of which unit that it is wrong, as ``edge_agent.doors.door`` does.

    Args:
        portals: With feedback.
        roles: What tags are.
        assignment: Always in force.
        seen: What readers said, in the order it came.

    Yields:
        Portal, unit and instant.
    """
    known = Known.of(assignment)
    lookout = Lookout(portals, roles, lambda _at_us: known)
    door, posting = PortalFilter(portals), Posting(portals, roles, assignment)
    newest_us = 0
    for begin in range(0, len(seen), _TOGETHER):
        batch = seen[begin : begin + _TOGETHER]
        for each in batch:
            newest_us = max(newest_us, each.seen_us)
            portal = lookout.take(each) if isinstance(each, RawRead) else None
            unit = roles.of(each.epc)[0].unit if isinstance(each, RawRead) else None
            if portal is not None and unit is not None:
                yield portal.id, unit, _instant(each.seen_us)
        decided, since_us = door.take_many(batch), door.open_since_us
        for passage in decided:
            portal, unit = lookout.take_passage(passage), roles.of(passage.epc)[0].unit
            if portal is not None and unit is not None:
                yield portal.id, unit, _instant(newest_us)
        settled_us = newest_us if since_us is None else since_us
        for passage, decision in posting.take(decided, settled_us, door.is_open):
            unit = decision.thing.unit
            is_held = decision.posted == "held" and decision.direction in CROSSINGS
            if (
                (decision.moves or is_held)
                and unit is not None
                and is_wrong_here(unit, passage.portal, known, passage.occurred_us)
            ):
                yield passage.portal, unit, _instant(newest_us)


def _is_open(visit: Visit, at: datetime) -> bool:
    return visit.from_at <= at and (visit.to_at is None or at <= visit.to_at)


def _instant(at_us: int) -> datetime:
    return datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(microseconds=at_us)
