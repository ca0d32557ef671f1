"""A simulated gateway lets go only of what the ledger itself has answered for."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.feedback import Ack, BatchAck, StoredAs
from simulators.warehouse.gateways import SealedBatch
from simulators.warehouse.scenario import Crew, Scenario
from simulators.warehouse.window import RESEND_AFTER_NS, Window

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def batches() -> list[SealedBatch]:
    scenario = Scenario.plausible(
        Crew(gateways=1, sites=1, seed=3), count=400, start_at=NOW, end_at=NOW + timedelta(hours=1)
    )
    (sealer,) = scenario.sealers().values()
    return list(sealer.seal_all())


@pytest.fixture
def window(batches: list[SealedBatch]) -> Window:
    window = Window(limit=3)
    for batch in batches[:3]:
        window.sent(batch, 0)
    return window


def ack(batch: SealedBatch, *, position: int = 1, extra: tuple[BatchAck, ...] = ()) -> Ack:
    return Ack(
        ledger_id="l",
        gateway=batch.identity.gateway,
        epoch=batch.identity.epoch,
        position=position,
        contiguous_no=batch.range.batch_no,
        contiguous_sha256=batch.sealed.sha256,
        extra=extra,
    )


def test_a_full_window_has_room_again_after_an_answer(window: Window, batches: list[SealedBatch]) -> None:
    assert not window.has_room
    assert window.answered(ack(batches[1])) == batches[:2]
    assert window.has_room
    assert window.acknowledged_rows == 200


def test_unanswered_batches_are_sent_again_after_three_seconds_and_not_before(
    window: Window, batches: list[SealedBatch]
) -> None:
    assert window.overdue(RESEND_AFTER_NS - 1) == []
    assert window.overdue(RESEND_AFTER_NS) == batches[:3]
    assert window.overdue(RESEND_AFTER_NS + 1) == []
    assert window.resent == 3


def test_an_answer_with_another_hash_is_ignored(window: Window, batches: list[SealedBatch]) -> None:
    foreign = ack(batches[1]).model_copy(update={"contiguous_sha256": "f" * 64})
    assert window.answered(foreign) == []
    assert not window.has_room


def test_an_answer_from_a_lower_position_is_ignored(window: Window, batches: list[SealedBatch]) -> None:
    window.answered(ack(batches[0], position=5))
    assert window.answered(ack(batches[2], position=4)) == []


def test_a_batch_beyond_a_hole_is_let_go_when_named(window: Window, batches: list[SealedBatch]) -> None:
    beyond = BatchAck(batch_no=3, sha256=batches[2].sealed.sha256, status=StoredAs.STORED)
    assert window.answered(ack(batches[0], extra=(beyond,))) == [batches[0], batches[2]]


def test_a_fork_is_reported_and_not_sent_again(window: Window, batches: list[SealedBatch]) -> None:
    fork = BatchAck(batch_no=2, sha256=batches[1].sealed.sha256, status=StoredAs.CONFLICT)
    window.answered(ack(batches[0], extra=(fork,)))
    assert window.conflicts == [2]
    assert batches[1] not in window.overdue(10 * RESEND_AFTER_NS)


def test_a_fork_within_the_contiguous_part_stays_a_fork(window: Window, batches: list[SealedBatch]) -> None:
    fork = BatchAck(batch_no=2, sha256=batches[1].sealed.sha256, status=StoredAs.CONFLICT)
    assert window.answered(ack(batches[2], extra=(fork,))) == [batches[0], batches[2]]
    assert window.conflicts == [2]
