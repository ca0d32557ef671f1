"""A ledger that was restored, and one that comes back after another had replaced it (FAULTS F23)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.outbox.draft import Draft
from edge_agent.outbox.errors import UnknownLedgerError
from edge_agent.outbox.inspect import inspect
from edge_agent.outbox.outbox import Outbox
from tests.integration.edge.conftest import ack, drained

OpenOutbox = Callable[..., Outbox]
Event = Callable[..., Draft]


def test_a_restored_ledger_gets_acknowledged_batches_again(open_outbox: OpenOutbox, event: Event) -> None:
    outbox = open_outbox()
    outbox.append([event(number) for number in range(1, 1001)])
    batches = drained(outbox)
    outbox.acknowledge(ack(batches[-1], position=77))
    assert drained(outbox) == []
    outcome = outbox.acknowledge(ack(batches[0], position=3, ledger_id="restored"))
    assert outcome.sent_again == 2
    assert [each.body for each in drained(outbox)] == [batches[1].body]
    late = outbox.acknowledge(ack(batches[1], position=78))
    assert late.ignored == "ack_from_former_ledger"


def test_a_ledger_that_was_replaced_is_followed_again_only_when_a_person_says_so(
    open_outbox: OpenOutbox, event: Event, tmp_path: Path
) -> None:
    outbox = open_outbox()
    outbox.append([event(number) for number in range(1, 501)])
    (first,) = drained(outbox)
    outbox.acknowledge(ack(first, position=77))
    assert outbox.meet_ledger("replica") == 1
    outbox.acknowledge(ack(first, position=50, ledger_id="replica"))
    outbox.append([event(501)])
    (second,) = drained(outbox)
    assert outbox.meet_ledger("ledger-1") == 0
    assert outbox.stats().counters["former_ledger_announced"] == 1
    assert outbox.acknowledge(ack(second, position=78)).ignored == "ack_from_former_ledger"
    with pytest.raises(UnknownLedgerError, match="expected one of: ledger-1, replica"):
        outbox.accept_ledger("ledger-2")
    assert outbox.stats().unacked_batches == 1
    assert outbox.accept_ledger("ledger-1") == 1
    assert outbox.accept_ledger("ledger-1") == 0
    assert drained(outbox) == [first, second]
    assert outbox.acknowledge(ack(second, position=78)).acknowledged == 2
    assert outbox.acknowledge(ack(first, position=99, ledger_id="replica")).acknowledged == 0
    seen = inspect(tmp_path / "outbox.db")
    assert (seen.ledger_id, seen.former_ledgers) == ("ledger-1", ("replica",))
