"""Outboxes on real files, with a clock that tests move by hand."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contracts.feedback import Ack
from contracts.records import WorkflowEvent
from edge_agent.clock import Clock
from edge_agent.outbox.domain import Cursor, Lane, SealedBatch
from edge_agent.outbox.draft import Draft, draft
from edge_agent.outbox.outbox import Outbox, OutboxOptions

START_NS = 1_790_000_000_000_000_000


@dataclass
class HandClock:
    """Both clocks of a machine, moved by hand."""

    wall: int = START_NS
    mono: int = 5_000_000_000
    boot_id: str = "boot-a"

    def advance(self, seconds: float) -> None:
        self.wall += int(seconds * 1e9)
        self.mono += int(seconds * 1e9)

    def make(self) -> Clock:
        return Clock(
            wall_ns=lambda: self.wall,
            mono_ns=lambda: self.mono,
            boot_id=self.boot_id,
            is_synchronised=lambda: True,
        )


@pytest.fixture
def hands() -> HandClock:
    return HandClock()


@pytest.fixture
def open_outbox(tmp_path: Path, hands: HandClock) -> Iterator[Callable[..., Outbox]]:
    with ExitStack() as stack:

        def open_one(name: str = "outbox.db", **options: Any) -> Outbox:
            arguments = {"site": "leeds", "gateway": "gw-1", "agent": "test", "ballast_bytes": 65536}
            outbox = Outbox(OutboxOptions(tmp_path / name, **arguments | options), hands.make())
            stack.callback(outbox.close)
            return outbox

        yield open_one


@pytest.fixture
def event(hands: HandClock) -> Callable[..., Draft]:
    """Make a draft whose ``device`` is a number, so that rows can be told apart."""
    clock = hands.make()

    def make(number: int, **fields: Any) -> Draft:
        is_sample = fields.pop("is_sample", False)
        given = {"workflow": "test", "step": "row", "device": str(number)} | fields
        return draft(WorkflowEvent, clock.now(), is_sample=is_sample, **given)

    return make


def drained(outbox: Outbox, lane: Lane = Lane.LIVE) -> list[SealedBatch]:
    """Take everything that a lane has to send."""
    found, cursor = [], Cursor()
    while (batch := outbox.next_batch(lane, cursor)) is not None:
        found.append(batch)
        cursor = batch.cursor
    return found


def ack(batch: SealedBatch, *, position: int = 1, ledger_id: str = "ledger-1", **fields: object) -> Ack:
    """Acknowledge up to a batch, or whatever the fields say."""
    values = {"contiguous_no": batch.batch_no, "contiguous_sha256": batch.sha256} | fields
    return Ack.model_validate(
        {"ledger_id": ledger_id, "gateway": "gw-1", "epoch": batch.epoch, "position": position} | values
    )
