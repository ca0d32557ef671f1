"""What was an accident is masked with a reason, stays where it is, and can be taken back."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from asking import PLANNER, Demand, line

from cloud.demand import masks
from cloud.demand.domain import DemandError, UnknownSiteError
from cloud.demand.masks import Mask, MaskKind, UnknownMaskError
from cloud.demand.reading import DailyMatrix, daily_matrix
from cloud.identity.store import act_as

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 10)


def add(demand: Demand, **changes: object) -> Mask:
    asked = {
        "site": "leeds",
        "item": "TEA",
        "from_day": date(2026, 3, 2),
        "until_day": date(2026, 3, 3),
        "kind": MaskKind.ONE_OFF,
        "reason": " a hotel's  opening ",
    } | changes
    return demand.ledger.as_app(lambda conn: masks.add_mask(conn, PLANNER, **asked))


def masked(demand: Demand) -> list[int]:
    def read(conn: object) -> DailyMatrix:
        act_as(conn, PLANNER)
        return daily_matrix(conn, "leeds", FIRST, LAST)

    matrix = demand.ledger.as_app(read)
    assert matrix.quantity.sum() == 3, "the demand itself stays"
    return np.flatnonzero(matrix.masked[0]).tolist()


def test_masked_days_are_told_until_the_mask_is_withdrawn(demand: Demand) -> None:
    demand.tell(line("3", "2026-03-02T09:00:00Z"))
    made = add(demand)
    assert (made.reason, made.recorded_by, made.is_in_force) == ("a hotel's opening", PLANNER.id, True)
    assert masked(demand) == [1, 2]
    assert add(demand) == made, "the same again is the same mask"
    everything = add(demand, item=None, from_day=date(2026, 2, 1), until_day=FIRST, kind=MaskKind.DISRUPTION)
    other = add(demand, item="MUG", from_day=LAST, until_day=LAST)
    elsewhere = add(demand, site="pune", from_day=LAST, until_day=LAST)
    assert masked(demand) == [0, 1, 2]

    withdrawn = demand.ledger.as_app(
        lambda conn: masks.withdraw_mask(conn, PLANNER, made.mask_id, reason="every spring")
    )
    assert (withdrawn.withdrawn_by, withdrawn.withdrawn_because) == (PLANNER.id, "every spring")
    again = demand.ledger.as_app(
        lambda conn: masks.withdraw_mask(conn, PLANNER, made.mask_id, reason="another reason")
    )
    assert again == withdrawn
    assert masked(demand) == [0]

    def listed(**wanted: object) -> list[int]:
        found = demand.ledger.as_app(lambda conn: masks.masks(conn, PLANNER, limit=100, **wanted))
        return [mask.mask_id for mask in found if mask.mask_id >= made.mask_id]

    ours = [made.mask_id, everything.mask_id, other.mask_id, elsewhere.mask_id]
    assert listed() == ours
    assert listed(site="leeds", item="TEA") == ours[:2]
    assert listed(after=everything.mask_id) == ours[2:]
    actions = demand.ledger.query(
        "SELECT action FROM audit_event WHERE target = %s ORDER BY audit_id", f"demand_mask:{made.mask_id}"
    )
    assert [action for (action,) in actions] == ["demand_masked", "demand_mask_withdrawn"]


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"item": "GHOST"}, DemandError, "item 'GHOST': there is no such item"),
        ({"site": "atlantis"}, UnknownSiteError, "there is no site 'atlantis'"),
        ({"until_day": date(2026, 3, 1)}, DemandError, "until_day 2026-03-01: expected 2026-03-02"),
        ({"until_day": date(2029, 3, 1)}, DemandError, "at most 731 days"),
        ({"reason": "  "}, DemandError, "expected 1 to 500 printable characters"),
        ({"reason": "a\0b"}, DemandError, "expected 1 to 500 printable characters"),
    ],
)
def test_a_mask_that_cannot_be_is_refused_with_value_and_expectation(
    demand: Demand, changes: dict, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        add(demand, **changes)
    assert message in str(caught.value)


def test_a_mask_of_another_site_is_none_that_one_could_withdraw(demand: Demand) -> None:
    made = add(demand, from_day=date(2026, 3, 5), until_day=date(2026, 3, 5))
    stranger = replace(PLANNER, all_sites=False, sites=frozenset({"pune"}))
    with pytest.raises(UnknownMaskError, match="at your sites"):
        demand.ledger.as_app(lambda conn: masks.withdraw_mask(conn, stranger, made.mask_id, reason="mine"))
