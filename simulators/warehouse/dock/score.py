"""A world through the real pipeline, in simulated time: seed in, score out."""

import json
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from simulators.warehouse.dock.judge import Score, judge
from simulators.warehouse.dock.papers import ASSIGNMENT, SITE, TRUTH, write_papers
from simulators.warehouse.dock.recording import write_recording
from simulators.warehouse.dock.world import World

RECORDING: Final = "recording.llrp"
DECISIONS: Final = "decisions.jsonl"
ODDITIES: Final = "oddities.txt"
SCORED_SITE: Final = "score"
SCORED_GATEWAY: Final = "docks"
START_AT: Final = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
"""A Monday morning: simulated time begins here whatever the clock says, so that a seed is a seed."""


class ReplayError(RuntimeError):
    """`edge-agent replay` could not be run or failed; the message ends with what it said."""


def score_world(world: World, directory: Path) -> Score:
    """Write a world's truth and bytes, replay them through the edge, and compare.

    Args:
        world: What happens.
        directory: Where everything is written: truth, site file, assignment, recording, decisions, oddities.

    Returns:
        The score; its seconds are those that recording and replay took.

    Raises:
        ReplayError: If the edge could not replay.
    """
    began = time.monotonic()
    write_papers(world, directory, START_AT, site=SCORED_SITE, gateway=SCORED_GATEWAY)
    reads = write_recording(world, directory / RECORDING, START_AT)
    _replay(directory)
    score = judge(_lines(directory / TRUTH), _lines(directory / DECISIONS))
    score.raw_reads = reads
    score.seconds = round(time.monotonic() - began, 2)
    (directory / ODDITIES).write_text("".join(f"{line}\n" for line in score.oddities), "utf-8")
    return score


def _replay(directory: Path) -> None:
    command = [
        _edge_agent(),
        "replay",
        str(directory / RECORDING),
        "--site",
        str(directory / SITE),
        "--assignment",
        str(directory / ASSIGNMENT),
        "--json",
    ]
    with (directory / DECISIONS).open("wb") as file:
        ended = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, check=False)  # noqa: S603  our own command
    if ended.returncode:
        said = ended.stderr.decode("utf-8", "replace").strip()[-2000:]
        raise ReplayError(f"`{' '.join(command)}` ended with {ended.returncode}: {said}")


def _edge_agent() -> str:
    beside = Path(sys.executable).with_name("edge-agent")
    found = str(beside) if beside.exists() else shutil.which("edge-agent")
    if found is None:
        raise ReplayError(f"edge-agent: expected beside {sys.executable} or on the PATH, found in neither")
    return found


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
