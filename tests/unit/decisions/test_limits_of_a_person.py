"""Who may say yes to what, as pure arithmetic: whatever the order, a person's day never passes the limit."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.decisions.domain import (
    AboveLimitError,
    Allowance,
    Decision,
    OwnDecisionError,
    State,
    approving_roles,
    choose_role,
)
from cloud.identity.domain import Grant, actor_of

AMOUNTS = st.decimals(min_value="0.01", max_value="1000", places=2)


def decision(value: Decimal | None, **more: Any) -> Decision:
    content: dict[str, Any] = {
        "decision_id": 1,
        "kind": "count_adjustment",
        "site": "leeds",
        "subject": "variance/1",
        "item": "TEA",
        "state": State.SUBMITTED,
        "revision": 1,
        "author": "user:ada",
        "contributors": [],
        "reason": "count_variance",
        "note": "",
        "value": value,
        "currency": "GBP",
        "evidence": {},
        "inputs": {},
        "parameters": {},
        "effect": {"do": 1},
        "time_zone": "UTC",
        "created_at": datetime(2026, 3, 2, tzinfo=UTC),
    }
    empty = dict.fromkeys(Decision.__dataclass_fields__)
    told = empty | content | {"verdict_note": ""} | more
    return Decision(**(told | {"persons": [told["author"], *told["contributors"]]}))


def allowance(amount: str | Decimal | None, own: str | Decimal = "0", role: str = "approver") -> Allowance:
    return Allowance(
        role=role,
        is_set=True,
        amount=None if amount is None else Decimal(amount),
        self_amount=Decimal(own),
    )


@given(limit=AMOUNTS, values=st.lists(AMOUNTS, max_size=12), person=st.sampled_from(["user:ada", "user:bob"]))
def test_a_day_of_approvals_never_passes_the_limit(
    limit: Decimal, values: list[Decimal], person: str
) -> None:
    room = allowance("5000", limit) if person == "user:ada" else allowance(limit)
    spent, refused = Decimal(0), []
    for value in values:
        try:
            choose_role(decision(-value), person, [room], spent)
        except (AboveLimitError, OwnDecisionError):
            refused.append((spent, value))
        else:
            spent += value
    assert spent <= limit
    assert all(before + value > limit for before, value in refused)


@given(value=AMOUNTS, limits=st.lists(st.one_of(st.none(), AMOUNTS), min_size=1, max_size=5))
def test_of_several_roles_one_that_suffices_is_found_and_none_that_does_not(
    value: Decimal, limits: list[Decimal | None]
) -> None:
    rooms = [allowance(limit, role=f"role-{number}") for number, limit in enumerate(limits)]
    suffices = [limit for limit in limits if limit is None or limit >= value]
    if suffices:
        chosen = choose_role(decision(value), "user:bob", rooms, Decimal(0))
        assert chosen.amount is None or chosen.amount >= value
    else:
        with pytest.raises(AboveLimitError):
            choose_role(decision(value), "user:bob", rooms, Decimal(0))


def test_an_unknown_value_is_never_small() -> None:
    assert choose_role(decision(None), "user:bob", [allowance(None)], Decimal(0)).amount is None
    with pytest.raises(AboveLimitError, match="worth an unknown value"):
        choose_role(decision(None), "user:bob", [allowance("1e9")], Decimal(0))
    with pytest.raises(OwnDecisionError, match="worth an unknown value"):
        choose_role(decision(None), "user:ada", [allowance(None, "1e9")], Decimal(0))


def test_an_unlimited_role_does_not_reach_to_ones_own() -> None:
    for contributor in ("user:ada", "user:cat"):
        with pytest.raises(OwnDecisionError, match="not at all; another person has to"):
            choose_role(
                decision(Decimal(1), contributors=["user:cat"]), contributor, [allowance(None)], Decimal(0)
            )


def test_who_has_no_role_at_the_site_approves_nothing() -> None:
    planner = actor_of("user:pat", [Grant.parse("planner@leeds"), Grant.parse("approver@madrid")])
    assert approving_roles(planner, "leeds") == ["planner"]
    assert approving_roles(planner, "york") == []
    with pytest.raises(AboveLimitError, match="user:pat approves nothing of this kind at leeds"):
        choose_role(decision(Decimal(1)), "user:pat", [], Decimal(0))


def test_a_free_thing_still_needs_a_limit() -> None:
    with pytest.raises(AboveLimitError):
        choose_role(decision(Decimal(0)), "user:bob", [allowance("0")], Decimal(0))
    assert choose_role(decision(Decimal(0)), "user:bob", [allowance("1")], Decimal(1)).role == "approver"
