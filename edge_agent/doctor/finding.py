"""What a doctor says: one thing that was looked at, how it is, and what to do."""

from dataclasses import dataclass
from typing import Literal

Weight = Literal["problem", "note", "well"]
"""A problem keeps something from working; a note says what cannot be expected; well is what was looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing somebody should know."""

    weight: Weight
    subject: str
    """``broker``, ``reader r1``: what it is about."""
    text: str
    advice: str = ""
    """What to do; empty where there is nothing to do."""


def problem(subject: str, text: str, advice: str) -> Finding:
    """Say that something does not work.

    Args:
        subject: What.
        text: How it shows, with figures.
        advice: What to do.

    Returns:
        The finding.
    """
    return Finding("problem", subject, text, advice)


def note(subject: str, text: str, advice: str = "") -> Finding:
    """Say what cannot be expected.

    Args:
        subject: Of what.
        text: What.
        advice: What to do, if one minds.

    Returns:
        The finding.
    """
    return Finding("note", subject, text, advice)


def well(subject: str, text: str) -> Finding:
    """Say what was looked at and is as it should be.

    Args:
        subject: What.
        text: With figures.

    Returns:
        The finding.
    """
    return Finding("well", subject, text)
