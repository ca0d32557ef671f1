"""Whether to order, how much and when: cells in, plans out; what other systems get wrong among them."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import pytest

from cloud.replenishment.arithmetic import identity, proposed
from cloud.replenishment.curves import LEVELS, CurveError
from cloud.replenishment.domain import Policy, TargetKind
from cloud.replenishment.lead_times import LeadTime, promised
from cloud.replenishment.planner import Cell, Forecast, order_by, plan
from cloud.replenishment.position import CustomerOrder, OpenLine
from cloud.replenishment.quantities import OrderRule
from cloud.replenishment.terms import EVERY_DAY, Terms

FILE: Final = Path(__file__).parents[4] / "shared" / "vectors" / "planning" / "planning-derived.json"
VECTORS: Final[dict[str, Any]] = (
    {each["id"]: each for each in json.loads(FILE.read_text())["vectors"]} if FILE.exists() else {}
)
beside_the_repository = pytest.mark.skipif(not VECTORS, reason="shared vectors are not beside the repository")
SCORES: Final = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
TODAY: Final = date(2026, 3, 4)
READ_AT: Final = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)
HORIZONS: Final = (1, 7, 14, 28, 56, 91)


def forecast(mean: float = 20, deviation: float = 6, *, days: int = 91, **fields: Any) -> Forecast:
    horizons = tuple(each for each in HORIZONS if each <= days)
    cum_q = np.array([mean * each + SCORES * deviation * each**0.5 for each in horizons])
    known = Forecast(
        run_id=1,
        finished_at="2026-03-04T02:00:00+00:00",
        first_day=TODAY,
        mean=np.full(days, mean),
        horizons=horizons,
        cum_q=cum_q,
        model="ets",
        is_sufficient=True,
    )
    return replace(known, **fields)


def terms(lead_time: LeadTime | None = None, **rule: Any) -> Terms:
    return Terms(
        "ACME",
        None,
        "EUR",
        Decimal("2.50"),
        replace(OrderRule(None, None, is_whole=True), **rule),
        lead_time or promised(7),
        EVERY_DAY,
        "2026-01-01T00:00:00+00:00",
    )


def cell(**fields: Any) -> Cell:
    known = Cell(
        site="leeds",
        item="TEA",
        item_id=1,
        unit="each",
        today=TODAY,
        on_hand=Decimal(100),
        lines=(),
        customer_orders=(),
        forecast=forecast(),
        terms=terms(),
        policy=Policy(7, TargetKind.CYCLE_SERVICE, 0.95),
    )
    return replace(known, **fields)


def line(quantity: float, due_on: date, name: str = "PO-1") -> OpenLine:
    return OpenLine(name, "1", "ACME", quantity, due_on, "2026-02-01T00:00:00+00:00")


def test_a_covered_item_needs_nothing() -> None:
    found = plan(cell(on_hand=Decimal(400)))
    assert found.is_covered
    assert found.rounded.quantity == 0
    assert found.service_now > 0.999


def test_an_order_that_comes_in_half_a_year_hides_no_shortage() -> None:
    far = cell(lines=(line(5_000, TODAY + timedelta(180)),))
    found = plan(far)
    assert found.position.level == 100
    assert not found.is_covered
    assert found.expedite is not None
    told = proposed(far, found, READ_AT)
    assert (told.kind, told.value) == ("expedite", None)
    refused = replace(far, expedited=frozenset({("PO-1", "1")}))
    told = proposed(refused, plan(refused), READ_AT)
    assert (told.kind, told.quantity) == ("order", Decimal(357))  # of what lead time and review need, no more


def test_an_order_counts_up_to_the_last_day_of_lead_time_and_review() -> None:
    last = TODAY + timedelta(14)
    assert plan(cell(lines=(line(300, last),))).is_covered
    assert not plan(cell(lines=(line(300, last + timedelta(1)),))).is_covered


def test_an_overdue_order_counts_as_coming_today_and_says_so() -> None:
    late = cell(lines=(line(300, TODAY - timedelta(3)),))
    found = plan(late)
    assert found.is_covered
    assert found.projected[0] == 100 + 300 - 20
    slow = replace(late, lines=(replace(late.lines[0], late_on=TODAY + timedelta(20)),))
    assert not plan(slow).is_covered
    assert "expected on 2026-03-24 as its slower ones came" in json.dumps(
        proposed(slow, replace(plan(slow), expedite=None), READ_AT).arithmetic
    )
    short = replace(late, lines=(line(30, TODAY - timedelta(3)),))
    assert "overdue by 3 days" in json.dumps(proposed(short, plan(short), READ_AT).arithmetic)


def test_zero_lead_time_protects_the_review_alone() -> None:
    found = plan(cell(terms=terms(promised(0)), on_hand=Decimal(0)))
    assert found.horizon == 7
    assert found.reorder_point == pytest.approx(140 + 1.644854 * 6 * 7**0.5, abs=1e-3)
    assert proposed(cell(terms=terms(promised(0)), on_hand=Decimal(0)), found, READ_AT).arrives_on == TODAY


def test_a_lead_time_that_varies_needs_more_than_its_mean_says() -> None:
    varying = plan(cell(terms=terms(LeadTime((5, 7, 21), (0.4, 0.5, 0.1), "observed", 20))))
    steady = plan(cell(terms=terms(LeadTime((7,), (1.0,), "observed", 20))))
    assert varying.expected == pytest.approx(0.4 * 240 + 0.5 * 280 + 0.1 * 560)
    assert varying.safety_stock > 3 * steady.safety_stock
    assert varying.service_now == pytest.approx(
        sum(
            share * NormalDist(20 * days, 6 * days**0.5).cdf(100)
            for days, share in ((12, 0.4), (14, 0.5), (28, 0.1))
        ),
        abs=1e-3,
    )


def test_a_target_of_units_served_needs_less_than_one_of_cycles() -> None:
    cycles = plan(cell(policy=Policy(7, TargetKind.CYCLE_SERVICE, 0.95)))
    units = plan(cell(policy=Policy(7, TargetKind.FILL_RATE, 0.95)))
    assert units.reorder_point < cycles.reorder_point
    on_hand = Decimal(repr(units.reorder_point))
    at_point = cell(policy=Policy(7, TargetKind.FILL_RATE, 0.95), on_hand=on_hand)
    assert plan(at_point).fill_now == pytest.approx(0.95, abs=1e-6)


def test_customers_orders_are_a_part_of_the_forecast_until_they_are_more() -> None:
    few = cell(on_hand=Decimal(330), customer_orders=(CustomerOrder("O-1", 60, TODAY + timedelta(3)),))
    assert plan(few).is_covered
    many = replace(few, customer_orders=(CustomerOrder("O-2", 1_000, TODAY + timedelta(3)),))
    found = plan(many)
    # The order uses up its own day, 3 days back to today and 7 ahead: 11 days of 20.
    assert found.position.beyond_forecast == pytest.approx(1_000 - 11 * 20)
    assert not found.is_covered


def test_an_order_goes_out_when_the_supplier_takes_one() -> None:
    mondays = replace(terms(), order_days={1})
    found = plan(cell(terms=mondays))
    assert found.order_on == date(2026, 3, 9)
    assert found.horizon == 5 + 7 + 7
    assert order_by(cell(terms=mondays), found) == date(2026, 3, 9)


def test_an_order_waits_for_the_last_day_that_is_soon_enough() -> None:
    plenty = cell(on_hand=Decimal(310))
    found = plan(plenty)
    assert not found.is_covered
    assert order_by(plenty, found) == TODAY + timedelta(found.needed - 7)


def test_a_forecast_that_is_too_old_or_too_short_is_told() -> None:
    with pytest.raises(CurveError, match="begins on 2026-02-20, today is 2026-03-04"):
        plan(cell(forecast=forecast(first_day=date(2026, 2, 20))))
    with pytest.raises(CurveError, match="reaches 28 days, 37 are to be protected"):
        plan(cell(forecast=forecast(days=28), terms=terms(promised(30))))
    assert plan(cell(forecast=forecast(first_day=TODAY - timedelta(3)))).expected == pytest.approx(280)


def test_an_item_without_demand_is_ordered_only_against_a_negative_book() -> None:
    nothing = forecast(0, 0)
    assert plan(cell(forecast=nothing, on_hand=Decimal(0))).is_covered
    for kind in TargetKind:
        owed = plan(cell(forecast=nothing, on_hand=Decimal(-5), policy=Policy(7, kind, 0.9)))
        assert owed.rounded.quantity == 5


def test_the_same_inputs_name_the_same_proposal_and_others_another() -> None:
    names = {
        identity(each)
        for each in (
            cell(),
            cell(on_hand=Decimal("100.000000")),
            cell(forecast=forecast(run_id=77, finished_at="later")),
        )
    }
    assert len(names) == 1
    others = {
        identity(each)
        for each in (
            cell(on_hand=Decimal(99)),
            cell(today=TODAY + timedelta(1)),
            cell(forecast=forecast(21)),
            cell(terms=terms(min_order=Decimal(48))),
            cell(lines=(line(1, TODAY),)),
            cell(policy=Policy(7, TargetKind.FILL_RATE, 0.95)),
        )
    }
    assert len(names | others) == 7


def test_every_number_of_a_proposal_has_a_source() -> None:
    too_late = line(9, TODAY + timedelta(99), "PO-2")
    known = cell(lines=(line(40, TODAY + timedelta(2)), too_late), expedited=frozenset({("PO-2", "1")}))
    told = proposed(known, plan(known), READ_AT)
    assert told.summary == (
        "Position 140 is below the reorder point 316.93; expected to run out on 11 Mar 2026: "
        "order 317 from ACME"
    )

    def check(part: dict[str, Any]) -> int:
        assert part["name"]
        assert part["value"] != ""
        assert part["source"]
        return 1 + sum(check(each) for each in part.get("parts", ()))

    assert sum(check(part) for part in told.arithmetic["tree"]) > 15
    assert {"review_days", "target", "lead_time"}.isdisjoint(told.arithmetic["defaults"])
    picture = told.arithmetic["picture"]
    assert picture["with_order"][7] - picture["stock"][7] == 317


@beside_the_repository
@pytest.mark.parametrize("name", ["erpnext-reorder-02", "erpnext-reorder-04"])
def test_the_rule_of_erpnext_is_a_level_without_uncertainty(name: str) -> None:
    given, expected = VECTORS[name]["input"], VECTORS[name]["expected"]
    # Demand that surely is the level within lead time and review: theirs orders at it, ours below.
    sure = forecast(given["level"] / 14, 0)
    found = plan(
        cell(
            forecast=sure,
            on_hand=Decimal(given["projected"]),
            terms=terms(min_order=Decimal(given["reorder_qty"])),
        )
    )
    assert found.reorder_point == pytest.approx(given["level"])
    theirs = expected["qty"]
    review = given["level"] / 2
    assert found.is_covered == (theirs == 0)
    assert float(found.rounded.quantity) == (0 if theirs == 0 else np.ceil(theirs + review))


@beside_the_repository
@pytest.mark.parametrize("name", ["odoo-orderpoint-01", "odoo-orderpoint-03"])
def test_the_rule_of_odoo_is_a_minimum_without_uncertainty(name: str) -> None:
    given, expected = VECTORS[name]["input"], VECTORS[name]["expected"]
    # Its minimum is our reorder point, its maximum our order-up-to level: a review's demand lies between.
    days = max(1, given["max"] - given["min"])
    sure = forecast(1.0 if given["max"] else 0.0, 0)
    policy = Policy(days, TargetKind.CYCLE_SERVICE, 0.95)
    lead = promised(max(0, given["min"] - days))
    found = plan(
        cell(
            forecast=sure,
            on_hand=Decimal(given["forecast"]),
            policy=policy,
            terms=terms(lead, multiple=Decimal(given["multiple"])),
        )
    )
    assert (found.reorder_point, found.order_up_to) == pytest.approx((given["min"], given["max"]))
    assert found.rounded.quantity == expected["qty"]
