"""What forecasting's commands share: who gives them; what they did is committed before it is told."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cloud import shell
from cloud.decisions.domain import DecisionError
from cloud.demand.domain import DemandError
from cloud.events.domain import EventError
from cloud.forecasting.domain import ForecastError
from cloud.identity.actor import Actor, NotAllowedError, Role

if TYPE_CHECKING:
    from cloud.shell import Lines, Run, Subparsers

SHELL: Final = Actor("system:shell", frozenset({Role.PLANNER}), all_sites=True)
"""Whoever can read the database's password may plan; the record says it was done here, and somebody else
approves what needs it."""

REFUSALS: Final = (ForecastError, DecisionError, DemandError, EventError, NotAllowedError)
"""Errors whose words are the answer."""


def command(group: "Subparsers", name: str, summary: str, work: "Lines") -> argparse.ArgumentParser:
    """Add a command.

    Args:
        group: What the commands are collected in.
        name: Of the command.
        summary: What it does.
        work: Does it.

    Returns:
        Its parser, for further arguments.
    """
    return shell.command(group, name, summary, told(work))


def told(work: "Lines") -> "Run":
    """Make a command of work that is done in one transaction.

    Args:
        work: Does it; may run again if others are in its way.

    Returns:
        What runs it, prints its lines once it is committed, and gives the exit code.
    """
    return shell.told(work, *REFUSALS)


def reporting(work: Callable[[], object]) -> int:
    """Do something, and say on standard error what is wrong with it.

    Args:
        work: What to do.

    Returns:
        The exit code: 0 if it was done.
    """
    return shell.reporting(work, *REFUSALS)
