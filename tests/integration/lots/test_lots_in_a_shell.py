"""`dockledger lots` as it prints: a row a line, what belongs to it moved to the right, or JSON."""

import json
from collections.abc import Iterator

import pytest

from cloud.cli import main
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
