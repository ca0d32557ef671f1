"""Versions of models, what was decided on them and when one is due to be trained anew, as values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from cloud.forecasting.domain import ForecastError
from cloud.identity.actor import Role

RETRAIN_DAYS: Final = 91
"""No model got worse within twelve weeks (FORECASTING): every 13 weeks, or when it drifts."""
STATES_KEPT: Final = 3
"""Versions of a site whose state is kept; older ones keep its hash."""
DECIDERS: Final = (Role.PLANNER, Role.INVENTORY_CONTROLLER)


class ModelError(ForecastError, ValueError):
    """A wrong wish about a model; the message names value and expectation."""


class UnknownModelError(ModelError):
    """The actor's sites hold no such version."""


class NoChallengerError(ModelError):
    """It is no challenger, or no longer."""


class ModelRole(StrEnum):
    """What a version is for."""

    CHAMPION = "champion"
    """Its forecasts are handed over."""
    CHALLENGER = "challenger"
    """It forecasts beside, and is judged."""
    RETIRED = "retired"


class Because(StrEnum):
    """Why a version was trained."""

    FIRST = "first"
    SCHEDULE = "schedule"
    DRIFT = "drift"
    CODE = "code"
    """The program computes otherwise."""
    ASKED = "asked"
    CHALLENGE = "challenge"


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of training."""

    name: str
    """Stable snake_case word: ``combination``."""
    trained_from: date
    trained_until: date
    series: int
    parameters: Mapping[str, Any]
    weights: Mapping[str, float]
    """Mean weight by member."""
    state: bytes
    """As the engine writes and reads it; empty: there is none."""
    inputs_sha256: str
    code_version: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it is kept."""

    version_id: int
    site: str
    time_zone: str
    name: str
    role: str
    parent_id: int | None
    run_id: int | None
    trained_from: date
    trained_until: date
    series: int
    because: str
    parameters: Mapping[str, Any]
    weights: Mapping[str, float]
    has_state: bool
    state_sha256: str
    state_bytes: int
    inputs_sha256: str
    code_version: str
    registered_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was decided on models."""

    event_id: int
    site: str
    time_zone: str
    version_id: int | None
    name: str | None
    run_id: int | None
    kind: str
    because: str
    evidence: Mapping[str, Any]
    actor: str
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """Whether a model is to be trained anew."""

    because: Because | None
    """None: not now."""
    evidence: Mapping[str, Any]
    """What this rests on."""
    parent_id: int | None
    """The champion there is."""


def due(
    champion: Version | None,
    *,
    name: str,
    last_day: date,
    code_version: str,
    is_drifting: bool,
    evidence: Mapping[str, Any],
) -> Due:
    """Decide whether a model is trained anew.

    Args:
        champion: What forecasts now, if anything.
        name: Of the model that is to forecast.
        last_day: Last day whose demand is known.
        code_version: Of the program, as far as it changes what training gives.
        is_drifting: Whether more forecasts are odd than chance explains.
        evidence: What is known of that: judged, flagged, expected.

    Returns:
        The reason and what it rests on.
    """
    if champion is None:
        return Due(Because.FIRST, {"name": name, "until": last_day.isoformat()}, None)
    age = (last_day - champion.trained_until).days
    told = {
        **evidence,
        "age_days": age,
        "retrain_days": RETRAIN_DAYS,
        "trained_until": champion.trained_until.isoformat(),
        "is_drifting": is_drifting,
    }
    if (champion.name, champion.code_version) != (name, code_version):
        told |= {"was": f"{champion.name} {champion.code_version}", "is": f"{name} {code_version}"}
        return Due(Because.CODE, told, champion.version_id)
    if age >= RETRAIN_DAYS:
        return Due(Because.SCHEDULE, told, champion.version_id)
    if is_drifting:
        return Due(Because.DRIFT, told, champion.version_id)
    return Due(None, told, champion.version_id)
