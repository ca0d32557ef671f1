"""`warehouse-sim score | dock | judge`: dock doors by radio, judged at once or played live."""

import argparse
import json
import signal
import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from simulators.warehouse.dock.judge import Score, judge

LIMITS: Final = (("wrong + false", 0.005, 0.001), ("held", 0.05, 0.02), ("missed", 0.02, 0.005))
"""Name, must and goal, as shares of the true crossings."""
_DOORS: Final = 3
_MOST_CROSSINGS: Final = 100_000
_MOST_DOORS: Final = 32
_SCORE_EXAMPLES: Final = """\
examples:
  200 crossings of pallets and loose cases, three doors, through the real pipeline:
    warehouse-sim score --seed 7 --crossings 200
  the same for a program, keeping recording, truth, decisions and what went wrong:
    warehouse-sim score --seed 7 --crossings 200 --json --keep seed-7
"""
_DOCK_EXAMPLES: Final = """\
examples:
  plan first, so that a gateway can be given the readers' ports, then play it:
    warehouse-sim dock --seed 7 --directory run/dock --only-plan --start-at 2026-03-02T06:00:30Z
    warehouse-sim dock --directory run/dock

A directory holds one plan; what is in it wins over --seed, --seconds, --doors and --start-at. A line of
JSON with the figures ends the output.
"""
_JUDGE_EXAMPLES: Final = """\
examples:
  what a dock that was played live came to; decisions are lines as `edge-agent replay --json` prints them:
    warehouse-sim judge run/dock/truth.jsonl decisions.jsonl --json
"""
_SHORTEST_S: Final = 30
_LEAD_S: Final = 5.0
_SLOWNESS: Final = 2
"""A machine on which a plan takes long lets a gateway start slowly, too: so many times that comes on top."""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the commands.

    Args:
        subparsers: Of `warehouse-sim`.
    """
    score = subparsers.add_parser(
        "score",
        help="how right the edge is at dock doors: a radio world against its truth",
        epilog=_SCORE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    score.add_argument("--seed", type=whole(0, 2**63), default=1, help="default: 1")
    score.add_argument(
        "--crossings", type=whole(1, _MOST_CROSSINGS), default=200, help="true crossings, default: 200"
    )
    score.add_argument("--doors", type=whole(1, _MOST_DOORS), default=_DOORS, help=f"default: {_DOORS}")
    score.add_argument("--json", action="store_true", help="print one JSON object")
    score.add_argument("--keep", type=Path, metavar="DIR", help="keep truth, recording and decisions here")
    score.set_defaults(run=run_score)
    _add_dock(subparsers)
    judged = subparsers.add_parser(
        "judge",
        help="how right the decisions of a dock that was played live were",
        epilog=_JUDGE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    judged.add_argument("truth", type=Path, help="truth.jsonl of the plan")
    judged.add_argument("decisions", type=Path, help="JSON lines")
    judged.add_argument(
        "--until", type=_instant, metavar="TIME", help="the dock ended then: later truth did not happen"
    )
    judged.add_argument("--json", action="store_true", help="print one JSON object")
    judged.set_defaults(run=run_judge)


def _add_dock(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    dock = subparsers.add_parser(
        "dock",
        help="the same doors live: LLRP readers on loopback, in real time",
        epilog=_DOCK_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    dock.add_argument("--directory", type=Path, required=True, metavar="DIR", help="plan, truth and papers")
    dock.add_argument("--only-plan", action="store_true", help="write them and exit; run again to play")
    dock.add_argument("--seed", type=whole(0, 2**63), default=1, help="default: 1")
    dock.add_argument("--seconds", type=whole(_SHORTEST_S, 86_400), default=60, help="default: 60")
    dock.add_argument("--doors", type=whole(1, _MOST_DOORS), default=2, help="default: 2")
    dock.add_argument(
        "--start-at",
        type=_instant,
        metavar="TIME",
        help="RFC 3339; goods move from then (default: in 5 s, later where planning takes long)",
    )
    dock.add_argument("--site", default="demo", help="site of the papers (default: demo)")
    dock.add_argument("--gateway", default="docks", help="gateway of the doors (default: docks)")
    dock.set_defaults(run=run_dock)


def run_score(arguments: argparse.Namespace) -> int:
    """Score one seed.

    Args:
        arguments: As parsed.

    Returns:
        0 when scored, 1 if the edge could not replay.
    """
    from simulators.warehouse.dock.score import ReplayError, score_world  # noqa: PLC0415  numpy only where it is used
    from simulators.warehouse.dock.world import plan_world  # noqa: PLC0415  the same

    world = plan_world(arguments.seed, arguments.crossings, arguments.doors)
    try:
        if arguments.keep is not None:
            score = score_world(world, arguments.keep)
        else:
            with tempfile.TemporaryDirectory(prefix="warehouse-sim-") as directory:
                score = score_world(world, Path(directory))
    except (ReplayError, OSError) as error:
        print(f"warehouse-sim score: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(score.figures()))
    else:
        _print_table(score, world.stray_share)
    return 0


def run_dock(arguments: argparse.Namespace) -> int:
    """Plan a live dock, or play the one that was planned.

    Args:
        arguments: As parsed.

    Returns:
        0 when planned, played or stopped by a signal; 1 if a plan cannot be read, written or played any more.
    """
    began_s = time.monotonic()
    from simulators.warehouse.dock.play import PLAN, LivePlan, PlanError, play  # noqa: PLC0415  numpy, as above

    directory: Path = arguments.directory
    try:
        if arguments.only_plan or not (directory / PLAN).exists():
            plan = LivePlan.make(
                arguments.seed,
                float(arguments.seconds),
                arguments.doors,
                arguments.start_at or datetime.now(UTC),
                site=arguments.site,
                gateway=arguments.gateway,
            )
            lead = timedelta(seconds=_LEAD_S + _SLOWNESS * (time.monotonic() - began_s))
            replace(plan, start_at=arguments.start_at or datetime.now(UTC) + lead).write(directory)
        if arguments.only_plan:
            print(directory / PLAN)
            return 0
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        played = play(
            LivePlan.read(directory), stopped, lambda line: print(line, file=sys.stderr, flush=True)
        )
    except (PlanError, OSError) as error:
        print(f"warehouse-sim dock: {error}", file=sys.stderr)
        return 1
    print(json.dumps(vars(played)))
    return 0


def run_judge(arguments: argparse.Namespace) -> int:
    """Judge decisions by a plan's truth.

    Args:
        arguments: As parsed.

    Returns:
        0 when judged, 1 if a file cannot be read.
    """
    try:
        truth = _read_lines(arguments.truth)
        decisions = _read_lines(arguments.decisions)
        if arguments.until is not None:
            truth = [line for line in truth if not _is_later(line, arguments.until)]
        score = judge(truth, decisions)
    except (OSError, ValueError, KeyError) as error:
        print(f"warehouse-sim judge: {error!r}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(score.figures()))
    else:
        _print_table(score, float(truth[0].get("stray_share", 0)) if truth else 0.0)
    return 0


def _read_lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _is_later(line: dict[str, Any], until: datetime) -> bool:
    return line.get("end_at") is not None and datetime.fromisoformat(line["end_at"]) > until


def _print_table(score: Score, stray_share: float) -> None:
    print(f"{score.truth} true crossings; {stray_share:.0%} of all appearances are strays or carried back")
    for name in ("right", "wrong", "false_movements", "held", "missed", "raw_reads", "seconds"):
        print(f"  {name:<16} {getattr(score, name):>10}")
    shares = (score.wrong + score.false_movements, score.held, score.missed)
    for (name, must, goal), count in zip(LIMITS, shares, strict=True):
        share = count / max(score.truth, 1)
        verdict = "goal reached" if share <= goal else "within the limit" if share <= must else "TOO MANY"
        print(f"  {name:<16} {share:>10.2%}  must {must:.1%}, goal {goal:.1%}: {verdict}")
    for line in score.oddities:
        print(f"  {line}")


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a time with its offset, 2026-03-02T06:00:00Z")
    return instant.astimezone(UTC)


class whole:  # noqa: N801  reads as a type in argparse's messages
    """Parses a whole number within limits."""

    def __init__(self, least: int, most: int) -> None:
        """Set the limits.

        Args:
            least: Smallest allowed.
            most: Largest allowed.
        """
        self._least, self._most = least, most

    def __call__(self, text: str) -> int:
        """Parse.

        Args:
            text: As typed.

        Returns:
            The number.

        Raises:
            ArgumentTypeError: If it is none, or outside the limits.
        """
        try:
            number = int(text)
        except ValueError:
            number = self._least - 1
        if not self._least <= number <= self._most:
            raise argparse.ArgumentTypeError(
                f"{text!r}: expected a whole number from {self._least} to {self._most}"
            )
        return number
