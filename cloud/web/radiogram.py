"""A crossing's reads in, the marks of its radio picture out: time to the right, signal strength upwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

COLOURS: Final = 6
"""The stylesheet has so many; further antennas share them, and differ by the shape of their marks."""
_SHAPES: Final = 4
_MARGIN_SHARE: Final = 0.08
_LATEST_MS: Final = 10**9
_LOUDEST_DBM: Final = 1e6
"""What lies beyond is no read of this world; it is drawn at the edge."""
_LEAST_SPAN_DBM: Final = 10.0
_TICKS_MS: Final = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 60_000, 300_000)
_MOST_TICKS: Final = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the marks may lie within the picture; all in the picture's own units."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    @property
    def inner_width(self) -> int:
        """Width between the axes' ends."""
        return self.width - self.left - self.right

    @property
    def inner_height(self) -> int:
        """Height between the axes' ends."""
        return self.height - self.top - self.bottom


SMALL: Final = Frame(width=320, height=96, left=30, right=6, top=6, bottom=16)
LARGE: Final = Frame(width=900, height=360, left=52, right=14, top=14, bottom=40)


@dataclass(frozen=True, slots=True)
class Series:
    """The reads of one antenna, in the order of time."""

    antenna: str
    colour: int
    """1 to `COLOURS`."""
    shape: int
    """0 to 3: disc, square, triangle, diamond."""
    marks: tuple[str, ...]
    """A path per read."""
    line: str
    """Points of the line through them."""
    reads: int
    peak_dbm: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Radiogram:
    """Everything that the picture shows."""

    frame: Frame
    series: tuple[Series, ...]
    seconds: tuple[Tick, ...]
    decibels: tuple[Tick, ...]
    summary: str
    """The same in words, for whoever does not see it."""


def radiogram(
    trace: Sequence[Sequence[float]], antennas: Sequence[str], frame: Frame = SMALL
) -> Radiogram | None:
    """Draw reads over time, one series per antenna, by name, so that an antenna keeps its colour.

    Args:
        trace: Points of milliseconds, index into `antennas`, dBm.
        antennas: Names; an index without one is named by its number.
        frame: The size.

    Returns:
        The picture; None without reads.

    Examples:
        >>> picture = radiogram([[0, 0, -60], [100, 1, -50]], ["r1:3", "r1:1"])
        >>> [(series.antenna, series.peak_dbm) for series in picture.series]
        [('r1:1', -50.0), ('r1:3', -60.0)]
    """
    points = sorted(
        (float(min(after_ms, _LATEST_MS)), int(antenna), max(-_LOUDEST_DBM, min(float(dbm), _LOUDEST_DBM)))
        for after_ms, antenna, dbm in trace
    )
    if not points:
        return None
    span_ms = max(points[-1][0], 1.0)
    low, high = _span_dbm([dbm for _, _, dbm in points])

    def place(after_ms: float, dbm: float) -> tuple[float, float]:
        x = frame.left + frame.inner_width * after_ms / span_ms
        return round(x, 1), round(frame.top + frame.inner_height * (high - dbm) / (high - low), 1)

    order = sorted({antenna for _, antenna, _ in points}, key=lambda antenna: _spoken(antennas, antenna))
    series = tuple(
        _series(
            _spoken(antennas, antenna),
            number,
            [(place(after_ms, dbm), dbm) for after_ms, which, dbm in points if which == antenna],
        )
        for number, antenna in enumerate(order)
    )
    return Radiogram(
        frame,
        series,
        tuple(Tick(place(at_ms, low)[0], _seconds(at_ms)) for at_ms in _ticks(span_ms)),
        tuple(Tick(place(0, dbm)[1], f"{dbm:g}") for dbm in _decibels(low, high)),
        f"Signal strength over {_seconds(span_ms)} s: "
        + ", ".join(f"{each.antenna} with {each.reads} reads up to {each.peak_dbm:g} dBm" for each in series),
    )


def _spoken(antennas: Sequence[str], antenna: int) -> str:
    return antennas[antenna] if 0 <= antenna < len(antennas) else f"antenna {antenna}"


def _series(name: str, number: int, places: Sequence[tuple[tuple[float, float], float]]) -> Series:
    shape = (number + number // COLOURS) % _SHAPES
    return Series(
        name,
        number % COLOURS + 1,
        shape,
        tuple(_mark(shape, x, y) for (x, y), _ in places),
        " ".join(f"{x:g},{y:g}" for (x, y), _ in places),
        len(places),
        max(dbm for _, dbm in places),
    )


def _mark(shape: int, x: float, y: float) -> str:
    match shape:
        case 0:
            return f"M{x - 2.6:.1f} {y:g}a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0z"
        case 1:
            return f"M{x - 2.4:.1f} {y - 2.4:.1f}h4.8v4.8h-4.8z"
        case 2:
            return f"M{x:g} {y - 3.2:.1f}l3.1 5.4h-6.2z"
        case _:
            return f"M{x:g} {y - 3.3:.1f}l3.3 3.3l-3.3 3.3l-3.3 -3.3z"


def _span_dbm(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    middle, span = (low + high) / 2, max(high - low, _LEAST_SPAN_DBM)
    half = span * (0.5 + _MARGIN_SHARE)
    return middle - half, middle + half


def _ticks(span_ms: float) -> list[float]:
    step = next((step for step in _TICKS_MS if span_ms / step <= _MOST_TICKS), _TICKS_MS[-1])
    return [float(step * n) for n in range(min(int(span_ms // step), _MOST_TICKS) + 1)]


def _decibels(low: float, high: float) -> list[float]:
    step = 5
    while (high - low) / step > _MOST_TICKS:
        step *= 2
    first = int(-(-low // step)) * step
    return [float(dbm) for dbm in range(first, int(high // 1) + 1, step)]


def _seconds(after_ms: float) -> str:
    return f"{after_ms / 1000:g}"
