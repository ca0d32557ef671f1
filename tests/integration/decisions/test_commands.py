"""`dockledger limits` and `dockledger webhooks` against a real database, as the shell runs them."""

import json
from typing import Any

import pytest
from deciding import BOB, LEEDS, Desk, wanted

from cloud.cli import main
from cloud.decisions.domain import AboveLimitError


@pytest.fixture(autouse=True)
def _reached(shared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", shared.app_dsn)


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> list[str]:
    assert main(words) == code
    told = capsys.readouterr()
    return (told.out if code == 0 else told.err).splitlines()


def test_limits_are_set_shown_and_taken_away(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("limits", "set", "supervisor", "250", "--currency", "EUR", "--site", LEEDS)
    assert said(capsys, *words) == ["   1  supervisor           leeds, every kind: up to 250 EUR"]
    said(capsys, "limits", "set", "approver", "none", "--currency", "EUR", "--own", "25.50")
    listed = said(capsys, "limits", "list")
    assert listed[1].endswith("every site, every kind: whatever it is worth, of their own up to 25.5 EUR")
    shown = json.loads(said(capsys, "limits", "list", "--site", LEEDS, "--json")[0])
    assert (shown["role"], shown["limit"], shown["set_by"]) == ("supervisor", "250.000000", "system:shell")
    said(capsys, "limits", "remove", "1")
    assert len(said(capsys, "limits", "list")) == 1
    for wrong, message in (
        (("remove", "1"), "there is no approval limit 1"),
        (("remove", str(10**30)), f"there is no approval limit {10**30}"),
        (("set", "buyer", "much", "--currency", "EUR"), "limit 'much': expected an amount"),
        (("set", "buyer", "1", "--currency", "Euro"), "currency 'Euro': expected three letters"),
    ):
        assert message in said(capsys, "limits", *wrong, code=1)[-1]


def test_a_limit_from_the_shell_holds_at_once(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:

    said(capsys, "limits", "set", "approver", "10", "--currency", "GBP", "--kind", "count_adjustment")
    decision = desk.submitted(wanted())
    with pytest.raises(AboveLimitError):
        desk.approve(BOB, decision)


def test_webhooks_are_added_tested_and_followed(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    (secret,) = said(capsys, "webhooks", "add", "erp", "http://127.0.0.1:9/x", "--event", "ticket.*")
    assert secret.startswith("whsec_")
    assert "http://127.0.0.1:9/x  ticket.*  sends; 0 wait" in said(capsys, "webhooks", "list")[0]
    said(capsys, "webhooks", "test", "1")
    (line,) = said(capsys, "webhooks", "deliveries", "1")
    assert "webhook.test" in line
    assert "pending  0 attempts  next" in line
    said(capsys, "webhooks", "stop", "1")
    assert "stopped, by system:shell; 1 wait" in said(capsys, "webhooks", "list")[0]
    for command in ("start", "rotate"):
        said(capsys, "webhooks", command, "1")
    assert json.loads(said(capsys, "webhooks", "rotate", "1", "--json")[0])["secret"].startswith("whsec_")
    said(capsys, "webhooks", "again", "1", "1")
    said(capsys, "webhooks", "remove", "1")
    assert said(capsys, "webhooks", "list") == []
    assert "there is no webhook 1" in said(capsys, "webhooks", "test", "1", code=1)[-1]
    wrong = said(capsys, "webhooks", "add", "x", "mailto:x", "--event", "*", code=1)
    assert "expected https://host/path" in wrong[-1]


def test_the_audit_chain_holds_over_every_step(
    desk: Desk, shared: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKLEDGER_OWNER_DSN", shared.owner_dsn)
    desk.reverse(BOB, desk.apply(BOB, desk.submitted()))
    assert main(["verify"]) == 0
    assert "audit" in capsys.readouterr().out
