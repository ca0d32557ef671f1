"""What runs of replenishment read and write, and for whom, over a real database."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from buying import (
    APPROVER,
    BUYER,
    JOB,
    KEEPER,
    NOW,
    PLANNER,
    STRANGER,
    TODAY,
    Buying,
    teas,
)

from cloud.db import Connection
from cloud.documents import order_receipts, orders
from cloud.documents.order_papers import OrderPaper, ReceiptPaper
from cloud.documents.papers import DocumentPaper
from cloud.documents.service import register_document
from cloud.identity.actor import Actor, NotAllowedError
from cloud.replenishment import answers, ordering, policies, reading, service
from cloud.replenishment.answers import AcceptPaper
from cloud.replenishment.domain import AnsweredProposalError, ReplenishmentError, UnknownProposalError
from cloud.replenishment.policies import PolicyPaper

UNIT = "095211411234567892"


def test_what_may_not_be_seen_is_not_answered(buying: Buying) -> None:
    teas(buying)
    buying.propose()
    name = buying.one().proposal_id
    assert buying.run(lambda conn: reading.proposals(conn, STRANGER, limit=9)) == []
    with pytest.raises(UnknownProposalError):
        buying.run(lambda conn: answers.accept(conn, STRANGER, name, AcceptPaper(), now=NOW))
    with pytest.raises(NotAllowedError):
        buying.run(lambda conn: answers.accept(conn, APPROVER, name, AcceptPaper(), now=NOW))
    with pytest.raises(NotAllowedError):
        service.run_all(buying.pool, KEEPER, NOW, None, sites=[buying.site])
    with pytest.raises(ReplenishmentError, match="there is no site 'nowhere'"):
        service.run_all(buying.pool, JOB, NOW, None, sites=["nowhere"])


def test_parameters_say_what_nobody_chose_and_policies_hold_from_the_next_run(buying: Buying) -> None:
    buying.item("CUP")
    buying.supplier("ACME")
    buying.sells("ACME", "TEA", site=buying.site, lead_time_days=None)
    buying.sells("ACME", "CUP", site=buying.site, lead_time_days=0)
    told = service.prepare(buying.pool, JOB, NOW, None, sites=[buying.site])["sites"][buying.site]
    assert (told["items"], told["changed"]) == (2, 2)
    assert (
        service.prepare(buying.pool, JOB, NOW, None, sites=[buying.site])["sites"][buying.site]["changed"]
        == 0
    )
    tea, cup = buying.run(lambda conn: policies.parameters(conn, PLANNER, site=buying.site, limit=9))
    assert (tea.review_days, tea.protection_days, tea.defaults, tea.source) == (
        7,
        14,
        ["review_days", "target", "lead_time"],
        "default",
    )
    assert (cup.protection_days, cup.days, cup.source, cup.approved_by) == (7, [0], "promised", "default")
    paper = PolicyPaper(site=buying.site, item="CUP", review_days=14, target_kind="fill_rate", target=0.98)
    buying.run(lambda conn: policies.set_policy(conn, PLANNER, paper))
    assert (
        service.prepare(buying.pool, JOB, NOW, None, sites=[buying.site])["sites"][buying.site]["changed"]
        == 1
    )
    (cup,) = buying.run(
        lambda conn: policies.parameters(conn, PLANNER, site=buying.site, item="CUP", limit=9)
    )
    assert (cup.protection_days, cup.target_kind, cup.target, cup.defaults, cup.approved_by) == (
        14,
        "fill_rate",
        0.98,
        [],
        "user:pia",
    )
    assert buying.query(
        "SELECT item, review_days, protection_days FROM pub_planning_parameters(ARRAY[%s])", buying.site
    ) == [
        ("TEA", 7, 14),
        ("CUP", 14, 14),
    ]


def test_receipts_teach_how_long_a_supplier_takes(buying: Buying) -> None:
    teas(buying)
    for number, days in enumerate([3, 3, 3, 3, 3, 3, 12, 12]):
        line = {"line": "1", "item": "TEA", "quantity": "1", "due_on": TODAY}
        sent_at = NOW - timedelta(days=40)
        stated = {
            "site": buying.site,
            "id": f"P-{number}",
            "supplier": "ACME",
            "sent_at": sent_at,
            "lines": [line],
        }
        paper = OrderPaper.model_validate(stated)
        came = ReceiptPaper.model_validate(
            {
                "receipt": "DN",
                "location": "STAGING",
                "occurred_at": sent_at + timedelta(days=days),
                "lines": [{"line": "1", "received": "1"}],
            }
        )
        buying.run(lambda conn, paper=paper: orders.register_order(conn, BUYER, paper, now=NOW))
        buying.run(
            lambda conn, came=came, number=number: order_receipts.receive(
                conn, KEEPER, came, site=buying.site, name=f"P-{number}", now=NOW
            )
        )
    buying.propose()
    (known,) = buying.query(
        "SELECT days, probability, samples FROM lead_time_distribution WHERE source = 'observed'"
    )
    assert known == ([3, 12], [0.75, 0.25], 8)
    assert buying.one().arithmetic["numbers"]["lead_time_days"] == 6  # 5.25, whole days
    line = {"line": "1", "item": "TEA", "quantity": "60", "due_on": TODAY - timedelta(1)}
    sent_at = NOW - timedelta(days=5)
    stated = {"site": buying.site, "id": "P-LATE", "supplier": "ACME", "sent_at": sent_at, "lines": [line]}
    buying.run(lambda conn: orders.register_order(conn, BUYER, OrderPaper.model_validate(stated), now=NOW))
    buying.propose()
    assert "expected on 2026-03-11 as its slower ones came" in str(buying.one().arithmetic["tree"])


def test_only_stock_that_can_be_sold_here_counts(buying: Buying) -> None:
    teas(buying)
    buying.stock("TEA", "40", disposition="hold")
    buying.stock("TEA", "30", disposition="sellable", location="STAGING")
    buying.stock("TEA", "7", unit=UNIT)
    buying.place(UNIT, "@customer")
    buying.propose()
    assert buying.one().arithmetic["numbers"]["on_hand"] == 130


def test_a_customers_order_beyond_the_forecast_is_ordered_for_until_it_departs(buying: Buying) -> None:
    teas(buying)
    buying.stock("TEA", "300")
    assert buying.propose()["covered"] == 1
    line = {"line": "1", "identifier": {"scheme": "sku", "value": "TEA"}, "quantity": "900"}
    stated = {"site": buying.site, "type": "outbound_order", "id": "SO-1", "lines": [line]}
    buying.run(lambda conn: register_document(conn, KEEPER, DocumentPaper.model_validate(stated)))
    ((asked_on,),) = buying.query("SELECT created_at::date FROM document WHERE site_id = %s", buying.site)
    buying.forecast({"TEA": (20.0, 6.0)}, first_day=asked_on)
    buying.propose(datetime.combine(asked_on, NOW.timetz()))
    told = buying.one()
    # The order's own day and the 7 ahead hold 160 of it.
    assert told.arithmetic["numbers"]["position"] == 400 - (900 - 160)
    assert "1 open orders of 900" in str(told.arithmetic["tree"])


def test_at_once_runs_propose_once_and_one_of_two_answers_counts(buying: Buying) -> None:
    teas(buying)
    with ThreadPoolExecutor(4) as people:
        told = [each.result() for each in [people.submit(buying.propose) for _ in range(4)]]
        name = buying.one().proposal_id

        def accept(by: Actor) -> object:
            try:
                return buying.run(lambda conn: answers.accept(conn, by, name, AcceptPaper(), now=NOW))
            except AnsweredProposalError as error:
                return error

        said = [each.result() for each in [people.submit(accept, by) for by in (BUYER, PLANNER)]]
    assert sum(each["new"] for each in told) == 1
    assert sum(isinstance(each, AnsweredProposalError) for each in said) == 1
    assert buying.query("SELECT count(*) FROM decision WHERE site_id = %s", buying.site) == [(1,)]


@dataclass
class Meanwhile:
    """Connections; as soon as a run of replenishment computes, somebody does something, once."""

    buying: Buying
    act: Callable[[], object]
    has_acted: bool = False

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        running = "SELECT 1 FROM planning_run WHERE (site_id, kind, state) = (%s, 'replenishment', 'running')"
        if not self.has_acted and self.buying.query(running, self.buying.site):
            self.has_acted = True
            self.act()
        with self.buying.pool.connection() as conn:
            yield conn


def test_an_order_that_is_sent_while_a_run_computes_is_not_proposed_again(buying: Buying) -> None:
    teas(buying)
    buying.propose()
    name = buying.one().proposal_id
    said = buying.run(lambda conn: answers.accept(conn, BUYER, name, AcceptPaper(), now=NOW))
    order = buying.approve(said.decision_id).outcome["purchase_order"]

    def send() -> None:
        buying.run(lambda conn: ordering.send(conn, BUYER, site=buying.site, name=order, now=NOW))

    buying.stock("TEA", "5")
    meanwhile = Meanwhile(buying, send)
    later = NOW + timedelta(hours=1)
    told = service.run_all(meanwhile, JOB, later, None, sites=[buying.site])["sites"][buying.site]
    assert meanwhile.has_acted
    assert (told["proposals"], told["new"], told["waiting"], told["overtaken"]) == (1, 0, 0, 1)
    assert buying.proposals() == []
    assert (buying.propose(later)["covered"], buying.proposals()) == (1, [])
