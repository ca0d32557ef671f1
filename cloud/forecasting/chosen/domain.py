"""Which series are tried with a model of their own, and what came of it, as values. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from cloud.forecasting.domain import ForecastError
from cloud.identity.actor import Role

DECIDERS: Final = (Role.PLANNER, Role.INVENTORY_CONTROLLER)
"""Who may choose series."""


class ChosenError(ForecastError, ValueError):
    """A wrong wish about series with models of their own; the message names value and expectation."""


class SeriesChoice(StrEnum):
    """What a person said of a series."""

    PINNED = "pinned"
    """It is tried whatever its value."""
    LEFT_OUT = "left_out"
    """It is not tried, whatever its value."""
    BY_VALUE = "by_value"
    """Nobody says anything: its value decides."""


class Standing(StrEnum):
    """What came of a series' own model."""

    IN_FORCE = "in_force"
    """It and the site's method forecast together: their mean."""
    NOT_BETTER = "not_better"
    NOT_FITTED = "not_fitted"
    NOT_CHOSEN = "not_chosen"
    """It was, and is no longer one of the chosen."""


@dataclass(frozen=True, slots=True)
class SeriesModel:
    """What a run found of a series, to be kept."""

    item_id: int
    name: str
    standing: Standing
    why: str
    fits: Sequence[Mapping[str, Any]]
    """By day; each with the day's date and what was fitted to it."""
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """The same as it is shown."""

    series_model_id: int | None
    """None: chosen, and not tried yet."""
    site: str
    time_zone: str
    item: str
    item_name: str | None
    item_id: int
    run_id: int | None
    name: str | None
    standing: str | None
    why: str | None
    diagnosis: Mapping[str, Any]
    """Of the newest fit."""
    evidence: Mapping[str, Any]
    judged_until: date | None
    decided_at: datetime | None
    choice: str
    chosen_by: str | None
    note: str | None


def chosen(values: Sequence[float | None], choices: Sequence[SeriesChoice], most: int) -> list[int]:
    """Choose the series that are tried: those pinned, and the most valuable of the others.

    Args:
        values: Of each series what is asked for of it in a week, in money; None: not known.
        choices: Of each series.
        most: How many by value.

    Returns:
        Their places; those pinned first, then by value, so that time goes to the most valuable.

    Examples:
        >>> said = [SeriesChoice.BY_VALUE, SeriesChoice.LEFT_OUT, SeriesChoice.PINNED, SeriesChoice.BY_VALUE]
        >>> chosen([5.0, 9.0, None, 7.0], said, 1)
        [2, 3]
    """
    by_value = sorted(
        (place for place, value in enumerate(values) if value and choices[place] is SeriesChoice.BY_VALUE),
        key=lambda place: (-(values[place] or 0), place),
    )
    pinned = [place for place, choice in enumerate(choices) if choice is SeriesChoice.PINNED]
    pinned.sort(key=lambda place: (-(values[place] or 0), place))
    return [*pinned, *by_value[:most]]
