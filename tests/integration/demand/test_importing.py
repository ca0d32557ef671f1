"""A line of demand counts once, its latest revision only; what cannot be stored is told whole."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from asking import CASE_OF_TEA, NOW, PLANNER, TEA, Demand, line, outcome
from scenario import NETWORK_CONTROLLER

from cloud.db import Connection, connect
from cloud.demand.domain import Fault, Faults, FaultyLinesError, Imported
from cloud.demand.service import import_lines
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.ledger.corrections import merge_items
from contracts.base import SiteId

DAY = "2026-03-02"


def faults_of(demand: Demand, *lines: object, **options: object) -> list[tuple[int, str, str]]:
    """Import what cannot be stored, and give place, field and message of each fault."""
    before = stored(demand)
    with pytest.raises(FaultyLinesError) as refused:
        demand.tell(*lines, **options)
    assert stored(demand) == before
    return [tuple(fault) for fault in refused.value.faults]


def stored(demand: Demand) -> list[tuple]:
    return demand.ledger.query(
        "SELECT document, line, revision, kind, quantity FROM demand_line ORDER BY document, line"
    )


def past(demand: Demand) -> list[tuple]:
    return demand.ledger.query(
        "SELECT line, revision, quantity FROM demand_line_past ORDER BY line, revision"
    )


def test_the_same_batch_twice_counts_once_and_a_correction_supersedes_whenever_it_comes(
    demand: Demand,
) -> None:
    batch = [line("2", number=str(number)) for number in range(1, 6)]
    assert outcome(demand.tell(*batch)) == (5, 0, 0, 0)
    assert outcome(demand.tell(*batch, batch[0])) == (0, 0, 0, 6)
    assert demand.of_tea(DAY, DAY) == {DAY: 10}

    assert outcome(demand.tell(line("7", number="3"))) == (0, 1, 0, 0)
    assert demand.of_tea(DAY, DAY) == {DAY: 15}
    assert past(demand) == [("3", 1, 2)]

    assert outcome(demand.tell(*batch)) == (0, 0, 1, 4), "yesterday's file again takes nothing back"
    assert demand.of_tea(DAY, DAY) == {DAY: 15}
    assert outcome(demand.tell(line("2", number="3", revision=3))) == (0, 1, 0, 0)
    assert demand.of_tea(DAY, DAY) == {DAY: 10}
    assert past(demand) == [("3", 1, 2), ("3", 2, 7)]
    ((action, _, detail),) = demand.ledger.query(
        "SELECT action, actor, detail FROM audit_event ORDER BY audit_id DESC LIMIT 1"
    )
    assert (action, detail["corrected"], detail["sources"]) == ("demand_imported", 1, ["pos"])


def test_revisions_converge_whatever_their_order(demand: Demand) -> None:
    third, first, second = (line(str(n), number="1", revision=n) for n in (3, 1, 2))
    assert outcome(demand.tell(third)) == (1, 0, 0, 0)
    assert outcome(demand.tell(first)) == (0, 0, 1, 0)
    assert outcome(demand.tell(second, third)) == (0, 0, 1, 1)
    together = [each._replace(document="D-2") for each in (third, first, second)]
    assert outcome(demand.tell(*together)) == (1, 0, 2, 0)
    assert stored(demand) == [("D-1", "1", 3, "requested", 3), ("D-2", "1", 3, "requested", 3)]
    assert past(demand) == [("1", 1, 1), ("1", 1, 1), ("1", 2, 2), ("1", 2, 2)]

    ((_, field, message),) = faults_of(demand, line("9", revision=3))
    assert (field, message) == (
        "revision",
        "revision 3 of line '1' of document 'D-1' is known with other content",
    )
    ((_, field, message),) = faults_of(demand, line("9", revision=2))
    assert (field, message) == (
        "revision",
        "revision 2 of line '1' of document 'D-1' was known with other content",
    )


def test_every_fault_of_a_batch_is_told_at_once_and_nothing_is_stored(demand: Demand) -> None:
    unknown = "00000000000017"
    found = faults_of(
        demand,
        line("1", number="1"),
        line("1", number="2", gtin=unknown),
        line("1", number="3", site="york"),
        line("1", f"{NOW:%Y-%m-%dT%H:00:01Z}", number="4"),
        line("1", "1969-12-31T23:59:59Z", number="5"),
        line("2", number="1"),
        line("1", "2026-03-29T01:30:00", number="7", local=True),
        line("1", "2026-10-25T01:30:00", number="8", local=True),
        line("99999999999999", number="9", gtin=CASE_OF_TEA),
        line("99999999999999.999999", number="10"),
        line("1", number="11", kind="cancelled", of=("D-9", "1")),
    )
    assert found == [
        (2, "gtin", f"gtin '{unknown}' names no item: register it first, or ask for new items"),
        (3, "site", "there is no site 'york'"),
        (
            4,
            "requested_at",
            f"{NOW:%Y-%m-%dT%H:00:01Z} is in the future: expected at most {NOW:%Y-%m-%dT%H:00:00Z}",
        ),
        (5, "requested_at", "1969-12-31T23:59:59Z is before 1970: expected a time since then"),
        (6, "line", "line '1' of document 'D-1' stands there twice with different content, first at 1"),
        (
            7,
            "requested_at",
            "2026-03-29 01:30:00: the clocks of the site (Europe/London) skipped that time",
        ),
        (
            8,
            "requested_at",
            (
                "2026-10-25 01:30:00: the clocks of the site (Europe/London) showed that time twice: "
                "say with --twice first or second which is meant"
            ),
        ),
    ]
    ((_, _, message),) = faults_of(demand, line("1", kind="cancelled", of=("D-9", "1")))
    assert message == "line '1' of document 'D-9' is not known: send the request first, or with it"


def test_a_cancellation_takes_from_its_request_and_never_more_than_was_asked_for(demand: Demand) -> None:
    late = "2026-03-05T10:00:00Z"
    demand.tell(
        line("5"),
        line("3", late, document="C-1", kind="cancelled", of=("D-1", "1")),
        line("1", late, document="R-1", kind="returned"),
    )
    assert demand.of_tea(DAY, "2026-03-06") == {DAY: 2}, "returns are not asked for less"
    assert demand.of_tea(DAY, "2026-03-04") == {DAY: 5}, "on the 4th nobody knew"
    assert demand.of_tea("2026-03-03", "2026-03-06") == {}

    excess = "line '1' of document 'D-1' asks for 5, of which 6 would be cancelled or returned"
    again = line("3", late, document="C-2", kind="cancelled", of=("D-1", "1"))
    assert faults_of(demand, again) == [(1, "of_line", excess)]
    less = "line '1' of document 'D-1' asks for 2, of which 3 would be cancelled or returned"
    assert faults_of(demand, line("2")) == [(1, "of_line", less)], "a correction may not fall below it"
    other = line("1", late, document="C-3", kind="cancelled", of=("D-1", "1"))._replace(
        scheme="item", value="MUG"
    )
    assert "another item" in faults_of(demand, other)[0][2]
    of_a_return = line("1", late, document="C-4", kind="cancelled", of=("R-1", "1"))
    assert "is returned: expected a request" in faults_of(demand, of_a_return)[0][2]


def test_a_cancellation_that_names_no_request_takes_back_the_latest_ones(demand: Demand) -> None:
    demand.tell(
        line("4", "2026-03-02T10:00:00Z", number="1"),
        line("5", "2026-03-03T10:00:00Z", number="2"),
        line("2", "2026-03-05T10:00:00Z", number="3"),
        line("8", "2026-03-05T11:00:00Z", number="4", kind="cancelled"),
        line("3", "2026-03-06T10:00:00Z", number="5"),
    )
    assert demand.of_tea(DAY, "2026-03-31") == {"2026-03-02": 3, "2026-03-06": 3}
    assert demand.of_tea(DAY, "2026-03-04") == {"2026-03-02": 4, "2026-03-03": 5}
    demand.tell(line("50", "2026-03-07T10:00:00Z", number="6", kind="cancelled"))
    assert demand.of_tea(DAY, "2026-03-31") == {}, "what exceeds every request takes nothing more"


def test_packaging_levels_become_base_units_as_they_held_when_it_was_asked_for(demand: Demand) -> None:
    demand.ledger.query(
        "INSERT INTO identifier (scheme, value, valid_from, item_id, numerator) "
        "SELECT 'gtin', %s, '2026-03-03T00:00:00Z', item_id, 10 FROM item WHERE code = 'TEA' RETURNING 1",
        CASE_OF_TEA,
    )
    demand.tell(
        line("2", gtin=CASE_OF_TEA),
        line("2", "2026-03-03T00:00:00Z", number="2", gtin=CASE_OF_TEA),
        line("0.000001", number="3"),
        line("1", number="4")._replace(scheme="item", value="TEA"),
    )
    assert demand.of_tea(DAY, "2026-03-04") == {
        "2026-03-02": Decimal("25.000001"),
        "2026-03-03": Decimal(20),
    }


def test_unknown_names_become_provisional_items_if_asked_for_and_are_merged_later(demand: Demand) -> None:
    named = line("6")._replace(scheme="local", value="85123A")
    done = demand.tell(named, named._replace(line="2"), makes_items=True)
    assert (done.added, done.new_items) == (2, 1)
    assert demand.days(DAY, DAY) == {("local:85123A", date(2026, 3, 2)): 12}
    ((is_provisional,),) = demand.ledger.query("SELECT is_provisional FROM item WHERE code = 'local:85123A'")
    assert is_provisional
    demand.ledger.as_app(
        lambda conn: merge_items(
            conn, NETWORK_CONTROLLER, from_code="local:85123A", to_code="TEA", ratio=(2, 1)
        )
    )
    assert demand.of_tea(DAY, DAY) == {DAY: 24}
    ((_, _, message),) = faults_of(demand, named._replace(scheme="item", value="nothing"), makes_items=True)
    assert "item 'nothing' names no item" in message


def test_who_may_not_is_refused_before_anything_is_stored(demand: Demand) -> None:
    local = replace(PLANNER, all_sites=False, sites=frozenset({SiteId("pune")}))
    with pytest.raises(NotAllowedError, match="no right at site 'leeds'"):
        demand.tell(line("1", site="pune"), line("1", number="2"), actor=local)
    with pytest.raises(NotAllowedError):
        demand.tell(line("1"), actor=Actor("user:olga", frozenset({Role.OPERATOR}), all_sites=True))
    assert stored(demand) == []
    assert demand.tell(line("1", site="pune"), actor=local).added == 1


def test_more_faults_than_can_be_told_are_counted() -> None:
    told = FaultyLinesError("pos.csv, line", [Fault(2, "quantity", "'-1'")], 1001)
    assert str(told) == "pos.csv, line 2: quantity: '-1'\n1000 more faults are not listed"


def test_history_is_kept(demand: Demand) -> None:
    demand.tell(line("1"))
    demand.tell(line("2"))
    for wish in ("DELETE FROM demand_line", "DELETE FROM demand_line_past", "TRUNCATE demand_line_past"):
        with pytest.raises(Exception, match="refused: the ledger is append-only"):
            demand.ledger.as_owner(lambda conn, wish=wish: conn.execute(wish))
    with pytest.raises(Exception, match="permission denied"):
        demand.ledger.as_app(lambda conn: conn.execute("UPDATE demand_line SET quantity = 1"))
    assert TEA in {row[0] for row in demand.ledger.query("SELECT identifier FROM demand_line")}


def test_lines_that_say_the_same_place_and_imports_in_one_transaction_lose_nothing(demand: Demand) -> None:
    def twice(conn: Connection) -> list[int]:
        batches = (
            [line("1", number="1"), line("1", number="2")],
            [line("1", number="2"), line("1", number="3")],
        )
        return [
            import_lines(conn, PLANNER, batch, faults=Faults(), origin="line", now=NOW).added
            for batch in batches
        ]

    assert demand.ledger.as_app(twice) == [2, 1]
    assert demand.of_tea(DAY, DAY) == {DAY: 3}


def test_two_imports_of_one_source_at_once_count_once(demand: Demand) -> None:
    batch = [line("1", number=str(number)) for number in range(200)]

    def tell(_: int) -> Imported:
        with connect(demand.ledger.app_dsn, "test-at-once", autocommit=True) as conn, conn.transaction():
            return import_lines(conn, PLANNER, batch, faults=Faults(), origin="line", now=NOW)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(tell, range(8)))
    assert sum(each.added for each in done) == 200
    assert sum(each.repeated for each in done) == 7 * 200
    assert demand.of_tea(DAY, DAY) == {DAY: 200}
