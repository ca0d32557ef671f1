"""The building and what lies in it: sites, places, items and how often each is asked for."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.vocabulary import VirtualLocation

Floats = npt.NDArray[np.float64]

DOCKS: Final = 4
PACKING_STATIONS: Final = 8
_BAYS: Final = 40
_LEVELS: Final = 5
_DEMO_PREFIX: Final = "0952"
"""GS1's prefix 952 is reserved for demonstrations: no shop sells these numbers."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Places by index: virtual accounts, docks, packing stations, returns, bins; from ``unit_base`` units."""

    items: int
    bins: int
    lot_controlled_share: float = 0.3

    @property
    def places(self) -> tuple[str, ...]:
        """Location codes; the index of each is its number in a flow."""
        bins = (
            f"{chr(65 + n // (_BAYS * _LEVELS) % 26)}{n // (_BAYS * _LEVELS * 26)}"
            f"-{n // _LEVELS % _BAYS + 1:02d}-{n % _LEVELS + 1}"
            for n in range(self.bins)
        )
        return (
            VirtualLocation.SUPPLIER,
            VirtualLocation.CUSTOMER,
            VirtualLocation.OPENING,
            "RETURNS",
            *(f"DOCK-{n + 1}" for n in range(DOCKS)),
            *(f"PACK-{n + 1}" for n in range(PACKING_STATIONS)),
            *bins,
        )

    @property
    def bin_base(self) -> int:
        """Number of the first bin."""
        return PACK_BASE + PACKING_STATIONS

    @property
    def unit_base(self) -> int:
        """Number of the first logistic unit; those below are locations."""
        return self.bin_base + self.bins

    @property
    def popularity(self) -> Floats:
        """Probability that a demand asks for each item: Zipf with exponent 1."""
        return zipf(self.items)


SUPPLIER: Final = 0
CUSTOMER: Final = 1
OPENING: Final = 2
RETURNS: Final = 3
DOCK_BASE: Final = 4
PACK_BASE: Final = DOCK_BASE + DOCKS


def zipf(ranks: int) -> Floats:
    """Spread probability over ranks so that the n-th is asked for 1/n as often as the first.

    Args:
        ranks: Number of ranks, >= 1.

    Returns:
        ``ranks`` probabilities that sum to 1, descending.
    """
    weights = 1.0 / np.arange(1, ranks + 1)
    return np.asarray(weights / weights.sum())


def gtin(item: int) -> str:
    """Name an item by a valid GTIN-14 of the demonstration range.

    Args:
        item: Item number, in [0, 10**9).

    Returns:
        14 digits, the last a correct check digit.

    Examples:
        >>> gtin(0), gtin(41)
        ('09520000000004', '09520000000417')
    """
    body = f"{_DEMO_PREFIX}{item:09d}"
    return body + _check_digit(body)


def sscc(unit: int) -> str:
    """Name a logistic unit by a valid SSCC of the demonstration range.

    Args:
        unit: Unit number, in [0, 10**13).

    Returns:
        18 digits, the last a correct check digit.

    Examples:
        >>> sscc(7)
        '095200000000000073'
    """
    body = f"{_DEMO_PREFIX}{unit:013d}"
    return body + _check_digit(body)


def _check_digit(body: str) -> str:
    total = sum(int(digit) * (3 if n % 2 == 0 else 1) for n, digit in enumerate(reversed(body)))
    return str(-total % 10)
