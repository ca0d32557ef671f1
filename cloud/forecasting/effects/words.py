"""Effects as JSON holds them."""

from typing import Any

from cloud.forecasting.effects.learning import Learned
from cloud.forecasting.effects.reading import Told
from cloud.forecasting.uplift_told import Effect


def effects_as_json(told: Told) -> dict[str, Any]:
    """Write a site's effects down.

    Args:
        told: The effects.

    Returns:
        As the command prints and the API answers them.
    """
    beside = told.effects.cannibalisation
    return {
        "site": told.site,
        "from_day": told.first_day.isoformat(),
        "to_day": told.last_day.isoformat(),
        "items": told.items,
        "of_items": told.of_items,
        "known_at": told.known_at.isoformat(),
        "effects": [_learned(one) for one in told.effects.learned],
        "usual_promotion": None
        if told.effects.usual_promotion is None
        else _effect(told.effects.usual_promotion),
        "cannibalisation": None if beside is None else _learned(beside),
    }


def _learned(one: Learned) -> dict[str, Any]:
    return {
        **_effect(one.effect),
        "kind": one.kind,
        "item_weeks": one.weeks,
        "items": one.items,
        "day": None if one.day is None else _effect(one.day),
        "course": None
        if one.course is None
        else {
            "verdict": one.course.verdict.value,
            "early": _effect(one.course.early),
            "late": _effect(one.course.late),
        },
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {"name": effect.name, "factor": effect.factor, "low": effect.low, "high": effect.high}
