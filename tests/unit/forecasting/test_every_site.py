"""A nightly run of many sites: the failure of one is told, and is no other's."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from cloud.cli import main
from cloud.db.apart import PartsFailedError
from cloud.forecasting import service
from cloud.forecasting.domain import ForecastError
from cloud.identity.actor import Actor, Role

PLANNER = Actor("job:forecast", frozenset({Role.PLANNER}), all_sites=True)


def test_a_site_that_fails_keeps_no_other_from_its_forecasts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    places = [SimpleNamespace(site=site, yesterday=date(2026, 3, 1)) for site in ("hull", "leeds", "york")]
    ran: list[str] = []

    def run_site(_source: Any, _actor: Any, place: Any, _slot: Any, **_: Any) -> dict[str, Any]:
        ran.append(place.site)
        if place.site == "hull":
            raise ForecastError("nothing at\n hull")
        if place.site == "york":
            raise ZeroDivisionError("by zero")
        return {"skipped": "no demand is known"}

    monkeypatch.setattr(service, "in_transaction", lambda *_: places)
    monkeypatch.setattr(service, "_run_site", run_site)
    with pytest.raises(PartsFailedError) as failed:
        service.run_all(lambda: None, PLANNER, datetime(2026, 3, 2, tzinfo=UTC))  # type: ignore[arg-type]
    assert ran == ["hull", "leeds", "york"]
    assert str(failed.value).splitlines() == ["hull: nothing at hull", "york: ZeroDivisionError: by zero"]
    assert [type(one) for one in failed.value.__cause__.exceptions] == [ForecastError, ZeroDivisionError]  # type: ignore[union-attr]
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", "postgresql://nobody@nowhere.invalid/none")
    assert main(["forecast", "run"]) == 1
    said = capsys.readouterr()
    assert said.out == "leeds: nothing done: no demand is known\n"
    assert said.err.splitlines() == [
        "dockledger: hull failed: nothing at hull",
        "dockledger: york failed: ZeroDivisionError: by zero",
    ]
    assert main(["forecast", "run", "--json"]) == 1
    assert orjson.loads(capsys.readouterr().out)["sites"]["york"] == {"failed": "ZeroDivisionError: by zero"}
