"""Lines that scans have filled are noted, and open at once where a scan is taken back; on the real ledger."""

from collections.abc import Iterator

import pytest

from cloud.documents.lines import open_lines
from tests.integration.documents.dock import line, open_dock, paper
from tests.integration.documents.held_scans import Held
from tests.integration.ledger.scenario import SITE


@pytest.fixture
def held(database: object) -> Iterator[Held]:
    with open_dock(database) as dock:
        yield Held(dock)
        assert dock.is_clean()


def is_open(held: Held) -> list[tuple[str, str, int]]:
    rows = held.dock.ledger.as_app(lambda conn: open_lines(conn, sites=[SITE], kind="asn"))
    return [(row.id, row.line, int(row.open_quantity)) for row in rows]


def noted(held: Held) -> list[tuple[str, str]]:
    return held.dock.ledger.query("SELECT id, line FROM line_scanned_whole ORDER BY 1, 2")


def test_what_scans_filled_is_noted_and_open_again_once_one_is_taken_back(held: Held) -> None:
    held.dock.register(paper(line(1, 5, seen="base"), line(2, 5, seen="base"), name="ASN-2"))
    held.scan(1, 4)
    last = held.scan(2, 6)
    held.scan(3, 7, under="ASN-2")
    assert is_open(held) == [("ASN-2", "2", 3)], "derived, before anything is noted"
    held.complete(5)
    held.holds()
    assert noted(held) == [("ASN-1", "1"), ("ASN-2", "1")]
    assert is_open(held) == [("ASN-2", "2", 3)]
    held.take_back(last)
    assert sorted(is_open(held)) == [("ASN-1", "1", 6), ("ASN-2", "2", 3)], "at once"
    held.complete(7)
    held.holds(210)
    assert noted(held) == [("ASN-2", "1")]
    held.scan(8, 6)
    held.complete(9)
    held.holds(220)
    assert (noted(held), is_open(held)) == ([("ASN-1", "1"), ("ASN-2", "1")], [("ASN-2", "2", 3)])
