"""An antenna's strengths in, a bar out: the mean as its length, the strongest read as a mark; inline SVG."""

from typing import Final

from edge_agent.page.status import AntennaStatus

WEAKEST_DBM: Final = -90.0
STRONGEST_DBM: Final = -30.0
"""The ends of the bar: a tag that is barely heard, and one before the antenna."""
_WIDTH: Final = 100


def strength_bar(antenna: AntennaStatus) -> str:
    """Draw what an antenna hears.

    Args:
        antenna: With the strengths of the last seconds.

    Returns:
        Inline HTML; a dash if nothing was heard.
    """
    if antenna.mean_dbm is None or antenna.strongest_dbm is None:
        return '<span class="quiet">-</span>'
    label = f"{antenna.mean_dbm:.0f} dBm on average, strongest {antenna.strongest_dbm:.0f} dBm"
    return (
        f'<svg class="bar" viewBox="0 0 {_WIDTH} 8" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}"><title>{label}</title><rect class="track" width="{_WIDTH}" height="8"/>'
        f'<rect class="mean" width="{_along(antenna.mean_dbm):.1f}" height="8"/>'
        f'<rect class="strongest" x="{_along(antenna.strongest_dbm):.1f}" width="2" height="8"/></svg>'
        f'<span class="reading">{antenna.mean_dbm:.0f} / {antenna.strongest_dbm:.0f} dBm</span>'
    )


def _along(dbm: float) -> float:
    share = (dbm - WEAKEST_DBM) / (STRONGEST_DBM - WEAKEST_DBM)
    return min(1.0, max(0.0, share)) * (_WIDTH - 2)
