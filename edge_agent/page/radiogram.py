"""A crossing's reads in, its radio picture out: inline SVG, time to the right, signal strength upwards."""

from collections.abc import Sequence
from html import escape
from typing import Final

from contracts.records import Crossing, TracePoint

COLOURS: Final = 4
"""The style sheet has so many, and each has its own shape, for eyes that do not tell colours apart."""
_WIDTH, _HEIGHT = 320, 84
_LEFT, _RIGHT, _TOP, _BOTTOM = 30, 6, 6, 14
_LEAST_SPAN_DBM: Final = 10.0
_MARK: Final = 3.0
_SQUARE: Final = "m-2.5 -2.5h5v5h-5z"
_TRIANGLE: Final = "m0 -3l3 5.5h-6z"
_DIAMOND: Final = "m0 -3.5l3 3.5l-3 3.5l-3 -3.5z"
"""Of the second, third and fourth antenna; the first has a disc."""
_MS_PER_S: Final = 1000


def radiogram(crossing: Crossing) -> str:
    """Draw the reads of one crossing.

    Args:
        crossing: With its trace.

    Returns:
        An ``svg`` element with a title, or a sentence if there is no trace.
    """
    if not crossing.trace:
        return '<p class="quiet">no radio picture</p>'
    span_ms = max(1, *(point.after_ms for point in crossing.trace))
    strongest = max(point.rssi_dbm for point in crossing.trace)
    weakest = min(*(point.rssi_dbm for point in crossing.trace), strongest - _LEAST_SPAN_DBM)
    marks = "".join(_mark(point, span_ms, weakest, strongest) for point in crossing.trace)
    label = (
        f"{len(crossing.trace)} reads in {span_ms / _MS_PER_S:.1f} s, strongest {strongest:.0f} dBm, "
        f"by {_antennas(crossing.antennas)}"
    )
    bottom = _HEIGHT - _BOTTOM
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"<title>{escape(label)}</title>"
        f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{_WIDTH - _RIGHT}"/>'
        f'<text x="{_LEFT - 3}" y="{_TOP + 8}" class="end">{strongest:.0f}</text>'
        f'<text x="{_LEFT - 3}" y="{bottom}" class="end">{weakest:.0f}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 2}">0 s</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 2}" class="end">{span_ms / _MS_PER_S:.1f} s</text>'
        f"{marks}</svg>"
    )


def legend(antennas: Sequence[str]) -> str:
    """Name the antennas beside their marks.

    Args:
        antennas: ``reader:antenna``, in the order of the trace's indices.

    Returns:
        Inline HTML.
    """
    return " ".join(
        f'<span class="key"><svg viewBox="0 0 10 10" class="swatch" aria-hidden="true">{_shape(number, 5, 5)}'
        f"</svg>{escape(name)}</span>"
        for number, name in enumerate(antennas)
    )


def _mark(point: TracePoint, span_ms: int, weakest: float, strongest: float) -> str:
    x = _LEFT + (_WIDTH - _LEFT - _RIGHT - 2 * _MARK) * point.after_ms / span_ms + _MARK
    share = (point.rssi_dbm - weakest) / (strongest - weakest)
    y = _HEIGHT - _BOTTOM - _MARK - (_HEIGHT - _TOP - _BOTTOM - 2 * _MARK) * share
    return _shape(point.antenna, x, y)


def _shape(number: int, x: float, y: float) -> str:
    kind = number % COLOURS
    if kind == 0:
        return f'<circle class="antenna1" cx="{x:.1f}" cy="{y:.1f}" r="{_MARK}"/>'
    outline = (_SQUARE, _TRIANGLE, _DIAMOND)[kind - 1]
    return f'<path class="antenna{kind + 1}" d="M{x:.1f} {y:.1f}{outline}"/>'


def _antennas(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "unnamed antennas"
