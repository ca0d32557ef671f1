"""What a workflow hands to the outbox: a valid record with its times, still without an identity."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from contracts.records import Record
from edge_agent.clock import Stamp

NOT_NUMBERED: Final = 1
"""Stands in ``record.seq`` until the outbox gives the real one; it is never stored and never sent."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record that has content and times; the outbox adds gateway, epoch and seq when it stores it."""

    record: Record
    is_sample: bool = False
    """A raw-read sample: shed first when space runs short. Everything else is never shed."""

    def encode(self) -> bytes:
        """Write the record as it is stored, all but its ``seq``.

        Returns:
            A compact JSON object that begins with ``kind``.
        """
        fields = self.record.model_dump(mode="json", exclude_defaults=True, by_alias=True, exclude={"seq"})
        return orjson.dumps({"kind": self.record.kind} | fields)


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
        body: A result of ``Draft.encode``.
        seq: The row's number within its epoch, from 1.

    Returns:
        The record as it stands in a sealed batch.
    """
    return b'{"seq":%d,' % seq + body[1:]
