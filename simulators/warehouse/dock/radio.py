"""UHF backscatter at a dock door: places of tags over time in, power at the tag and at the reader out.

One-way link in dB = antenna pattern + free space (Friis) + mirror images (in the floor; in a trailer's metal
walls, where a world has them) and a sum of scattered waves (Rician fading as a function of space: half a
wavelength on, the fade is another one) + slow shadowing, of space too + orientation + polarisation - goods,
forklift, body, wall and trailer in the way.
A tag answers when the forward link wakes it; the reader hears the square of it. Numbers are those of readers
under ETSI EN 302 208 and of common chips' data sheets.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from simulators.warehouse.dock.doors import OPENING_HALF_WIDTH_M, Door
from simulators.warehouse.dock.goods import Goods
from simulators.warehouse.dock.paths import CARRIER_GAP_M, CARRIER_HALF_M

Floats = npt.NDArray[np.float64]
Generator = np.random.Generator

CHANNELS_HZ: Final = (865.7e6, 866.3e6, 866.9e6, 867.5e6)
"""ETSI's four high-power channels."""
LIGHT_M_PER_S: Final = 299_792_458.0

CABLE_DB: Final = 1.0
ANTENNA_DBI: Final = 6.0
_PATTERN_EXPONENT: Final = 3.7
"""cos^3.7: half power at 34 degrees off boresight, as a 68-degree patch has."""
_FRONT_TO_BACK_DB: Final = 18.0
TAG_DBI: Final = 2.0
POLARISATION_DB: Final = 3.0
"""A circular antenna and a linear tag."""
MODULATION_DB: Final = 6.0
"""What a tag gives back of what it gets."""
_NULL_DB: Final = 12.0
"""Depth of a dipole's null along its axis: bent and on a box it has no deeper one."""
_GROUND: Final = -0.35
"""Reflection of a concrete floor for circular polarisation."""
_RICIAN_K_DB: Final = 6.0
"""Direct against scattered power for an antenna that hears all around, in line of sight in a factory."""
_SCATTER_DB: Final = -(_RICIAN_K_DB + ANTENNA_DBI)
"""Scattered power against a direct ray at boresight: it comes from everywhere, so at the mean gain, 0 dBi."""
_WAVES: Final = 6
_DRIFT_HZ: Final = 0.25
"""Scattered waves change by themselves so fast: somebody always moves."""
_SHADOW_WAVES: Final = 8
_TRUCK_DB: Final = 15.0
_BODY_DB: Final = 8.0
_WALL_DB: Final = 20.0
_TRAILER_DB: Final = 15.0
_GOODS_MOST_DB: Final = 30.0
"""Waves find their way around a pallet: more than this it does not take."""
_NEAR_M: Final = 0.4


@dataclass(frozen=True)
class Conditions:
    """Under which the readers of a world work; those of a door by default."""

    transmit_dbm: float = 26.0
    """26 - 1 + 6 = 31 dBm EIRP: doors are turned down from the 35 dBm allowed, not to hear the whole hall."""
    fading: float = 1.0
    """Scattered waves and shadows against the usual ones, in amplitude and in decibels."""
    slowness: float = 1.0
    """Time that an inventory takes against the usual one: 2 halves the reads."""
    shadow_db: float = 2.0
    metal: float = 0.0
    """What walls of a trailer at a door give back, in amplitude: 0 is a curtain-sider, 0.9 a steel box."""


ETSI: Final = Conditions()


@dataclass(frozen=True)
class Motion:
    """Where goods are at N instants."""

    seconds: Floats
    """[N] since the world began."""
    place: Floats
    """[N, 2] x and y of the middle of the floor area."""
    heading: Floats
    """[2] unit vector ahead."""
    carrier: str
    """``truck``, ``person`` or ``none``: what stands right behind."""
    is_carried: npt.NDArray[np.bool_]
    """[N] whether it is there."""

    def every(self, steps: int) -> "Motion":
        """Leave out instants.

        Args:
            steps: One in so many stays.

        Returns:
            The coarser motion.
        """
        return Motion(
            self.seconds[::steps], self.place[::steps], self.heading, self.carrier, self.is_carried[::steps]
        )


@dataclass(frozen=True)
class Link:
    """The radio picture of some tags at one door, each array [tags, antennas, N]."""

    powered_dbm: Floats
    rssi_dbm: Floats
    angle_rad: Floats
    """Of the round trip, growing with distance."""
    distance_m: Floats


class RadioField:
    """Everything around one door that does not move, drawn once from a seed."""

    def __init__(
        self, door: Door, doors: tuple[Door, ...], rng: Generator, conditions: Conditions = ETSI
    ) -> None:
        """Draw scatterers and shadows.

        Args:
            door: Whose antennas.
            doors: All doors, for the openings in the wall.
            rng: Seeded.
            conditions: Power and fading.
        """
        self._conditions = conditions
        self._places = np.array([antenna.place for antenna in door.antennas])
        self._boresights = np.array([antenna.boresight for antenna in door.antennas])
        self._door = door
        self._openings = np.array([other.x for other in doors])
        antennas = len(door.antennas)
        directions = rng.normal(size=(antennas, _WAVES, 3)) * np.array([1.0, 1.0, 0.4])
        self._waves = directions / np.linalg.norm(directions, axis=2, keepdims=True)
        self._wave_amplitudes = rng.rayleigh(np.sqrt(0.5 / _WAVES), (antennas, _WAVES))
        self._wave_delays = rng.uniform(0.0, 60e-9, (antennas, _WAVES))
        self._wave_drift = rng.normal(0.0, 2 * np.pi * _DRIFT_HZ, (antennas, _WAVES))
        self._shadows = rng.normal(0.0, 2 * np.pi / 4.0, (antennas, _SHADOW_WAVES, 2))
        self._shadow_phases = rng.uniform(0.0, 2 * np.pi, (antennas, _SHADOW_WAVES))
        self._offsets = rng.uniform(0.0, 2 * np.pi, (antennas, len(CHANNELS_HZ)))

    def link(self, goods: Goods, motion: Motion, channel: int) -> Link:
        """Compute what tags and antennas get of each other.

        Args:
            goods: The tags and what absorbs around them.
            motion: Where they are.
            channel: Index into ``CHANNELS_HZ``.

        Returns:
            Arrays of shape [tags, antennas, N].
        """
        frequency = CHANNELS_HZ[channel]
        k = 2 * np.pi * frequency / LIGHT_M_PER_S
        ahead = np.array([motion.heading[0], motion.heading[1], 0.0])
        left = np.array([-motion.heading[1], motion.heading[0], 0.0])
        rotation = np.array([ahead, left, [0.0, 0.0, 1.0]])
        offset = goods.offsets @ rotation
        middle = np.column_stack([motion.place, np.zeros(len(motion.seconds))])
        tags = offset[:, np.newaxis, np.newaxis, :] + middle  # [T, 1, N, 3]
        ray = tags - self._places[np.newaxis, :, np.newaxis, :]  # [T, A, N, 3]
        distance = np.maximum(np.sqrt((ray * ray).sum(axis=3)), _NEAR_M)
        field = self._direct(ray, distance) + self._reflected(ray, distance, k)
        if self._conditions.metal:
            field = field + self._from_metal(tags, ray, distance, k)
        scattered = self._scattered(offset, motion, k, frequency)
        amplitude = field * np.exp(-1j * k * distance) + scattered
        axes = goods.axes @ rotation
        along = np.abs(np.einsum("tani,ti->tan", ray, axes)) / distance
        gain_db = (
            20 * np.log10(np.abs(amplitude) + 1e-6)
            + 20 * np.log10(LIGHT_M_PER_S / frequency / (4 * np.pi * distance))
            + ANTENNA_DBI
            + TAG_DBI
            - POLARISATION_DB
            - goods.stuck_db[:, np.newaxis, np.newaxis]
            - np.minimum(_NULL_DB, -10 * np.log10(np.maximum(1.0 - np.minimum(along, 1.0) ** 2, 1e-3)))
            + self._shadow_db(offset, motion)
            - self._goods_db(goods, ray, rotation)
            - self._carrier_db(goods, motion, ray, rotation)
            - self._wall_db(tags, ray)
        )
        powered = self._conditions.transmit_dbm - CABLE_DB + gain_db
        rssi = powered - MODULATION_DB + gain_db - CABLE_DB
        angle = -2 * np.angle(amplitude) + self._offsets[:, channel][np.newaxis, :, np.newaxis]
        return Link(powered, rssi, angle, distance)

    def _pattern(self, ray: Floats, distance: Floats) -> Floats:
        ahead = np.einsum("tani,ai->tan", ray, self._boresights) / distance
        lowest = 10 ** (-_FRONT_TO_BACK_DB / 10)
        return np.asarray(np.sqrt(np.maximum(np.maximum(ahead, 0.0) ** _PATTERN_EXPONENT, lowest)))

    def _direct(self, ray: Floats, distance: Floats) -> Floats:
        return self._pattern(ray, distance)

    def _reflected(self, ray: Floats, distance: Floats, k: float) -> npt.NDArray[np.complex128]:
        heights = self._places[np.newaxis, :, np.newaxis, 2]
        mirrored = ray.copy()
        mirrored[..., 2] = -(ray[..., 2] + heights) - heights
        longer = np.maximum(np.sqrt((mirrored * mirrored).sum(axis=3)), distance)
        ground = _GROUND * self._pattern(mirrored, longer) * distance / longer
        return np.asarray(ground * np.exp(-1j * k * (longer - distance)))

    def _from_metal(
        self, tags: Floats, ray: Floats, distance: Floats, k: float
    ) -> npt.NDArray[np.complex128]:
        """Add a tag's images in the side walls of the trailer, while it is between them."""
        places = self._places[np.newaxis, :, np.newaxis, :]
        total = np.zeros(ray.shape[:3], dtype=np.complex128)
        is_between = np.abs(tags[..., 0] - self._door.x) < OPENING_HALF_WIDTH_M
        for wall in (self._door.x - OPENING_HALF_WIDTH_M, self._door.x + OPENING_HALF_WIDTH_M):
            mirrored = ray.copy()
            mirrored[..., 0] = 2 * wall - tags[..., 0] - places[..., 0]
            along = (wall - places[..., 0]) / np.where(mirrored[..., 0] == 0, 1e-9, mirrored[..., 0])
            hits_y = places[..., 1] + along * mirrored[..., 1]
            is_there = is_between & (along > 0) & (along < 1) & (hits_y < 0)
            longer = np.maximum(np.sqrt((mirrored * mirrored).sum(axis=3)), distance)
            image = self._conditions.metal * self._pattern(mirrored, longer) * distance / longer
            total += np.where(is_there, -image * np.exp(-1j * k * (longer - distance)), 0.0)
        return total

    def _scattered(
        self, offset: Floats, motion: Motion, k: float, frequency: float
    ) -> npt.NDArray[np.complex128]:
        """Sum plane waves: each is its value at the goods' middle times that of the tag's offset."""
        at_offset = np.exp(1j * k * np.einsum("awi,ti->atw", self._waves, offset))
        phase = k * np.einsum("awi,ni->awn", self._waves[:, :, :2], motion.place)
        phase -= (2 * np.pi * frequency * self._wave_delays)[:, :, np.newaxis]
        phase += self._wave_drift[:, :, np.newaxis] * motion.seconds
        at_middle = np.exp(1j * phase) * self._wave_amplitudes[:, :, np.newaxis]
        waves = (at_offset @ at_middle).transpose(1, 0, 2)
        return np.asarray(waves * np.sqrt(2.0) * self._conditions.fading * 10 ** (_SCATTER_DB / 20))

    def _shadow_db(self, offset: Floats, motion: Motion) -> Floats:
        at_offset = np.exp(1j * np.einsum("awi,ti->atw", self._shadows, offset[:, :2]))
        phase = np.einsum("awi,ni->awn", self._shadows, motion.place) + self._shadow_phases[:, :, np.newaxis]
        waves = (at_offset @ np.exp(1j * phase)).real.transpose(1, 0, 2)
        deep_db = self._conditions.shadow_db * self._conditions.fading
        return np.asarray(deep_db * np.sqrt(2.0 / _SHADOW_WAVES) * waves)

    @staticmethod
    def _goods_db(goods: Goods, ray: Floats, rotation: Floats) -> Floats:
        length, width, height = goods.box
        begin = goods.offsets - np.array([0.0, 0.0, height / 2])
        toward = -(ray @ rotation.T)
        inside = _inside_m(begin[:, np.newaxis, np.newaxis, :], toward, (length, width, height / 2))
        return np.minimum(inside * goods.absorption_db_per_m, _GOODS_MOST_DB)

    @staticmethod
    def _carrier_db(goods: Goods, motion: Motion, ray: Floats, rotation: Floats) -> Floats | float:
        if motion.carrier == "none" or not motion.is_carried.any():
            return 0.0
        is_truck = motion.carrier == "truck"
        half = (CARRIER_HALF_M[motion.carrier], 0.55 if is_truck else 0.25, 1.1 if is_truck else 0.9)
        loss = _TRUCK_DB if is_truck else _BODY_DB
        behind = -(goods.box[0] + CARRIER_GAP_M + half[0])
        begin = goods.offsets - np.array([behind, 0.0, half[2]])
        toward = -(ray @ rotation.T)
        inside = _inside_m(begin[:, np.newaxis, np.newaxis, :], toward, half)
        return np.where((inside > 0.05) & motion.is_carried, loss, 0.0)  # noqa: PLR2004  5 cm of an edge are no shadow

    def _wall_db(self, tags: Floats, ray: Floats) -> Floats:
        """Count the wall where a ray passes it beside an opening, and the trailers at other doors."""
        antennas_y = self._places[np.newaxis, :, np.newaxis, 1]
        tags_y, tags_x = tags[..., 1], tags[..., 0]
        is_outside = np.broadcast_to(tags_y < 0, ray.shape[:3])
        share = antennas_y / np.where(antennas_y - tags_y <= 0, 1.0, antennas_y - tags_y)
        crossing_x = self._places[np.newaxis, :, np.newaxis, 0] + share * ray[..., 0]
        from_opening = np.abs(crossing_x[..., np.newaxis] - self._openings).min(axis=3)
        through_wall = is_outside & (from_opening > OPENING_HALF_WIDTH_M)
        other_trailer = is_outside & (np.abs(tags_x - self._door.x) > OPENING_HALF_WIDTH_M)
        return np.where(through_wall, _WALL_DB, 0.0) + np.where(other_trailer, _TRAILER_DB, 0.0)


def _inside_m(begin: Floats, toward: Floats, half: tuple[float, float, float]) -> Floats:
    """Measure how much of each ray runs inside a box around the origin (slab method)."""
    entry = np.zeros(toward.shape[:-1])
    leave = np.ones(toward.shape[:-1])
    for axis in range(3):
        step = toward[..., axis]
        step = np.where(np.abs(step) < 1e-9, 1e-9, step)  # noqa: PLR2004  parallel to the face
        first = (-half[axis] - begin[..., axis]) / step
        second = (half[axis] - begin[..., axis]) / step
        entry = np.maximum(entry, np.minimum(first, second))
        leave = np.minimum(leave, np.maximum(first, second))
    return np.asarray(np.maximum(leave - entry, 0.0) * np.sqrt((toward * toward).sum(axis=-1)))
