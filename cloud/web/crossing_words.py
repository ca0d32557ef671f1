"""Why a door decided as it did, in words."""

from types import MappingProxyType
from typing import Final

from contracts.vocabulary import CrossingReason

_BECAUSE: Final = MappingProxyType(
    {
        CrossingReason.UNDECIDED: "the reads do not tell which way it went",
        CrossingReason.LOW_CONFIDENCE: "the door was not sure enough to post it",
        CrossingReason.CONTRADICTS_VISIT: "it went against the direction of the visit at the door",
        CrossingReason.NEIGHBOUR_PORTAL: "a neighbouring door saw it within the same minute",
        CrossingReason.NO_VISIT: "it crossed for sure, but no visit expects it",
        CrossingReason.SEVERAL_VISITS: "it crossed for sure, and several visits fit",
        CrossingReason.AMBIGUOUS_CONTENT: (
            "it may be loose or inside a unit, its label and what it holds tell different things, or only "
            "what it holds was heard"
        ),
        CrossingReason.STRAY: "it stood near the door and did not pass",
        CrossingReason.CONTAINED: "it moves with the unit that holds it",
        CrossingReason.CONFIRMS: "another source posts this; the crossing confirms it",
        CrossingReason.NOT_GOODS: "it is an asset, vehicle or place marker, not goods",
        CrossingReason.UNKNOWN_TAG: "nothing is known of this tag",
        CrossingReason.SHADOW: "the door only watches for now and posts nothing",
    }
)


def because(reason: str | None) -> str:
    """Say why a door posted nothing, or needs a person.

    Args:
        reason: What the gateway stated; a newer one may know more reasons than these.

    Returns:
        A clause; empty without a reason.

    Examples:
        >>> because("stray"), because("solar_flare"), because(None)
        ('it stood near the door and did not pass', 'solar flare', '')
    """
    if reason is None:
        return ""
    return _BECAUSE.get(reason, reason.replace("_", " "))  # type: ignore[call-overload,no-any-return]  # a text equals its word
