"""A site that supplies another plans on what that one needs beside its own customers' demand (DOMAIN D10)."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from buying import APPROVER, BUYER, JOB, KEEPER, NOW, PLANNER, TODAY, Buying, open_buying

from cloud.approvals import service as approvals
from cloud.db import Connection
from cloud.decisions.domain import Decision
from cloud.demand.domain import Faults, StagedLine
from cloud.demand.service import import_lines
from cloud.documents.transfers import service as transfers
from cloud.documents.transfers.domain import State
from cloud.forecasting import store as forecasting
from cloud.identity.store import act_as
from cloud.master.supplier_papers import SupplierFileError, SupplierItemPaper
from cloud.master.suppliers import SupplierError, import_suppliers, put_supplier_item
from cloud.replenishment import answers, service
from cloud.replenishment.answers import AcceptPaper
from cloud.replenishment.gathering import gather, sites_of

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def york(buying: Buying) -> Iterator[Buying]:
    """A site that draws tea, and cups that nobody else asks for, from the other one, which buys them."""
    buying.item("CUP")
    with open_buying(buying.pool, (), site=f"of-{buying.site}") as york:
        york.items.update(buying.items)
        for item in ("TEA", "CUP"):
            york.stock(item, "50")
            buying.stock(item, "100")
        buying.supplier("ACME")
        buying.supplier("OURS", own_site=buying.site)
        for item in ("TEA", "CUP"):
            buying.sells("ACME", item, lead_time_days=14)
            york.sells("OURS", item, lead_time_days=2, price="0")
        york.forecast({"TEA": (20.0, 6.0), "CUP": (10.0, 3.0)})
        buying.forecast({"TEA": (5.0, 2.0)})
        yield york


def run(buying: Buying, york: Buying, now: datetime = NOW) -> list[str]:
    return list(service.run_all(buying.pool, JOB, now, None, sites=[buying.site, york.site])["sites"])


def drawn(york: Buying) -> dict[tuple[str, object], Decimal]:
    found = york.query(
        "SELECT i.code, p.leaves_on, p.quantity FROM planned_transfer p JOIN item i USING (item_id) "
        "WHERE p.site_id = %s",
        york.site,
    )
    return {(item, day): quantity for item, day, quantity in found}


def needs(buying: Buying, item: str) -> float:
    """Sum what sites draw of an item: transfers that have not left, and plans."""

    def work(conn: Connection) -> float:
        act_as(conn, JOB)
        (site,) = sites_of(conn, [buying.site])
        cells = {cell.item: cell for cell in gather(conn, site, LATER).cells}
        return sum(one.quantity for one in cells[item].requirements)

    return buying.run(work)


def accept_first(york: Buying) -> Decision:
    name = york.one("TEA").proposal_id
    accepted = york.run(lambda conn: answers.accept(conn, BUYER, name, AcceptPaper(), now=NOW))
    return york.approve(accepted.decision_id, APPROVER)


def test_a_site_plans_on_what_the_sites_that_it_supplies_need(buying: Buying, york: Buying) -> None:
    assert run(buying, york) == [york.site, buying.site]
    planned = drawn(york)
    assert planned["TEA", TODAY] == york.one("TEA").quantity
    assert 85 * 20 < sum(quantity for (item, _), quantity in planned.items() if item == "TEA") < 105 * 20
    numbers = buying.one("CUP").arithmetic["numbers"]
    until = TODAY + timedelta(numbers["protection_days"])
    in_time = sum(quantity for (item, day), quantity in planned.items() if item == "CUP" and day <= until)
    assert (numbers["expected_demand"], Decimal(str(numbers["position"]))) == (0, 100 - in_time)


def test_what_sites_need_is_counted_once_when_it_becomes_a_transfer(buying: Buying, york: Buying) -> None:
    run(buying, york)
    before, wanted = needs(buying, "TEA"), york.one("TEA").quantity
    name = str((accept_first(york).outcome or {})["transfer"])
    story = york.run(lambda conn: transfers.transfer(conn, KEEPER, at=york.site, name=name))
    assert (story.transfer.from_site, story.transfer.to_site) == (buying.site, york.site)
    assert [line.ordered for line in story.lines] == [wanted]
    assert needs(buying, "TEA") == before
    run(buying, york, LATER)
    assert york.proposals(item="TEA") == []
    assert needs(buying, "TEA") == pytest.approx(before, rel=0.05)


def test_a_transfer_that_has_not_left_is_undone_with_its_decision(buying: Buying, york: Buying) -> None:
    run(buying, york)
    wanted = york.one("TEA").quantity
    done = accept_first(york)
    why = {"reason": "approved_in_error"}
    york.run(lambda conn: approvals.reverse(conn, APPROVER, done.decision_id, done.revision, **why))
    name = str((done.outcome or {})["transfer"])
    story = york.run(lambda conn: transfers.transfer(conn, KEEPER, at=york.site, name=name))
    assert story.transfer.state is State.CANCELLED
    run(buying, york, NOW + timedelta(days=1))
    assert york.one("TEA").quantity == wanted


def test_whose_demand_it_is_follows_from_who_supplies_whom(buying: Buying, york: Buying) -> None:
    sold = StagedLine(
        place=1,
        site=buying.site,
        source="pos",
        document="D-1",
        line="1",
        revision=None,
        kind="requested",
        scheme="sku",
        value="TEA",
        channel=None,
        requested_at="2026-03-02T09:00:00Z",
        local_at=None,
        is_day=False,
        quantity="3",
        of_document=None,
        of_line=None,
    )
    told: dict[str, Any] = {"faults": Faults(), "origin": "line", "now": NOW}
    buying.run(lambda conn: import_lines(conn, PLANNER, [sold], **told))
    service.prepare(buying.pool, JOB, NOW, None, sites=[buying.site, york.site])

    def work(conn: Connection) -> dict[str, bool]:
        act_as(conn, JOB)
        stated = forecasting.policies(conn, buying.site)
        return {item: stated[item_id].is_dependent for item, item_id in buying.items.items()}

    assert buying.run(work) == {"TEA": False, "CUP": True}


def test_no_item_goes_round_in_a_circle_of_sites(buying: Buying, york: Buying) -> None:
    buying.supplier("YORK", own_site=york.site)
    way = f"drawn at '{york.site}' from '{buying.site}', '{buying.site}' from '{york.site}'"
    with pytest.raises(SupplierError, match=way):
        buying.sells("YORK", "TEA", lead_time_days=2, price="0")
    paper = SupplierItemPaper(supplier="YORK", item="TEA", site=buying.site, is_preferred=True)
    with pytest.raises(SupplierFileError, match=f"terms.csv, line 7: item 'TEA' would .*{way}"):
        buying.run(lambda conn: import_suppliers(conn, BUYER, ({}, {7: paper}), file="terms.csv"))
    buying.sells("YORK", "TEA", lead_time_days=2, price="9")
    free = "SELECT pg_try_advisory_xact_lock(hashtextextended('terms of suppliers', 0))"
    with buying.pool.connection() as stating:
        put_supplier_item(stating, BUYER, paper.model_copy(update={"supplier": "ACME"}))
        assert buying.query(free) == [(False,)]
    buying.sells("ACME", "TEA")
    buying.supplier("YORK")
    buying.sells("YORK", "TEA", lead_time_days=2, price="0")
    with pytest.raises(SupplierError, match=way):
        buying.supplier("YORK", own_site=york.site)


def test_what_is_planned_along_a_circle_is_no_demand_and_told(buying: Buying, york: Buying) -> None:
    buying.query(
        "WITH s AS (INSERT INTO supplier (supplier, name, currency, own_site, updated_by) "
        "VALUES ('ROUND', 'Round', 'EUR', %s, 'bea')) "
        "INSERT INTO supplier_item (supplier, item_id, site_id, pack, is_preferred, updated_by) "
        "VALUES ('ROUND', %s, %s, 1, true, 'bea') RETURNING 1",
        york.site,
        buying.items["TEA"],
        buying.site,
    )
    both = [buying.site, york.site]
    first, again = (service.run_all(buying.pool, JOB, now, None, sites=both)["sites"] for now in (NOW, LATER))
    assert needs(buying, "TEA") == 0
    way = f"({buying.site} from {york.site} from {buying.site})"
    told = f"TEA: {york.site} draws it from here and here from {york.site} {way}"
    assert again[buying.site]["because"][0].startswith(told)
    assert first[york.site]["planned_transfers"] == again[york.site]["planned_transfers"]


def test_a_plan_of_a_site_that_no_longer_plans_is_demand_for_a_week(buying: Buying, york: Buying) -> None:
    def drawn_at(now: datetime) -> dict[str, list[date]]:
        def work(conn: Connection) -> dict[str, list[date]]:
            act_as(conn, JOB)
            (site,) = sites_of(conn, [buying.site])
            cells = gather(conn, site, now).cells
            return {cell.item: [one.due_on for one in cell.requirements] for cell in cells}

        return buying.run(work)

    run(buying, york)
    in_a_week, too_late = NOW + timedelta(days=7), NOW + timedelta(days=8)
    assert all(days and min(days) >= TODAY + timedelta(6) for days in drawn_at(in_a_week).values())
    assert drawn_at(too_late) == {"TEA": [], "CUP": []}
    buying.forecast({"TEA": (5.0, 2.0)}, first_day=too_late.date())
    told = service.run_all(buying.pool, JOB, too_late, None, sites=[buying.site])["sites"][buying.site]
    planned = f"TEA: {york.site} planned on 2026-03-04 what it draws, today is 2026-03-12"
    assert (told["left_out"], told["because"][-1]) == (2, f"{planned}: expected a plan of the last 7 days")


def test_a_site_is_one_supplier_and_none_of_its_own(buying: Buying, york: Buying) -> None:
    with pytest.raises(SupplierError, match="is supplier 'OURS' already"):
        buying.supplier("AGAIN", own_site=buying.site)
    with pytest.raises(SupplierError, match="there is no site 'nowhere'"):
        buying.supplier("AGAIN", own_site="nowhere")
    buying.sells("OURS", "CUP", site=None, is_preferred=True)
    run(buying, york)
    assert buying.one("CUP").supplier == "ACME"
