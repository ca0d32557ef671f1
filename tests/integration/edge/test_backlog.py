"""P1: rows that waited when the link returns are a backlog of an epoch of their own, and no others are."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from contracts.batch import BATCH, Batch
from contracts.records import WorkflowEvent
from edge_agent.clock import Clock
from edge_agent.outbox.domain import Lane, SealedBatch
from edge_agent.outbox.draft import Draft, draft
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from tests.integration.edge.conftest import HandClock, drained

OpenOutbox = Callable[..., Outbox]
Event = Callable[..., Draft]


def parsed(batch: SealedBatch) -> Batch:
    return BATCH.validate_json(batch.body)


def test_a_long_outage_splits_the_epoch_and_live_rows_do_not_wait(
    open_outbox: OpenOutbox, event: Event, hands: HandClock
) -> None:
    outbox = open_outbox()
    outbox.append([event(number) for number in range(1, 701)])
    assert not outbox.split_backlog(timedelta(seconds=60))
    hands.advance(61)
    assert outbox.split_backlog(timedelta(seconds=60))
    outbox.append([event(number) for number in range(701, 711)])
    (live,) = drained(outbox, Lane.LIVE)
    assert [each.device for each in parsed(live).records] == [str(number) for number in range(701, 711)]
    backlog = drained(outbox, Lane.BACKLOG)
    assert [parsed(each).final for each in backlog] == [False, True]
    devices = [each.device for batch in backlog for each in parsed(batch).records]
    assert devices == [str(number) for number in range(1, 701)]
    assert not parsed(live).final


def test_live_rows_are_not_taken_for_the_backlog_that_still_drains_beside_them(
    open_outbox: OpenOutbox, event: Event, hands: HandClock
) -> None:
    outbox = open_outbox()
    outbox.append([event(number) for number in range(600)])
    hands.advance(100)
    assert outbox.split_backlog(timedelta(seconds=60))
    outbox.append([event(600)])
    assert not outbox.split_backlog(timedelta(seconds=60)), "the link came and went, the row is new"
    (live,) = drained(outbox, Lane.LIVE)
    assert live.rows == 1
    hands.advance(61)
    outbox.append([event(601)])
    assert not outbox.split_backlog(timedelta(seconds=60)), "what is sealed waits no longer"
    hands.advance(61)
    assert outbox.split_backlog(timedelta(seconds=60))


def test_without_a_clock_that_is_believed_only_rows_that_waited_are_a_backlog(
    tmp_path: Path, hands: HandClock
) -> None:
    options = OutboxOptions(tmp_path / "outbox.db", "leeds", "gw-1", "test", ballast_bytes=65536)

    def unset() -> Clock:
        return Clock(
            wall_ns=lambda: hands.wall,
            mono_ns=lambda: hands.mono,
            boot_id=hands.boot_id,
            is_synchronised=lambda: False,
        )

    def split_at_a_restart(*, scans: bool) -> bool:
        with closing(Outbox(options, unset())) as outbox:
            if scans:
                outbox.append([draft(WorkflowEvent, unset().now(), workflow="w", step="s", device="d")])
            return outbox.split_backlog(timedelta(seconds=60))

    assert not split_at_a_restart(scans=True), "the row is new, whatever the time of day is"
    hands.advance(59)
    assert not split_at_a_restart(scans=True)
    hands.wall -= 40 * 365 * 86_400 * 10**9
    hands.mono += 2 * 10**9
    assert split_at_a_restart(scans=False), "the first row waited 61 s"
    assert not split_at_a_restart(scans=True)
    hands.boot_id, hands.mono = "boot-b", 10**9
    assert split_at_a_restart(scans=False), "nobody knows how long the machine was off"
    assert not split_at_a_restart(scans=True), "and once it was told apart, it is not again"
