"""A world in simulated time: every reader's rounds and beams in, one LLRP recording out."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from contracts.llrp_recording import MAGIC, Entry, encode_entry
from simulators.llrp_reader.report import (
    DEFAULT_FIELDS,
    IMPINJ_FIELDS,
    Observation,
    ReportFields,
    Stamping,
    encode_report,
)
from simulators.warehouse.dock.beams import BeamChange, beam_changes
from simulators.warehouse.dock.doors import Door
from simulators.warehouse.dock.epc import EPC_BITS
from simulators.warehouse.dock.inventory import HOP_S, Inventory, Round
from simulators.warehouse.dock.notices import connected, gpi_event
from simulators.warehouse.dock.world import World, chunks

SLOT_S: Final = 0.0022
"""At most some 450 reads a second and reader: a portal is set for speed."""
_LATENCY_S: Final = (0.002, 0.025)
"""From the end of a round to the arrival of its report."""
_CLOCK_SHIFT_US: Final = 20_000
"""Readers keep UTC by NTP, so well."""
_MICRO: Final = 1_000_000


def inventories(world: World, *, slot_s: float = SLOT_S) -> dict[Door, Inventory]:
    """Set up the reader of every door.

    Args:
        world: What will happen.
        slot_s: See ``Inventory``.

    Returns:
        Readers by door; each draws from a generator of its own.
    """
    return {
        door: Inventory(
            door,
            world.doors,
            world.loads,
            np.random.default_rng([world.seed, 2, door.number]),
            slot_s=slot_s,
            conditions=world.conditions,
        )
        for door in world.doors
    }


def fields_of(door: Door) -> ReportFields:
    """Say what a door's reader reports: every second one is of a make without phase and Doppler.

    Args:
        door: Which.

    Returns:
        Its report fields.
    """
    return IMPINJ_FIELDS if door.number % 2 else DEFAULT_FIELDS


def observations(found: Round, start_us: int) -> list[Observation]:
    """Put one round in the words of the LLRP simulator.

    Args:
        found: A round.
        start_us: The world's second 0, in microseconds since 1970.

    Returns:
        Its reads.
    """
    instants = (start_us + np.round(found.seconds * _MICRO).astype(np.int64)).tolist()
    rows = zip(
        instants,
        found.epcs,
        found.rssi_dbm.tolist(),
        found.phase_deg.tolist(),
        found.doppler_hz.tolist(),
        strict=True,
    )
    return [
        Observation(at_us, found.antenna, epc, EPC_BITS, rssi, phase, doppler, found.channel + 1)
        for at_us, epc, rssi, phase, doppler in rows
    ]


def write_recording(world: World, path: Path, start_at: datetime) -> int:
    """Record all readers of a world.

    Args:
        world: What will happen.
        path: File to write.
        start_at: The world's second 0.

    Returns:
        Number of raw reads.
    """
    start_us = round(start_at.timestamp() * _MICRO)
    entries: list[Entry] = []
    reads = 0
    for door, inventory in inventories(world).items():
        for entry, count in _entries(world, door, inventory, start_us):
            entries.append(entry)
            reads += count
    entries.sort(key=lambda entry: entry.arrived_us)
    with path.open("wb") as file:
        file.write(MAGIC)
        file.writelines(encode_entry(entry) for entry in entries)
    return reads


def _entries(world: World, door: Door, inventory: Inventory, start_us: int) -> Iterator[tuple[Entry, int]]:
    """Tell what one reader sends, in order, with the number of reads in each message."""
    rng = np.random.default_rng([world.seed, 3, door.number])
    stamping = Stamping(shift_us=int(rng.integers(-_CLOCK_SHIFT_US, _CLOCK_SHIFT_US)))
    fields = fields_of(door)
    arrived_us = start_us
    number = 0

    def arrival(at_s: float) -> int:
        nonlocal arrived_us
        # TCP keeps the order: nothing overtakes.
        arrived_us = max(arrived_us + 1, start_us + round((at_s + rng.uniform(*_LATENCY_S)) * _MICRO))
        return arrived_us

    beams = deque(beam_changes(door, world.loads))
    yield Entry(arrival(0.0), door.reader, connected(start_us + stamping.shift_us)), 0
    for begin_s, end_s in chunks(world, HOP_S):
        for found in inventory.during(begin_s, end_s):
            while beams and beams[0].at_s <= found.end_s:
                change = beams.popleft()
                yield Entry(arrival(change.at_s), door.reader, _event(change, start_us, stamping)), 0
            number += 1
            message = encode_report(
                observations(found, start_us), fields, stamping=stamping, message_id=number
            )
            yield Entry(arrival(found.end_s), door.reader, message), len(found.epcs)
        while beams and beams[0].at_s < end_s:
            change = beams.popleft()
            yield Entry(arrival(change.at_s), door.reader, _event(change, start_us, stamping)), 0


def _event(change: BeamChange, start_us: int, stamping: Stamping) -> bytes:
    at_us = start_us + round(change.at_s * _MICRO) + stamping.shift_us
    return gpi_event(at_us, change.port, is_high=change.is_broken)
