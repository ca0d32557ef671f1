"""A new item's forecast begins with the old one's history: asked for by one, approved by another, undone."""

from datetime import date
from decimal import Decimal

import numpy as np
import psycopg
import pytest
from asking import PLANNER, Demand, line

from cloud.approvals.service import approve_and_apply, reverse
from cloud.decisions.domain import Decision, DifferentDraftError, OwnDecisionError, State, WrongStateError
from cloud.demand.domain import DemandError
from cloud.demand.reading import DailyMatrix, Item, daily_matrix, inherited
from cloud.demand.supersession import Succession, propose, supersessions
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.corrections import merge_items
from tests.integration.ledger.scenario import NETWORK_CONTROLLER

FIRST, LAST, FROM = date(2026, 3, 1), date(2026, 3, 10), date(2026, 3, 5)
APPROVER = Actor("user:ann", frozenset({Role.APPROVER}), all_sites=True)


def ask(demand: Demand, old: str = "TEA", new: str = "MUG", **changes: object) -> Decision:
    asked = {"site": "leeds", "from_day": FROM, "factor": Decimal("0.5"), "today": LAST} | changes
    return demand.ledger.as_app(lambda conn: propose(conn, PLANNER, from_item=old, to_item=new, **asked))


def approve(demand: Demand, decision: Decision, actor: Actor = APPROVER) -> Decision:
    return demand.ledger.as_app(
        lambda conn: approve_and_apply(conn, actor, decision.decision_id, revision=decision.revision, note="")
    )


def history(demand: Demand) -> dict[str, list[float]]:
    def read(conn: object) -> DailyMatrix:
        act_as(conn, PLANNER)
        return daily_matrix(conn, "leeds", FIRST, LAST)

    matrix = demand.ledger.as_app(read)
    return {item.code: row.tolist() for item, row in zip(matrix.items, matrix.quantity, strict=True)}


def test_approved_history_is_read_as_the_new_items_until_that_is_reversed(demand: Demand) -> None:
    demand.tell(line("4", "2026-03-02T09:00:00Z"), line("2", "2026-03-06T09:00:00Z", document="D-2"))
    as_asked = {"TEA": [0, 4, 0, 0, 0, 2, 0, 0, 0, 0]}
    wanted = ask(demand)
    assert wanted.inputs == {"old_sold_in_91_days": "6", "new_sold_in_91_days": "0"}
    assert history(demand) == as_asked, "nothing before it is approved"
    assert ask(demand) == wanted
    with pytest.raises(DifferentDraftError):
        ask(demand, factor=Decimal(2))
    both = Actor(PLANNER.id, PLANNER.roles | APPROVER.roles, all_sites=True)
    with pytest.raises(OwnDecisionError):
        approve(demand, wanted, both)
    applied = approve(demand, wanted)
    assert applied.state == State.APPLIED
    assert history(demand) == {"MUG": [0, 2, 0, 0, 0, 1, 0, 0, 0, 0]}
    with pytest.raises(DemandError, match="'TEA' is superseded by 'MUG'"):
        ask(demand)
    with pytest.raises(DemandError, match="they cannot both be new"):
        ask(demand, "MUG", "TEA")
    demand.ledger.as_app(
        lambda conn: reverse(
            conn, APPROVER, wanted.decision_id, revision=applied.revision, reason="facts_changed", note=""
        )
    )
    assert history(demand) == as_asked
    (kept,) = demand.ledger.as_app(
        lambda conn: [
            one for one in supersessions(conn, PLANNER, limit=10) if one.decision_id == wanted.decision_id
        ]
    )
    assert (kept.from_item, kept.to_item, kept.ended_by) == ("TEA", "MUG", APPROVER.id)


def test_of_two_that_would_succeed_each_other_one_is_refused_when_it_is_approved(demand: Demand) -> None:
    there, back = ask(demand, "TEA", "MUG", site="pune"), ask(demand, "MUG", "TEA", site="pune")
    approve(demand, there)
    with pytest.raises(WrongStateError, match="they cannot both be new"):
        approve(demand, back)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"old": "GHOST"}, "item 'GHOST': there is no such item"),
        ({"new": "TEA"}, "are one item"),
        ({"factor": Decimal(0)}, "factor 0: expected"),
        ({"factor": Decimal("NaN")}, "factor NaN: expected"),
    ],
)
def test_what_is_no_succession_is_refused(demand: Demand, changes: dict, message: str) -> None:
    with pytest.raises(DemandError) as caught:
        ask(demand, **({"site": "howe"} | changes))
    assert message in str(caught.value)


def test_a_chain_passes_history_on_and_stock_outs_before_the_first_day_are_the_old_ones() -> None:
    items = (Item("A", 1), Item("B", 2), Item("C", 3), Item("D", 4))
    quantity = np.array([[8.0, 8, 0], [0, 0, 3], [0, 0, 0], [1, 1, 1]])
    censored = np.zeros(quantity.shape, dtype=bool)
    censored[0, 0], censored[1, :2] = True, True
    asked = DailyMatrix(items, (FIRST, FROM, LAST), quantity, censored, np.zeros(quantity.shape, dtype=bool))
    found = inherited(asked, [Succession(2, 3, "C", 2, 1.0), Succession(1, 2, "B", 2, 0.5)])
    assert [item.code for item in found.items] == ["C", "D"]
    assert found.quantity.tolist() == [[4, 4, 3], [1, 1, 1]]
    assert found.censored.tolist() == [[True, False, False], [False, False, False]]
    with pytest.raises(DemandError, match="take each other's place"):
        inherited(asked, [Succession(1, 2, "B", 0, 1.0), Succession(2, 1, "A", 0, 1.0)])


def test_a_merged_name_of_a_superseded_item_is_superseded_too(demand: Demand) -> None:
    named = line("6", site="pune")._replace(scheme="local", value="T-1")
    demand.tell(named, named._replace(line="2", value="M-1"), makes_items=True)
    approve(demand, ask(demand, "TEA", "MUG", site="pune"))
    for old, new in (("local:T-1", "TEA"), ("local:M-1", "MUG")):
        demand.ledger.as_app(
            lambda conn, old=old, new=new: merge_items(conn, NETWORK_CONTROLLER, from_code=old, to_code=new)
        )
    with pytest.raises(DemandError, match="'local:T-1' is superseded by 'MUG'"):
        ask(demand, "local:T-1", "MUG", site="pune")
    with pytest.raises(DemandError, match="they cannot both be new"):
        ask(demand, "local:M-1", "local:T-1", site="pune")


def test_one_item_that_takes_the_place_of_two_was_out_of_stock_where_either_was() -> None:
    items = (Item("A", 1), Item("B", 2), Item("C", 3))
    quantity = np.array([[8.0, 0, 0], [2, 2, 0], [0, 0, 5]])
    censored = np.zeros(quantity.shape, dtype=bool)
    censored[0, 1], censored[2, :2] = True, True
    asked = DailyMatrix(items, (FIRST, FROM, LAST), quantity, censored, np.zeros(quantity.shape, dtype=bool))
    found = inherited(asked, [Succession(1, 3, "C", 2, 1.0), Succession(2, 3, "C", 2, 1.0)])
    assert found.quantity.tolist() == [[10, 2, 5]]
    assert found.censored.tolist() == [[False, True, False]]


def test_history_is_handed_on_in_the_units_that_merged_items_read_as(demand: Demand) -> None:
    named = line("6", site="howe")._replace(scheme="local", value="T-2")
    told = (named, named._replace(line="2", value="M-2"), named._replace(line="3", value="C-2"))
    demand.tell(*told, named._replace(line="4", value="B-2"), makes_items=True)
    approve(demand, ask(demand, "local:T-2", "local:M-2", site="howe"))  # a half of M in place of each T
    for old, new, ratio in (("T-2", "C-2", (1, 4)), ("M-2", "B-2", (3, 1))):
        demand.ledger.as_app(
            lambda conn, old=old, new=new, ratio=ratio: merge_items(
                conn, NETWORK_CONTROLLER, from_code=f"local:{old}", to_code=f"local:{new}", ratio=ratio
            )
        )

    def read(conn: object) -> DailyMatrix:
        act_as(conn, PLANNER)
        return daily_matrix(conn, "howe", FIRST, LAST)

    matrix = demand.ledger.as_app(read)
    found = {item.code: row[1] for item, row in zip(matrix.items, matrix.quantity, strict=True)}
    # 6 of T and as many C as 24 of T make 30 of T; half as many M, each three of B; 6 of M and 6 of B beside.
    assert found == {"local:B-2": 30 * 0.5 * 3 + 6 * 3 + 6}


def test_the_database_takes_no_supersession_without_an_approved_decision_that_says_so(demand: Demand) -> None:
    waiting = ask(demand, "MUG", "TEA", site="pune", from_day=LAST)

    def write(conn: psycopg.Connection, **changes: object) -> None:
        act_as(conn, PLANNER)
        conn.execute(
            "INSERT INTO supersession (site_id, from_item, to_item, from_day, factor, decision_id, "
            "applied_by) SELECT 'pune', a.item_id, b.item_id, %(day)s, %(factor)s, %(decision)s, 'user:eve' "
            "FROM item a, item b WHERE a.code = 'MUG' AND b.code = 'TEA'",
            {"day": LAST, "factor": Decimal("0.5"), "decision": waiting.decision_id} | changes,
        )

    with pytest.raises(psycopg.errors.RestrictViolation, match="no approved decision that says so"):
        demand.ledger.as_app(write)
    approve(demand, waiting)
    with pytest.raises(psycopg.errors.RestrictViolation, match="no approved decision that says so"):
        demand.ledger.as_app(lambda conn: write(conn, factor=Decimal(2)))

    def rewrite(conn: psycopg.Connection) -> None:
        conn.execute("UPDATE supersession SET factor = 2 WHERE decision_id = %s", (waiting.decision_id,))

    with pytest.raises(psycopg.errors.RestrictViolation, match="it ends once"):
        demand.ledger.as_owner(rewrite)
