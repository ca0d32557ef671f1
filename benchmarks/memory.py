"""Resident memory of an idle agent: connected, a scanner plugged in, nothing scanned."""

import argparse
import time
from pathlib import Path
from typing import Final

from benchmarks.edges import Edge
from benchmarks.ground import own_folder
from benchmarks.mayhem import wait_until
from benchmarks.result import Limit, Result
from benchmarks.stage import Gateway, Stage
from simulators.scanner.device import LineStyle, PtyScanner

_GATEWAY: Final = Gateway("bench", "bench-edge")
_KIB: Final = 1024
_MB: Final = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--seconds", type=float, default=20.0, help="how long it idles first, default: 20")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Resident bytes of the agent's process, in MB of 10**6 bytes.
    """
    with own_folder() as directory, Stage(directory, (_GATEWAY,), 1) as stage:
        edge = Edge(stage, _GATEWAY, _GATEWAY.name)
        edge.directory.mkdir()
        with PtyScanner(edge.scanner, LineStyle.of_profile("generic_terminal")) as device:
            agent = edge.start()
            wait_until(device.is_heard, within_s=20, what="the agent opens its scanner")
            time.sleep(arguments.seconds)
            status = _status(agent.pid)
    return Result(
        benchmark="memory",
        headline="idle_agent_rss_mb",
        figures={
            "idle_agent_rss_mb": status["VmRSS"] / _MB,
            "of_that_shared_files_mb": status["RssFile"] / _MB,
            "peak_rss_mb": status["VmHWM"] / _MB,
        },
        limits={"idle_agent_rss_mb": Limit(must=120, goal=60, better="lower")},
        input={
            "process": "edge-agent run, one scanner, connected to a broker",
            "idle_seconds": arguments.seconds,
            "source": "VmRSS of /proc/PID/status",
        },
    )


def _status(pid: int) -> dict[str, int]:
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines())
    return {line[0].rstrip(":"): int(line[1]) * _KIB for line in lines if line[-1] == "kB"}
