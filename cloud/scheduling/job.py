"""What a job is: a name, a trigger and what it does on each occasion."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cloud.db import Connection
from cloud.db.retry import Source
from cloud.scheduling.domain import Trigger


class Finish(Protocol):
    """Completes a slot inside the transaction that holds its effect."""

    def __call__(self, conn: Connection, outcome: Mapping[str, Any]) -> None:
        """Mark the slot done.

        Args:
            conn: In the transaction with the effect.
            outcome: What came of it, as JSON.

        Raises:
            LostClaimError: If another scheduler has taken the slot over: the effect must not be committed.
        """


@dataclass(frozen=True, slots=True)
class Occasion:
    """One run of a job: what it is given."""

    source: Source
    now: datetime
    slot: datetime | None
    """None for a loop."""
    finish: Finish | None = None
    """A job with one transaction finishes its slot inside it; one that is idempotent by slot need not."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something that runs by itself."""

    name: str
    """Stable; with its zone, where it runs once per zone: ``forecast/Europe/Madrid``."""
    trigger: Trigger
    run: Callable[[Occasion], Mapping[str, Any]]
    after: str | None = None
    """A job whose slot of the same instant must be over first."""
    is_heavy: bool = False
    """Whether it runs in a process of its own, which takes its memory away when it ends."""
