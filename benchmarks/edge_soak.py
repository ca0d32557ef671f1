"""Processor time and memory of a running agent at 1,000 reads a second, and memory for millions of tags.

The agent is the shipped command with a simulated LLRP reader before it and its page open; a pallet's worth of
tags passes its door all the time. Then its doors are shown as many distinct tags as there are, in this
process, as fast as they take them; caches of what a tag is are full after the first 4,096.
"""

import argparse
import gc
import json
import math
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.ground import own_folder
from benchmarks.result import Limit, Result
from cloud.local.process import free_port
from contracts.records import RowRef
from edge_agent.clock import Clock
from edge_agent.config.site_file import load_portals
from edge_agent.decode.tag_role import TagRoles, TagRules
from edge_agent.doors.assignments import Assignments
from edge_agent.doors.door import Doors
from edge_agent.outbox.draft import Draft
from edge_agent.readers.raw_read import RawRead, Seen
from simulators.llrp_reader.report import Observation
from simulators.llrp_reader.server import LlrpReaderServer

TICK_S: Final = 0.05
CROSSING_S: Final = 6.0
"""So long a tag is in the field."""
TAGS_AT_ONCE: Final = 20
ANTENNAS: Final = (1, 2, 3, 4)
WARM_UP_S: Final = 15.0
"""Imports, first connections and first commits are not what is measured."""
BATCH: Final = 100
WAITING: Final = 5
"""Batches that may wait for the doors; what is measured is theirs, not a queue."""
SPACING_US: Final = 50_000
"""A new tag every 50 ms: some two hundred are in the field, and doors forget a tag after four minutes."""
_MB: Final = 1024 * 1024
_HEADER: Final = bytes.fromhex("3034257BF7194E40")
"""An SGTIN-96; four bytes of serial number follow."""
_SITE: Final = """\
[[portal]]
id = "dock-1"
kind = "two_sided"
inside = ["r1:1", "r1:2"]
outside = ["r1:3", "r1:4"]
inside_location = "STAGE-1"
outside_location = "@clearing/dock-1"
"""
_AGENT: Final = """\
site = "bench"
gateway = "soak"
broker_url = "mqtt://soak:none@127.0.0.1:1"
clock = "assumed"
page_port = {page_port}

[[reader]]
id = "r1"
host = "127.0.0.1"
port = {port}

"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="at full rate, default: 60; the issue asks 600"
    )
    parser.add_argument("--rate", type=int, default=1000, help="reads a second, default: 1000")
    parser.add_argument(
        "--tags", type=int, default=200_000, help="distinct ones, default: 200000; the issue asks 10 million"
    )


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Share of a core, and how memory grows.
    """
    with own_folder() as directory:
        steady = _run_agent(directory, arguments.rate, arguments.seconds)
        many = _show_tags(directory, arguments.tags)
    return Result(
        benchmark="edge_soak",
        headline="agent_core_percent",
        figures=steady | many,
        limits={
            "agent_core_percent": Limit(must=10, goal=5, better="lower"),
            "agent_growth_mb": Limit(must=16, goal=4, better="lower"),
            "tags_growth_mb": Limit(must=32, goal=8, better="lower"),
        },
        input={
            "reads_per_s": arguments.rate,
            "seconds": arguments.seconds,
            "tags_in_field": TAGS_AT_ONCE,
            "seconds_in_field": CROSSING_S,
            "antennas": len(ANTENNAS),
            "distinct_tags": arguments.tags,
            "broker": "away: rows pile up in the outbox",
            "growth": "resident memory at the end less that at a third of the time",
        },
    )


def _run_agent(directory: Path, rate: int, seconds: float) -> dict[str, float]:
    with LlrpReaderServer() as reader:
        config = directory / "agent.toml"
        page_port = free_port()
        config.write_text(_AGENT.format(port=reader.address[1], page_port=page_port) + _SITE)
        command = [str(Path(sys.executable).parent / "edge-agent"), "run", "--config", str(config)]
        with (directory / "agent.log").open("wb") as log, subprocess.Popen(command, stderr=log) as agent:
            try:
                if not reader.wait_for(lambda: reader.is_reporting, 30):
                    raise TimeoutError((directory / "agent.log").read_text())
                return _measure(agent.pid, reader, page_port, rate, seconds)
            finally:
                agent.terminate()


def _measure(
    pid: int, reader: LlrpReaderServer, page_port: int, rate: int, seconds: float
) -> dict[str, float]:
    air = _air(rate)
    resident: list[int] = []
    cpu_s, shown = 0.0, 0
    began_s = next_s = time.monotonic()
    measured_from_s = began_s + WARM_UP_S
    ends_s = measured_from_s + seconds
    is_warm = False
    while (now_s := time.monotonic()) < ends_s:
        if not is_warm and now_s >= measured_from_s:
            is_warm, cpu_s, shown = True, _cpu_s(pid), 0
        seen = next(air)
        reader.report(seen)
        shown += len(seen)
        if is_warm and (now_s - measured_from_s) // 5 > len(resident) - 1:
            resident.append(_resident_bytes(pid))
        next_s += TICK_S
        time.sleep(max(0.0, next_s - time.monotonic()))
    spent_s = _cpu_s(pid) - cpu_s
    counted = _status(page_port)["health"]["counters"]
    return {
        "agent_core_percent": 100 * spent_s / seconds,
        "agent_growth_mb": (resident[-1] - resident[len(resident) // 3]) / _MB,
        "agent_rss_mb": resident[-1] / _MB,
        "reads_shown_per_s": shown / seconds,
        "reads_dropped": counted.get("reads_dropped", 0) + counted.get("reader_reports_overflowed", 0),
        "crossings": sum(counted.get(f"crossings_{way}", 0) for way in ("in", "out", "undecided", "stray")),
    }


def _air(rate: int) -> Iterator[list[Observation]]:
    """Let tags pass the door, one after another, each heard by the outer antennas first."""
    per_tick = max(1, round(rate * TICK_S))
    spacing_s = CROSSING_S / TAGS_AT_ONCE
    tick = 0
    while True:
        now_s, now_us = tick * TICK_S, time.time_ns() // 1000
        newest = int(now_s / spacing_s)
        found = []
        for n in range(per_tick):
            number = max(0, newest - n % TAGS_AT_ONCE)
            way = min(1.0, max(0.0, (now_s - number * spacing_s) / CROSSING_S))
            antenna = ANTENNAS[(n // TAGS_AT_ONCE + n) % len(ANTENNAS)]
            peak = 0.65 if antenna <= 2 else 0.35
            rssi_dbm = -45 - 80 * (way - peak) ** 2 - 2 * math.sin(n + tick)
            epc = _HEADER + number.to_bytes(4, "big")
            found.append(Observation(now_us + n, antenna, epc, 96, rssi_dbm))
        yield found
        tick += 1


class _Shelf:
    """Takes records as an outbox does, and keeps none."""

    def __init__(self) -> None:
        self.rows = 0

    def commit(self, _device: str, _state: bytes, drafts: Sequence[Draft]) -> Sequence[RowRef]:
        self.rows += len(drafts)
        return ()

    def recall(self, _device: str) -> bytes | None:
        return None


def _show_tags(directory: Path, tags: int) -> dict[str, float]:
    site = directory / "site.toml"
    site.write_text(_SITE)
    clock_us, shelf = [time.time_ns() // 1000], _Shelf()
    clock = Clock(
        wall_ns=lambda: clock_us[0] * 1000, mono_ns=lambda: clock_us[0] * 1000, is_synchronised=lambda: True
    )
    doors = Doors(
        load_portals(site),
        TagRoles(TagRules()),
        Assignments(directory / "assignments.json", "bench"),
        shelf,
        clock,
        set_gpo=lambda _reader, _port, _on: None,
    )
    doors.start()
    resident: list[int] = []
    began_s, most_in_field = time.monotonic(), 0
    try:
        for first in range(0, tags, BATCH):
            doors.take(_once_each(first, clock_us[0]))
            clock_us[0] += BATCH * SPACING_US
            most_in_field = max(most_in_field, doors.tags)
            _catch_up(doors, first + BATCH)
            if first * 30 // tags > len(resident) - 1:
                gc.collect()
                resident.append(_resident_bytes(os.getpid()))
    finally:
        doors.stop()
    return {
        "tags_growth_mb": (resident[-1] - resident[len(resident) // 3]) / _MB,
        "tags_per_s": tags / (time.monotonic() - began_s),
        "most_tags_in_field": most_in_field,
        "rows_of_tags": shelf.rows,
    }


def _once_each(first: int, now_us: int) -> list[Seen]:
    return [
        RawRead(
            now_us + n * SPACING_US,
            "r1",
            1 + n % 4,
            (_HEADER + (first + n).to_bytes(4, "big")).hex().upper(),
            -60.0,
        )
        for n in range(BATCH)
    ]


def _catch_up(doors: Doors, shown: int) -> None:
    """Wait while too much waits, so that nothing is dropped."""
    while shown - doors.counted()["raw_reads"] > BATCH * WAITING:
        time.sleep(0.001)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _status(page_port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{page_port}/status.json", timeout=10) as answer:
        told: dict[str, Any] = json.loads(answer.read())
    return told
