"""Files in a folder are taken once, stored, and put away; a faulty one is put aside with what is wrong."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from asking import NOW, TEA, Demand
from pyarrow.parquet import write_table
from shop import ADMIN, Pulls, pulling

from cloud.cli import main
from cloud.demand.sources import service
from cloud.demand.sources.domain import NewSource, SourceError, SourceKind, SourceSettings
from cloud.sheets.workbook import workbook

HEADER = "document,line,gtin,quantity,requested_at"


@pytest.fixture(scope="module")
def pulls(furnished: Demand) -> Iterator[Pulls]:
    with pulling(furnished.ledger.app_dsn) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEMAND_SOURCE_FOLDERS", str(tmp_path))
    made = tmp_path / "leeds" / "till"
    made.mkdir(parents=True)
    return made


def add(demand: Demand, name: str, address: str, **how: object) -> int:
    settings = SourceSettings.model_validate(how)
    wished = NewSource("leeds", name, SourceKind.DROP, address, settings, None, 5)
    made = demand.ledger.as_app(lambda conn: service.add_source(conn, ADMIN, wished, site="leeds", now=NOW))
    return made.source_id


def put(folder: Path, name: str, *rows: str, header: str = HEADER, settled: bool = True) -> Path:
    file = folder / name
    file.write_text("\n".join([header, *rows]) + "\n")
    at = 0 if settled else NOW.timestamp()
    os.utime(file, (at, at))
    return file


def row(number: int, quantity: str = "2") -> str:
    return f"D-{number},1,{TEA},{quantity},2026-03-02T09:00:00Z"


def names(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def stored(demand: Demand, source: str) -> list[tuple]:
    return demand.ledger.query(
        "SELECT document, quantity, revision FROM demand_line WHERE source = %s ORDER BY document", source
    )


def test_files_are_stored_and_put_away_and_a_faulty_one_holds_up_no_other(
    demand: Demand, folder: Path, pulls: Pulls
) -> None:
    number = add(demand, "till", str(folder))
    put(folder, "1.csv", row(1))
    put(folder, "2.csv", row(2), row(3, "-1"), f"D-4,1,{TEA},1,2026-13-02T09:00:00Z")
    put(folder, "3.csv", f"pune,{row(5)}", header=f"site,{HEADER}")
    put(folder, "4.csv", row(6), settled=False)
    put(folder, "5.csv.part", row(7))
    book = put(folder, "8.xlsx")
    book.write_bytes(workbook("Till", HEADER.split(","), [row(8).split(",")]))
    os.utime(book, (0, 0))
    put(folder, ".6.csv", row(8))
    (folder / "7.csv").symlink_to(folder / "5.csv.part")
    table = {
        "document": ["D-9"],
        "line": [1],
        "gtin": [TEA],
        "quantity": [2.5],
        "requested_at": ["2026-03-02T09:00:00Z"],
    }
    write_table(pa.table(table), folder / "8.parquet")
    os.utime(folder / "8.parquet", (0, 0))
    after = pulls.one(number)
    assert (after.state, after.lines, after.failures) == ("active", 3, 0)
    assert names(folder) == [
        ".6.csv", "4.csv", "5.csv.part", "7.csv", "done/1.csv", "done/8.parquet", "done/8.xlsx",
        "failed/2.csv", "failed/2.csv.faults.txt", "failed/3.csv", "failed/3.csv.faults.txt",
    ]  # fmt: skip
    faults = (folder / "failed/2.csv.faults.txt").read_text().splitlines()
    assert faults[0].startswith("2.csv, line 3: quantity: '-1': expected a quantity above zero")
    assert faults[1].startswith("2.csv, line 4: requested_at: '2026-13-02T09:00:00Z'")
    assert "3.csv, line 2: site: 'pune': expected 'leeds'" in (folder / "failed/3.csv.faults.txt").read_text()
    told = demand.ledger.query("SELECT summary FROM ticket WHERE dedup_key LIKE 'demand_file:%%' ORDER BY 1")
    assert [summary.partition(",")[0] for (summary,) in told] == [
        f"Demand source till: {name}.csv is faulty" for name in (2, 3)
    ]
    assert stored(demand, "till") == [("D-1", 2, 1), ("D-8", 2, 1), ("D-9", Decimal("2.5"), 1)]

    put(folder, "1.csv", row(1))
    put(folder, "corrected.csv", row(1, "3"))
    assert pulls.one(number).lines == 4, "the same file says nothing new"
    assert stored(demand, "till")[0] == ("D-1", 3, 2)
    assert {"done/1.csv", "done/1-2.csv", "done/corrected.csv"} <= set(names(folder))
    put(folder, "1.csv", row(1))
    assert pulls.one(number).lines == 4
    assert stored(demand, "till")[0] == ("D-1", 3, 2), "yesterday's file takes no correction back"


def test_what_a_pull_that_died_had_taken_is_taken_again(demand: Demand, folder: Path, pulls: Pulls) -> None:
    number = add(demand, "died", str(folder))
    (folder / "taken").mkdir()
    put(folder / "taken", "1.csv", row(1))
    assert pulls.one(number).lines == 1
    assert names(folder) == ["done/1.csv"]


def test_a_folder_is_where_the_operator_said_and_nowhere_else(
    demand: Demand, folder: Path, pulls: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / "till" / "out").symlink_to("/")
    for name, address, message in (
        ("etc", "/etc", "/etc: expected a folder below DEMAND_SOURCE_FOLDERS/leeds"),
        ("link", f"{folder}/out/etc", "expected a folder below DEMAND_SOURCE_FOLDERS/leeds"),
        ("gone", f"{folder}/gone", "gone: No such file or directory"),
    ):
        after = pulls.one(add(demand, name, address))
        assert message in (after.last_error or "")
        assert (after.state, after.failures, after.due_at - NOW) == ("active", 1, timedelta(minutes=1))
    monkeypatch.delenv("DEMAND_SOURCE_FOLDERS")
    assert "is not set" in (pulls.one(add(demand, "unset", str(folder))).last_error or "")
    with pytest.raises(SourceError) as caught:
        add(demand, "relative", "till", cursor_parameter="since", kinds={"a": "skip"})
    assert "folder 'till': expected an absolute path" in str(caught.value)
    assert "cursor_parameter: files have the columns of `dockledger demand import`" in str(caught.value)


def test_the_commands_add_pull_pause_resume_and_list_sources(
    demand: Demand, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", demand.ledger.app_dsn)
    monkeypatch.chdir(folder.parent)
    (folder.parent / "comma.json").write_text('{"decimal_comma": true}')
    (folder.parent / "odd.json").write_text('{"decimal_comma": "perhaps", "colour": "red"}')

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["demand", "sources", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    place = ("--site", "leeds", "--folder", str(folder))
    code, _, err = run("add", "shell", *place, "--settings", "odd.json")
    assert (code, "odd.json: decimal_comma:" in err, "odd.json: colour:" in err) == (1, True, True)
    code, out, err = run("add", "shell", *place, "--settings", "comma.json", "--json")
    made = json.loads(out)
    assert (code, made["name"], made["settings"], made["every_minutes"]) == (
        0,
        "shell",
        {"decimal_comma": True},
        15,
    )
    number = str(made["source_id"])
    put(folder, "1.csv", f"D-1;1;{TEA};2,5;2026-03-02T09:00:00Z", header=HEADER.replace(",", ";"))
    code, out, _ = run("pull", number)
    assert (code, "active, 1 lines" in out) == (0, True)
    assert stored(demand, "shell") == [("D-1", Decimal("2.5"), 1)]
    assert run("pause", number)[0] == 0
    code, _, err = run("pull", number)
    assert (code, err) == (1, "dockledger: source 'shell' is paused: resume it first\n")
    assert "active" in run("resume", number)[1]
    put(folder, "2.csv", f"D-2;1;{TEA};1;2026-03-02T09:00:00Z", header=HEADER.replace(",", ";"))
    assert main(["scheduler", "--once", "pull_demand"]) == 0
    assert "pull_demand done in" in capsys.readouterr().out
    assert stored(demand, "shell") == [("D-1", Decimal("2.5"), 1), ("D-2", 1, 1)]
    assert "a folder is not asked" in run("backfill", number, "--from", "2026-01-01")[2]
    monkeypatch.delenv("DEMAND_SOURCE_FOLDERS")
    code, out, err = run("pull", number)
    assert (code, "DEMAND_SOURCE_FOLDERS is not set" in err) == (1, True)
    code, out, _ = run("list", "--site", "leeds")
    (line,) = [line for line in out.splitlines() if " shell " in line]
    assert line.endswith(
        "DEMAND_SOURCE_FOLDERS is not set: expected the directory that holds folders of demand"
    )
    assert run("pause", "999999")[2] == "dockledger: there is no source 999999 at your sites\n"
