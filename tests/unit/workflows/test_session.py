"""A session answers a scan only after its commit; what was not stored did not happen."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from contracts.base import EpochId, GatewayId
from contracts.offline import Task
from contracts.records import Count, Record, RowRef
from edge_agent.clock import Clock
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.errors import OutboxFullError
from edge_agent.readers.framing import Frame
from edge_agent.readers.profile import load_profile
from edge_agent.workflows.engine import Engine
from edge_agent.workflows.errands import Errand
from edge_agent.workflows.session import Session
from edge_agent.workflows.site import WorkflowSettings

SITE = WorkflowSettings(
    item_pattern="[0-9]{5}",
    location_pattern="[A-Z]-[0-9]{2}",
    staging="STAGING",
    returns="RETURNS",
    badge_required=False,
)


DUE_AT = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass
class MemoryJournal:
    """A journal that forgets at the end of the test, and is full when told so."""

    is_full: bool = False
    records: list[Record] = field(default_factory=list)
    commits: int = 0
    states: dict[str, bytes] = field(default_factory=dict)

    def commit(self, device: str, state: bytes, drafts: Sequence[Draft]) -> Sequence[RowRef]:
        if self.is_full:
            raise OutboxFullError("no room")
        self.commits += 1
        self.states[device] = state
        self.records += [draft.record for draft in drafts]
        first_seq = len(self.records) - len(drafts) + 1
        epoch = EpochId("0" * 16)
        return [RowRef(gateway=GatewayId("gw"), epoch=epoch, seq=first_seq + n) for n in range(len(drafts))]

    def recall(self, device: str) -> bytes | None:
        return self.states.get(device)

    @property
    def kinds(self) -> Counter[str]:
        return Counter(record.kind for record in self.records)


class Scanner:
    """A session and what it sent to its scanner; each answer says how many commits it came after."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.tally: Counter[str] = Counter()
        self.journal = journal
        self.session = Session(
            Engine("scanner-1", SITE), load_profile("generic_terminal"), journal, Clock(), self.tally
        )
        self.answers: list[tuple[bytes, int]] = []
        self.session.connected(lambda data: self.answers.append((data, journal.commits)))

    def scan(self, *texts: str) -> list[tuple[bytes, int]]:
        before = len(self.answers)
        self.session.scanned([Frame(f"]C0{text}".encode()) for text in texts])
        return self.answers[before:]


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


def test_scans_that_arrive_together_share_a_commit_and_are_answered_after_it(journal: MemoryJournal) -> None:
    answers = Scanner(journal).scan("$SHIP/I-1", "$QTY/2", "85123", "71053")
    assert [data[:1] for data, _ in answers] == [b"\x05", b"\x05", b"\x06", b"\x06"]
    assert {commits for _, commits in answers} == {1}
    assert journal.kinds == {"workflow_event": 1, "movement": 2}


def test_a_step_that_makes_no_record_is_durable_before_it_is_answered(journal: MemoryJournal) -> None:
    Scanner(journal).scan("$SHIP/I-1")
    first = Scanner(journal)
    first.scan("$QTY/6")
    restarted = Scanner(journal)
    restarted.scan("85123")
    [movement] = [record for record in journal.records if record.kind == "movement"]
    assert movement.quantity_seen == 6


def test_what_a_full_outbox_did_not_take_did_not_happen(journal: MemoryJournal) -> None:
    scanner = Scanner(journal)
    scanner.scan("$SHIP/I-1", "$QTY/6")
    journal.is_full = True
    answers = scanner.scan("85123", "71053")
    assert [data[:1] for data, _ in answers] == [b"\x15", b"\x15"]
    assert all(data.startswith(b"\x152 not_stored") for data, _ in answers)
    assert scanner.tally["scans_not_stored"] == 2
    journal.is_full = False
    scanner.scan("85123")
    [movement] = [record for record in journal.records if record.kind == "movement"]
    assert (movement.quantity_seen, movement.documents[0].line) == (6, "1")


def test_an_undo_in_the_same_burst_commits_what_it_reverses_first(journal: MemoryJournal) -> None:
    Scanner(journal).scan("$SHIP/I-1", "85123", "$UNDO", "71053", "$UNDO")
    movements = [record for record in journal.records if record.kind == "movement"]
    refs = [None if movement.reverses is None else movement.reverses.seq for movement in movements]
    assert [journal.records[ref - 1] for ref in refs if ref] == [movements[0], movements[2]]


def test_an_undo_behind_scans_that_were_not_stored_reverses_nothing_older(journal: MemoryJournal) -> None:
    scanner = Scanner(journal)
    scanner.scan("$SHIP/I-1", "85123")
    journal.is_full = True
    answers = scanner.scan("71053", "$UNDO", "22752")
    assert [data[:1] for data, _ in answers] == [b"\x15"] * 3
    journal.is_full = False
    assert journal.kinds["movement"] == 1
    scanner.scan("22752")
    assert [record.reverses for record in journal.records if record.kind == "movement"] == [None, None]


def test_undo_after_a_restart_asks_for_the_ledger_only_if_the_identity_was_never_kept(
    journal: MemoryJournal,
) -> None:
    Scanner(journal).scan("$SHIP/I-1", "85123")
    restarted = Scanner(journal)
    restarted.scan("$UNDO")
    assert restarted.tally["scans_refused_nothing_to_undo"] == 1
    restarted.scan("71053")
    restarted.scan("$QTY/2")
    again = Scanner(journal)
    again.scan("$UNDO", "$UNDO")
    assert [record.reverses is not None for record in journal.records if record.kind == "movement"] == [
        False, False, True,
    ]  # fmt: skip


def test_a_state_of_another_age_is_recorded_as_lost_and_work_begins_anew(journal: MemoryJournal) -> None:
    journal.states["scanner-1"] = b'{"scans": "many"}'
    scanner = Scanner(journal)
    assert [getattr(record, "step", "") for record in journal.records] == ["state_lost"]
    assert scanner.scan("$SHIP/I-1")[0][0].startswith(b"\x051 ship I-1")


def test_answers_to_a_scanner_that_is_gone_are_nobody_s(journal: MemoryJournal) -> None:
    scanner = Scanner(journal)
    scanner.scan("$SHIP/I-1", "$QTY/3")
    scanner.session.disconnected()
    answered = len(scanner.answers)
    scanner.session.silent()
    assert len(scanner.answers) == answered
    assert [getattr(record, "step", "") for record in journal.records] == ["begun", "interrupted"]


def test_a_count_goes_on_after_the_agent_died_half_way(journal: MemoryJournal) -> None:
    Scanner(journal).scan("$COUNT", "A-01", "85123", "$QTY/4", "71053")
    again = Scanner(journal)
    [data, _] = again.answers[0]
    assert b"count" in data
    assert [data[:1] for data, _ in again.scan("85123", "$DONE")] == [b"\x05", b"\x06"]
    [count] = [record for record in journal.records if isinstance(record, Count)]
    assert {line.identifier.value: line.quantity for line in count.lines} == {"85123": 2, "71053": 4}
    assert again.tally["records_posted"] == 1


def test_a_count_is_confirmed_only_after_its_commit(journal: MemoryJournal) -> None:
    scanner = Scanner(journal)
    scanner.scan("$COUNT", "A-01", "85123")
    journal.is_full = True
    assert [data[:1] for data, _ in scanner.scan("$DONE")] == [b"\x15"]
    journal.is_full = False
    assert [data[:1] for data, _ in scanner.scan("$DONE")] == [b"\x06"]
    assert journal.kinds["count"] == 1


def test_a_task_that_another_scanner_took_in_the_same_instant_is_not_begun(journal: MemoryJournal) -> None:
    scanner = Scanner(journal)
    taken: list[tuple[str, str | None]] = []
    due = {"site": "leeds", "revision": 1, "issued_at": DUE_AT, "task": "T1", "kind": "pick"}
    goods = {"identifier": {"scheme": "local", "value": "85123"}}
    lines = [
        {"document": {"type": "outbound_order", "id": "O-7", "line": "1"}, "number": 1, "quantity": 2}
        | {"item": "TEA", "names": [goods], "from_location": "A-01", "to_location": "LANE-1"}
    ]
    errand = Errand(Task.model_validate(due | {"lines": lines, "expires_at": DUE_AT + timedelta(days=9)}))

    def hold(device: str, task: str | None) -> bool:
        taken.append((device, task))
        return False

    scanner.session = Session(
        Engine("scanner-1", SITE, errands=lambda _device, _at: [errand]),
        load_profile("generic_terminal"),
        journal,
        Clock(),
        scanner.tally,
        hold=hold,
    )
    said: list[bytes] = []
    scanner.session.connected(said.append)
    scanner.session.scanned([Frame(b"]C0$TASK")])
    assert b"not_stored: scan again" in said[-1]
    assert (journal.records, scanner.session.state.run) == ([], None)
    assert taken == [("scanner-1", "T1")]
