"""`dockledger lots` as it prints: a row a line, what belongs to it moved to the right, or JSON."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from cloud.cli import main
from contracts.records import LabelDates
from tests.integration.lots.floor import Floor, goes, open_floor


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    with open_floor(database, "MILK", gateways=("gw-1",)) as floor:
        yield floor


def test_lots_and_recalls_are_printed_by_name_or_as_json_and_what_is_wrong_is_said(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    floor.moves(goes("MILK", 100, "@supplier", "A-01", "L1"))
    recall = floor.recalls("MILK", "L1")
    (site,) = floor.recall_sites(recall)
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", floor.ledger.app_dsn)

    def told(*words: str, code: int = 0) -> tuple[list[str], str]:
        assert main(["lots", *words]) == code
        said = capsys.readouterr()
        return said.out.splitlines(), said.err

    (lot,), _ = told("list")
    assert lot.startswith("item MILK  lot L1  ")
    (first, second), _ = told("recalls")
    assert first.startswith(f"recall {recall.recall_id}  item MILK  lot L1  ")
    assert second == f"  site leeds  decision {site.decision_id}  state submitted"
    rows, _ = told("recalls", "--json")
    assert json.loads(rows[1]) == {"site": "leeds", "decision": site.decision_id, "state": "submitted"}
    assert told("end-recall", "99", "--reason", "other", code=1) == (
        [],
        "dockledger: reason 'other': expected a note that says which\n",
    )


def test_a_shell_tells_who_said_what_of_a_lots_dates_and_keeps_a_file_of_them_or_none(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = LabelDates(produced_on=date(2026, 2, 3), use_by=date(2026, 8, 31))
    floor.moves(goes("MILK", 2, "@supplier", "A-01", "L1", label_dates=said))
    floor.resolves()
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", floor.ledger.app_dsn)

    def told(*words: str, code: int = 0) -> str:
        assert main([*words]) == code
        out, err = capsys.readouterr()
        return out if code == 0 else err

    assert told("lots", "dates", "MILK", "L1").splitlines()[0] == (
        "holds label  expires 2026-09-01  produced 2026-02-03"
    )
    told("allocation", "lot", "MILK", "L1", "--expires", "2026-08-01", "--reason", "read the case")
    first, second, third = told("lots", "dates", "MILK", "L1").splitlines()
    assert first.startswith("holds stated  expires 2026-08-01")
    assert "said_by system:shell" in second
    assert "why read the case" in second
    assert ("label_at leeds" in third, "use_by 2026-08-31" in third) == (True, True)
    told("allocation", "lot", "MILK", "L1", "--take-back", "--reason", "the wrong case")
    assert told("lots", "dates", "MILK", "L1").startswith("holds label  expires 2026-09-01")
    listed = tmp_path / "dates.csv"
    listed.write_text("item,lot,expires_on\nMILK,L1,soon\nMILK,,2026-01-01\n")
    wrong = told("lots", "import-dates", str(listed), code=1)
    assert f"{listed}:2: expires_on: 'soon': expected a day as 2026-10-01" in wrong
    assert f"{listed}:3: lot: expected 1 to 128 characters, got 0" in wrong
    listed.write_text("item,lot,expires_on\nMILK,L1,none\nMILK,L2,2026-10-01\n")
    assert told("lots", "import-dates", str(listed), "--json") == '{"lots":2,"new":2}\n'
    assert told("lots", "dates", "MILK", "L1").startswith("holds stated  produced 2026-02-03")
