"""What gateways are told of visits follows time and fits a publish."""

from contextlib import closing
from datetime import timedelta
from decimal import Decimal

from cloud.alerts.service import open_tickets
from cloud.db import LastingConnection
from cloud.documents.assignments import JOB, follow_open, follow_time
from cloud.documents.domain import AHEAD, OVERDUE
from cloud.documents.lines import lines_now
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.receiving.service import receive
from cloud.documents.short_lines import ClosePaper, close_short
from cloud.identity.actor import INGEST
from cloud.ingest.workers.keeper import Keeper
from contracts.batch import MAX_FRAME_BYTES
from tests.integration.crossings.doors import PALLET
from tests.integration.documents.dock import CASES, EACH, KEEPER, Dock, line, paper, sscc
from tests.integration.documents.test_scanned_receipts import scans
from tests.integration.ledger.scenario import SITE, at

HOUR = timedelta(hours=1)
NOTHING = {"looked_at": 0, "told": 0}


def told(dock: Dock) -> list[str]:
    return [visit.visit for visit in dock.assignments()[-1].visits]


def look(dock: Dock, *, minute: float) -> int:
    return dock.ledger.as_ingest(lambda conn: follow_time(conn, sent_by=INGEST.id, now=at(minute)))


def test_a_visit_comes_into_reach_and_leaves_it_as_time_passes(dock: Dock) -> None:
    begins = at(0) + AHEAD + HOUR
    dock.expect("V-1", from_at=begins, to_at=begins + HOUR, minute=0)
    assert told(dock) == []
    assert [look(dock, minute=minute) for minute in (30, 59, 60, 61, 300)] == [0, 0, 1, 0, 0]
    assert told(dock) == ["V-1"]
    ends = (begins + HOUR + OVERDUE - at(0)) / timedelta(minutes=1)
    assert [look(dock, minute=minute) for minute in (ends, ends + 1, ends + 2)] == [0, 1, 0]
    assert told(dock) == []
    revisions = [message.revision for message in dock.assignments()]
    assert revisions == sorted(set(revisions))
    assert dock.ledger.query("SELECT DISTINCT created_by FROM gateway_message ORDER BY 1") == [
        ("job:ingest",),
        ("user:kim",),
        ("user:net",),
    ]


def test_a_visit_without_an_end_stays_until_somebody_ends_it(dock: Dock) -> None:
    dock.expect("V-1", to_at=None)
    assert look(dock, minute=100_000) == 0
    assert told(dock) == ["V-1"]


def test_the_ingest_process_follows_time_by_itself(dock: Dock, database: object) -> None:
    dock.expect("V-1", minute=0, from_at=at(-100_000), to_at=at(-1))
    assert told(dock) == ["V-1"]
    keeper = Keeper(database.ingest_dsn, "w-1", link=None)
    with closing(keeper._database):
        keeper.look_around()
        keeper.look_around()
    assert told(dock) == []
    assert dock.count("gateway_message") == 3


def test_a_message_holds_whole_visits_and_says_what_it_leaves_out(dock: Dock) -> None:
    for number in range(8):
        name = f"V-{number}"
        lines = [line(each, 1, unit=sscc(1000 * number + each)) for each in range(200)]
        dock.register(paper(*lines, name=name))
        dock.expect(name, name, from_at=at(number))
    whole = dock.assignments()[-1]
    sizes = [len(message.model_dump_json().encode()) for message in dock.assignments()]
    assert MAX_FRAME_BYTES / 2 < max(sizes) < MAX_FRAME_BYTES
    assert told(dock) == [f"V-{number}" for number in range(len(whole.visits))]
    assert 0 < len(whole.visits) < 8
    assert {len(visit.lines) for visit in whole.visits} == {200}
    (ticket,) = dock.ledger.as_app(lambda conn: open_tickets(conn, KEEPER))
    assert (ticket.kind, ticket.detail["left_out"]) == ("assignment_shortened", 8 - len(whole.visits))
    assert ticket.summary.endswith("V-7")
    assert look(dock, minute=31) == 0
    for number in range(8 - len(whole.visits)):
        dock.cancel(f"V-{number}")
    assert told(dock)[-1] == "V-7"
    assert dock.ledger.as_app(lambda conn: open_tickets(conn, KEEPER)) == []


def test_one_visit_that_no_message_holds_keeps_no_other_from_its_door(dock: Dock) -> None:
    dock.register(paper(*(line(each, 1) for each in range(2000)), name="BIG"))
    dock.expect("A-BIG", "BIG", from_at=at(-1))
    dock.expect("V-1")
    assert told(dock) == ["V-1"]
    (ticket,) = dock.ledger.as_app(lambda conn: open_tickets(conn, KEEPER))
    assert ticket.summary.endswith(": A-BIG")


def expected(dock: Dock, visit: str = "V-1") -> dict[str, tuple[Decimal, str]]:
    """Give what a gateway was told last of a visit's lines, by line."""
    (told,) = [each for each in dock.assignments()[-1].visits if each.visit == visit]
    return {f"{line.document.line}": (line.quantity, line.model_extra["unit_seen"]) for line in told.lines}


def looks(dock: Dock, *, minute: float) -> dict[str, int]:
    with closing(LastingConnection(dock.ledger.app_dsn, "test-visits")) as source:
        return dict(follow_open(source, JOB, at(minute)))


def follows(dock: Dock, *, minute: float) -> int:
    return looks(dock, minute=minute)["told"]


def receives(dock: Dock, of_line: str, quantity: str, receipt: str) -> None:
    of = {"type": "asn", "id": "ASN-1", "line": of_line}
    lines = [{"line": "1", "of": of, "received": quantity, "unit_seen": "base"}]
    paper = {"site": SITE, "receipt": receipt, "location": "STAGE-1", "lines": lines}
    delivery = DeliveryPaper.model_validate(paper)
    dock.ledger.as_app(lambda conn: receive(conn, KEEPER, delivery, now=at(40)))


def test_a_door_expects_what_is_open_of_loose_lines_and_counts_on_what_came_with_its_visit(
    dock: Dock,
) -> None:
    dock.register(paper(line(1, 4), line(2, 2), line(3, 1, unit=PALLET)))
    dock.expect("V-1", "ASN-1")
    whole = {"1": (Decimal(4), CASES), "2": (Decimal(2), CASES), "3": (Decimal(1), CASES)}
    assert expected(dock) == whole
    assert follows(dock, minute=31) == 0
    dock.doors.send(*scans(32, 6, gtin=EACH))
    receives(dock, "1", "36", "R-1")
    receives(dock, "2", "48", "R-2")
    receives(dock, "3", "24", "R-3")
    assert follows(dock, minute=42) == 1
    assert expected(dock) == {"1": (Decimal("2.25"), CASES), "3": (Decimal(1), CASES)}
    assert follows(dock, minute=43) == 0
    dock.case_crosses(17, minute=44)
    dock.confirm(minute=45)
    moved = dock.ledger.as_app(lambda conn: lines_now(conn, site=SITE, kind="asn", ids=["ASN-1"]))
    assert {each.line: int(each.open_quantity) for each in moved} == {"1": 0, "2": 0, "3": 0}
    assert follows(dock, minute=46) == 0, "what was confirmed of the visit it has seen itself"
    assert expected(dock)["1"] == (Decimal("2.25"), CASES)


def settles(dock: Dock, minute: float) -> None:
    """Look until nothing is new: each stretch is looked at twice."""
    for _ in range(2):
        looks(dock, minute=minute)
    assert looks(dock, minute=minute) == NOTHING


def test_nothing_is_derived_anew_of_visits_of_whose_documents_nothing_was_posted_or_said(dock: Dock) -> None:
    dock.register(paper(line(1, 4), line(2, 2)))
    dock.register(paper(line(1, 4), name="ASN-9"))
    dock.expect("V-1", "ASN-1")
    settles(dock, 31)
    dock.doors.send(*scans(32, 6, gtin=EACH, under="ASN-9"))
    assert looks(dock, minute=33) == NOTHING, "of another document"
    dock.doors.send(*scans(34, 6, gtin=EACH))
    assert looks(dock, minute=35) == {"looked_at": 1, "told": 1}
    assert expected(dock)["1"] == (Decimal("3.75"), CASES)
    settles(dock, 36)
    ending = ClosePaper(site=SITE, type="asn", id="ASN-1", lines=("2",), reason="supplier_cannot")
    dock.ledger.as_app(lambda conn: close_short(conn, KEEPER, ending))
    assert looks(dock, minute=37) == {"looked_at": 1, "told": 1}
    assert expected(dock).keys() == {"1"}
    settles(dock, 38)
    dock.ledger.as_owner(lambda conn: conn.execute("UPDATE master_revision SET revision = revision + 1"))
    assert looks(dock, minute=39) == {"looked_at": 1, "told": 0}
    settles(dock, 40)
