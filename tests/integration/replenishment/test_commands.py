"""The shipped commands against a real database: terms in, a run, its proposals, exit codes and texts."""

import json
from pathlib import Path
from typing import Any

import pytest
from buying import BUYER, NOW, TODAY, Buying

from cloud.cli import main
from cloud.documents.order_papers import OrderPaper
from cloud.documents.orders import register_order


@pytest.fixture
def say(app_dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in this process; give its exit code, output and errors."""
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", app_dsn)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_terms_and_policies_come_by_command_and_proposals_are_shown(
    buying: Buying, say: Any, tmp_path: Path
) -> None:
    file = tmp_path / "terms.csv"
    head = "supplier,item,currency,site,price,lead_time_days,min_order,pack\n"
    file.write_text(f"{head}GAMMA,TEA,EUR,{buying.site},2.5,7,48,12\nGAMMA,NONE,EUR,{buying.site},1,1,,\n")
    code, _, errors = say("suppliers", "import", str(file))
    assert (code, errors) == (
        1, f"dockledger: {file}, line 3: supplier 'GAMMA': there is no item 'NONE'\n",
    )  # fmt: skip
    file.write_text(f"{head}GAMMA,TEA,EUR,{buying.site},2.5,7,48,12\n")
    assert json.loads(say("suppliers", "import", str(file), "--json")[1]) == {
        "suppliers": 1,
        "supplier_items": 1,
    }
    assert json.loads(say("suppliers", "import", str(file), "--json")[1]) == {
        "suppliers": 0,
        "supplier_items": 0,
    }
    assert "GAMMA" in say("suppliers", "list")[1]
    assert "2.5" in say("suppliers", "show", "GAMMA")[1]
    code, _, errors = say("replenish", "policy", buying.site, "--target", "0.9")
    assert code == 1
    assert "expected both, or neither" in errors
    assert say("replenish", "policy", buying.site, "--target", "0.9", "--target-kind", "fill_rate")[0] == 0
    told = json.loads(say("replenish", "run", "--site", buying.site, "--json")[1])
    assert (told["site"], told["items"], told["proposals"]) == (buying.site, 0, 0)
    assert say("replenish", "run", "--site", "nowhere") == (
        1, "", "dockledger: there is no site 'nowhere' within your reach\n",
    )  # fmt: skip
    buying.stock("TEA", "100")
    buying.forecast({"TEA": (20.0, 6.0)})
    buying.propose()
    (row,) = say("replenish", "list", "--site", buying.site, "--json")[1].splitlines()
    shown = say("replenish", "show", json.loads(row)["proposal_id"])[1]
    assert "Target: 90.0% of units served from stock  - set by system:shell" in shown
    assert "fill_rate" in say("replenish", "parameters", buying.site)[1]
    assert say("replenish", "orders", "--site", buying.site) == (0, "", "")
    assert "there is no purchase order" in say("replenish", "sent", buying.site, "PO-1")[2]


def test_confirmations_come_by_command_and_the_tolerance_too(buying: Buying, say: Any) -> None:
    buying.supplier("ACME")
    line = {"line": "1", "item": "TEA", "quantity": "100", "price": "2.50", "due_on": TODAY}
    stated = {"site": buying.site, "id": "P-1", "supplier": "ACME", "sent_at": NOW, "lines": [line]}
    buying.run(lambda conn: register_order(conn, BUYER, OrderPaper.model_validate(stated), now=NOW))
    place = ("replenish", "confirm", buying.site, "P-1")
    assert json.loads(say(*place, "--price", "2.55", "--json")[1])["decision_id"] is None
    assert say("replenish", "tolerance", "--site", buying.site, "--quantity", "20", "--price", "1")[0] == 0
    first, second = say(*place, "--quantity", "80", "--reference", "AB-7", "--json")[1].splitlines()
    assert json.loads(first)["reference"] == ""
    assert (json.loads(second)["beyond"], json.loads(second)["decision_state"]) == (
        ["price 2.55 instead of 2.5: 2 % more, tolerated are 1 %"],
        "submitted",
    )
    code, _, errors = say("replenish", "tolerance", "--quantity", "-1", "--price", "2")
    assert (code, errors) == (1, "dockledger: Input should be greater than or equal to 0\n")
    assert "no line '9'" in say(*place, "--line", "9")[2]
