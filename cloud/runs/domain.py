"""Planning runs as values: who ran what on which inputs, and what came of it. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NewType

import orjson

from cloud.identity.actor import Role

RunId = NewType("RunId", int)

PLANNERS: Final = (Role.PLANNER, Role.BUYER, Role.INVENTORY_CONTROLLER)
"""Who may begin and finish a run."""
READERS: Final = tuple(sorted(frozenset(Role) - {Role.DEVICE}))
"""Who may look at runs."""


class RunError(Exception):
    """A run cannot be begun, finished or found; the message says which and why."""


class UnknownRunError(RunError):
    """There is no such run, or it is not within reach."""


class SlotDoneError(RunError):
    """The slot has its effective run already: what this one computed must not count too."""


class RunOverError(RunError):
    """The run is done or failed and stays as it is."""


class RunState(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """A planning run as it is stored."""

    run_id: RunId
    kind: str
    """What was computed: ``forecast``, ``replenishment`` …"""
    site: str | None
    """None: the whole network."""
    slot: datetime | None
    """Of the scheduler; None: a person asked for it."""
    started_by: str
    inputs_sha256: str
    """Of the inputs in canonical form; the same inputs give the same hash."""
    inputs: Mapping[str, Any]
    parameters: Mapping[str, Any]
    code_version: str
    as_of_position: int
    """Last position of the ledger when it began."""
    completeness: Mapping[str, Any]
    """By site: ``complete_until`` (None: not known), ``active_gateways``, ``offline_gateways``."""
    started_at: datetime
    finished_at: datetime | None
    outcome: Mapping[str, Any] | None
    error: str | None
    state: RunState

    @property
    def duration(self) -> timedelta | None:
        """How long it took; None while it runs."""
        return None if self.finished_at is None else self.finished_at - self.started_at

    @property
    def slot_is_done(self) -> str:
        """Say that the slot needs no further run."""
        where = "the network" if self.site is None else f"site {self.site!r}"
        return f"{self.kind} of {where} has its run of slot {self.slot:%Y-%m-%d %H:%M:%S} UTC already"


def canonical(value: Mapping[str, Any]) -> bytes:
    """Write inputs or parameters so that equal ones give equal bytes.

    Args:
        value: Of text, numbers, `Decimal`, `datetime`, `date`, lists and mappings by text.

    Returns:
        JSON with sorted keys; decimals as text without trailing zeros, times in UTC.

    Raises:
        TypeError: If it holds something else.

    Examples:
        >>> canonical({"b": Decimal("1.50"), "a": [1, None]})
        b'{"a":[1,null],"b":"1.5"}'
    """
    return orjson.dumps(
        value,
        default=_plain,
        option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATETIME,
    )


def sha256_of(value: Mapping[str, Any]) -> str:
    """Hash inputs in canonical form.

    Args:
        value: As `canonical` takes it.

    Returns:
        64 hexadecimal digits.

    Examples:
        >>> sha256_of({"a": 1, "b": 2}) == sha256_of({"b": 2, "a": 1})
        True
    """
    return hashlib.sha256(canonical(value)).hexdigest()


def _plain(value: object) -> str:
    match value:
        case Decimal() if value.is_finite():
            return f"{value.normalize():f}"
        case datetime() if value.tzinfo is not None:
            offset = value.utcoffset() or timedelta()
            return (value.replace(tzinfo=None) - offset).isoformat() + "Z"
        case date() if not isinstance(value, datetime):
            return value.isoformat()
    raise TypeError(f"{value!r}: expected a finite Decimal, an aware datetime or a date")
