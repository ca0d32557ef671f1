"""What a workflow hands to the outbox: a valid record with its times, still without an identity."""

import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from contracts.records import Record
from edge_agent.clock import Stamp
from edge_agent.outbox.domain import to_us

NOT_NUMBERED: Final = 1
"""Stands in ``record.seq`` until the outbox gives the real one; it is never stored and never sent."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record that has content and times; the outbox adds gateway, epoch and seq when it stores it."""

    record: Record
    is_sample: bool = False
    """A raw-read sample: shed first when space runs short. Everything else is never shed."""
    body: bytes = field(init=False, repr=False, compare=False)
    """The record as compact JSON, all but its ``seq``: encoded once, by the thread that made it."""
    crc32: int = field(init=False, repr=False, compare=False)
    """Of ``body``, so that a damaged disk shows."""
    claimed_us: int = field(init=False, repr=False, compare=False)
    """The claimed time in microseconds since 1970; 0 where the clock was not believed."""

    def __post_init__(self) -> None:
        """Encode the record."""
        record = self.record
        fields = record.model_dump(mode="json", exclude_defaults=True, by_alias=True, exclude={"seq"})
        body = orjson.dumps({"kind": record.kind} | fields)
        object.__setattr__(self, "body", body)
        object.__setattr__(self, "crc32", zlib.crc32(body))
        believed_us = to_us(record.occurred_at_claimed) if record.clock_ok else 0
        object.__setattr__(self, "claimed_us", believed_us)


def draft(kind: type[Record], stamp: Stamp, *, is_sample: bool = False, **fields: Any) -> Draft:
    """Make a draft of something that happened at ``stamp``.

    Args:
        kind: ``Movement``, ``UnitPosition``, ``Crossing``, ``Count``, ``WorkflowEvent`` or ``Gap``.
        stamp: When it happened: the clock's reading at the scan, not at the end of the work on it.
        is_sample: Whether it may be shed when space runs short.
        **fields: The record's own fields, all but seq and times.

    Returns:
        The draft.

    Raises:
        pydantic.ValidationError: If the fields do not make a valid record.
    """
    record = kind(
        seq=NOT_NUMBERED,
        occurred_at_claimed=stamp.at,
        mono_ns=stamp.mono_ns,
        boot_id=stamp.boot_id,
        clock_ok=stamp.clock_ok,
        **fields,
    )
    return Draft(record, is_sample)


def number(body: bytes, seq: int) -> bytes:
    """Write the seq into an encoded draft.

    Args:
        body: The ``body`` of a draft.
        seq: The row's number within its epoch, from 1.

    Returns:
        The record as it stands in a sealed batch.
    """
    return b'{"seq":%d,' % seq + body[1:]


def waited(body: bytes, now: Stamp) -> timedelta:
    """Tell how long ago a row happened, even where nobody sets the wall clock.

    Args:
        body: The ``body`` of its draft.
        now: The clock's reading.

    Returns:
        By the boot's own clock for a row of this boot; else by the wall clock, if it was and is believed;
        else the longest time there is.
    """
    row = orjson.loads(body)
    if row["boot_id"] == now.boot_id:
        return timedelta(microseconds=(now.mono_ns - row["mono_ns"]) // 1000)
    if row["clock_ok"] and now.clock_ok:
        return now.at - datetime.fromisoformat(row["occurred_at_claimed"])
    return timedelta.max
