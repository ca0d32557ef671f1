"""F3: the wall clock jumps while rows are stored and sent. Each is filed once, in order, in its second."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from contracts.batch import BATCH
from contracts.occurrence import effective_occurred_at
from contracts.records import Gap, Record
from contracts.vocabulary import GapCause
from edge_agent.clock import Clock
from edge_agent.coverage import Coverage
from edge_agent.outbox.domain import Cursor, Lane
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.outbox import Outbox
from tests.integration.edge.conftest import START_NS, HandClock, ack

STEPS = 10
SOAK_STEPS = 200
YEAR_S = 365 * 86_400
JUMPS = (3600, -3600, 10 * YEAR_S, -START_NS // 10**9, 90, -2, 0.3)
"""An hour either way, ten years on, back to 1970, NTP's steps, and jitter."""


@pytest.mark.parametrize(
    "steps", [STEPS, pytest.param(SOAK_STEPS, marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
)
def test_however_often_the_clock_steps_rows_keep_their_order_and_their_time(
    open_outbox: Callable[..., Outbox], event: Callable[..., Draft], hands: HandClock, steps: int
) -> None:
    chance = random.Random(steps)
    true_ns, number, cursor, position = hands.wall, 0, Cursor(), 0
    clock = Clock(
        wall_ns=lambda: hands.wall,
        mono_ns=lambda: hands.mono,
        boot_id=hands.boot_id,
        is_synchronised=lambda: (
            abs(hands.wall - true_ns) < 500_000_000
        ),  # whoever sets the clock tells the kernel
    )
    coverage, outbox = Coverage("gw-1"), open_outbox()
    clock.now()
    happened: list[datetime] = []
    filed: list[tuple[Record, datetime]] = []

    def pass_time(seconds: float) -> None:
        nonlocal true_ns
        hands.advance(seconds)
        true_ns += int(seconds * 1e9)

    def at(ns: int) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)

    def drain() -> None:
        nonlocal cursor, position
        while (batch := outbox.next_batch(Lane.LIVE, cursor)) is not None:
            cursor, position = batch.cursor, position + 1
            for record in BATCH.validate_json(batch.body).records:
                effective = effective_occurred_at(
                    claimed_at=record.occurred_at_claimed,
                    clock_ok=record.clock_ok,
                    mono_ns=record.mono_ns,
                    boot_id=record.boot_id,
                    sent_mono_ns=hands.mono,
                    sent_boot_id=hands.boot_id,
                    received_at=at(true_ns),
                )
                filed.append((record, effective.at))
            outbox.acknowledge(ack(batch, position=position))

    for _ in range(steps):
        hands.wall += int(chance.choice(JUMPS) * 1e9)
        for _ in range(chance.randint(1, 12)):
            pass_time(chance.uniform(0.05, 8))
            gaps = coverage.observe(clock.now(), is_open={}, is_full=False, clock_gaps=clock.take_gaps())
            row = stamped(event, clock, number)
            outbox.append([row, *gaps])
            happened.append(at(true_ns))
            number += 1
            if chance.random() < 0.4:
                drain()
        if chance.random() < 0.5:
            hands.wall = true_ns
        pass_time(chance.choice([5, 61]))
    drain()
    rows = [(record, filed_at) for record, filed_at in filed if not isinstance(record, Gap)]
    assert [record.device for record, _ in rows] == [str(each) for each in range(number)], (
        "none lost, in order"
    )
    assert all(after.seq > before.seq for (before, _), (after, _) in pairwise(filed))
    worst = max(abs(filed_at - true_at) for (_, filed_at), true_at in zip(rows, happened, strict=True))
    assert worst <= timedelta(seconds=1), f"a row was filed {worst} off"
    causes = {record.cause for record, _ in filed if isinstance(record, Gap)}
    assert causes == {GapCause.CLOCK}


def stamped(event: Callable[..., Draft], clock: Clock, number: int) -> Draft:
    made = event(number)
    now = clock.now()
    fields = {
        "occurred_at_claimed": now.at,
        "mono_ns": now.mono_ns,
        "boot_id": now.boot_id,
        "clock_ok": now.clock_ok,
    }
    return Draft(made.record.model_copy(update=fields))
