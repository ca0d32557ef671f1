"""The dock front: doors along a wall, their antennas and light beams, and the site file that says so.

The wall is the plane y = 0; y > 0 is the building, y < 0 are vehicles. x runs along the wall, z up. Metres.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DOOR_SPACING_M: Final = 4.2
OPENING_HALF_WIDTH_M: Final = 1.35
_JAMB_M: Final = 1.5
"""From the middle of a door to the antennas at its sides."""
_SEES_OUT_M: Final = 1.3
"""The same of those that look into the vehicle: they hang in the opening, not behind the wall."""
_BEAM_FROM_PLANE_M: Final = 0.3
_IN_THE_DOORWAY_M: Final = 0.4
_BEHIND_THE_DOORWAY_M: Final = 2.2
"""A frame with beams stands so far in that a forklift at the end of a vehicle clears them."""
_OVERHEAD_M: Final = 3.0
_ALONG_M: Final = (-0.45, -0.15, 0.15, 0.45)
"""Antennas of an overhead array stand so far along the lane from its middle; the outer ones look ahead."""
_AHEAD: Final = (-0.6, -0.25, 0.25, 0.6)
_BELT_ASIDE_M: Final = 0.55
_BELT_ALONG_M: Final = 0.35
_BELT_EYES_M: Final = 0.08
"""From the plane: so near to each other that two cases never stand between them."""
OUTER_BEAM_PORT: Final = 1
INNER_BEAM_PORT: Final = 2

Kind = Literal["two_sided", "one_plane", "overhead_array", "conveyor"]


@dataclass(frozen=True)
class Antenna:
    """One antenna at a door."""

    port: int
    """LLRP antenna id, from 1."""
    place: tuple[float, float, float]
    boresight: tuple[float, float, float]
    """Unit vector of the strongest direction."""
    side: Literal["inside", "outside", "plane"]


@dataclass(frozen=True)
class Door:
    """One dock door with its reader."""

    number: int
    """From 1."""
    kind: Kind
    spread: float = 1.0
    """How far apart its antennas are along the way, against the usual."""
    has_beams: bool = True
    """Of one plane: two light beams tell the direction."""
    has_eyes: bool = False
    """Of a conveyor: two photo eyes tell the direction, and its antennas nothing of it."""

    @property
    def portal(self) -> str:
        """The portal's id."""
        return f"dock-{self.number}"

    @property
    def reader(self) -> str:
        """The reader's id."""
        return f"r{self.number}"

    @property
    def x(self) -> float:
        """Middle of the opening."""
        return (self.number - 1) * DOOR_SPACING_M

    @property
    def plane_y(self) -> float:
        """Where the portal's plane is: who passes it, crosses."""
        is_above = self.kind in {"two_sided", "overhead_array"}
        return _IN_THE_DOORWAY_M if is_above else _BEHIND_THE_DOORWAY_M

    @property
    def beams(self) -> dict[int, float]:
        """Where light beams cross the lane: y by GPI port."""
        if not (self.has_eyes or (self.kind == "one_plane" and self.has_beams)):
            return {}
        from_plane = _BELT_EYES_M if self.has_eyes else _BEAM_FROM_PLANE_M
        return {OUTER_BEAM_PORT: self.plane_y - from_plane, INNER_BEAM_PORT: self.plane_y + from_plane}

    @property
    def staging(self) -> str:
        """Location code of the floor behind the door."""
        return f"STAGE-{self.number}"

    @cached_property
    def antennas(self) -> tuple[Antenna, ...]:
        """Four antennas: two on each jamb, or in a row above the lane, or two on each side of a belt."""
        if self.kind == "overhead_array":
            return tuple(self._overhead(port) for port in (1, 2, 3, 4))
        if self.kind == "conveyor":
            return tuple(self._beside_belt(port) for port in (1, 2, 3, 4))
        return tuple(self._antenna(port, left=port % 2 == 1) for port in (1, 2, 3, 4))

    def _antenna(self, port: int, *, left: bool) -> Antenna:
        across = 1.0 if left else -1.0
        height = (0.9 if left else 1.5) if port <= 2 else (1.5 if left else 0.9)  # noqa: PLR2004  the first pair
        if self.kind == "one_plane":
            return Antenna(
                port, (self.x - across * _JAMB_M, self.plane_y, height), (across, 0.0, 0.0), "plane"
            )
        inward = port <= 2  # noqa: PLR2004  ports 1 and 2 look in, 3 and 4 look out
        aside, y, into = (_JAMB_M, 0.8, 1.0) if inward else (_SEES_OUT_M, 0.15, -1.0)
        y += (self.spread - 1.0) * into * _IN_THE_DOORWAY_M
        x = self.x - across * aside
        slant = float(np.sqrt(0.5))
        return Antenna(
            port, (x, y, height), (across * slant, into * slant, 0.0), "inside" if inward else "outside"
        )

    def _overhead(self, port: int) -> Antenna:
        along, ahead = _ALONG_M[port - 1] * self.spread, _AHEAD[port - 1]
        x = self.x + (0.4 if port % 2 else -0.4)
        down = float(np.sqrt(1.0 - ahead * ahead))
        return Antenna(
            port,
            (x, self.plane_y + along, _OVERHEAD_M),
            (0.0, ahead, -down),
            "outside" if along < 0 else "inside",
        )

    def _beside_belt(self, port: int) -> Antenna:
        across = 1.0 if port % 2 else -1.0
        along = -1.0 if port <= 2 else 1.0  # noqa: PLR2004  the first pair looks upstream
        slant = 0.0 if self.has_eyes else 0.5
        y = self.plane_y + (0.0 if self.has_eyes else along * _BELT_ALONG_M * self.spread)
        return Antenna(
            port,
            (self.x - across * _BELT_ASIDE_M, y, 0.9 if port <= 2 else 1.2),  # noqa: PLR2004  the first pair
            (across * float(np.sqrt(1.0 - slant * slant)), along * slant, 0.0),
            "plane" if self.has_eyes else "outside" if along < 0 else "inside",
        )


def dock_front(doors: int) -> tuple[Door, ...]:
    """Lay out doors side by side: the last of several has all antennas in one plane and light beams.

    Args:
        doors: Number of doors, >= 1.

    Returns:
        The doors.
    """
    return tuple(
        Door(number, "one_plane" if number == doors and doors > 1 else "two_sided")
        for number in range(1, doors + 1)
    )


def site_toml(doors: tuple[Door, ...], foreign_patterns: tuple[str, ...]) -> str:
    """Write the site file that a gateway of this dock has.

    Args:
        doors: All doors.
        foreign_patterns: Regular expressions of EPC URIs or hexadecimal EPCs of other companies.

    Returns:
        TOML text.
    """
    tables = [_portal_toml(door, doors) for door in doors]
    patterns = ", ".join(f"'{pattern}'" for pattern in foreign_patterns)
    return "\n".join(tables) + f"\n[tags]\nforeign_patterns = [{patterns}]\n"


def _portal_toml(door: Door, doors: tuple[Door, ...]) -> str:
    def named(*sides: str) -> str:
        ports = (f'"{door.reader}:{antenna.port}"' for antenna in door.antennas if antenna.side in sides)
        return f"[{', '.join(ports)}]"

    neighbours = ", ".join(f'"{other.portal}"' for other in doors if abs(other.number - door.number) == 1)
    beams = f'["{door.reader}:{OUTER_BEAM_PORT}", "{door.reader}:{INNER_BEAM_PORT}"]'
    if door.kind == "two_sided":
        antennas = [f"inside = {named('inside')}", f"outside = {named('outside')}"]
    elif door.beams:
        antennas = [f"antennas = {named('plane')}", f"beams = {beams}", 'direction_from = ["beams"]']
    elif door.kind == "one_plane":
        antennas = [f"antennas = {named('plane')}"]
    else:
        antennas = [f"antennas = {named('outside', 'inside')}", 'direction_from = ["antennas"]']
    lines = [
        "[[portal]]",
        f'id = "{door.portal}"',
        f'kind = "{door.kind}"',
        *antennas,
        f"neighbours = [{neighbours}]",
        f'inside_location = "{door.staging}"',
        f'outside_location = "@clearing/{door.portal}"',
    ]
    return "\n".join(lines) + "\n"
