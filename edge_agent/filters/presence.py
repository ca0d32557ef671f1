"""Where a tag that is still read has come to rest: its newest reads in, a side and how plain it is out.

The side follows the mobility rule of the EdgeX and RSP middleware: per side a ring of 20 RSSI; another side
takes over with 2 or more reads there and a mean higher by a margin that is 6 dB for half a second after the old
side was last heard and falls by 8 dB a second.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.filters.track import INSIDE, NOWHERE, OUTSIDE, Read, milliwatts

RING: Final = 20
MARGIN_DB: Final = 6.0
DECAY_DB_PER_MS: Final = 0.008
HOLD_OFF_MS: Final = 500.0

_WINDOW_US: Final = 4_000_000
_PLAIN_US: Final = 2_500_000
_LONG_US: Final = 18_000_000
"""Longer than anybody waits in a doorway."""
_AWAY_DB: Final = 6.0
"""So far below the strongest second it has left the doorway."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Where a tag stands."""

    side: int
    is_plain: bool
    """The newest seconds all belong to one side."""
    is_settled: bool
    """And it has gone away from the doorway, or stays there for longer than anybody waits."""


def side_of(reads: Sequence[Read], sides: Sequence[int], origin: int = NOWHERE) -> tuple[int, int]:
    """Follow a tag by the mobility rule.

    Args:
        reads: In time order.
        sides: Side of each antenna, by index.
        origin: Where it was before.

    Returns:
        The side on which it is, and since when, in microseconds (0: from the beginning).
    """
    rings = {
        INSIDE: deque[float](maxlen=RING),
        OUTSIDE: deque[float](maxlen=RING),
        NOWHERE: deque[float](maxlen=RING),
    }
    heard_us = {INSIDE: 0, OUTSIDE: 0, NOWHERE: 0}
    here, since_us = origin, 0
    for read in reads:
        side = sides[read.antenna]
        ring = rings[side]
        ring.append(read.rssi_dbm)
        heard_us[side] = read.at_us
        if here == side:
            continue
        old = rings[here]
        if not old or here == NOWHERE:
            here, since_us = side, read.at_us
            continue
        age_ms = (read.at_us - heard_us[here]) / 1000
        margin = min(MARGIN_DB, MARGIN_DB - DECAY_DB_PER_MS * (age_ms - HOLD_OFF_MS))
        if len(ring) >= 2 and sum(ring) / len(ring) > sum(old) / len(old) + margin:  # noqa: PLR2004  the rule's count
            here, since_us = side, read.at_us
            old.clear()
    return here, since_us


def rest_of(reads: Sequence[Read], sides: Sequence[int], origin: int, now_us: int) -> Rest:
    """Tell whether a tag has come to rest.

    Args:
        reads: In time order, at least one.
        sides: Side of each antenna, by index.
        origin: Where it was before.
        now_us: Present time.

    Returns:
        Its side.
    """
    here, since_us = side_of(reads, sides, origin)
    newest = [read for read in reads if read.at_us >= now_us - _WINDOW_US]
    powers = milliwatts(newest)
    same = sum(power for read, power in zip(newest, powers, strict=True) if sides[read.antenna] == here)
    is_long = now_us - max(since_us, reads[0].at_us) >= _PLAIN_US
    is_plain = bool(newest) and is_long and same >= 0.9 * sum(powers)
    is_away = (
        is_plain and max(read.rssi_dbm for read in newest) <= max(read.rssi_dbm for read in reads) - _AWAY_DB
    )
    is_very_long = now_us - max(since_us, reads[0].at_us) >= _LONG_US
    return Rest(here, is_plain, is_plain and (is_away or is_very_long))
