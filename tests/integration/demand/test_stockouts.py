"""A site could not sell what it had none of while it was open; what was before the ledger is unknown."""

from datetime import date, time

from asking import TEA, Demand, line
from scenario import NETWORK_CONTROLLER, SITE, at, move, stated
from test_site_days import set_to

from cloud.demand.reading import daily_matrix
from cloud.ledger.domain import CloudStatement
from cloud.ledger.past import fold as fold_some
from contracts.records import Side, UnitPosition

HELD = Side(location="A-01", disposition="hold")


def stockouts(demand: Demand, since: float, until: float, site: str = SITE) -> list[tuple[float, float]]:
    """Give the stock-outs of tea between two minutes of the scenario, in its minutes."""
    found = demand.ledger.query(
        "SELECT from_at, until_at FROM pub_stockout_interval(%s, %s, %s) WHERE item = 'TEA'",
        [site],
        at(since),
        at(until),
    )
    return [((a - at(0)).total_seconds() / 60, (b - at(0)).total_seconds() / 60) for a, b in found]


def tea(quantity: str, source: str | Side, destination: str | Side, minute: float) -> CloudStatement:
    return stated(move(quantity, source, destination, item=TEA, minute=minute))


def placed(
    unit: Side, minute: float, *, location: str | None = None, parent: str | None = None, site: str = SITE
) -> CloudStatement:
    position = {"seq": 1, "occurred_at_claimed": at(minute), "mono_ns": 0, "boot_id": "b", "clock_ok": True}
    return stated(
        UnitPosition.model_validate(position | {"unit": unit.unit, "location": location, "parent": parent}),
        site,
    )


def post(demand: Demand, *statements: CloudStatement) -> None:
    demand.ledger.state(*statements, actor=NETWORK_CONTROLLER)


def fold(demand: Demand) -> None:
    demand.ledger.as_app(fold_some)


def test_a_site_is_out_of_stock_while_it_holds_nothing_usable_after_its_first_movement(
    demand: Demand,
) -> None:
    assert stockouts(demand, -600, 600) == [], "before the ledger nothing is known"
    post(demand, tea("5", "@supplier", "A-01", 10))
    post(demand, tea("2", "A-01", "B-01", 20), tea("2", "A-01", HELD, 20))
    post(demand, tea("1", "A-01", "@customer", 30), tea("2", "B-01", "@customer", 40))
    expected = [(40, 600)]
    assert stockouts(demand, -600, 600) == expected, "what is on hold cannot be sold"
    post(demand, tea("1", HELD, Side(location="A-01", disposition="sellable"), 100))
    expected = [(40, 100)]
    assert stockouts(demand, -600, 600) == expected
    assert stockouts(demand, 50, 90) == [(50, 90)], "cut to what was asked for"
    assert stockouts(demand, 100, 600) == stockouts(demand, -600, 40) == []
    post(demand, tea("3", "A-01", "@customer", 70))
    assert stockouts(demand, -600, 600) == [(40, 600)], "a late fact derives it anew"
    fold(demand)
    assert stockouts(demand, -600, 600) == [(40, 600)], "folded or not it is the same"


def test_what_is_in_a_unit_can_be_sold_where_the_unit_stands(demand: Demand) -> None:
    pallet, tote = Side(unit="395211411234567893"), Side(unit="urn:epc:id:grai:4012345.12345.1")
    post(
        demand,
        tea("10", "@supplier", pallet, 0),
        placed(pallet, 0, location="DOCK-1"),
        tea("10", pallet, tote, 10),
        tea("6", tote, pallet, 150),
        placed(tote, 10, parent=pallet.unit),
        placed(pallet, 100, location="@transit"),
        placed(tote, 200, location="A-01"),
        placed(pallet, 300, location="PUNE-1", site="pune"),
    )
    assert stockouts(demand, -600, 600) == [(100, 200)]
    assert stockouts(demand, -600, 600, "pune") == []
    post(demand, tea("6", pallet, "@customer", 400), tea("4", tote, "@customer", 500))
    fold(demand)
    assert stockouts(demand, -600, 600) == [(100, 200), (500, 600)]
    assert stockouts(demand, -600, 600, "pune") == [(400, 600)]


def test_only_stock_outs_that_meet_opening_hours_count(demand: Demand) -> None:
    set_to(demand, "leeds", opens_at=time(8), closes_at=time(18))
    morning, evening = 2 * 60, 12 * 60
    post(
        demand,
        tea("1", "@supplier", "A-01", 0),
        tea("1", "A-01", "@customer", evening + 30),
        tea("1", "@supplier", "A-01", evening + 10 * 60),
        tea("1", "A-01", "@customer", evening + 24 * 60 - 10),
        tea("1", "@supplier", "A-01", morning + 48 * 60 + 5),
        tea("1", "A-01", "@customer", evening + 48 * 60 + 1),
        tea("1", "@supplier", "A-01", evening + 5 * 24 * 60),
    )
    days = 24 * 60
    assert stockouts(demand, -600, 9 * days) == [
        (evening + days - 10, morning + 2 * days + 5),
        (morning + 3 * days, evening + 5 * days),
    ], "a closed night is no stock-out; ends are cut to opening hours"
    set_to(demand, "leeds", opens_at=time(22), closes_at=time(6))
    assert stockouts(demand, -600, 2 * days) == [
        (16 * 60, evening + 10 * 60),
        (days + 16 * 60, 2 * days),
    ], "a site that is open past midnight"


def test_a_day_is_censored_if_the_site_could_not_sell_while_it_was_open(demand: Demand) -> None:
    set_to(demand, "leeds", opens_at=time(8), closes_at=time(18), business_day_start=time(6))
    days = 24 * 60
    demand.tell(line("1", "2026-03-02T09:00:00Z"), line("1", "2026-03-06T09:00:00Z", number="2"))
    post(
        demand,
        tea("1", "@supplier", "A-01", 0),
        tea("1", "A-01", "@customer", 12 * 60 + 30),
        tea("1", "@supplier", "A-01", days + 2 * 60 + 1),
        tea("1", "A-01", "@customer", 3 * days + 60),
    )
    found = demand.ledger.as_app(lambda conn: daily_matrix(conn, "leeds", date(2026, 3, 1), date(2026, 3, 6)))
    assert found.censored.tolist() == [[False, False, True, False, True, True]]
    assert found.quantity.tolist() == [[0, 1, 0, 0, 0, 1]]
