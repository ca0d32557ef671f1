"""`dockledger counts`, `tolerances` and `costs`: what they keep, say and refuse."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from cloud.cli import main
from tests.integration.counting.floor import RUM, Floor, line


@pytest.fixture
def command(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> object:
    """Run a command on the floor's database; gives its exit code and what it printed."""
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", floor.ledger.app_dsn)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["--data-dir", str(tmp_path), *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_costs_of_a_file_are_kept_whole_or_not_at_all(floor: Floor, command: object, tmp_path: Path) -> None:
    file = tmp_path / "costs.csv"
    file.write_text("item;cost;valid_from\nTEA;2,50;\nNIL;1;2026-01-01\nRUM;7\n", "utf-8")
    code, _, told = command("costs", "import", str(file), "--site", "leeds", "--currency", "EUR")
    assert code == 1
    assert told.splitlines() == [
        f"dockledger: {file}: line 4: expected 3 cells as in the header, got 2",
        f"dockledger: {file}:2: '2,50': expected an amount with a decimal point as 12.50",
        f"dockledger: {file}:3: '2026-01-01' has no offset: expected one as 2026-10-01T00:00:00Z",
    ]
    file.write_bytes("item;cost\nTEA;2,50\nCAF\u00c9;1.5\n".encode("cp1252"))
    assert "line 3: byte 0xc9 is not utf-8" in command("costs", "import", str(file))[2]
    foreign = ("--encoding", "windows-1252", "--decimal-comma")
    assert (
        "'1.5': a point, but --decimal-comma was said" in command("costs", "import", str(file), *foreign)[2]
    )
    file.write_text("item;cost\nTEA;1.500\n", "utf-8")
    refused = f"dockledger: {file}:2: '1.500' is 1.5 or 1500 between semicolons: say --decimal-point if"
    assert command("costs", "import", str(file), "--site", "leeds", "--currency", "EUR")[2].startswith(
        refused
    )
    file.write_text("item,price\nTEA,2\n", "utf-8")
    assert (
        "no column 'cost'; column 'price' is unknown: expected item, cost"
        in command("costs", "import", str(file))[2]
    )
    since = "2026-01-01T00:00:00Z"
    file.write_text(f"\ufeffitem,cost,valid_from\nTEA,2.50,{since}\nRUM,9,{since}\n", "utf-8")
    arguments = ("costs", "import", str(file), "--site", "leeds", "--currency", "EUR", "--json")
    assert json.loads(command(*arguments)[1]) == {"rows": 2, "new": 2}
    assert json.loads(command(*arguments)[1]) == {"rows": 2, "new": 0}
    listed = command("costs", "list", "--item", "TEA")[1]
    assert listed.startswith("TEA  leeds  2026-01-01T00:00:00+00:00  2.5  EUR  2")
    floor.receives("10")
    floor.counts(line("9"), minute=10)
    assert floor.variance().value == Decimal("-2.5")


def test_a_count_is_settled_and_measured_by_commands(floor: Floor, command: object) -> None:
    floor.receives("10")
    floor.receives("10", RUM)
    assert command("tolerances", "set", "--item", "RUM", "--percent", "10")[0] == 0
    assert command("tolerances", "set", "--item", "RUM")[0] == 2
    assert "there is no item 'NIL'" in command("tolerances", "set", "--item", "NIL", "--value", "1")[2]
    assert command("tolerances", "list")[1].split("  ")[1:6] == ["-", "RUM", "-", "-", "10"]
    floor.counts(line("9"), line("9", RUM), minute=10)
    floor.watermark(11)
    (shown,) = command("counts", "variances", "--item", "TEA", "--json")[1].splitlines()
    assert (json.loads(shown)["stage"], json.loads(shown)["difference"]) == ("provisional", "-1")
    assert json.loads(command("counts", "settle", "--json")[1])["settled"] == 1
    period = ("--from", "2026-03-02T00:00:00Z", "--until", "2026-03-03T00:00:00Z")
    measured = json.loads(command("counts", "accuracy", *period, "--json")[1])
    assert (measured["records"], measured["accurate"], measured["ira"]) == (2, 1, 0.5)
    assert command("tolerances", "remove", "--item", "RUM")[0] == 0
    assert "no tolerance is set there" in command("tolerances", "remove", "--item", "RUM")[2]
