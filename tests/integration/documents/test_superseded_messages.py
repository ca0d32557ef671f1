"""Messages to gateways are forgotten once newer ones have taken their place; what is needed still is kept."""

import pytest

from cloud.documents.assignments import follow_time
from cloud.documents.domain import OVERDUE
from cloud.ingest.workers import store
from tests.integration.documents.dock import Dock
from tests.integration.ledger.scenario import at


def publish(dock: Dock) -> None:
    """Publish whatever waits, as ingest does."""

    def work(conn: object) -> None:
        found = store.due_messages(conn, sites=["leeds"])
        store.mark_published(conn, [message.message_id for message in found])

    dock.ledger.as_ingest(work)


def kept(dock: Dock, channel: str = "assignment") -> list[tuple[int, bool]]:
    return dock.ledger.query(
        "SELECT revision, published_at IS NOT NULL FROM gateway_message WHERE channel = %s ORDER BY 1",
        channel,
    )


def test_of_a_doors_visits_the_newest_that_was_published_stays_and_what_waits(dock: Dock) -> None:
    for number in range(4):
        dock.expect(f"V-{number}")
        publish(dock)
    assert [is_published for _, is_published in kept(dock)] == [True, True]
    newest = kept(dock)[-1][0]
    dock.expect("V-5")
    dock.expect("V-6")
    (last, was_published), *waiting = kept(dock)
    assert (last, was_published) == (newest, True), (
        "until a newer one is with the broker, this one is what it has"
    )
    assert [is_published for _, is_published in waiting] == [False, False]
    assert [revision for revision, _ in waiting] == sorted({revision for revision, _ in waiting})
    assert all(revision > newest for revision, _ in waiting)
    ends = at(120) + OVERDUE
    publish(dock)
    dock.ledger.as_ingest(lambda conn: follow_time(conn, sent_by="job:ingest", now=ends + OVERDUE))
    assert [is_published for _, is_published in kept(dock)] == [True, False], "whoever sends, ingest too"
    assert dock.assignments()[-1].visits == ()


@pytest.mark.parametrize(
    ("channel", "stays"),
    [("task", 2), ("certificate", 2), ("reference", 2)]
    + [(each, 5) for each in ("config/desired", "resend")],
)
def test_channels_without_a_newest_message_keep_all(dock: Dock, channel: str, stays: int) -> None:
    for revision in range(1, 6):
        dock.ledger.query(
            "INSERT INTO gateway_message (gateway_id, channel, revision, payload, created_by)"
            " SELECT gateway_id, %s, %s, '{}', 'test' FROM gateway WHERE name = 'gw-1' RETURNING 1",
            channel,
            revision,
        )
        publish(dock)
    assert [revision for revision, _ in kept(dock, channel)] == list(range(6 - stays, 6))
