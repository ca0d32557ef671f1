"""A closed figure is what had occurred and was known; what comes later is listed and changes nothing."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

import pytest
from closing import BOSS, NOW, approve, ask, closed, lines, worth
from scenario import CONTROLLER, NETWORK_CONTROLLER, SITE, Ledger, Outbox, move

from cloud.approvals.service import approve_and_apply
from cloud.counting.reconciling.domain import StatedLine, StatedList
from cloud.counting.reconciling.service import reconcile
from cloud.db import connect
from cloud.decisions.domain import OwnDecisionError, State
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.ledger.corrections import adjust_to_count, post_reversal
from cloud.ledger.domain import Posted
from cloud.ledger.manual import ManualMovement, post_movement
from cloud.ledger.past import fold
from cloud.ledger.verification.service import verify
from cloud.master.costs import Basis, CostPaper, CostsError, put_costs
from cloud.master.rates import RatePaper, put_rates
from cloud.periods import reading
from cloud.periods.domain import PeriodError
from cloud.periods.reading import Moment
from contracts.records import Identifier, RowRef, Side

MARCH_END = datetime(2026, 3, 31, 23, 59, 59, 999999, tzinfo=UTC)
DAY = 24 * 60
ITEM = "gtin:05012345678900"


def priced(ledger: Ledger, cost: str | None = "2.345") -> None:
    ledger.query("UPDATE site SET currency = 'EUR' RETURNING 1")
    if cost:
        add = "INSERT INTO item_cost SELECT item_id, 'leeds', '2026-01-01', %s, 'EUR' FROM item RETURNING 1"
        ledger.query(add, Decimal(cost))


def test_a_period_is_closed_by_two_people_and_stays_as_it_was_closed(ledger: Ledger) -> None:
    gateway = Outbox()
    ledger.post(gateway.seal([move("10", "@supplier", "A-01", minute=5)]))
    priced(ledger)
    with pytest.raises(PeriodError, match="2 gateways have not reported"):
        ask(ledger, "2026-03")
    with pytest.raises(PeriodError, match="expected one that is over"):
        ask(ledger, "2026-09", "figures_due")
    asked = ask(ledger, "2026-03", "figures_due")
    assert (asked.state, asked.value, asked.currency) == (State.SUBMITTED, Decimal("23.45"), "EUR")
    with pytest.raises(OwnDecisionError):
        approve_as_author(ledger, asked)
    ledger.post(gateway.seal([move("1", "@supplier", "A-01", minute=6)]))
    again = approve(ledger, asked)
    assert (again.state, again.value) == (State.SUBMITTED, Decimal("25.80"))
    assert "1 more facts" in again.verdict_note
    ledger.post(gateway.seal([move("3", "@supplier", "A-01", minute=40 * DAY)]))  # of April: changes nothing
    assert approve(ledger, again).state == State.APPLIED
    (first,) = ledger.as_app(lambda conn: reading.closes(conn, CONTROLLER, site=SITE, limit=9))
    assert (first.ends_at, first.revision, first.closed_by) == (MARCH_END, 1, BOSS.id)
    assert [point.kind for point in first.points] == ["incomplete"]
    assert lines(ledger, first) == {(ITEM, "A-01"): (Decimal(11), Decimal("25.80"))}

    ledger.as_app(fold)
    ledger.post(gateway.seal([move("4", "A-01", "@customer", minute=9), move("2", "A-01", "B-01", minute=8)]))
    for _ in range(2):  # before the fold and after it
        late = ledger.as_app(
            lambda conn: reading.prior_facts(conn, CONTROLLER, close_id=first.close_id, limit=9)
        )
        assert [(fact.change, fact.value, fact.author) for fact in late] == [
            (Decimal(-4), Decimal("-9.38"), "gw-1"),
            (Decimal(0), Decimal("0.00"), "gw-1"),
        ]
        ledger.as_app(fold)
    assert worth(ledger, first).value == Decimal("25.80")

    with pytest.raises(PeriodError, match="2026-03 is closed"):
        ask(ledger, "2026-03")
    second = closed(ledger, "2026-03", "late_facts")
    assert (second.revision, second.is_last) == (2, True)
    assert worth(ledger, second).value == Decimal("16.42")  # 5 x 2.345 and 2 x 2.345, each rounded
    assert worth(ledger, first).value == Decimal("25.80")
    april = closed(ledger, "2026-04", "figures_due")
    assert lines(ledger, april)[ITEM, "A-01"][0] == Decimal(8)


def approve_as_author(ledger: Ledger, decision: object) -> None:
    author = replace(CONTROLLER, roles=CONTROLLER.roles | {Role.APPROVER})
    ledger.as_app(lambda conn: approve_and_apply(conn, author, decision.decision_id, decision.revision))


def test_a_periodic_average_is_the_same_in_any_order_and_late_facts_count_in_the_next(ledger: Ledger) -> None:
    """Each item lives through the same facts in an order of its own."""
    gtins = [f"0501234567{number:03}0" for number in range(6)]
    march = [
        ("100", "@opening", "A-01", -10 * DAY),  # at 2.00 EUR
        ("30", "@supplier", "A-01", 2 * DAY),  # at 3.00 USD, when a dollar was 0.8 EUR
        ("50", "@supplier", "B-01", 20 * DAY),  # at 3.00 USD, when it was 0.9
        ("60", "A-01", "@customer", 3 * DAY),
        ("20", "A-01", "B-01", 4 * DAY),
    ]
    late = [("40", "@supplier", "A-01", 21 * DAY), ("5", "A-01", "@customer", 1 * DAY)]
    april = [("10", "@supplier", "A-01", 35 * DAY), ("33", "B-01", "@customer", 36 * DAY)]
    gateway = Outbox()

    def live(facts: list[tuple[str, str, str, int]]) -> None:
        for number, gtin in enumerate(gtins):
            for quantity, source, destination, minute in Random(number).sample(facts, len(facts)):
                ledger.post(gateway.seal([move(quantity, source, destination, item=gtin, minute=minute)]))

    live(march)
    ledger.query("UPDATE site SET currency = 'EUR' RETURNING 1")
    codes = [f"gtin:{gtin}" for gtin in gtins]
    ledger.as_app(lambda conn: put_costs(conn, CONTROLLER, costs_paid(codes), basis=Basis.PURCHASE))
    ledger.as_app(lambda conn: put_rates(conn, NETWORK_CONTROLLER, RATES))
    first = closed(ledger, "2026-03", "figures_due")
    average = rounded((100 * Decimal(2) + 30 * Decimal("2.4") + 50 * Decimal("2.7")) / 180)
    assert average == Decimal("2.261111")
    values = lines(ledger, first)
    for code in codes:
        assert values[code, "A-01"] == (Decimal(50), Decimal("113.06"))
        assert values[code, "B-01"] == (Decimal(70), Decimal("158.28"))
    live(late)
    ledger.as_app(fold)
    live(april)
    second = closed(ledger, "2026-04", "figures_due")
    bought = 40 * Decimal("2.7") + 10 * Decimal("2.7")
    following = rounded((120 * average + bought) / (120 + 50))
    values = lines(ledger, second)
    for code in codes:
        assert values[code, "A-01"] == (
            Decimal(95),
            (95 * following).quantize(Decimal("0.01"), ROUND_HALF_UP),
        )
        assert values[code, "B-01"] == (
            Decimal(37),
            (37 * following).quantize(Decimal("0.01"), ROUND_HALF_UP),
        )
    assert lines(ledger, first)[codes[0], "A-01"] == (Decimal(50), Decimal("113.06"))
    again = closed(ledger, "2026-03", "late_facts")
    whole = rounded((100 * Decimal(2) + 30 * Decimal("2.4") + 90 * Decimal("2.7")) / 220)
    for code in codes:
        assert lines(ledger, again)[code, "A-01"] == (Decimal(85), cents(85 * whole))
    assert ledger.as_owner(verify).is_clean

    ledger.post(gateway.seal([move("1", "@supplier", "A-01", item="05000000000012", minute=50 * DAY)]))
    unknown = worth(ledger, closed(ledger, "2026-05", "figures_due"))
    assert (unknown.unknown_items, unknown.value) == (1, None)
    now = Moment(SITE, second.ends_at, second.as_of_position)
    live_value = ledger.as_app(lambda conn: reading.figure(conn, CONTROLLER, now))
    assert (live_value.lines, live_value.unknown_items) == (12, 0)


RATES = [
    RatePaper("USD", "EUR", date(2026, 1, 1), Decimal("0.8"), "test"),
    RatePaper("USD", "EUR", date(2026, 3, 15), Decimal("0.9"), "test"),
]


@pytest.mark.parametrize("what", ["item_cost", "exchange_rate"])
def test_of_two_who_state_another_cost_or_rate_at_once_the_second_is_told(ledger: Ledger, what: str) -> None:
    ledger.post(Outbox().seal([move("10", "@supplier", "A-01", minute=5)]))
    ((code,),) = ledger.query("SELECT code FROM item")
    start = datetime(2026, 5, 1, tzinfo=UTC)
    is_waiting = "SELECT FROM pg_stat_activity WHERE application_name = 'second' AND wait_event_type = 'Lock'"
    waiting: list[Future[None]] = []

    def state(name: str, value: Decimal) -> None:
        with connect(ledger.app_dsn, name) as conn:
            if what == "item_cost":
                put_costs(conn, NETWORK_CONTROLLER, [CostPaper(code, SITE, value, "EUR", start)])
            else:
                put_rates(conn, NETWORK_CONTROLLER, [RatePaper("USD", "EUR", start.date(), value, "bank")])
            if name == "first":  # not committed yet: the second has to wait
                waiting.append(crowd.submit(state, "second", value + 1))
                while not waiting[0].done() and not watch.execute(is_waiting).fetchall():
                    pass

    with ThreadPoolExecutor(2) as crowd, connect(ledger.app_dsn, "watch", autocommit=True) as watch:
        state("first", Decimal(3))
    with pytest.raises(CostsError, match="meanwhile"):
        waiting[0].result()
    column = "cost" if what == "item_cost" else "rate"
    assert ledger.query(f"SELECT {column} FROM {what}") == [(Decimal(3),)]
    told = ledger.query("SELECT count(*) FROM audit_event WHERE action IN ('cost_set', 'exchange_rate_set')")
    assert told == [(1,)]


def costs_paid(codes: list[str]) -> list[CostPaper]:
    old, new = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    return [
        paper
        for code in codes
        for paper in (
            CostPaper(code, SITE, Decimal("2.00"), "EUR", old),
            CostPaper(code, SITE, Decimal("3.00"), "USD", new),
        )
    ]


def rounded(cost: Decimal) -> Decimal:
    return cost.quantize(Decimal("0.000001"), ROUND_HALF_UP)


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_who_states_something_into_a_closed_period_needs_the_role(ledger: Ledger) -> None:
    gateway = Outbox()
    ledger.post(gateway.seal([move("10", "@supplier", "A-01"), move("1", "A-01", "B-01", minute=5)]))
    ledger.query("UPDATE site SET currency = 'EUR' RETURNING 1")
    closed(ledger, "2026-03", "figures_due")
    supervisor = replace(CONTROLLER, id="user:sue", roles=frozenset({Role.SUPERVISOR}))

    def by_hand(actor: Actor, occurred_at: datetime) -> Posted:
        said = ManualMovement(
            SITE,
            Identifier(scheme="gtin", value="05012345678900"),
            Decimal(1),
            "base",
            Side(location="A-01"),
            Side(location="@scrap"),
            occurred_at,
            "found_broken",
        )
        return ledger.as_app(lambda conn: post_movement(conn, actor, said, now=NOW))

    undone = [RowRef(gateway="gw-1", epoch=gateway.epoch, seq=seq) for seq in (1, 2)]
    with pytest.raises(NotAllowedError, match=r"closed until 2026-03-31.*needs inventory_controller"):
        by_hand(supervisor, MARCH_END)
    with pytest.raises(NotAllowedError, match="closed until"):
        ledger.as_app(lambda conn: post_reversal(conn, supervisor, undone[0], reason="misread"))
    by_hand(supervisor, MARCH_END + timedelta(seconds=1))
    by_hand(CONTROLLER, MARCH_END)
    ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, undone[1], reason="misread"))
    ((cell,),) = ledger.query(
        "SELECT cell_id FROM cell JOIN location l USING (location_id) WHERE l.code = 'A-01'"
    )
    counted = {"cell_id": cell, "observed_at": MARCH_END, "counted": Decimal(9), "reason": "cycle_count"}
    with pytest.raises(NotAllowedError, match="closed until"):
        ledger.as_app(lambda conn: adjust_to_count(conn, BOSS, **counted))
    ledger.as_app(lambda conn: adjust_to_count(conn, CONTROLLER, **counted))
    stated = StatedList(SITE, MARCH_END, [StatedLine("gtin:05012345678900", "B-01", Decimal(0))], "list.csv")
    asked = ledger.as_app(lambda conn: reconcile(conn, CONTROLLER, stated, now=NOW))
    assert approve(ledger, asked).state == State.APPLIED
    told = ledger.query(
        "SELECT actor, detail ->> 'reason' FROM audit_event WHERE action = 'closed_period_entered' ORDER BY 2"
    )
    assert told == [
        ("user:ada", "cycle_count"),
        ("user:ada", "found_broken"),
        ("user:ada", "misread"),
        ("user:bea", "reconciliation"),
    ]
    (march,) = ledger.as_app(lambda conn: reading.closes(conn, CONTROLLER, site=SITE, limit=9))
    late = ledger.as_app(lambda conn: reading.prior_facts(conn, CONTROLLER, close_id=march.close_id, limit=9))
    assert [(fact.change, fact.author, fact.posting_kind) for fact in late] == [
        (Decimal(-1), "user:ada", "statement"),
        (Decimal(0), "user:ada", "reversal"),
    ]
