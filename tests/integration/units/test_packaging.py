"""Packaging levels at the ledger: the ratio of the time when something occurred; what was posted stays."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from cloud.cli import main
from cloud.identity.actor import NotAllowedError
from cloud.ledger.corrections import post_reversal
from cloud.ledger.domain import NotPostableError
from cloud.master.levels import PackagingError
from cloud.master.packaging import LevelPaper, PackagingPaper, UnknownItemError, packaging, put_packaging
from cloud.master.store import add_identifier, add_item
from cloud.units.names import Unit
from cloud.units.reading import unit_now
from cloud.units.stock import By, StockFilter, stock_by
from contracts.records import Count, CountLine, Identifier, Side
from tests.integration.crossings.doors import OPERATOR, Doors
from tests.integration.crossings.doors import PALLET as UNIT
from tests.integration.ledger.scenario import CONTROLLER, NETWORK_CONTROLLER, Ledger, at, move, stated

EACH, INNER, CASE, PALLET = "05012345678900", "15012345678907", "25012345678904", "35012345678901"


def state(ledger: Ledger, *levels: LevelPaper, item: str = "HAM", **more: object) -> int:
    paper = PackagingPaper.model_validate({"item": item, "levels": levels, **more})
    return ledger.as_app(lambda conn: put_packaging(conn, NETWORK_CONTROLLER, paper))


def holds(gtin: str, amount: int, of: str | None = None, *, minute: float | None = None) -> LevelPaper:
    return LevelPaper(gtin=gtin, holds=amount, of=of, valid_from=None if minute is None else at(minute))


def at_minute(minute: float) -> dict[str, Any]:
    return {"seq": 1, "occurred_at_claimed": at(minute), "mono_ns": 0, "boot_id": "b", "clock_ok": True}


def came(quantity: str, gtin: str, minute: float) -> object:
    return move(quantity, "@supplier", "A-01", item=gtin, unit_seen=gtin, minute=minute)


def test_a_movement_counts_by_the_ratio_of_its_own_time(doors: Doors) -> None:
    ledger = doors.ledger
    ledger.as_app(lambda conn: add_item(conn, "HAM", name=None, category=None, base_unit="each"))
    levels = (holds(EACH, 1), holds(INNER, 6, EACH), holds(CASE, 4, INNER), holds(PALLET, 40, CASE))
    assert state(ledger, *levels) == 4
    assert state(ledger, holds(INNER, 8, EACH, minute=60)) == 3
    doors.send(came("1", PALLET, 61), came("1", PALLET, 59), came("2", INNER, 59), came("2", INNER, 60))
    assert ledger.balances()["A-01"] == 1280 + 960 + 12 + 16
    told = ledger.as_app(lambda conn: packaging(conn, OPERATOR, item="HAM"))
    assert [
        (level.gtin, level.valid_from, level.base_units) for level in told.levels if level.gtin == CASE
    ] == [
        (CASE, None, 24),
        (CASE, at(60), 32),
    ]

    with pytest.raises(PackagingError, match=f"GTIN {PALLET} was moved or counted at 2026-03-02T07:01:00"):
        state(ledger, holds(CASE, 5, INNER, minute=60.5))
    with pytest.raises(PackagingError, match=f"GTIN {INNER} is stated since ever already: expected a later"):
        state(ledger, holds(INNER, 10, EACH))
    with pytest.raises(
        PackagingError, match=f"GTIN {EACH} holds {PALLET} holds {CASE} holds {INNER} holds {EACH}"
    ):
        state(ledger, holds(EACH, 1, PALLET, minute=90))
    assert state(ledger, holds(PALLET, 36, CASE, minute=90)) == 1
    assert state(ledger, holds(INNER, 6, EACH), holds(PALLET, 36, CASE, minute=90)) == 0
    assert ledger.query("SELECT count(*) FROM packaging_level") == [(6,)]
    assert ledger.query("SELECT count(*) FROM audit_event WHERE action = 'packaging_set'") == [(3,)]

    with pytest.raises(NotAllowedError):
        ledger.as_app(lambda conn: put_packaging(conn, OPERATOR, PackagingPaper(item="HAM")))
    with pytest.raises(UnknownItemError, match="there is no item 'EGG'"):
        state(ledger, item="EGG")
    other = ledger.as_app(lambda conn: add_item(conn, "EGG", name=None, category=None, base_unit="each"))
    ledger.as_app(
        lambda conn: add_identifier(conn, ("gtin", "45012345678908"), other, ratio=(1, 1), valid_from=None)
    )
    with pytest.raises(PackagingError, match="GTIN 45012345678908 names item 'EGG' already"):
        state(ledger, holds("45012345678908", 2))
    with pytest.raises(PackagingError, match="counted in each and has moved, got 'kg'"):
        state(ledger, base_unit="kg")


def test_a_shell_states_and_shows_levels(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = doors.ledger
    ledger.as_app(lambda conn: add_item(conn, "HAM", name=None, category=None, base_unit="each"))
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", ledger.app_dsn)
    assert main(["packaging", "set", "HAM", EACH, "1"]) == 0
    assert main(["packaging", "set", "HAM", INNER, "6", "--of", EACH, "--from", "2026-03-02T06:00:00Z"]) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.split() == [INNER, "2026-03-02T06:00:00+00:00", "6", EACH, "6", "each"]
    for wrong, expected in {
        ("set", "HAM", CASE, "4", "--of", PALLET): f"GTIN {CASE} holds 4 of {PALLET}, no level of the item",
        ("set", "HAM", CASE, "four"): "holds 'four': expected an amount as 6",
        ("set", "HAM", CASE, "1e99999999"): "holds '1e99999999': expected an amount as 6",
        ("set", "HAM", "12", "4"): "gtin: String should match pattern",
        ("set", "HAM", CASE, "4", "--from", "2026-03-02T06:00:00"): "has no offset",
        ("show", "EGG"): "there is no item 'EGG'",
    }.items():
        assert main(["packaging", *wrong]) == 1
        assert expected in capsys.readouterr().err


def test_a_shell_merges_items_and_lets_them_go(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = doors.ledger
    for code in ("HAM", "HAM-BOX"):
        ledger.as_app(
            lambda conn, code=code: add_item(conn, code, name=None, category=None, base_unit="each")
        )
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", ledger.app_dsn)
    merging = ["items", "merge", "HAM-BOX", "--into", "HAM", "--ratio"]
    with pytest.raises(SystemExit, match="2"):
        main([*merging, "1e99999999"])
    assert "'1e99999999': expected a ratio as 12 or 1/12" in capsys.readouterr().err
    assert main([*merging, "12"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["HAM-BOX", "HAM"]
    assert main(["items", "unmerge", "HAM-BOX"]) == 0
    assert main(["items", "merge", "HAM", "--into", "EGG"]) == 1
    assert capsys.readouterr().err == "dockledger: there is no item 'EGG'\n"


def test_a_shell_says_how_long_items_must_keep_one_or_a_whole_file(
    doors: Doors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = doors.ledger
    for code in ("HAM", "EGG"):
        ledger.as_app(
            lambda conn, code=code: add_item(conn, code, name=None, category=None, base_unit="each")
        )
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", ledger.app_dsn)
    lives = "SELECT i.code, l.minimum_days FROM item_life l JOIN item i USING (item_id) ORDER BY life_id"
    assert main(["items", "life", "HAM", "--days", "90"]) == 0
    listed = tmp_path / "lives.csv"
    listed.write_text("item;minimum_life_days\nHAM;90\nEGG;14\n")
    assert main(["items", "life", "--file", str(listed)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["2", "1"]
    listed.write_text("item,minimum_life_days\nHAM,\nEGG,two weeks\nTEA,3\n")
    assert main(["items", "life", "--file", str(listed)]) == 1
    assert f"{listed}:3: item 'EGG', 'two weeks': expected whole days from 0" in capsys.readouterr().err
    listed.write_text("item,minimum_life_days\nHAM,\nTEA,3\nEGG,1\nEGG,2\n")
    assert main(["items", "life", "--file", str(listed)]) == 1
    told = capsys.readouterr().err
    assert ("there is no item 'TEA'" in told, "item 'EGG': 1 days and 2" in told) == (True, True)
    sheet = tmp_path / "lives.xlsx"
    with xlsxwriter.Workbook(sheet) as book:
        filled = book.add_worksheet()
        filled.write_row(0, 0, ("item", "minimum_life_days"))
        filled.write_row(1, 0, ("EGG", 21))
    assert main(["items", "life", "--file", str(sheet)]) == 0
    assert main(["items", "life", "HAM", "--days", "none"]) == 0
    assert ledger.query(lives) == [("HAM", 90), ("EGG", 14), ("EGG", 21), ("HAM", None)], "all or none"
    for wrong in (["HAM"], ["--days", "3"], ["HAM", "--days", "3", "--file", str(listed)], []):
        assert main(["items", "life", *wrong]) == 1


def test_a_shell_says_how_long_items_are_good_from_production_on_beside_it_in_the_same_file(
    doors: Doors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = doors.ledger
    for code in ("HAM", "EGG"):
        ledger.as_app(
            lambda conn, code=code: add_item(conn, code, name=None, category=None, base_unit="each")
        )
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", ledger.app_dsn)
    lives = "SELECT code, shelf_life_days FROM item ORDER BY code"
    assert main(["items", "life", "HAM", "--shelf", "365"]) == 0
    dated = ["allocation", "lot", "HAM", "L1", "--produced", "2026-04-01"]
    assert main(dated) == 0
    listed = tmp_path / "lives.csv"
    listed.write_text("item,minimum_life_days,shelf_life_days\nHAM,7,30\nEGG,,21\n")
    assert main(["items", "life", "--file", str(listed)]) == 0
    assert ledger.query(lives) == [("EGG", 21), ("HAM", 30)]
    assert ledger.query("SELECT lot, expires_on::text FROM lot") == [("L1", "2026-05-01")]
    capsys.readouterr()
    listed.write_text("item,minimum_life_days,shelf_life_days\nHAM,x,0\nEGG,,5\n")
    assert main(["items", "life", "--file", str(listed)]) == 1
    told = capsys.readouterr().err
    assert ("'x': expected whole days from 0" in told, "'0': expected whole days from 1" in told) == (
        True,
        True,
    )
    listed.write_text("item\nHAM\n")
    assert main(["items", "life", "--file", str(listed)]) == 1
    assert "expected minimum_life_days or shelf_life_days, got neither" in capsys.readouterr().err
    assert ledger.query(lives) == [("EGG", 21), ("HAM", 30)], "all or none"


def test_a_part_of_a_whole_thing_and_a_weight_of_pieces_wait_in_quarantine(doors: Doors) -> None:
    ledger = doors.ledger
    for code, unit in (("HAM", "each"), ("CHEESE", "kg")):
        ledger.as_app(
            lambda conn, code=code, unit=unit: add_item(conn, code, name=None, category=None, base_unit=unit)
        )
    state(ledger, holds(EACH, 1), is_integer_only=True)
    state(ledger, holds(CASE, 1), item="CHEESE")
    doors.send(
        move("0.5", "@supplier", "A-01", item=EACH),
        move("1.25", "@supplier", "A-01", item=EACH, unit_seen="kg"),
        move("2", "@supplier", "A-01", item=EACH),
        move("1.25", "@supplier", "B-01", item=CASE, unit_seen="kg"),
    )
    assert ledger.balances() == {"@supplier": Decimal("-3.25"), "A-01": 2, "B-01": Decimal("1.25")}
    assert ledger.query("SELECT reason, message FROM quarantine ORDER BY seq") == [
        ("not_whole", "0.5 each: the item comes in whole each only"),
        ("unit_of_other_kind", "1.25 kg of an item kept in 'each': expected its base unit kg or g"),
    ]
    with pytest.raises(NotPostableError, match="whole each only"):
        ledger.state(stated(move("1.5", "A-01", "@scrap", item=EACH)))
    state(ledger, is_integer_only=False)
    doors.send(move("0.5", "@supplier", "A-01", item=EACH))
    assert ledger.balances()["A-01"] == Decimal("2.5")


HAM = "97032069804981"


def test_goods_of_variable_measure_are_kept_by_weight_with_their_pieces_or_the_other_way_round(
    doors: Doors,
) -> None:
    ledger = doors.ledger
    for code, unit, gtin in (("HAM", "kg", HAM), ("GOOSE", "each", CASE)):
        what = {"name": None, "category": None, "base_unit": unit}
        ledger.as_app(lambda conn, code=code, what=what: add_item(conn, code, **what))
        state(ledger, holds(gtin, 1), item=code)
    weighed = {"item": HAM, "unit_seen": HAM}
    (_, taken_back, *_) = doors.send(
        move("1", "@supplier", "A-01", weight_kg="1.25", minute=1, **weighed),
        move("3", "@supplier", "A-01", weight_kg="4.015", minute=2, **weighed),
        move("2", "A-01", Side(unit=UNIT), weight_kg="2.5", minute=3, **weighed),
        move("2", "@supplier", "B-01", weight_kg="9.1", minute=1, item=CASE, unit_seen=CASE),
    )
    assert ledger.balances() == {
        "@supplier": Decimal("-7.265"),
        "A-01": Decimal("2.765"),
        UNIT: Decimal("2.5"),
        "B-01": 2,
    }
    assert other_measures(ledger) == {
        "A-01": (2, "pieces"),
        "B-01": (Decimal("9.1"), "kg"),
        None: (2, "pieces"),
    }
    now = ledger.as_app(lambda conn: unit_now(conn, CONTROLLER, Unit(UNIT)))
    assert [(each.quantity, each.other_measure) for each in now.content] == [(Decimal("2.5"), (2, "pieces"))]
    ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, taken_back, reason="test"))
    assert other_measures(ledger)["A-01"] == (-1, "pieces")
    assert other_measures(ledger, StockFilter(until_at=at(1)))["A-01"] == (1, "pieces")
    line = CountLine(
        identifier=Identifier(scheme="gtin", value=HAM), quantity=5, unit_seen=HAM, weight_kg="6.5"
    )
    doors.send(Count(scope="bin", location="A-01", lines=(line,), **at_minute(9)))
    assert ledger.query("SELECT quantity, quantity_seen, detail FROM count_line") == [
        (Decimal("6.5"), 5, {"weight_kg": "6.5"})
    ]


def other_measures(ledger: Ledger, wanted: StockFilter = StockFilter()) -> dict[str | None, object]:  # noqa: B008  frozen
    rows = ledger.as_app(lambda conn: stock_by(conn, CONTROLLER, By.PLACE, wanted, limit=10))
    return {row.place: row.other_measure for row in rows}
