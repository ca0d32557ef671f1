"""What a forecasting method is: arrays in, arrays out, no clock, no database, no randomness."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cloud.forecasting.event_days import EventDays
    from cloud.forecasting.granularity.method import Decided
    from cloud.forecasting.weeks import Weeks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_Piece = TypeVar("_Piece")
_Done = TypeVar("_Done")


class Spread(Protocol):
    """Does work on pieces, perhaps several at once, and gives the results in order, as `map` does."""

    def __call__(self, work: Callable[[_Piece], _Done], pieces: Sequence[_Piece], /) -> Iterator[_Done]:
        """Work on all pieces."""


@dataclass(frozen=True, slots=True)
class Training:
    """What a method would learn from all that is known, to be kept and used until it is trained anew."""

    state: bytes
    weights: Mapping[str, float]
    """Mean weight of each part of the method."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What else is to be told of it, as JSON holds it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a method forecast from each origin, with what was known then."""

    paths: Floats
    """Series x origins x weeks ahead: expected demand of each, >= 0; NaN where it was not ready."""
    why: Callable[[int], Mapping[str, Any]]
    """Tells of a series that has a forecast what the one in force rests on, as JSON holds it."""
    training: Training | None = None
    """None: the method has nothing to keep."""
    factors: Floats | None = None
    """By which events move the paths, in their shape; None: nothing is known to."""
    fallbacks: tuple[str, ...] = ()
    """What of the method could not be used, and why; the rest forecast without it."""
    versions: tuple[tuple[slice, Floats], ...] = ()
    """Of ranges of origins, weeks without what events did as known at them; empty: events did nothing."""
    days: "EventDays | None" = None
    """How events move the days within their weeks; None: nothing is known to."""
    decided: "Decided | None" = None
    """In which periods the series are forecast; None: all in weeks."""

    @property
    def kinds(self) -> Ints | None:
        """Number of each series how it is forecast, for its errors to be pooled with; None: all alike."""
        return None if self.decided is None else self.decided.kinds


class Method(Protocol):
    """How a site's series are forecast, all of them together."""

    @property
    def name(self) -> str:
        """Stable snake_case word, as results carry it."""

    @property
    def min_weeks(self) -> int:
        """Known weeks below which a series is not forecast by this method."""

    def parameters(self) -> Mapping[str, Any]:
        """Tell what a run with it is computed with."""

    def said(
        self, weeks: "Weeks", origins: Ints, horizon_weeks: int, *, last_day: int, spread: Spread
    ) -> Said:
        """Forecast from each origin.

        Args:
            weeks: What is known; an origin may be judged by its own and earlier weeks only.
            origins: The weeks from which is forecast, each after the other.
            horizon_weeks: How far, > 0.
            last_day: The last day known, as an ordinal.
            spread: Works on chunks of series.

        Returns:
            What was said. The order of the series changes nothing.
        """


class Forecaster(Protocol):
    """A method that forecasts many series of weeks at once.

    Weeks are series x weeks, never negative, NaN where demand is not known: before a series began, and where
    stock-outs censored it. Each row is forecast from itself alone, so that rows may be cut into chunks and
    given in any order.
    """

    @property
    def name(self) -> str:
        """Stable snake_case word, as results carry it."""

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """What the columns of the parameters are."""

    @property
    def min_weeks(self) -> int:
        """Known weeks below which a series is not forecast by this method."""

    def fit(self, weeks: Floats, until: Ints) -> Floats:
        """Estimate parameters from what was known at a week.

        Args:
            weeks: Series x weeks.
            until: Of each series the last week that may be looked at; -1 fits nothing.

        Returns:
            Series x parameters; NaN where nothing was fitted.
        """

    def paths(self, weeks: Floats, parameters: Floats, horizon_weeks: int) -> Floats:
        """Forecast from the end of each week, with what was known then.

        Args:
            weeks: Series x weeks.
            parameters: Series x parameters; a row of NaN gives NaN.
            horizon_weeks: How far, > 0.

        Returns:
            Series x weeks x horizon: expected demand of each following week, >= 0; NaN before
            `min_weeks` weeks are known.
        """
