"""Lots at two sites: a recall is decided at each, and each site's goods are resolved by what it saw."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from cloud.identity.actor import Actor, Role
from cloud.ledger.corrections import merge_items
from cloud.lots import reading
from cloud.lots.reading import LotRow
from cloud.lots.unfit import Goods, unfit
from cloud.master.store import add_gateway, add_site
from tests.integration.ledger.scenario import Outbox
from tests.integration.lots.floor import BOSS, KIM, NET, PALLET, Floor, goes, open_floor, stands

MORNING = datetime(2026, 3, 2, 11, 1, tzinfo=UTC)
"""A minute into the third of March at york."""
YORKER = Actor("user:yo", frozenset({Role.SUPERVISOR}), sites=frozenset({"york"}))


@dataclass
class TwoFloors:
    """Leeds, and York half a day ahead of it."""

    leeds: Floor
    york: Outbox

    def york_moves(self, *records: object) -> None:
        self.leeds.ledger.post(self.york.seal(records))

    def lots(self, actor: Actor, *, after: tuple[str, str] = ("", ""), limit: int = 100) -> list[LotRow]:
        asked = {"after": after, "limit": limit}
        return self.leeds.ledger.as_app(lambda conn: reading.lots(conn, actor, **asked))

    def unfit(
        self, *goods: Goods, now: datetime = MORNING, as_of: datetime | None = None
    ) -> list[tuple[bool, int | None]]:
        told = self.leeds.ledger.as_app(lambda conn: unfit(conn, KIM, goods, now=now, as_of=as_of))
        return [tuple(each) for each in told]


@pytest.fixture
def floors(database: object) -> Iterator[TwoFloors]:
    with open_floor(database, "MILK", "BOX", "KIT", gateways=("gw-1",)) as leeds:
        zone = {"name": "York", "time_zone": "Pacific/Auckland", "currency": None}
        leeds.ledger.as_app(lambda conn: add_site(conn, "york", **zone))
        leeds.ledger.as_app(lambda conn: add_gateway(conn, "york", "gw-y"))
        yield TwoFloors(leeds, Outbox("gw-y", "york"))


def test_a_recall_over_two_sites_is_decided_followed_and_given_back_at_each(floors: TwoFloors) -> None:
    leeds = floors.leeds
    leeds.orders("SO-1", "MILK", 3, "ACME")
    leeds.moves(
        goes("MILK", 10, "@supplier", "A-01", "L1"),
        goes("MILK", 3, "A-01", "@customer", "L1", under="outbound_order/SO-1", minute=1),
        goes("MILK", 5, "@supplier", "A-01", "L2"),
        goes("BOX", 2, "@supplier", "A-02", "L1"),
        goes("MILK", 4, "@supplier", PALLET, "L1"),
    )
    floors.york_moves(
        goes("MILK", 6, "@supplier", "Y-01", "L1"),
        goes("MILK", 2, "Y-01", "@transformation", "L1", under="kit/9", minute=2),
        goes("KIT", 1, "@transformation", "Y-02", "K1", under="kit/9", minute=3),
        stands(PALLET, "Y-03", 4),
    )
    listed = floors.lots(KIM)
    assert [(row.item, row.lot, row.on_hand, row.sites) for row in listed] == [
        ("BOX", "L1", 2, 1),
        ("KIT", "K1", 1, 1),
        ("MILK", "L1", 15, 2),
        ("MILK", "L2", 5, 1),
    ]
    turned: list[LotRow] = []
    while page := floors.lots(KIM, after=(turned[-1].item, turned[-1].lot) if turned else ("", ""), limit=1):
        turned += page
    assert turned == listed
    assert [(row.lot, row.on_hand) for row in floors.lots(YORKER)] == [("K1", 1), ("L1", 8)]

    recall = leeds.recalls("MILK", "L1")
    tickets = leeds.tickets("lot_recall")
    assert sorted(ticket.site for ticket in tickets) == ["leeds", "york"]
    (got,) = [got for ticket in tickets for got in ticket.detail["recipients"] if ticket.site == "leeds"]
    assert (got["customer"], got["quantity"]) == ("ACME", "3")
    at_leeds, at_york = leeds.recall_sites(recall)
    leeds.approves(at_leeds.decision_id, by=BOSS)
    undecided = {("Y-01", "MILK", "L1", None): 4, (PALLET, "MILK", "L1", None): 4}
    assert leeds.conditions().items() >= ({("A-01", "MILK", "L1", "recalled"): 7} | undecided).items()
    goods = (
        Goods("leeds", "MILK", "L1", None),
        Goods("york", "MILK", "L1", None),
        Goods("leeds", "MILK", "L1", PALLET),
        Goods("leeds", "MILK", "L2", None),
    )
    number = recall.recall_id
    assert floors.unfit(*goods) == [(False, number), (False, number), (False, number), (False, None)]
    leeds.approves(at_york.decision_id, by=BOSS)
    held = {("Y-01", "MILK", "L1"): 4, ("Y-02", "KIT", "K1"): 1, (PALLET, "MILK", "L1"): 4}
    assert leeds.conditions().items() >= {(*key, "recalled"): amount for key, amount in held.items()}.items()

    leeds.reverses(at_york.decision_id, by=BOSS)
    assert leeds.conditions().items() >= {(*key, None): amount for key, amount in held.items()}.items()
    assert floors.unfit(*goods) == [(False, number), (False, None), (False, None), (False, None)]
    leeds.moves(goes("MILK", 1, "@customer", "R-01", "L1", minute=20))
    floors.york_moves(goes("MILK", 1, "@customer", "Y-04", "L1", minute=20))
    assert leeds.follows()["held"] == 1, "what york gave back is not held there again"
    later = leeds.conditions()
    assert later["R-01", "MILK", "L1", "recalled"] == 1
    assert later["Y-04", "MILK", "L1", None] == 1

    # one lot under two names of its item, and a date that comes at each site's own midnight
    leeds.ledger.as_app(lambda conn: merge_items(conn, NET, from_code="BOX", to_code="MILK"))
    assert [(row.item, row.lot, row.on_hand, row.sites) for row in floors.lots(KIM)][1:] == [
        ("MILK", "L1", 19, 2),
        ("MILK", "L2", 5, 1),
    ]
    leeds.dates("MILK", "L2", date(2026, 3, 3))
    dated = [each._replace(lot="L2") for each in goods[:3]]
    assert floors.unfit(*dated) == [(False, None), (True, None), (True, None)]
    assert floors.unfit(*dated, as_of=MORNING - timedelta(minutes=2)) == [(False, None)] * 3
    assert floors.unfit(goods[0], as_of=MORNING) == [(False, None)], "before it was recalled"


def test_each_site_is_resolved_by_what_it_saw_and_a_pallet_takes_its_lot_along(floors: TwoFloors) -> None:
    leeds = floors.leeds
    leeds.controls("MILK", rule="fefo")
    leeds.moves(
        goes("MILK", 5, "@supplier", "A-01", "L1", minute=1),
        goes("MILK", 2, "A-01", "@customer", minute=3),
    )
    floors.york_moves(
        goes("MILK", 5, "@supplier", "Y-01", "L2", minute=1),
        goes("MILK", 2, "Y-01", "Y-02", minute=4),
        goes("MILK", 1, "@supplier", "Y-01", "L2", minute=2),
    )
    assert leeds.resolves()["posted"]
    assert leeds.resolves() == {"items": 0, "posted": 0}
    assert leeds.lots() == {("A-01", "L1"): 3, ("Y-01", "L2"): 4, ("Y-02", "L2"): 2}
    rows = leeds.ledger.query(
        "SELECT m.site_id, coalesce(f.lot, t.lot) FROM movement m JOIN cell f ON f.cell_id = m.from_cell "
        "JOIN cell t ON t.cell_id = m.to_cell WHERE m.detail ? 'inferred'"
    )
    assert {tuple(row) for row in rows} == {("leeds", "L1"), ("york", "L2")}
    # a pallet packed at one site and opened at the other
    leeds.moves(
        goes("MILK", 2, "A-01", PALLET, minute=10),
        stands(PALLET, "LANE", 11),
    )
    leeds.resolves()
    assert leeds.lots()[PALLET, "L1"] == 2
    floors.york_moves(stands(PALLET, "Y-03", 30), goes("MILK", 2, PALLET, "Y-03", minute=31))
    leeds.resolves()
    assert leeds.lots() == {("A-01", "L1"): 1, ("Y-01", "L2"): 4, ("Y-02", "L2"): 2, ("Y-03", "L1"): 2}
    # what is late at one site changes nothing at the other
    posted = "SELECT m.site_id, count(*) FROM movement m WHERE m.detail ? 'inferred' GROUP BY 1 ORDER BY 1"
    before = dict(leeds.ledger.query(posted))
    floors.york_moves(goes("MILK", 3, "Y-01", "Y-02", "L2", minute=3.5))
    leeds.resolves()
    after = dict(leeds.ledger.query(posted))
    assert after["leeds"] == before["leeds"]
    assert leeds.lots()["Y-02", "L2"] == 5
    assert [(row.lot, row.on_hand) for row in floors.lots(YORKER)] == [("L1", 2), ("L2", 6)]
