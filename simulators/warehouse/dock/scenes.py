"""Scenes beside the usual dock: harder work, other doors, another radio; by name and seed."""

from dataclasses import replace
from typing import Final

from simulators.warehouse.dock.belts import plan_belts
from simulators.warehouse.dock.doors import Door, Kind, dock_front
from simulators.warehouse.dock.habits import HARD, USUAL
from simulators.warehouse.dock.radio import ETSI, Conditions
from simulators.warehouse.dock.world import World, plan_day

_DOORS: Final = 3
_RADIO: Final[dict[str, tuple[Conditions, float]]] = {
    "faded": (replace(ETSI, fading=2.0), 1.0),
    "slow": (replace(ETSI, slowness=2.0), 1.0),
    "near": (ETSI, 0.5),
    "apart": (ETSI, 1.6),
    "quiet": (replace(ETSI, transmit_dbm=22.0), 1.0),
    "loud": (replace(ETSI, transmit_dbm=30.0), 1.0),
    "metal": (replace(ETSI, metal=0.9), 1.0),
}
"""Outside of what the filter was fitted on: conditions, and the spread of antennas along the way."""
SCENES: Final = {
    "usual": "a working day at three doors, as the filter was fitted on",
    "hard": "waiting, reversing and carrying back every third time, 200 tags a pallet, goods parked at 1.5 m",
    "overhead": "antennas in a row above the lane",
    "conveyor": "cases on two belts; one has antennas on two sides, one photo eyes",
    "plane": "antennas in one plane without beams: nothing tells the direction",
    "faded": "the usual dock with twice the fading",
    "slow": "half the read rate",
    "near": "antennas half as far apart along the way",
    "apart": "antennas 1.6 times as far apart along the way",
    "quiet": "4 dB less power",
    "loud": "4 dB more power",
    "metal": "trailers with steel walls, which mirror",
}


def plan_scene(scene: str, seed: int, crossings: int) -> World:
    """Plan one.

    Args:
        scene: One of ``SCENES``.
        seed: Any number >= 0; the same seed gives the same world.
        crossings: >= 1.

    Returns:
        The world.
    """
    if scene == "conveyor":
        doors = (Door(1, "conveyor"), Door(2, "conveyor", has_eyes=True))
        return plan_belts(seed, crossings, doors)
    if scene == "overhead":
        return plan_day(seed, crossings, _row("overhead_array"), USUAL, ETSI)
    if scene == "plane":
        blind = tuple(replace(door, has_beams=False) for door in _row("one_plane"))
        return plan_day(seed, crossings, blind, USUAL, ETSI)
    conditions, spread = _RADIO.get(scene, (ETSI, 1.0))
    front = tuple(replace(door, spread=spread) for door in dock_front(_DOORS))
    return plan_day(seed, crossings, front, HARD if scene == "hard" else USUAL, conditions)


def _row(kind: Kind) -> tuple[Door, ...]:
    return tuple(Door(number, kind) for number in range(1, _DOORS + 1))
