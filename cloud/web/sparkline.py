"""Counts per minute in, the points of a small line out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 120
HEIGHT: Final = 24


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Points of a polyline, and of the area under it, in a box of 120 by 24."""

    line: str
    area: str
    peak: int


def sparkline(counts: Sequence[int]) -> Sparkline:
    """Draw counts as a line that touches the top at its greatest value and the bottom at zero.

    Args:
        counts: One count per step, oldest first; at least two.

    Returns:
        The points, as SVG writes them.

    Examples:
        >>> sparkline([0, 2, 1]).line
        '0,23 60,1 120,12'
    """
    peak = max(counts)
    step = WIDTH / (len(counts) - 1)
    points = [
        f"{index * step:g},{HEIGHT - 1 - (HEIGHT - 2) * count / max(peak, 1):.4g}"
        for index, count in enumerate(counts)
    ]
    line = " ".join(points)
    return Sparkline(line, f"0,{HEIGHT} {line} {WIDTH},{HEIGHT}", peak)
