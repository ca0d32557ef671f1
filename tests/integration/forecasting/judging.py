"""Forecasts to judge and to adjust: a run that is done, of some items with flat demand, and people."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from cloud.db import Connection
from cloud.forecasting import store
from cloud.forecasting.domain import HORIZONS, LEVELS
from cloud.forecasting.overrides.domain import Mode
from cloud.forecasting.overrides.papers import OverridePaper
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.runs import service as runs
from contracts.base import SiteId
from tests.integration.ledger.scenario import Ledger

LEEDS, YORK = SiteId("leeds"), SiteId("york")
JOB = Actor("job:forecast", frozenset({Role.PLANNER}), all_sites=True)
PAT = Actor("user:pat", frozenset({Role.PLANNER}), frozenset({LEEDS}))
ANN = Actor("user:ann", frozenset({Role.APPROVER}), frozenset({LEEDS}))
YAN = Actor("user:yan", frozenset({Role.PLANNER}), frozenset({YORK}))
NOW = datetime.now(UTC)
TODAY = NOW.date()
SPREAD = [(level - 0.5) * 1.2 for level in LEVELS]


WHY: dict[str, Any] = {
    "known_weeks": 10,
    "known_days": 70,
    "masked_days": 0,
    "masked_weeks": 0,
    "masks": [],
    "likes": 0,
    "protection_days": 14,
    "pattern": {"adi": 1.0, "cv2": 0.1, "name": "smooth"},
    "members": {},
    "class": None,
    "windows": 10,
    "sensed": None,
    "level_per_week": 70.0,
    "weekday_shares": [1 / 7] * 7,
    "weekday_strength": 0.0,
    "bands": {
        "stratum": 1,
        "strata": 1,
        "scale_per_week": 10.0,
        "errors": {str(days): 100 for days in HORIZONS},
    },
}


def paper(**changes: Any) -> OverridePaper:
    """Ask for half as much again of `I-1` for two weeks from tomorrow, or for something else."""
    wish = {
        "site": "leeds",
        "item": "I-1",
        "from_day": TODAY + timedelta(1),
        "to_day": TODAY + timedelta(14),
        "mode": Mode.PERCENT,
        "amount": Decimal(50),
        "reason": "promotion",
        "evidence": "mail of the account manager, 3 March",
    }
    return OverridePaper.model_validate(wish | changes)


def forecast_columns(run_id: int, site: str, item_id: int, first_day: date, daily: float) -> dict[str, Any]:
    """Write a flat forecast whose 80 % band of a sum is about as wide as half of it."""
    return {
        "run_id": run_id,
        "site": site,
        "item_id": item_id,
        "first_day": first_day,
        "mean": [daily] * HORIZONS[-1],
        "horizons": list(HORIZONS),
        "cum_q": [[daily * days * (1 + spread) for spread in SPREAD] for days in HORIZONS],
        "model": "flat",
        "why": WHY,
        "is_sufficient": True,
        "history_from": first_day - timedelta(70),
        "history_until": first_day - timedelta(1),
        "history": [daily * 7] * 10,
        "weekly_volume": daily * 7,
        "wape": 0.2,
        "naive_wape": 0.3,
        "bias": 0.0,
        "rmsse": 0.8,
        "coverage": 0.8,
        "mean_system": None,
        "cum_q_system": None,
        "override_ids": [],
    }


def made(
    ledger: Ledger, *, site: str = "leeds", first_day: date = TODAY, daily: Sequence[float] = (10.0, 4.0, 0.5)
) -> tuple[int, dict[str, int]]:
    """Store a run of `I-1`, `I-2` … that is done; gives its number and the items' ids."""

    def items(conn: Connection) -> dict[str, int]:
        for number in range(1, len(daily) + 1):
            conn.execute(
                "INSERT INTO item (code, name, category, base_unit) VALUES (%s, %s, %s, 'each') "
                "ON CONFLICT DO NOTHING",
                (f"I-{number}", f"Item {number}", "tea" if number < len(daily) else "mugs"),
            )
        return dict(conn.execute("SELECT code, item_id FROM item").fetchall())

    ids = ledger.as_owner(items)

    def run(conn: Connection) -> int:
        act_as(conn, JOB)
        inputs = {"demand_from": first_day - timedelta(70), "demand_until": first_day - timedelta(1)}
        run_id = runs.begin(conn, JOB, kind="forecast", site=site, inputs=inputs, parameters={})
        columns = [
            forecast_columns(run_id, site, ids[f"I-{number}"], first_day, rate)
            for number, rate in enumerate(daily, 1)
        ]
        store.add_forecasts(conn, columns)
        runs.finish(conn, run_id, {"items": len(daily)})
        return int(run_id)

    return ledger.as_app(run), ids


def cost(ledger: Ledger, item: str, amount: str, *, site: str = "leeds") -> None:
    """Say what a unit costs."""
    ledger.as_owner(
        lambda conn: conn.execute(
            "INSERT INTO item_cost (item_id, site_id, valid_from, cost, currency) "
            "SELECT item_id, %s, '2020-01-01', %s, 'EUR' FROM item WHERE code = %s",
            (site, Decimal(amount), item),
        )
    )
