"""One read as the filter keeps it, and the sides of a portal."""

import math
from typing import Final

_UNKNOWN_DBM: Final = -80.0
"""For a read without a usable RSSI: weak, as far as anyone knows."""
LOWEST_DBM: Final = -120.0
HIGHEST_DBM: Final = 30.0

INSIDE: Final = 1
OUTSIDE: Final = -1
NOWHERE: Final = 0

Read = tuple[int, int, float]
"""Time in microseconds since 1970, index of the antenna at its portal, RSSI in dBm."""


def usable_dbm(rssi_dbm: float) -> float:
    """Make an RSSI finite.

    Args:
        rssi_dbm: As the reader says; anything.

    Returns:
        It, within what radio can be; -80 dBm for what is no number.
    """
    if math.isnan(rssi_dbm):
        return _UNKNOWN_DBM
    return min(max(rssi_dbm, LOWEST_DBM), HIGHEST_DBM)
