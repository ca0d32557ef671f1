"""A reader's inventory: the radio picture of all tags near one door in, what it reports out.

The reader visits its antennas in turn. Each visit is one inventory round: tags that hear enough power answer
in slots, so a round lasts the longer the more tags are in the field, and a reader's reads a second stay
between some 60 (a lone tag) and 1 / slot. A dwell has an end, so in a crowd not every tag has its turn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from simulators.warehouse.dock.doors import Door
from simulators.warehouse.dock.paths import Load
from simulators.warehouse.dock.radio import (
    CHANNELS_HZ,
    ETSI,
    LIGHT_M_PER_S,
    Conditions,
    Link,
    Motion,
    RadioField,
)

Floats = npt.NDArray[np.float64]
Generator = np.random.Generator

HOP_S: Final = 2.0
"""On one channel, then on another: ETSI allows 4 s."""
_STEP_S: Final = 0.05
"""A forklift at 3 m/s moves half a wavelength meanwhile."""
_REACH_M: Final = 12.0
_SETUP_S: Final = 0.014
"""Switching the antenna, carrier up, Select and Query."""
_DWELL_S: Final = 0.25
_SLOPE_DB: Final = 0.8
"""Read probability is logistic in the margin with this scale."""
_READER_SENSITIVITY_DBM: Final = -84.0
_COLLISION_LOSS: Final = 0.08
"""Of answers, in the adaptive slot algorithm."""
_RSSI_NOISE_DB: Final = 0.7
_RSSI_STEP_DB: Final = 0.5
_PHASE_NOISE_RAD: Final = 0.12
_PHASE_STEPS: Final = 4096
_DOPPLER_NOISE_HZ: Final = 4.0
_HOPELESS_DB: Final = -5.0
_GLANCE: Final = 8
"""Every so many steps are looked at first, to leave out tags that are too far away."""
_FADES_DB: Final = 8.0
"""Hardly any fade is deeper than the mean by more on the strong side."""


@dataclass(frozen=True)
class Round:
    """What one antenna read in one round."""

    end_s: float
    antenna: int
    """Port, from 1."""
    channel: int
    """Index of the channel, from 0."""
    epcs: tuple[bytes, ...]
    seconds: Floats
    """[reads] instants."""
    rssi_dbm: Floats
    phase_deg: Floats
    doppler_hz: Floats


class Inventory:
    """One reader that runs all the time."""

    def __init__(
        self,
        door: Door,
        doors: tuple[Door, ...],
        loads: Sequence[Load],
        rng: Generator,
        *,
        slot_s: float,
        conditions: Conditions = ETSI,
    ) -> None:
        """Set the reader up.

        Args:
            door: Where it hangs.
            doors: All doors.
            loads: Everything that will ever be near.
            rng: Seeded; nobody else draws from it.
            slot_s: Seconds that a tag's answer takes, with acknowledgement and empty slots; 1/slot_s is the
                most that the reader reads in a second.
            conditions: Under which it works.
        """
        self.door = door
        self._field = RadioField(door, doors, rng, conditions)
        self._rng = rng
        self._slot_s = slot_s * conditions.slowness
        self._setup_s = _SETUP_S * conditions.slowness
        self._loads = sorted(loads, key=lambda load: load.way.begin_s)
        self._antennas = [antenna.port for antenna in door.antennas]
        self._turn = 0
        self._clock_s = 0.0

    def during(self, begin_s: float, end_s: float) -> Iterator[Round]:
        """Read tags on one channel.

        Args:
            begin_s: Where the last call ended.
            end_s: At most ``HOP_S`` later.

        Yields:
            Rounds in which something was read.
        """
        channel = int(self._rng.integers(len(CHANNELS_HZ)))
        grid = np.arange(begin_s, end_s, _STEP_S) + _STEP_S / 2
        seen = [part for load in self._loads if (part := self._picture(load, grid, channel)) is not None]
        self._clock_s = max(self._clock_s, begin_s)
        if not seen:
            return
        epcs = [epc for part in seen for epc in part.epcs]
        joined: list[Floats] = [
            np.concatenate([getattr(part, name) for part in seen]) for name in _Picture.ARRAYS
        ]
        chance, rssi, angle, doppler = joined
        is_worth = chance.max(axis=(0, 2)) > 0
        while self._clock_s < end_s:
            antenna = self._turn
            self._turn = (self._turn + 1) % len(self._antennas)
            if not is_worth[antenna]:
                self._clock_s += self._setup_s
                continue
            step = min(int((self._clock_s - begin_s) / _STEP_S), len(grid) - 1)
            answering = np.flatnonzero(self._rng.random(len(epcs)) < chance[:, antenna, step])
            self._rng.shuffle(answering)
            began = self._clock_s + self._setup_s
            most = int((_DWELL_S - self._setup_s) / self._slot_s)
            answering = answering[:most]
            self._clock_s = began + len(answering) * self._slot_s
            heard = answering[self._rng.random(len(answering)) >= _COLLISION_LOSS]
            if len(heard):
                order = np.sort(self._rng.permutation(len(answering))[: len(heard)])
                seconds: Floats = np.asarray(began + (order + 1) * self._slot_s, np.float64)
                picture = (
                    rssi[heard, antenna, step],
                    angle[heard, antenna, step],
                    doppler[heard, antenna, step],
                )
                yield self._round(antenna, channel, [epcs[n] for n in heard], seconds, picture)

    def _round(
        self,
        antenna: int,
        channel: int,
        epcs: list[bytes],
        seconds: Floats,
        picture: tuple[Floats, Floats, Floats],
    ) -> Round:
        rssi, angle, doppler = picture
        count = len(epcs)
        noisy = rssi + self._rng.normal(0.0, _RSSI_NOISE_DB, count)
        turns = (angle + self._rng.normal(0.0, _PHASE_NOISE_RAD, count)) / (2 * np.pi)
        phase = np.floor(np.mod(turns, 1.0) * _PHASE_STEPS) * (360.0 / _PHASE_STEPS)
        return Round(
            end_s=self._clock_s,
            antenna=self._antennas[antenna],
            channel=channel,
            epcs=tuple(epcs),
            seconds=seconds,
            rssi_dbm=np.round(noisy / _RSSI_STEP_DB) * _RSSI_STEP_DB,
            phase_deg=phase,
            doppler_hz=doppler + self._rng.normal(0.0, _DOPPLER_NOISE_HZ, count),
        )

    def _picture(self, load: Load, grid: Floats, channel: int) -> "_Picture | None":
        way = load.way
        if way.end_s < grid[0] or way.begin_s > grid[-1]:
            return None
        place = way.at(grid)
        is_there = (grid >= way.begin_s) & (grid <= way.end_s)
        near = np.hypot(place[:, 0] - self.door.x, place[:, 1]) < _REACH_M
        if not (is_there & near).any():
            return None
        is_carried = np.zeros(len(grid), np.bool_)
        for from_s, until_s in load.carried:
            is_carried |= (grid >= from_s) & (grid <= until_s)
        motion = Motion(grid, place, np.array(load.heading), load.carrier, is_carried)
        glance = self._field.link(load.goods, motion.every(_GLANCE), channel)
        near_enough = np.flatnonzero(
            _margin_db(glance, load.goods.sensitivity_dbm).max(axis=(1, 2)) > _HOPELESS_DB - _FADES_DB
        )
        if not len(near_enough):
            return None
        goods = load.goods.only(near_enough)
        link = self._field.link(goods, motion, channel)
        return _Picture.of(goods.epcs, goods.sensitivity_dbm, link, is_there, channel)


@dataclass(frozen=True)
class _Picture:
    """The tags of one load that can be read at all; arrays [tags, antennas, N]."""

    epcs: list[bytes]
    chance: Floats
    rssi: Floats
    angle: Floats
    doppler: Floats

    ARRAYS = ("chance", "rssi", "angle", "doppler")

    @classmethod
    def of(
        cls,
        epcs: Sequence[bytes],
        sensitivity_dbm: Floats,
        link: Link,
        is_there: npt.NDArray[np.bool_],
        channel: int,
    ) -> "_Picture | None":
        margin = _margin_db(link, sensitivity_dbm)
        hopeful = np.flatnonzero(np.where(is_there, margin, -np.inf).max(axis=(1, 2)) > _HOPELESS_DB)
        if not len(hopeful):
            return None
        margin = margin[hopeful]
        chance = np.where(is_there & (margin > _HOPELESS_DB), 1.0 / (1.0 + np.exp(-margin / _SLOPE_DB)), 0.0)
        radial = np.gradient(link.distance_m[hopeful], _STEP_S, axis=2) if len(is_there) > 1 else 0.0
        doppler = -2.0 * radial * CHANNELS_HZ[channel] / LIGHT_M_PER_S + np.zeros(margin.shape)
        return cls(
            [epcs[int(n)] for n in hopeful], chance, link.rssi_dbm[hopeful], link.angle_rad[hopeful], doppler
        )


def _margin_db(link: Link, sensitivity_dbm: Floats) -> Floats:
    """Tell how far the weaker of both ways is above what it needs."""
    forward = link.powered_dbm - sensitivity_dbm[:, np.newaxis, np.newaxis]
    return np.minimum(forward, link.rssi_dbm - _READER_SENSITIVITY_DBM)
