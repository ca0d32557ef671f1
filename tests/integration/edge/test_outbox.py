from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Thread
from time import monotonic, sleep

import pytest

from contracts.base import NO_PREDECESSOR
from contracts.batch import BATCH, MAX_ROWS, MAX_SEALED_BYTES, Batch
from contracts.feedback import BatchAck, Resend, StoredAs
from edge_agent.outbox.domain import Lane, SealedBatch
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.errors import (
    OutboxClosedError,
    OutboxFullError,
    OutboxInUseError,
    RecordTooLargeError,
    WrongGatewayError,
)
from edge_agent.outbox.outbox import Outbox
from tests.integration.edge.conftest import HandClock, ack, drained
from tests.patience import PATIENCE_S

OpenOutbox = Callable[..., Outbox]
Event = Callable[..., Draft]


def parsed(batch: SealedBatch) -> Batch:
    return BATCH.validate_json(batch.body)


def test_rows_are_numbered_without_gaps_and_survive_a_restart(open_outbox: OpenOutbox, event: Event) -> None:
    outbox = open_outbox()
    first = outbox.append([event(1), event(2)])
    outbox.close()
    outbox = open_outbox()
    second = outbox.append([event(3)])
    assert (first.first_seq, first.count, second.first_seq) == (1, 2, 3)
    assert second.epoch == first.epoch
    (batch,) = drained(outbox)
    assert [(each.seq, each.device) for each in parsed(batch).records] == [(1, "1"), (2, "2"), (3, "3")]


def test_batches_are_consecutive_chained_and_never_encoded_again(
    open_outbox: OpenOutbox, event: Event
) -> None:
    outbox = open_outbox()
    outbox.append([event(number) for number in range(1, 1201)])
    batches = drained(outbox)
    assert [each.rows for each in batches] == [MAX_ROWS, MAX_ROWS, 200]
    assert [each.batch_no for each in batches] == [1, 2, 3]
    headers = [parsed(each) for each in batches]
    assert [each.prev_sha256 for each in headers] == [NO_PREDECESSOR, batches[0].sha256, batches[1].sha256]
    assert all(sha256(each.body).hexdigest() == each.sha256 for each in batches)
    outbox.close()
    assert drained(open_outbox()) == batches


def test_a_batch_of_large_rows_stays_below_its_limit_in_bytes(open_outbox: OpenOutbox, event: Event) -> None:
    outbox = open_outbox()
    outbox.append([event(number, note="n" * 490) for number in range(1, 501)])
    batches = drained(outbox)
    assert sum(each.rows for each in batches) == 500
    assert len(batches) > 1
    assert all(len(each.body) <= MAX_SEALED_BYTES for each in batches)


def test_many_threads_share_commits_and_nobody_loses_a_row(open_outbox: OpenOutbox, event: Event) -> None:
    outbox = open_outbox()
    drafts = [[event(thread * 1000 + number) for number in range(25)] for thread in range(8)]
    seqs: list[int] = []

    def work(mine: list[Draft]) -> None:
        seqs.extend(outbox.append([each]).first_seq for each in mine)

    threads = [Thread(target=work, args=(mine,), name=f"appender-{n}") for n, mine in enumerate(drafts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seqs) == list(range(1, 201))
    devices = [each.device for batch in drained(outbox) for each in parsed(batch).records]
    assert sorted(devices) == sorted(each.record.device for mine in drafts for each in mine)


def test_only_an_ack_that_names_our_own_bytes_acknowledges(open_outbox: OpenOutbox, event: Event) -> None:
    outbox = open_outbox()
    outbox.append([event(1)])
    (batch,) = drained(outbox)
    other = outbox.acknowledge(ack(batch, contiguous_sha256="f" * 64))
    assert (other.acknowledged, other.ignored) == (0, "ack_of_other_content")
    assert outbox.stats().unacked_batches == 1
    assert outbox.acknowledge(ack(batch, position=2)).acknowledged == 1
    assert outbox.stats().unacked_rows == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"gateway": "gw-2"}, "ack_for_other_gateway"),
        ({"epoch": "0" * 16}, "ack_for_unknown_epoch"),
        ({"position": 4}, "ack_is_older"),
        ({"contiguous_no": 9}, "ack_of_other_content"),
    ],
)
def test_acks_that_are_not_for_us_or_not_news_change_nothing(
    open_outbox: OpenOutbox, event: Event, change: dict[str, object], reason: str
) -> None:
    outbox = open_outbox()
    outbox.append([event(1)])
    (batch,) = drained(outbox)
    nothing_yet = {"contiguous_no": 0, "contiguous_sha256": NO_PREDECESSOR}
    outbox.acknowledge(ack(batch, position=5, **nothing_yet))
    outcome = outbox.acknowledge(ack(batch, **{"position": 6} | change))
    assert (outcome.acknowledged, outcome.ignored) == (0, reason)
    assert outbox.stats().unacked_batches == 1


def test_batches_beyond_a_hole_are_acknowledged_one_by_one(open_outbox: OpenOutbox, event: Event) -> None:
    outbox = open_outbox()
    outbox.append([event(number) for number in range(1, 1201)])
    first, second, third = drained(outbox)
    beyond = BatchAck(batch_no=third.batch_no, sha256=third.sha256, status=StoredAs.PARTLY_QUARANTINED)
    outcome = outbox.acknowledge(ack(first, extra=(beyond,)))
    assert outcome.acknowledged == 2
    assert drained(outbox) == [second]


def test_the_ledger_may_ask_once_for_a_stretch_of_batches(open_outbox: OpenOutbox, event: Event) -> None:
    outbox = open_outbox()
    outbox.append([event(number) for number in range(1, 1201)])
    batches = drained(outbox)
    wish = Resend(epoch=batches[0].epoch, from_batch_no=1, to_batch_no=2)
    asking = ack(batches[2], resend=(wish,))
    assert outbox.acknowledge(asking).sent_again == 2
    assert drained(outbox) == batches[:2]
    outbox.acknowledge(ack(batches[2], position=2))
    assert outbox.acknowledge(asking).ignored == "ack_is_older"
    assert drained(outbox) == []
    again = ack(batches[2], position=3, resend=(wish,))
    assert outbox.acknowledge(again).sent_again == 2, "asked for anew"


def test_what_waited_at_the_broker_counts_although_newer_acks_came_another_way(
    open_outbox: OpenOutbox, event: Event
) -> None:
    outbox = open_outbox()
    outbox.append([event(number) for number in range(1, 1201)])
    first, second, third = drained(outbox)
    twin = BatchAck(batch_no=third.batch_no, sha256=third.sha256, status=StoredAs.CONFLICT)
    outbox.acknowledge(ack(second, position=9, extra=(twin,)))
    assert outbox.stats().conflict_batches == 1
    settled = twin.model_copy(update={"status": StoredAs.PARTLY_QUARANTINED})
    assert outbox.acknowledge(ack(first, position=5, extra=(settled,))).acknowledged == 1
    wish = Resend(epoch=first.epoch, from_batch_no=1, to_batch_no=1)
    asking = ack(second, position=6, resend=(wish,))
    assert outbox.acknowledge(asking).sent_again == 1
    assert drained(outbox, Lane.BACKLOG) == [first]
    assert outbox.acknowledge(asking).ignored == "ack_is_older", "answered once"
    assert outbox.acknowledge(ack(first, position=8)).ignored == "ack_is_older", (
        "the position did not go back"
    )


def test_a_refused_branch_is_kept_and_new_rows_go_on_in_another_epoch(
    open_outbox: OpenOutbox, event: Event
) -> None:
    outbox = open_outbox()
    outbox.append([event(1)])
    (batch,) = drained(outbox)
    refused = BatchAck(batch_no=1, sha256=batch.sha256, status=StoredAs.CONFLICT)
    outcome = outbox.acknowledge(ack(batch, contiguous_no=1, contiguous_sha256="a" * 64, extra=(refused,)))
    assert (outcome.acknowledged, outcome.conflicts) == (0, 1)
    assert outbox.stats().conflict_batches == 1
    stored = outbox.append([event(2)])
    assert stored.epoch != batch.epoch
    assert stored.first_seq == 1
    assert [each.epoch for each in drained(outbox)] == [stored.epoch]


def test_a_refused_branch_goes_out_once_more_after_a_restart_or_when_asked_about_and_goes_when_settled(
    open_outbox: OpenOutbox, event: Event
) -> None:
    outbox = open_outbox()
    outbox.append([event(1)])
    (batch,) = drained(outbox)
    theirs = {"contiguous_no": 1, "contiguous_sha256": "a" * 64}
    refused = BatchAck(batch_no=1, sha256=batch.sha256, status=StoredAs.CONFLICT)
    outbox.acknowledge(ack(batch, **theirs, extra=(refused,)))
    assert drained(outbox, Lane.BACKLOG) == []
    outbox.close()
    outbox = open_outbox()
    assert [each.body for each in drained(outbox, Lane.BACKLOG)] == [batch.body]
    assert outbox.acknowledge(ack(batch, **theirs, extra=(refused,))).conflicts == 1
    assert drained(outbox, Lane.BACKLOG) == []
    assert outbox.ask_about_conflicts() == 1
    assert [each.body for each in drained(outbox, Lane.BACKLOG)] == [batch.body]
    assert outbox.acknowledge(ack(batch, **theirs, extra=(refused,))).conflicts == 1
    settled = BatchAck(batch_no=1, sha256=batch.sha256, status=StoredAs.PARTLY_QUARANTINED)
    assert outbox.acknowledge(ack(batch, **theirs, extra=(settled,))).acknowledged == 1
    assert outbox.stats().conflict_batches == 0


def test_completeness_is_claimed_only_behind_rows_that_wait(
    open_outbox: OpenOutbox, event: Event, hands: HandClock
) -> None:
    outbox = open_outbox()
    outbox.append([event(number) for number in range(MAX_ROWS)])
    hands.advance(10)
    waiting = event(500)
    outbox.append([waiting])
    hands.advance(10)
    first, second = drained(outbox)
    assert parsed(first).complete_until == waiting.record.occurred_at_claimed
    now = datetime.fromtimestamp(hands.wall / 1e9, UTC)
    assert now - parsed(second).complete_until == timedelta(seconds=1)


def test_live_rows_claim_nothing_while_an_epoch_the_ledger_never_heard_of_is_owed(
    open_outbox: OpenOutbox, event: Event, hands: HandClock
) -> None:
    outbox = open_outbox()
    outbox.append([event(1)])
    (told,) = drained(outbox)
    outbox.acknowledge(ack(told))
    outbox.append([event(number) for number in range(2, 5)])
    hands.advance(61)
    assert outbox.split_backlog(timedelta(seconds=60))
    outbox.append([event(5)])
    (live,) = drained(outbox, Lane.LIVE)
    assert parsed(live).complete_until == parsed(told).complete_until
    assert outbox.stats().complete_until == parsed(told).complete_until
    (backlog,) = drained(outbox, Lane.BACKLOG)
    assert parsed(backlog).complete_until == parsed(told).complete_until
    outbox.acknowledge(ack(backlog, position=2))
    outbox.acknowledge(ack(live, position=3))
    now = datetime.fromtimestamp(hands.wall / 1e9, UTC)
    assert now - outbox.stats().complete_until == timedelta(seconds=1)


def test_an_epoch_claims_from_the_start_only_what_the_ledger_acknowledged_of_the_one_before(
    open_outbox: OpenOutbox, event: Event, hands: HandClock
) -> None:
    outbox = open_outbox()
    outbox.append([event(1)])
    (known,) = drained(outbox)
    outbox.acknowledge(ack(known))
    hands.advance(10)
    outbox.append([event(2)])
    (lost,) = drained(outbox)
    assert parsed(lost).complete_until > parsed(known).complete_until
    outbox.append([event(3)])
    hands.advance(61)
    assert outbox.split_backlog(timedelta(seconds=60))
    assert outbox.stats().complete_until == parsed(known).complete_until


def test_an_epoch_that_goes_out_again_is_ended_by_a_final_batch(
    open_outbox: OpenOutbox, event: Event
) -> None:
    outbox = open_outbox()
    batches = []
    for number in range(20):
        outbox.append([event(number)])
        batches = drained(outbox)
    outbox.acknowledge(ack(batches[-1]))
    assert outbox.meet_ledger("ledger-1") == 0
    assert outbox.meet_ledger("restored") == 20
    again = drained(outbox, Lane.BACKLOG)
    assert [each.body for each in again[:20]] == [each.body for each in batches]
    assert [parsed(each).final for each in again[19:]] == [False, True]
    assert outbox.append([event(20)]).epoch != batches[0].epoch
    assert outbox.meet_ledger("restored") == 0


def test_completeness_stands_still_while_the_clock_is_not_believed(
    open_outbox: OpenOutbox, event: Event, hands: HandClock
) -> None:
    outbox = open_outbox()
    outbox.append([event(1)])
    (first,) = drained(outbox)
    hands.wall += 10 * 365 * 86_400 * 10**9
    outbox.append([event(2)])
    second = drained(outbox)[-1]
    assert parsed(second).complete_until == parsed(first).complete_until
    assert outbox.stats().complete_until == parsed(first).complete_until


def test_a_full_quota_refuses_loudly_sheds_samples_first_and_recovers_by_itself(
    open_outbox: OpenOutbox, event: Event
) -> None:
    outbox = open_outbox(quota_bytes=600_000)
    number, shed = 0, 0
    while not outbox.is_full:
        outbox.append([event(number, note="n" * 400)])
        shed += outbox.append([event(number, note="s" * 400, is_sample=True)]).shed
        number += 1
    with pytest.raises(OutboxFullError, match=r"refuses new rows: the quota is used up \(\d+ of 600000"):
        outbox.append([event(number)])
    assert shed > 0
    batches = drained(outbox)
    devices = {each.device for batch in batches for each in parsed(batch).records if each.note[0] == "n"}
    assert devices == {str(each) for each in range(number)}
    outbox.acknowledge(ack(batches[-1]))
    wait_for(lambda: not outbox.is_full)
    assert outbox.append([event(number)]).count == 1
    assert outbox.stats().counters["rows_refused_full"] >= 1


def test_a_record_that_could_never_be_sent_is_refused_before_it_is_stored(
    open_outbox: OpenOutbox, event: Event
) -> None:
    outbox = open_outbox()
    documents = tuple({"type": "t" * 100, "id": "d" * 100} for _ in range(700))
    with pytest.raises(RecordTooLargeError, match=r"a workflow_event record takes 1[0-9]{5} bytes"):
        outbox.append([event(1), event(2, documents=documents)])
    assert outbox.stats().unacked_rows == 0


@pytest.mark.parametrize("bad", ["", "gw 1", "gw/1", "gw+1", "#", "g" * 65, "gäteway"])
def test_an_id_that_cannot_stand_in_a_topic_never_gets_an_outbox(open_outbox: OpenOutbox, bad: str) -> None:
    with pytest.raises(ValueError, match=r"gateway id .* is not valid: expected 1-64 of A-Z"):
        open_outbox(gateway=bad)


def test_one_process_at_a_time_and_one_gateway_per_file(open_outbox: OpenOutbox, event: Event) -> None:
    outbox = open_outbox()
    with pytest.raises(OutboxInUseError, match=r"is open in another process"):
        open_outbox()
    outbox.append([event(1)])
    outbox.close()
    with pytest.raises(OutboxClosedError):
        outbox.append([event(2)])
    with pytest.raises(WrongGatewayError, match="belongs to gateway 'gw-1' of site 'leeds'"):
        open_outbox(gateway="gw-2")


def test_acknowledged_batches_are_kept_for_their_retention_only(
    open_outbox: OpenOutbox, event: Event, hands: HandClock
) -> None:
    outbox = open_outbox(retention=timedelta(days=30))
    outbox.append([event(1)])
    (batch,) = drained(outbox)
    outbox.acknowledge(ack(batch))
    hands.advance(29 * 86_400)
    assert outbox._writer.call(outbox._keeper._forget_old) is None
    assert kept(outbox) == 1
    hands.advance(2 * 86_400)
    outbox._writer.call(outbox._keeper._forget_old)
    assert kept(outbox) == 0


def kept(outbox: Outbox) -> int:
    totals = outbox._writer.call(lambda: outbox._keeper.book.store.rows("count_by_state"))
    return sum(batches for _, batches, _, _ in totals)


def wait_for(is_so: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    deadline = monotonic() + timeout_s
    while not is_so():
        assert monotonic() < deadline
        sleep(0.02)
