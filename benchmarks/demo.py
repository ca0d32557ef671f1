"""Seconds from the command to a URL that answers: `dockledger demo` on new data, then on the same again.

With ``--fresh`` it also clones the repository and runs `make demo` there, as a newcomer does; that installs
every package, from the cache where it is warm.
"""

import argparse
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from benchmarks.ground import own_folder
from benchmarks.parts import StageError, command
from benchmarks.result import Limit, Result

_PATIENCE_S: Final = 900.0
_ROOT: Final = Path(__file__).parent.parent
_URL: Final = re.compile(r"http://[0-9.]+:[0-9]+/")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--fresh", action="store_true", help="also as a newcomer: git clone, make demo")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Seconds to the URL, each way.
    """
    figures: dict[str, float] = {}
    with own_folder() as directory:
        if arguments.fresh:
            clone = directory / "clone"
            began = time.monotonic()
            subprocess.run(("git", "clone", "--quiet", str(_ROOT), str(clone)), check=True)
            newcomer = ("make", "demo", "ARGS=--headless --seconds 20")
            figures["newcomer_s"] = time.monotonic() - began + _seconds_to_url(newcomer, clone, directory)
        again = (
            command("dockledger"),
            "--data-dir",
            str(directory / "data"),
            "demo",
            "--headless",
            "--seconds",
            "20",
        )
        figures["new_data_s"] = _seconds_to_url(again, directory, directory)
        figures["second_time_s"] = _seconds_to_url(again, directory, directory)
    limits = {"second_time_s": Limit(must=20, goal=8, better="lower")}
    if arguments.fresh:
        limits["newcomer_s"] = Limit(must=300, goal=120, better="lower")
    return Result(
        benchmark="demo",
        headline="second_time_s",
        figures=figures,
        limits=limits,
        input={"command": "dockledger demo --headless --seconds 20", "fresh_clone": arguments.fresh},
    )


def _seconds_to_url(asked: tuple[str, ...], directory: Path, logs: Path) -> float:
    """Run a command until the URL it prints answers, then end it; say how long that took."""
    log = logs / "demo.log"
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            asked, cwd=directory, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        while time.monotonic() - began < _PATIENCE_S and process.poll() is None:
            found = _URL.search(log.read_text("utf-8"))
            if found and _answers(found.group()):
                return time.monotonic() - began
            time.sleep(0.05)
        raise StageError(f"{' '.join(asked)} gave no URL that answers; it said:\n{log.read_text('utf-8')}")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):  # noqa: S310  a loopback URL of our own
            return True
    except OSError:
        return False
