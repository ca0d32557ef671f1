"""Light beams of a one-plane door: loads and their carriers on their ways in, changes of two inputs out."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt

from simulators.warehouse.dock.doors import OPENING_HALF_WIDTH_M, Door
from simulators.warehouse.dock.paths import CARRIER_GAP_M, CARRIER_HALF_M, Load, Way

_STEP_S: Final = 0.01
_REACH_M: Final = 5.0


@dataclass(frozen=True)
class BeamChange:
    """A beam was broken, or is free again."""

    at_s: float
    port: int
    """GPI port."""
    is_broken: bool


def beam_changes(door: Door, loads: Sequence[Load]) -> list[BeamChange]:
    """Watch a door's beams through the whole world; empty carriers and people break them too.

    Args:
        door: A one-plane door; others have no beams and no changes.
        loads: Everything that moves.

    Returns:
        Changes in the order of time.
    """
    changes = []
    for port, y in door.beams.items():
        broken = [span for load in loads for span in _spans(door, load, y)]
        for begin, end in _joined(broken):
            changes += [BeamChange(begin, port, is_broken=True), BeamChange(end, port, is_broken=False)]
    return sorted(changes, key=lambda change: (change.at_s, change.port))


def _spans(door: Door, load: Load, beam_y: float) -> list[tuple[float, float]]:
    is_through = bool(load.heading[1])
    ahead = load.goods.box[0] if is_through else load.goods.box[1]
    half = CARRIER_HALF_M[load.carrier]
    behind = ahead + (CARRIER_GAP_M + 2 * half if is_through else 0.0)
    front, back = (ahead, behind) if load.heading[1] >= 0 else (behind, ahead)
    spans = _blocked(door, load.way, beam_y, front=ahead, back=ahead)
    for from_s, until_s in load.carried:
        spans += _blocked(door, load.way, beam_y, front=front, back=back, from_s=from_s, until_s=until_s)
    if load.empty is not None:
        spans += _blocked(door, load.empty, beam_y, front=half, back=half)
    return spans


def _blocked(
    door: Door,
    way: Way,
    beam_y: float,
    *,
    front: float,
    back: float,
    from_s: float = -inf,
    until_s: float = inf,
) -> list[tuple[float, float]]:
    if not (min(way.ys) < _REACH_M and max(way.ys) > -_REACH_M):
        return []
    seconds = np.arange(max(way.begin_s, from_s), min(way.end_s, until_s), _STEP_S)
    if not len(seconds):
        return []
    place = way.at(seconds)
    is_in: npt.NDArray[np.bool_] = (
        (np.abs(place[:, 0] - door.x) < OPENING_HALF_WIDTH_M)
        & (place[:, 1] + front > beam_y)
        & (place[:, 1] - back < beam_y)
    )
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_in, [False]]).astype(int)))
    return [
        (float(seconds[begin]), float(seconds[end - 1]) + _STEP_S)
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
    ]


def _joined(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined
