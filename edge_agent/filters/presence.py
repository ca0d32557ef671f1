"""Where a tag that is still read has come to rest: its newest reads in, a side and how plain it is out.

The side follows the mobility rule of the EdgeX and RSP middleware: per side a ring of 20 RSSI; another side
takes over with 2 or more reads there and a mean higher by a margin that is 6 dB for half a second after the
old side was last heard and falls by 8 dB a second.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.filters.profile import attowatts
from edge_agent.filters.read import INSIDE, NOWHERE, OUTSIDE, Read
from edge_agent.filters.track import Track

RING: Final = 20
MARGIN_DB: Final = 6.0
DECAY_DB_PER_MS: Final = 0.008
HOLD_OFF_MS: Final = 500.0

_WINDOW_US: Final = 8_000_000
_LONG_US: Final = 24_000_000
"""Longer than anybody waits in a doorway."""
_AWAY_DB: Final = 20.0
"""So far below the strongest read it has left the doorway."""
_PLAIN_SHARE: Final = 0.9
"""Of the power, on one side: 10 dB apart."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Where a tag stands."""

    side: int
    is_plain: bool
    """The newest seconds all belong to one side."""
    is_settled: bool
    """And it has gone away from the doorway, or stays there for longer than anybody waits."""


def side_of(reads: Sequence[Read], sides: Sequence[int]) -> int:
    """Follow a tag by the mobility rule.

    Args:
        reads: In time order.
        sides: Side of each antenna, by index.

    Returns:
        The side on which it is at last; 0 without reads.
    """
    rings = {side: deque[float](maxlen=RING) for side in (INSIDE, OUTSIDE, NOWHERE)}
    heard_us = dict.fromkeys(rings, 0)
    here: int | None = None
    for at_us, antenna, rssi_dbm in reads:
        side = sides[antenna]
        ring = rings[side]
        ring.append(rssi_dbm)
        heard_us[side] = at_us
        if here is None:
            here = side
        if here == side:
            continue
        old = rings[here]
        age_ms = (at_us - heard_us[here]) / 1000
        margin = min(MARGIN_DB, MARGIN_DB - DECAY_DB_PER_MS * (age_ms - HOLD_OFF_MS))
        if len(ring) >= 2 and sum(ring) / len(ring) > sum(old) / len(old) + margin:  # noqa: PLR2004  the rule's count
            here = side
    return NOWHERE if here is None else here


def is_near(track: Track, now_us: int) -> bool:
    """Tell at a glance that a tag has come to no rest: it is young, and its last read was not faint.

    Args:
        track: With at least one read.
        now_us: Present time.

    Returns:
        Whether ``rest_of`` would surely find it unsettled; it may find so too if not.
    """
    at_us, _, rssi_dbm = track.reads[-1]
    return (
        now_us - track.first_us < _LONG_US
        and at_us >= now_us - _WINDOW_US
        and rssi_dbm > track.peak_dbm - _AWAY_DB
    )


def rest_of(track: Track, sides: Sequence[int], now_us: int) -> Rest:
    """Tell whether a tag has come to rest.

    Args:
        track: With at least one read.
        sides: Side of each antenna, by index.
        now_us: Present time.

    Returns:
        Its side.
    """
    since_us = now_us - _WINDOW_US
    newest: list[Read] = []
    power = dict.fromkeys((INSIDE, OUTSIDE, NOWHERE), 0)
    for read in reversed(track.reads):
        at_us, antenna, rssi_dbm = read
        if at_us < since_us:
            break
        newest.append(read)
        power[sides[antenna]] += attowatts(rssi_dbm)
    loudest = max(power, key=power.__getitem__)
    if not newest or power[loudest] < _PLAIN_SHARE * sum(power.values()):
        return Rest(NOWHERE, is_plain=False, is_settled=False)
    newest.sort()
    here = side_of(newest, sides)
    is_plain = here == loudest
    is_away = is_plain and max(read[2] for read in newest) <= track.peak_dbm - _AWAY_DB
    return Rest(here, is_plain, is_plain and (is_away or _stays_long(track, sides, here, now_us)))


def _stays_long(track: Track, sides: Sequence[int], here: int, now_us: int) -> bool:
    """Tell whether one side has had the power for longer than anybody waits in a doorway."""
    since_us = now_us - _LONG_US
    if track.first_us > since_us:
        return False
    power = same = 0
    for at_us, antenna, rssi_dbm in reversed(track.reads):
        if at_us < since_us:
            break
        here_aw = attowatts(rssi_dbm)
        power += here_aw
        if sides[antenna] == here:
            same += here_aw
    return same >= _PLAIN_SHARE * power
