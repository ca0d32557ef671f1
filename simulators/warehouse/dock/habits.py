"""How people work at a dock: shares and places from which stories and worlds are drawn."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Habits:
    """Frequencies and places; those of a usual dock by default."""

    pauses_in_doorway: float = 0.12
    """Share of crossings that stop in the doorway."""
    steps_back: float = 0.08
    """Crossings during which the driver backs up a little and goes on."""
    staged_near: float = 0.25
    """Crossings that begin or end with goods standing within metres of the antennas."""
    carried_back_per_load: float = 0.16
    passing_per_load: float = 0.20
    parked_per_load: float = 0.035
    parked_aside_m: tuple[float, float] = (1.3, 2.4)
    """From the middle of the door, along the wall."""
    parked_behind_m: tuple[float, float] = (1.0, 4.1)
    """From the plane of the portal, into the building."""
    walks_per_load: float = 0.15
    pallet_share: float = 0.62
    """Of loads; the others are carts of loose cases."""
    cases_per_pallet: tuple[int, int] = (20, 49)
    """The least, and one more than the most."""
    item_tagged_share: float = 0.05
    """Of pallets: items in them have tags too."""


USUAL: Final = Habits()
HARD: Final = Habits(
    pauses_in_doorway=0.30,
    steps_back=0.25,
    carried_back_per_load=0.35,
    parked_per_load=0.20,
    parked_aside_m=(1.5, 2.1),
    parked_behind_m=(1.55, 1.75),
    cases_per_pallet=(180, 221),
    item_tagged_share=0.0,
)
"""Waiting, reversing, goods that stand 1.5 m from the antennas, and 200 tags a pallet."""
