"""The radio picture of a passage: reads in, at most 64 points for people out."""

from collections.abc import Sequence
from typing import Final

from contracts.records import TracePoint
from edge_agent.filters.read import Read

MOST_POINTS: Final = 64
_BARS: Final = "▁▂▃▄▅▆▇█"


def picture(reads: Sequence[Read], ports: Sequence[str]) -> tuple[tuple[str, ...], tuple[TracePoint, ...]]:
    """Thin reads out evenly.

    Args:
        reads: At least one, in time order.
        ports: ``reader:antenna`` of each antenna, by index.

    Returns:
        The antennas that occur, and the points that refer to them.
    """
    chosen = reads
    if len(reads) > MOST_POINTS:
        step = (len(reads) - 1) / (MOST_POINTS - 1)
        chosen = [reads[round(n * step)] for n in range(MOST_POINTS)]
    first_us = reads[0][0]
    used = sorted({read[1] for read in chosen})
    place = {antenna: n for n, antenna in enumerate(used)}
    points = map(
        TracePoint,
        [(at_us - first_us) // 1000 for at_us, _, _ in chosen],
        [place[antenna] for _, antenna, _ in chosen],
        [round(rssi_dbm, 2) for _, _, rssi_dbm in chosen],
    )
    return tuple(ports[antenna] for antenna in used), tuple(points)


def sparkline(trace: Sequence[TracePoint], width: int = 24) -> str:
    """Draw a passage's RSSI over time.

    Args:
        trace: Of the passage.
        width: In characters.

    Returns:
        The strongest read of each stretch of time as a bar; a space where there is none.
    """
    if not trace:
        return ""
    longest_ms = max(point.after_ms for point in trace) + 1
    strongest: dict[int, float] = {}
    for point in trace:
        column = point.after_ms * width // longest_ms
        strongest[column] = max(point.rssi_dbm, strongest.get(column, -200.0))
    low, high = min(strongest.values()), max(strongest.values())
    scale = (len(_BARS) - 1) / max(high - low, 1.0)
    return "".join(
        _BARS[round((strongest[n] - low) * scale)] if n in strongest else " " for n in range(width)
    )
