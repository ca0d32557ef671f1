"""The quality ladder of device profiles: the state of each rule in, the rung that they reach out; pure.

A rung holds only if its rules and those of the rungs below are done, or exempt for a reason. It is worked out
and never stated, so no profile can claim more than its rules say.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator

_STATE: Final = re.compile(r"done|todo|exempt: \S.{9,}")


class Rung(StrEnum):
    """How far a profile has been proven."""

    NONE = "none"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    PLATINUM = "platinum"


RULES: Final[Mapping[Rung, Mapping[str, str]]] = {
    Rung.BRONZE: {
        "from_manual": "written from the vendor's manual",
        "sheet": "each setting that a person must make stands in its sheet, with the reason",
        "simulated": "run against the simulator of its kind, with what that make refuses",
    },
    Rung.SILVER: {
        "real_bytes": "checked against what a device of the kind really sent",
        "faults": "every fault known of its protocol is run in the suite, and costs nothing else",
        "times": "reads have the true time, whatever the device's clock says",
    },
    Rung.GOLD: {
        "on_device": "run by us on the device",
        "replugged": "power and cable pulled twenty times on the device, and nothing lost",
        "full_day": "a day on the device without loss or leak",
    },
    Rung.PLATINUM: {
        "measured": "its answers compared with the truth: labelled walks, or ten thousand printed codes",
        "secured": "its connection encrypted, or a cable, and tried on the device",
    },
}
"""What each rung asks, by name."""

_NAMES: Final = tuple(name for rules in RULES.values() for name in rules)


def _is_whole(states: dict[str, str]) -> dict[str, str]:
    for name in states:
        if name not in _NAMES:
            raise ValueError(f"{name!r} is no rule: expected {', '.join(_NAMES)}")
    for name in _NAMES:
        state = states.get(name)
        if state is None:
            raise ValueError(f"rule {name!r} is missing: expected done, todo, or 'exempt: ' and a reason")
        if not _STATE.fullmatch(state):
            raise ValueError(f"{name} = {state!r}: expected done, todo, or 'exempt: ' and a reason")
    return states


Quality = Annotated[dict[str, str], AfterValidator(_is_whole)]
"""The state of every rule: ``done``, ``todo``, or ``exempt:`` with a reason."""


def rung_of(states: Mapping[str, str]) -> Rung:
    """Work out how high a profile stands.

    Args:
        states: Of every rule.

    Returns:
        The highest rung whose rules, and those below, are all done or exempt.
    """
    reached = Rung.NONE
    for rung, rules in RULES.items():
        if any(states[name] == "todo" for name in rules):
            break
        reached = rung
    return reached


def told(states: Mapping[str, str]) -> Iterator[str]:
    """Write the ladder for people.

    Args:
        states: Of every rule.

    Yields:
        A line per rule, from the lowest rung on.
    """
    for rung, rules in RULES.items():
        for name, text in rules.items():
            yield f"{rung:8}  {name:11}  {states[name]:4}  {text}"
