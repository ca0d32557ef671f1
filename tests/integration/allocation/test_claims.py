"""Claims of orders on lots and bins, in a real database, by several at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from cloud.allocation.claiming import Wish
from cloud.allocation.domain import ClaimKind
from cloud.allocation.service import allocate, release
from cloud.allocation.terms import put_life
from cloud.cli import main
from cloud.db import connect
from cloud.ledger.corrections import merge_items
from tests.integration.allocation.shelves import KEEPER, NETWORK, NOW, Shelves
from tests.integration.ledger.scenario import SITE

SOFT = ClaimKind.SOFT


def test_an_order_takes_what_expires_first_and_lasts_long_enough_for_its_customer(shelves: Shelves) -> None:
    for lot, on in (("SOON", date(2026, 3, 20)), ("MID", date(2026, 6, 1)), ("LATE", date(2026, 9, 1))):
        shelves.expires(lot, on)
        shelves.holds(f"A-{lot}", 10, lot=lot)
    shelves.holds("A-HOLD", 50, lot="MID", disposition="hold")
    shelves.ledger.as_app(lambda conn: put_life(conn, NETWORK, partner="ACME", item=None, days=30))
    plain = shelves.orders("O-1", 12)
    picky = shelves.orders("O-2", 15, partner="ACME")
    done = shelves.allocates(picky)
    assert [(claim.cell.lot, int(claim.quantity)) for claim in done.claims] == [("MID", 10), ("LATE", 5)]
    assert done.claims[0].why == {
        "rule": "fefo",
        "good_until": "2026-04-01",
        "expires_on": "2026-06-01",
        "passed_over": {"expires_too_soon": "10.000000"},
    }
    assert shelves.allocates(plain).shortfalls == ()
    assert shelves.held(plain) == [("hard", "A-SOON", "SOON", 10), ("hard", "A-LATE", "LATE", 2)]
    assert shelves.free() == {
        "on_hand": 80,
        "usable": 30,
        "soft": 0,
        "hard": 27,
        "picked": 0,
        "in_transit": 0,
        "available": 3,
    }
    assert shelves.allocates().claims == ()  # all is claimed already: asked again, nothing more is


def test_what_is_claimed_softly_is_kept_for_its_line_and_becomes_hard(shelves: Shelves) -> None:
    shelves.holds("A-1", 10)
    first, second = shelves.orders("O-1", 8), shelves.orders("O-2", 8)
    assert shelves.allocates(first, kind=SOFT).shortfalls == ()
    (short,) = shelves.allocates(second).shortfalls
    assert short.quantity == 6
    assert shelves.held(second) == [("hard", "A-1", None, 2)]
    shelves.loses("A-1", 3)
    done = shelves.allocates(first)
    assert [each.quantity for each in done.overclaimed] == [3]
    assert shelves.held(first) == [("hard", "A-1", None, 5), ("soft", None, None, 3)]
    assert shelves.free()["available"] == Decimal(-3)
    shelves.ledger.as_app(
        lambda conn: release(conn, KEEPER, site=SITE, document=first, because="cancelled", now=NOW)
    )
    assert shelves.held(first) == []
    assert [each.ended_because for each in shelves.claims(first, with_ended=True)] == [
        "made_hard",
        "cancelled",
        "cancelled",
    ]


def test_nobody_claims_what_another_has_claimed_at_the_same_time(shelves: Shelves) -> None:
    for number in range(4):
        shelves.holds(f"A-{number}", 7)
    names = [shelves.orders(f"O-{number}", 3, 2) for number in range(8)]
    before = shelves.orders("O-8", 1)
    shelves.allocates(before)  # so that the item was claimed before, and nothing of it is
    asked = {"site": SITE, "document": before, "because": "test", "now": NOW}
    shelves.ledger.as_app(lambda conn: release(conn, KEEPER, **asked))

    def claim(name: str, *, waits_for: psycopg.Connection | None = None) -> int:
        with connect(shelves.ledger.app_dsn, f"claims-{name}") as conn:
            made = allocate(conn, KEEPER, Wish(SITE, (name,)), kind=ClaimKind.HARD, now=NOW)
            if waits_for is not None:  # not committed yet: whoever claims now has to wait
                second = crowd.submit(claim, names[1])
                while not second.done() and not is_waiting(waits_for, names[1]):
                    pass
            return len(made.claims)

    with ThreadPoolExecutor(8) as crowd, connect(shelves.ledger.app_dsn, "watch", autocommit=True) as watch:
        claim(names[0], waits_for=watch)
        list(crowd.map(claim, names[2:]))
    by_cell = shelves.ledger.query(
        "SELECT b.quantity, (SELECT sum(k.quantity) FROM allocation k WHERE k.cell_id = b.cell_id"
        " AND k.ended_at IS NULL) FROM balance b JOIN cell c USING (cell_id)"
        " JOIN location l USING (location_id) WHERE l.kind <> 'virtual'"
    )
    assert by_cell == [(Decimal(7), Decimal(7))] * 4


def is_waiting(conn: psycopg.Connection, name: str) -> bool:
    """Tell whether the one who claims for an order waits for a lock."""
    asked = "SELECT FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
    return bool(conn.execute(asked, [f"claims-{name}"]).fetchall())


def test_commands_claim_tell_what_is_free_and_name_what_is_wrong(
    shelves: Shelves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", shelves.ledger.app_dsn)

    def command(*words: str) -> tuple[int, str, str]:
        code = main(["--data-dir", str(tmp_path), "allocation", *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    shelves.holds("A-1", 10, lot="L1")
    shelves.orders("O-1", 12)
    assert command("lot", "TEA", "L1", "--expires", "2999-01-31")[:2] == (0, "new True\n")
    claimed = command("claim", "--site", SITE, "--order", "O-1")[1].splitlines()
    assert claimed == [
        "line outbound_order/O-1/1  claimed 10  place A-1  lot L1  expires 2999-01-31  why fefo",
        "line outbound_order/O-1/1  short 2  passed_over nothing",
    ]
    free = json.loads(command("free", "--site", SITE, "--json")[1])
    assert (free["item"], Decimal(free["hard"]), Decimal(free["available"])) == ("TEA", 10, 0)
    assert "projected -2" in command("promise", "--site", SITE, "--item", "TEA")[1]
    assert command("release", "--site", SITE, "--to", "NOWHERE")[::2] == (
        1,
        "dockledger: there is no place 'NOWHERE' at site 'leeds'\n",
    )
    assert command("let-go", "--site", SITE, "O-1")[1] == "let_go 1\n"
    assert command("keep")[1].startswith("let_go 0  expired 0")


def test_claims_follow_an_item_that_is_merged_and_people_are_told(shelves: Shelves) -> None:
    """One on a task, one picked, one soft, one of a bin; ten of the new item are one of the old."""
    for place in ("A-1", "A-2"):
        shelves.holds(place, 10)
    on_task, hard, soft = shelves.orders("O-1", 6), shelves.orders("O-2", 5), shelves.orders("O-3", 2)
    shelves.releases(on_task)
    (task,) = shelves.sent().tasks
    shelves.picks(task.lines[0], 2, task.task)
    shelves.told()
    shelves.allocates(hard)
    shelves.allocates(soft, kind=ClaimKind.SOFT)
    ratio = "INSERT INTO item (code, name, base_unit) VALUES ('TEA2', 'Tea anew', 'bag') RETURNING item_id"
    shelves.ledger.query(ratio)
    codes = {"from_code": "TEA", "to_code": "TEA2", "ratio": (10, 1)}
    shelves.ledger.as_app(lambda conn: merge_items(conn, NETWORK, **codes))
    assert shelves.kept()["let_go"] == 0
    held = {name: sorted(shelves.held(name)) for name in (on_task, hard, soft)}
    assert held == {
        on_task: [("hard", "A-1", None, 20), ("hard", "A-2", None, 20), ("picked", "LANE-1", None, 20)],
        hard: [("hard", "A-1", None, 40), ("hard", "A-2", None, 10)],
        soft: [("soft", None, None, 20)],
    }
    assert {each.item for each in shelves.claims()} == {"TEA2"}
    (again,) = shelves.sent().tasks
    assert [(line.item, line.quantity) for line in again.lines] == [("TEA2", 20), ("TEA2", 20)]
    told = shelves.ledger.query("SELECT summary FROM ticket WHERE kind = 'claims_of_merged_item'")
    assert told == [("5 claims of TEA at leeds follow their lines: it reads as TEA2",)]
    assert shelves.kept() == {"let_go": 0, "expired": 0, "moved": 0, "faces": 0}


def test_claims_on_a_lot_that_has_expired_end_and_other_stock_is_claimed_on_tasks_too(
    shelves: Shelves,
) -> None:
    today = NOW.date()
    shelves.expires("OLD", today + timedelta(days=1))
    shelves.expires("NEW", today + timedelta(days=90))
    shelves.holds("A-1", 8, lot="OLD")
    shelves.holds("A-2", 20, lot="NEW")
    first, second = shelves.orders("O-1", 5), shelves.orders("O-2", 3)
    shelves.releases(first)
    shelves.allocates(second)
    assert shelves.kept()["moved"] == 0, "good until the site's midnight"
    assert sorted(shelves.held()) == [("hard", "A-1", "OLD", 3), ("hard", "A-1", "OLD", 5)]
    shelves.expires("OLD", today)
    assert shelves.kept()["moved"] == 2
    assert sorted(shelves.held()) == [("hard", "A-2", "NEW", 3), ("hard", "A-2", "NEW", 5)]
    lines = [line for task in shelves.sent().tasks for line in task.lines]
    assert [(line.from_location, line.lot, line.quantity) for line in lines] == [("A-2", "NEW", 5)]
    assert {each.ended_because for each in shelves.claims(with_ended=True)} == {None, "lot_expired"}
    ((summary,),) = shelves.ledger.query("SELECT summary FROM ticket WHERE kind = 'claims_beyond_stock'")
    assert summary == "A-1: 8 of TEA lot OLD that was claimed has expired; other stock was claimed"
    assert shelves.kept()["moved"] == 0


def test_claims_that_no_longer_last_for_their_customer_end_as_time_passes_and_others_stay(
    shelves: Shelves,
) -> None:
    """ACME's orders are due and stand here still two days later, without a date of their own."""
    today = NOW.date()
    wants(shelves, 10)
    shelves.expires("OLD", today + timedelta(days=12))
    shelves.expires("NEW", today + timedelta(days=90))
    shelves.holds("A-1", 20, lot="OLD")
    shelves.holds("A-2", 20, lot="NEW")
    for name, partner in (("O-1", "ACME"), ("O-2", "EASY")):
        shelves.allocates(shelves.orders(name, 4, partner=partner))
    assert shelves.kept(NOW + timedelta(days=1))["moved"] == 0
    assert shelves.held("outbound_order/O-1") == [("hard", "A-1", "OLD", 4)]
    assert shelves.kept(NOW + timedelta(days=2))["moved"] == 1
    assert shelves.held("outbound_order/O-1") == [("hard", "A-2", "NEW", 4)]
    assert shelves.held("outbound_order/O-2") == [("hard", "A-1", "OLD", 4)]
    assert shelves.kept(NOW + timedelta(days=2))["moved"] == 0


def test_a_customer_who_asks_for_more_life_is_served_anew_on_tasks_too_and_people_are_told(
    shelves: Shelves,
) -> None:
    today = NOW.date()
    shelves.expires("OLD", today + timedelta(days=12))
    shelves.expires("NEW", today + timedelta(days=90))
    shelves.holds("A-1", 9, lot="OLD")
    shelves.holds("A-2", 6, lot="NEW")
    shelves.releases(shelves.orders("O-1", 9, partner="ACME"))
    wants(shelves, 12)
    assert shelves.kept()["moved"] == 1
    assert shelves.held() == [("hard", "A-2", "NEW", 6)]
    lines = [line for task in shelves.sent().tasks for line in task.lines]
    assert [(line.from_location, line.lot, line.quantity) for line in lines] == [("A-2", "NEW", 6)]
    ended = {each.ended_because for each in shelves.claims(with_ended=True)}
    assert ended == {None, "lot_expires_too_soon"}
    ((summary,),) = shelves.ledger.query("SELECT summary FROM ticket WHERE kind = 'claims_beyond_stock'")
    assert summary == (
        f"A-1: 9 of TEA lot OLD that was claimed expires on {today + timedelta(days=12)}, too soon for its "
        "customers; other stock was claimed; 3 of what it was for is covered by nothing"
    )


def test_why_claims_on_one_cell_end_is_told_of_each_and_what_is_short_of_these_alone(
    shelves: Shelves,
) -> None:
    today = NOW.date()
    shelves.expires("OLD", today + timedelta(days=12))
    shelves.holds("A-1", 10, lot="OLD")
    shelves.allocates(shelves.orders("O-1", 4, partner="ACME"))
    shelves.allocates(shelves.orders("O-2", 6, partner="EASY"))
    shelves.holds("A-2", 5)
    shelves.allocates(shelves.orders("O-3", 5))
    wants(shelves, 12)
    shelves.loses("A-1", 7, lot="OLD")
    shelves.loses("A-2", 2)
    assert shelves.kept()["moved"] == 3
    assert shelves.held() == [("hard", "A-1", "OLD", 3), ("hard", "A-2", None, 3)]
    told = shelves.ledger.query("SELECT summary FROM ticket WHERE kind = 'claims_beyond_stock' ORDER BY 1")
    rest = "other stock was claimed; {} of what it was for is covered by nothing"
    soon = f"expires on {today + timedelta(days=12)}, too soon for its customers"
    assert [summary for (summary,) in told] == [
        f"A-1: 4 of TEA lot OLD that was claimed {soon}, and 3 more is gone; {rest.format(7)}",
        f"A-2: 2 of TEA that was claimed is gone; {rest.format(2)}",
    ]


def wants(shelves: Shelves, days: int) -> None:
    """Let ACME ask how long goods must be good after they have left."""
    shelves.ledger.as_app(lambda conn: put_life(conn, NETWORK, partner="ACME", item=None, days=days))
