"""The radio picture of a crossing, whatever a gateway sent."""

from hypothesis import given
from hypothesis import strategies as st

from cloud.web.radiogram import COLOURS, LARGE, SMALL, radiogram

DBM = st.floats(-120, 20) | st.floats(allow_nan=False, allow_infinity=False)
READ = st.tuples(st.integers(0, 60_000) | st.integers(0, 10**400), st.integers(0, 31), DBM)


@given(trace=st.lists(READ, max_size=256), names=st.lists(st.text(max_size=8), max_size=32))
def test_every_read_is_drawn_once_and_within_the_picture(
    trace: list[tuple[int, int, float]], names: list[str]
) -> None:
    for frame in (SMALL, LARGE):
        picture = radiogram(trace, names, frame)
        assert (picture is None) == (not trace)
        if picture is None:
            continue
        assert sum(len(series.marks) for series in picture.series) == len(trace)
        assert {series.colour for series in picture.series} <= set(range(1, COLOURS + 1))
        points = [point.split(",") for series in picture.series for point in series.line.split()]
        assert all(frame.left <= float(x) <= frame.width - frame.right for x, _ in points)
        assert all(frame.top <= float(y) <= frame.height - frame.bottom for _, y in points)
        assert all(frame.left <= tick.at <= frame.width - frame.right for tick in picture.seconds)
        assert all(frame.top <= tick.at <= frame.height - frame.bottom for tick in picture.decibels)
