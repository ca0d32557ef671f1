"""Forecasts as values for those who read them: what is handed over, and who may see it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from cloud.identity.actor import Role

HORIZONS: Final = (1, 7, 14, 28, 56, 91)
"""Days over which every forecast is summed; the item's protection period comes to them."""
LEVELS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995)
"""Levels of the quantiles (DOMAIN D10)."""


class Band(NamedTuple):
    """A band as places within the levels.

    Demand that is idle more often than the lower level cannot lie below its band, which begins at zero: all
    that may be missed is above it, so such a band ends at the quantile of its own share.
    """

    low: int
    high: int
    alone: int
    """Where it ends for demand that is often idle."""

    def of(self, quantiles: Sequence[float], idle: float | None = None) -> tuple[float, float]:
        """Give its limits.

        Args:
            quantiles: By level.
            idle: Chance that nothing at all is asked for; None: told by whether the lower one is zero.

        Returns:
            Both within the band.
        """
        low = quantiles[self.low]
        is_idle = low <= 0 if idle is None else idle > LEVELS[self.low]
        return low, quantiles[self.alone if is_idle else self.high]


BAND: Final = Band(LEVELS.index(0.1), LEVELS.index(0.9), LEVELS.index(0.8))
"""The 80 % band."""
WIDE_BAND: Final = Band(LEVELS.index(0.025), LEVELS.index(0.975), LEVELS.index(0.95))
"""The 95 % band."""
USUAL_PROTECTION_DAYS: Final = 14
"""Where replenishment has stated none."""
JUDGED_WEEKS: Final = 13
"""Origins of the backtest that accuracy is told of."""
JUDGED_HORIZONS: Final = (7, 14, 28)
"""Days over which the backtest is kept."""

METHODS: Final = ("combination", "simple_smoothing", "boosted")
"""That a site can be forecast with; the first where nothing else was decided."""

KIND: Final = "forecast"
"""Kind of the planning runs."""
PLANNERS: Final = (Role.PLANNER, Role.BUYER, Role.INVENTORY_CONTROLLER)
"""Who may have forecasts made."""
READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
)
"""Who may see them."""


class Stated(NamedTuple):
    """How replenishment has stated that an item is ordered."""

    review_days: int
    protection_days: int
    target: float
    bucket: str = "week"
    """Period that its demand is forecast in."""
    is_dependent: bool = False
    """Planned by what the sites that it supplies need: a forecast of its own would plan the same twice."""


class ForecastError(Exception):
    """A wrong wish about forecasts; the message names value, expectation and place."""


class UnknownForecastError(ForecastError):
    """The actor's sites hold no such forecast."""


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """The forecast in force of an item at a site, as lists show it."""

    run_id: int
    finished_at: datetime
    site: str
    time_zone: str
    item: str
    item_name: str | None
    base_unit: str
    item_id: int
    first_day: date
    model: str
    is_sufficient: bool
    history_from: date
    history_until: date
    weekly_volume: float
    next_week: float
    """Expected demand of the first seven days."""
    wape: float | None
    """Sum of absolute errors over sum of demand, of the backtest's weeks; None: nothing to judge."""
    naive_wape: float | None
    bias: float | None
    """Sum of errors over sum of demand; positive: too much was forecast."""
    rmsse: float | None
    coverage: float | None
    """Share of the weeks within the 80 % band."""
    place: float
    """Where it stands in the order that was asked for."""

    @property
    def is_better(self) -> bool | None:
        """Whether it beat the seasonal naive; None if neither was judged."""
        if self.wape is None or self.naive_wape is None:
            return None
        return self.wape < self.naive_wape


@dataclass(frozen=True, slots=True)
class BacktestRow:
    """What was said at an origin for the days after it, and what came."""

    origin: date
    horizon_days: int
    forecast: float
    naive: float
    low: float
    high: float
    actual: float | None
    """None: stock-outs hid it."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a forecast says, and what it rests on."""

    mean: list[float]
    """Of each day from the first."""
    horizons: list[int]
    cum_q: list[list[float]]
    """Of each horizon, by level."""
    why: Mapping[str, Any]
    history: list[float | None]
    """Demand by week, the last ending with the last day known; None: out of stock."""
    inputs_at: datetime
    """When its run read its inputs."""
    code_version: str
    inputs: Mapping[str, Any]
    inputs_sha256: str
    parameters: Mapping[str, Any]
    as_of_position: int
    completeness: Mapping[str, Any]

    def limits(self, band: Band) -> list[tuple[float, float]]:
        """Give the limits of a band, horizon by horizon.

        Args:
            band: Which.

        Returns:
            The lower and upper one of each sum.
        """
        idle: float | None = self.why.get("bands", {}).get("idle_per_week")
        return [
            band.of(levels, None if idle is None else idle ** (days / 7))
            for days, levels in zip(self.horizons, self.cum_q, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast whole."""

    row: ForecastRow
    content: Content
    backtest: Sequence[BacktestRow]
    """By horizon and origin."""


@dataclass(frozen=True, slots=True)
class SiteRun:
    """The run in force at a site."""

    site: str
    time_zone: str
    run_id: int
    started_at: datetime
    finished_at: datetime
    inputs: Mapping[str, Any]
    outcome: Mapping[str, Any]


class Order(StrEnum):
    """How forecasts are listed; the worst or greatest first."""

    ITEM = "item"
    VOLUME = "volume"
    WAPE = "wape"
    GAIN = "gain"
    BIAS = "bias"
    INSUFFICIENT = "insufficient"
