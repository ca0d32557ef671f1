"""A nightly run of many sites: the failure of one is told, and is no other's."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from cloud.forecasting import service
from cloud.forecasting.domain import ForecastError
from cloud.identity.actor import Actor, Role

PLANNER = Actor("job:forecast", frozenset({Role.PLANNER}), all_sites=True)


def test_a_site_that_fails_keeps_no_other_from_its_forecasts(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [SimpleNamespace(site=site, yesterday=date(2026, 3, 1)) for site in ("hull", "leeds", "york")]
    ran: list[str] = []

    def run_site(_source: Any, _actor: Any, place: Any, _slot: Any, **_: Any) -> dict[str, Any]:
        ran.append(place.site)
        if place.site != "leeds":
            raise ForecastError(f"nothing at {place.site}")
        return {}

    monkeypatch.setattr(service, "in_transaction", lambda *_: places)
    monkeypatch.setattr(service, "_run_site", run_site)
    with pytest.raises(ForecastError, match="nothing at hull") as failed:
        service.run_all(lambda: None, PLANNER, datetime(2026, 3, 2, tzinfo=UTC))  # type: ignore[arg-type]
    assert ran == ["hull", "leeds", "york"]
    assert failed.value.__notes__ == ["at site hull", "then at site york: nothing at york"]
