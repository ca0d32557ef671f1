"""Reads a second from LLRP bytes to decisions at dock doors, on one core, against sllurp's decoding alone.

Both take the same messages of the same simulated docks, in alternating rounds in one process; processor time
counts, and the best round of each, since what disturbs a round only ever slows it.
"""

import argparse
import tempfile
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from sllurp.llrp import LLRPMessage

from benchmarks.result import Limit, Result
from contracts.llrp_recording import Entry, read_entries
from edge_agent.config.site_file import load_portals
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.site import Portal
from edge_agent.garbage import settle
from edge_agent.readers.llrp.decoder import LlrpDecoder
from edge_agent.readers.raw_read import Seen
from simulators.warehouse.dock.papers import write_papers
from simulators.warehouse.dock.recording import write_recording
from simulators.warehouse.dock.world import plan_world

_DOORS: Final = 3
_SEED: Final = 1
_START_AT: Final = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
_TOGETHER: Final = 64
"""Messages that go to the filter in one batch, as when the agent has a little to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--crossings", type=int, default=40, help="of the simulated docks, default: 40")
    parser.add_argument("--seed", type=int, default=_SEED, help=f"of the docks, default: {_SEED}")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Reads a second of the edge and of sllurp, and their ratio.
    """
    with tempfile.TemporaryDirectory() as directory:
        entries, portals, size = _recorded(Path(directory), arguments.seed, arguments.crossings)
    settle()  # as the agent does
    sllurp_s, decode_s, edge_s = [], [], []
    reads = passages = 0
    for _ in range(arguments.rounds):
        sllurp_s.append(_decode_with_sllurp(entries))
        spent_s, _ = _decode(entries)
        decode_s.append(spent_s)
        spent_s, reads, passages = _decide(entries, portals)
        edge_s.append(spent_s)
    edge, sllurp = reads / min(edge_s), reads / min(sllurp_s)
    return Result(
        benchmark="edge",
        headline="edge_reads_per_s",
        figures={
            "edge_reads_per_s": edge,
            "decoded_reads_per_s": reads / min(decode_s),
            "sllurp_alone_reads_per_s": sllurp,
            "slowest_edge_round_reads_per_s": reads / max(edge_s),
        },
        ratios={"ratio_to_sllurp_alone": edge / sllurp},
        limits={
            "edge_reads_per_s": Limit(must=20_000, goal=20_000, better="higher"),
            "ratio_to_sllurp_alone": Limit(must=0.3, goal=0.5, better="higher"),
        },
        input={
            "reads": reads,
            "messages": len(entries),
            "decisions": passages,
            "bytes": size,
            "doors": _DOORS,
            "crossings": arguments.crossings,
            "seed": arguments.seed,
            "rounds": arguments.rounds,
            "messages_per_batch": _TOGETHER,
            "clock": "processor time of one thread",
        },
    )


def _recorded(directory: Path, seed: int, crossings: int) -> tuple[list[Entry], tuple[Portal, ...], int]:
    world = plan_world(seed, crossings, _DOORS)
    write_papers(world, directory, _START_AT, site="bench", gateway="docks")
    path = directory / "recording.llrp"
    write_recording(world, path, _START_AT)
    data = path.read_bytes()
    return list(read_entries(data)), load_portals(directory / "site.toml"), len(data)


def _decode_with_sllurp(entries: list[Entry]) -> float:
    began_s = time.process_time()
    for entry in entries:
        LLRPMessage(msgbytes=entry.message)
    return time.process_time() - began_s


def _decode(entries: list[Entry]) -> tuple[float, int]:
    decoders = {reader: LlrpDecoder(reader) for reader in {entry.reader for entry in entries}}
    count = 0
    began_s = time.process_time()
    for arrived_us, reader, message in entries:
        count += len(decoders[reader].take(message, arrived_us))
    return time.process_time() - began_s, count


def _decide(entries: list[Entry], portals: tuple[Portal, ...]) -> tuple[float, int, int]:
    decoders = {reader: LlrpDecoder(reader) for reader in {entry.reader for entry in entries}}
    door = PortalFilter(portals)
    passages = 0
    began_s = time.process_time()
    left = iter(entries)
    while messages := list(islice(left, _TOGETHER)):
        batch: list[Seen] = []
        for arrived_us, reader, message in messages:
            batch += decoders[reader].take(message, arrived_us)
        passages += len(door.take_many(batch))
    passages += len(door.flush())
    return time.process_time() - began_s, door.reads, passages
