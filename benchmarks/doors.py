"""How right doors are: simulated scenes that nothing was fitted on, through filter and posting rules.

Units are topmost ones: pallets with an SSCC, and loose cases. F1 is of those that were decided: held ones are
a person's, and counted apart.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any, Final

from benchmarks.result import Limit, Result
from edge_agent.replay import add_parser, replay
from simulators.warehouse.dock.judge import MATCH_S, judge
from simulators.warehouse.dock.papers import ASSIGNMENT, SITE, TRUTH, write_papers
from simulators.warehouse.dock.recording import write_recording
from simulators.warehouse.dock.scenes import SCENES, plan_scene
from simulators.warehouse.dock.score import RECORDING, SCORED_GATEWAY, SCORED_SITE, START_AT

LEVELS: Final = (0.50, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.995)
"""Confidences whose worth is told."""
_WITHIN: Final = 0.02


@dataclass
class Tally:
    """What became of the units of one scene's worlds."""

    truth: int = 0
    right: int = 0
    wrong: int = 0
    false_movements: int = 0
    held: int = 0
    missed: int = 0
    told: list[tuple[float, bool]] = field(default_factory=list)
    """Of each unit that was told in or out: the confidence, and whether that was right."""
    oddities: list[str] = field(default_factory=list)

    @property
    def f1(self) -> float:
        """Of the units that were decided: harmonic mean of precision and recall."""
        errors = self.wrong + self.false_movements
        return 2 * self.right / max(2 * self.right + errors + self.wrong + self.missed, 1)

    def share(self, count: int) -> float:
        """Say a count as a share of the true crossings."""
        return count / max(self.truth, 1)

    def reliability(self) -> dict[float, tuple[int, float]]:
        """Give, by confidence, how many were told with so much or more, and the share that was right."""
        found = {}
        for level in LEVELS:
            right = [is_right for confidence, is_right in self.told if confidence >= level]
            found[level] = (len(right), sum(right) / len(right) if right else 1.0)
        return found

    def worst_shortfall(self) -> float:
        """Tell by how much the right share falls short of a confidence at most; below 0 for never."""
        return max(level - share for level, (_, share) in self.reliability().items())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    names = ", ".join(SCENES)
    parser.add_argument("--scenes", default="hard", help=f"comma-separated: {names}; default: hard")
    parser.add_argument("--seeds", default="7001-7003", help="first and last; default: 7001-7003")
    parser.add_argument("--crossings", type=int, default=30, help="of each world, default: 30")
    parser.add_argument(
        "--directory", type=Path, help="keep what readers said there: a second run decides only"
    )


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Shares of all scenes together, and a note for each scene.
    """
    scenes, seeds = arguments.scenes.split(","), seeds_of(arguments.seeds)
    tallies = {}
    with tempfile.TemporaryDirectory() as own:
        for scene in scenes:
            tallies[scene] = Tally()
            for seed in seeds:
                kept = directory_of(arguments.directory or Path(own), scene, seed, arguments.crossings)
                add_world(tallies[scene], decided(kept, scene, seed, arguments.crossings))
    whole = Tally()
    for each in tallies.values():
        for name in ("truth", "right", "wrong", "false_movements", "held", "missed", "told"):
            setattr(whole, name, getattr(whole, name) + getattr(each, name))
    return Result(
        benchmark="doors",
        headline="f1",
        figures={
            "f1": whole.f1,
            "wrong_and_false": whole.share(whole.wrong + whole.false_movements),
            "held": whole.share(whole.held),
            "missed": whole.share(whole.missed),
            "confidence_falls_short_by": whole.worst_shortfall(),
        },
        limits={
            "f1": Limit(must=0.99, goal=0.995, better="higher"),
            "wrong_and_false": Limit(must=0.005, goal=0.002, better="lower"),
            "held": Limit(must=0.05, goal=0.03, better="lower"),
            "confidence_falls_short_by": Limit(must=_WITHIN, goal=0.0, better="lower"),
        },
        input={
            "scenes": scenes,
            "seeds": arguments.seeds,
            "crossings_each": arguments.crossings,
            "units": whole.truth,
        },
        notes=tuple(line for scene, tally in tallies.items() for line in _notes(scene, tally)),
    )


def directory_of(folder: Path, scene: str, seed: int, crossings: int) -> Path:
    """Name the directory of a world.

    Args:
        folder: Of all worlds.
        scene: Which.
        seed: Of the world.
        crossings: How many.

    Returns:
        The directory, there or not.
    """
    return folder / f"{scene}-{seed}-{crossings}"


def kept_world(kept: Path, scene: str, seed: int, crossings: int) -> None:
    """Make a world's papers and recording, unless they are there.

    Args:
        kept: Directory of the world.
        scene: Which.
        seed: Of the world.
        crossings: How many.
    """
    if not (kept / "whole").exists():
        world = plan_scene(scene, seed, crossings)
        write_papers(world, kept, START_AT, site=SCORED_SITE, gateway=SCORED_GATEWAY)
        write_recording(world, kept / RECORDING, START_AT)
        (kept / "whole").touch()


def decided(kept: Path, scene: str, seed: int, crossings: int) -> tuple[list[Any], list[Any]]:
    """Let a world's recording be decided, making it if it is not kept.

    Args:
        kept: Directory of the world.
        scene: Which.
        seed: Of the world.
        crossings: How many.

    Returns:
        Lines of the truth, and of decisions.
    """
    kept_world(kept, scene, seed, crossings)
    commands = argparse.ArgumentParser().add_subparsers()
    add_parser(commands)
    words = [
        str(kept / RECORDING),
        "--site",
        str(kept / SITE),
        "--assignment",
        str(kept / ASSIGNMENT),
        "--json",
    ]
    out, errors = StringIO(), StringIO()
    replay(commands.choices["replay"].parse_args(words), out, errors)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    truth = [json.loads(line) for line in (kept / TRUTH).read_text("utf-8").splitlines()]
    return truth, lines


def add_world(tally: Tally, world: tuple[list[Any], list[Any]]) -> None:
    """Add what became of one world's units.

    Args:
        tally: Grows.
        world: Lines of the truth, and of decisions.
    """
    truth, lines = world
    score = judge(truth, lines)
    for name in ("truth", "right", "wrong", "false_movements", "held", "missed", "oddities"):
        setattr(tally, name, getattr(tally, name) + getattr(score, name))
    tally.told += told_units(truth, lines)


def told_units(
    truth: Iterable[Mapping[str, Any]], lines: Iterable[Mapping[str, Any]]
) -> list[tuple[float, bool]]:
    """Hold every unit that was told in or out against the truth, posted or not.

    Args:
        truth: Lines of truth.jsonl.
        lines: Of decisions.

    Returns:
        Confidence, and whether the unit went so, within a minute of its time at the door.
    """
    units: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for line in truth:
        if "epc" in line:
            units[line["epc"]].append(line)
    return [
        (float(line["confidence"]), any(_is_it(line, each) for each in units[line["epc"]]))
        for line in lines
        if line.get("kind") == "crossing" and line["epc"] in units and line["direction"] in {"in", "out"}
    ]


def _is_it(line: Mapping[str, Any], truly: Mapping[str, Any]) -> bool:
    if truly["kind"] != "crossing" or any(line[key] != truly[key] for key in ("portal", "direction")):
        return False
    at = datetime.fromisoformat(line["occurred_at"])
    early = datetime.fromisoformat(truly["begin_at"]) - at
    late = at - datetime.fromisoformat(truly["end_at"])
    return max(early, late).total_seconds() <= MATCH_S


def _notes(scene: str, tally: Tally) -> Iterable[str]:
    errors = tally.wrong + tally.false_movements
    yield (
        f"{scene}: {tally.truth} units, F1 {tally.f1:.4f}, right {tally.share(tally.right):.2%}, "
        f"wrong and false {tally.share(errors):.2%}, held {tally.share(tally.held):.2%}, "
        f"missed {tally.share(tally.missed):.2%}"
    )
    for level, (count, share) in tally.reliability().items():
        yield f"  told with {level:g} or more: {count} units, {share:.2%} right"
    yield from (f"  {line}" for line in tally.oddities)


def seeds_of(text: str) -> range:
    """Read a range of seeds.

    Args:
        text: First and last, or one.

    Returns:
        The seeds.
    """
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)
