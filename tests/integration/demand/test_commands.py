"""The shipped commands: a year of real sales into the ledger, a hostile file out again, a site's calendar."""

import csv
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from asking import CASE_OF_TEA, NOW, TEA, Demand, line

from cloud.cli import main
from cloud.sheets.reading import read_rows
from cloud.sheets.workbook import workbook
from simulators.cli import main as simulate
from tests.patience import PATIENCE_S


def dockledger(demand: Demand, directory: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "cloud", "--data-dir", str(directory), *arguments],
        env={"DOCKLEDGER_APP_DSN": demand.ledger.app_dsn},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture
def command(
    demand: Demand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process: exit code, output, errors."""
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", demand.ledger.app_dsn)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def counted_by_hand(file: Path) -> dict[tuple[str, date], Decimal]:
    """Take each cancellation from the item's latest requests until then, sale by sale."""
    asked: dict[str, list[list]] = {}
    net: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    with file.open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            day = datetime.fromisoformat(row["requested_at"]).date()
            sign = -1 if row["kind"] == "cancelled" else 1
            net["local:" + row["local"], day] += sign * Decimal(row["quantity"])
    for (item, day), quantity in sorted(net.items()):
        known = asked.setdefault(item, [])
        if quantity > 0:
            known.append([day, quantity])
        owed = -quantity
        while owed > 0 and known:
            taken = min(owed, known[-1][1])
            known[-1][1] -= taken
            owed -= taken
            if not known[-1][1]:
                known.pop()
    return {(item, day): left for item, known in asked.items() for day, left in known}


def test_a_year_of_real_sales_becomes_demand_that_ends_on_the_day_asked_for(
    demand: Demand,
    command: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    file = tmp_path / "pos.csv"
    made = ["pos-history", "--out", str(file), "--items", "5", "--shift-to", "2026-11-24"]
    assert simulate(made) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["last_day"], told["dates_are_real"], told["moved_by_weeks"]) == ("2026-11-24", False, 781)

    importing = ["demand", "import", str(file), "--site", "leeds", "--source", "till", "--json"]
    code, _, errors = command(*importing)
    assert code == 1
    assert errors.count("names no item: register it first, or ask for new items") == 1000
    assert errors.splitlines()[0].startswith(f"dockledger: {file}, line 2: local: local '85123A'")
    assert errors.splitlines()[-1].endswith("more faults are not listed")

    code, out, errors = command(*importing, "--new-items")
    assert (code, errors) == (0, "")
    figures = json.loads(out)
    assert figures["lines"] == figures["added"] == told["lines"] > 9000
    assert figures["new_items"] == 5
    again = json.loads(command(*importing)[1])
    assert (again["repeated"], again["added"]) == (told["lines"], 0)

    shown = [
        json.loads(row) for row in command("demand", "extent", "--site", "leeds", "--json")[1].splitlines()
    ]
    assert [row["item"] for row in shown] == sorted(row["item"] for row in shown)
    assert all(date.fromisoformat(row["last_day"]) <= date(2026, 11, 24) for row in shown)
    assert sum(row["lines"] for row in shown) < told["lines"], "cancellations ask for nothing"
    assert demand.days("2025-11-01", "2026-11-24") == counted_by_hand(file)
    weekdays = demand.ledger.query(
        "SELECT DISTINCT extract(isodow FROM day)::int "
        "FROM pub_demand_days('{leeds}', '2025-11-01', '2026-11-24')"
    )
    assert sorted(weekdays) == [(1,), (2,), (3,), (4,), (5,), (7,)], "the shop is closed on Saturdays"


def test_a_hostile_file_is_told_line_by_line_and_nothing_of_it_is_stored(
    demand: Demand, tmp_path: Path
) -> None:
    file = tmp_path / "{}.csv"
    file.write_text(
        "document,line,gtin,quantity,requested_at\n"
        f"T-1,1,{TEA},2,2026-03-02T09:00:00Z\n"
        f"T-2,1,{TEA},-2,2026-03-02T09:00:00Z\n"
        "T-3,1,5.01E+12,2,2026-03-02T09:00:00Z\n"
        "T-4,1,00000000000017,2,2026-03-02T09:00:00Z\n"
        f"T-5,1,{TEA},2,03/04/2026\n"
        f"T-6,1,{TEA},2,2126-03-02T09:00:00Z\n"
    )
    refused = dockledger(demand, tmp_path, "demand", "import", str(file), "--site", "leeds", "--source", "x")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert [tuple(line.split(": ")[1:3]) for line in refused.stderr.splitlines()] == [
        (f"{file}, line 3", "quantity"),
        (f"{file}, line 4", "gtin"),
        (f"{file}, line 5", "gtin"),
        (f"{file}, line 6", "requested_at"),
        (f"{file}, line 7", "requested_at"),
    ]
    assert demand.ledger.query("SELECT count(*) FROM demand_line") == [(0,)]


def test_a_sites_calendar_is_shown_and_set(command: Callable[..., tuple[int, str, str]]) -> None:
    def calendar(*arguments: str) -> tuple[int, str, str]:
        return command("demand", "calendar", "--site", "leeds", *arguments)

    code, out, _ = calendar("--day-start", "06:00", "--opens", "08:00", "--closes", "18:00", "--json")
    assert (code, json.loads(out)["opens_at"]) == (0, "08:00:00")
    code, out, _ = calendar("--always-open", "--week-start", "7")
    assert "opens_at            always open\n" in out
    assert "business_day_start  06:00:00\n" in out
    assert calendar("--day-start", "6 o'clock")[::2] == (
        1,
        'dockledger: --day-start "6 o\'clock": expected a wall-clock time like 06:00\n',
    )
    assert "expected neither --opens nor --closes" in calendar("--always-open", "--opens", "08:00")[2]
    assert calendar("--time-zone", "Mars")[0] == 1
    code, _, errors = command("demand", "calendar", "--site", "york")
    assert (code, errors) == (1, "dockledger: there is no site 'york'\n")


def test_a_history_that_cannot_be_made_says_why(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert simulate(["pos-history", "--out", str(tmp_path / "x.csv"), "--items", "61"]) == 2
    assert "--items 61: expected at most 60, which are all there are" in capsys.readouterr().err
    assert simulate(["pos-history", "--out", str(tmp_path / "no" / "x.csv")]) == 2


def test_masks_and_supersessions_from_the_shell(demand: Demand, command: Callable[..., tuple]) -> None:
    days = ("--from", "2026-03-02", "--until", "2026-03-04")
    code, said, _ = command(
        "demand",
        "mask",
        "add",
        "--site",
        "leeds",
        "--item",
        "TEA",
        *days,
        "--kind",
        "one_off",
        "--reason",
        "hotel",
    )
    assert (code, "TEA  2026-03-02 to 2026-03-04  one_off: hotel, by system:shell" in said) == (0, True)
    number = said.split()[0]
    code, said, _ = command("demand", "mask", "withdraw", number, "--reason", "every spring", "--json")
    assert (code, json.loads(said)["withdrawn_because"]) == (0, "every spring")
    code, said, _ = command("demand", "mask", "list", "--site", "leeds", "--item", "TEA")
    assert (code, "withdrawn by system:shell: every spring" in said) == (0, True)
    for ago in range(1, 60):
        at = f"{NOW - timedelta(days=ago):%Y-%m-%dT12:00:00Z}"
        quantity = 90 if ago == 30 else 2 + ago % 3
        demand.tell(line(str(quantity), at, document=f"U-{ago}"))
    code, said, _ = command("demand", "mask", "unusual", "--site", "leeds")
    assert (code, said) == (0, f"TEA  {NOW - timedelta(days=30):%Y-%m-%d}  90, usually 3\n")
    asked = ("demand", "supersede", "TEA", "MUG", "--site", "howe", "--from", "2026-04-01", "--factor", "2")
    code, said, _ = command(*asked)
    assert (code, "waits for approval: MUG takes the place of TEA at howe" in said) == (0, True)
    code, _, wrong = command(*asked[:-1], "3")
    assert (code, "stands with another effect" in wrong) == (1, True)
    assert command("demand", "supersessions", "--site", "howe") == (0, "", "")


def test_a_workbook_is_imported_its_faults_told_by_cell_and_what_is_exported_changes_nothing(
    demand: Demand, command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    def write(name: str, *rows: tuple[object, ...]) -> None:
        header = ("document", "line", "gtin", "quantity", "requested_at", "channel")
        (tmp_path / name).write_bytes(workbook("Orders", header, rows))

    write(
        "bad.xlsx",
        ("F-1", 1, TEA, Decimal("2.5"), date(2026, 3, 2), "fair"),
        ("F-1", 2, TEA, -1, date(2026, 3, 2), "fair"),
        ("F-1", 3, 4006381333931, 1, date(2026, 3, 2), "fair"),
        ("F-1", 4, TEA, 1, date(2026, 12, 2), "fair"),
    )
    code, _, told = command("demand", "import", "bad.xlsx", "--site", "leeds", "--source", "fair")
    assert code == 1
    assert "bad.xlsx, row 3: quantity (D3): '-1': expected a quantity above zero" in told
    assert "bad.xlsx, row 2: requested_at (E2): '2026-03-02' has no offset" in told
    write(
        "good.xlsx",
        ("F-1", 1, TEA, Decimal("2.5"), date(2026, 3, 2), "=2+3"),
        ("F-1", 2, CASE_OF_TEA, 1, "2026-03-02T09:30:00Z", "@SUM(A1)"),
    )
    importing = ("demand", "import", "good.xlsx", "--site", "leeds", "--source", "fair", "--local-times")
    assert command(*importing)[0] == 0
    demand.tell(line("7", document="+1", gtin=TEA, source="fair"))
    demand.tell(
        line("2", document="+1", number="2", kind="cancelled", gtin=TEA, source="fair", of=("+1", "1"))
    )
    assert command("demand", "export", "out.xlsx", "--site", "leeds", "--source", "fair") == (
        0,
        "4 lines\n",
        "",
    )
    header, *rows = read_rows(tmp_path / "out.xlsx")
    names = [cell.text for cell in header.cells]
    written = [dict(zip(names, (cell.text for cell in row.cells), strict=False)) for row in rows]
    assert [row["channel"] for row in written] == ["", "", "=2+3", "@SUM(A1)"], "texts, and no formulas"
    assert [(row["document"], row["gtin"], row["quantity"]) for row in written[2:]] == [
        ("F-1", TEA, "2.5"),
        ("F-1", CASE_OF_TEA, "1"),
    ]
    code, told, _ = command("demand", "import", "out.xlsx", "--json")
    assert (code, json.loads(told)["repeated"]) == (0, 4)
    code, _, told = command("demand", "export", "out.xlsx")
    assert (code, told) == (1, "dockledger: out.xlsx: File exists\n")
