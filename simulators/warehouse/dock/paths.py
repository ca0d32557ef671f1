"""Ways that goods take at a dock: legs and pauses in, positions over time out."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from simulators.warehouse.dock.goods import Goods

Floats = npt.NDArray[np.float64]

CARRIER_GAP_M: Final = 0.25
"""Between goods and who carries them."""
CARRIER_HALF_M: Final = {"truck": 1.1, "person": 0.15, "none": 0.0}
"""Half the length of a carrier."""
INWARD: Final = (0.0, 1.0)
OUTWARD: Final = (0.0, -1.0)


@dataclass(frozen=True)
class Way:
    """Waypoints in time, straight in between; nothing is there before the first and after the last."""

    seconds: tuple[float, ...]
    xs: tuple[float, ...]
    ys: tuple[float, ...]

    @classmethod
    def begin(cls, at_s: float, x: float, y: float) -> Self:
        """Start a way at a place.

        Args:
            at_s: Seconds since the world began.
            x: Along the wall, metres.
            y: Into the building, metres.

        Returns:
            A way of one point.
        """
        return cls((at_s,), (x,), (y,))

    @property
    def begin_s(self) -> float:
        """When it begins."""
        return self.seconds[0]

    @property
    def end_s(self) -> float:
        """When it ends."""
        return self.seconds[-1]

    def to(self, x: float, y: float, speed_m_per_s: float) -> "Way":
        """Go straight on.

        Args:
            x: Along the wall, metres.
            y: Into the building, metres.
            speed_m_per_s: Above 0.

        Returns:
            The longer way.
        """
        distance = float(np.hypot(x - self.xs[-1], y - self.ys[-1]))
        at_s = self.end_s + max(distance, 1e-3) / speed_m_per_s
        return Way((*self.seconds, at_s), (*self.xs, x), (*self.ys, y))

    def wait(self, seconds: float) -> "Way":
        """Stand still.

        Args:
            seconds: How long, > 0.

        Returns:
            The longer way.
        """
        return Way((*self.seconds, self.end_s + seconds), (*self.xs, self.xs[-1]), (*self.ys, self.ys[-1]))

    def at(self, seconds: Floats) -> Floats:
        """Look where it is.

        Args:
            seconds: [N] instants between begin and end.

        Returns:
            [N, 2] places in metres.
        """
        return np.column_stack(
            [
                np.interp(seconds, self.seconds, self.xs),
                np.interp(seconds, self.seconds, self.ys),
            ]
        )

    def crosses_at(self, plane_y: float) -> float:
        """Find when it is on its last passage through a plane along the wall.

        Args:
            plane_y: Where the plane is.

        Returns:
            Seconds since the world began.

        Raises:
            ValueError: If it never passes.
        """
        for n in range(len(self.ys) - 1, 0, -1):
            before, after = self.ys[n - 1] - plane_y, self.ys[n] - plane_y
            if (before < 0) != (after < 0):
                share = before / (before - after)
                return self.seconds[n - 1] + share * (self.seconds[n] - self.seconds[n - 1])
        raise ValueError(f"a way from y = {self.ys[0]} m to y = {self.ys[-1]} m never passes y = {plane_y} m")

    def starting(self, at_s: float) -> "Way":
        """Go the same way at another time.

        Args:
            at_s: When it begins.

        Returns:
            The way.
        """
        later = at_s - self.begin_s
        return Way(tuple(each + later for each in self.seconds), self.xs, self.ys)


@dataclass(frozen=True)
class Load:
    """Goods on their way, carried by somebody."""

    goods: Goods
    way: Way
    heading: tuple[float, float]
    carrier: str
    """``truck``, ``person`` or ``none``."""
    carried: tuple[tuple[float, float], ...]
    """From when to when the carrier is there, in seconds."""
    empty: Way | None = None
    """How the carrier comes for the goods, or leaves without them: it breaks light beams too."""
