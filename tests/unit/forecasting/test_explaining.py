"""A forecast says in words what it rests on."""

from datetime import UTC, date, datetime
from typing import Any

from cloud.forecasting.domain import Content, Forecast, ForecastRow
from cloud.forecasting.explaining import reasons

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PATTERN = {"name": "lumpy", "adi": 2.5, "cv2": 0.8}
WHY: dict[str, Any] = {
    "known_weeks": 60,
    "masked_days": 9,
    "masked_weeks": 1,
    "masks": [
        {"from_day": "2026-01-05", "until_day": "2026-01-07", "kind": "disruption", "reason": "flood"},
        {"from_day": "2026-01-09", "until_day": "2026-01-09", "kind": "one_off", "reason": "a hotel"},
    ],
    "pattern": PATTERN,
    "members": {"ses": {"weight": 0.3}, "theta": {"weight": 0.698}, "sba": {"weight": 0.002}},
    "windows": 26.0,
    "class": "lumpy",
    "arima": {"why": "ARIMA(1,1,1); residuals are like noise", "fitted_to": "2026-02-01"},
    "granularity": {"bucket": "four_weeks", "class": "lumpy, long review", "evidence": {"why": "cheaper"}},
    "effects": [{"name": "promotion", "factor": 1.8, "low": 1.2, "high": 2.7, "borrowed": 0.4}],
    "sensed": {"is_on": True, "next_week": -3.25},
    "level_per_week": 12.5,
    "weekday_shares": [0.2, 0.2, 0.2, 0.2, 0.2, 0.0, 0.0],
    "weekdays_borrowed": 0.05,
    "bands": {"stratum": 2, "strata": 5, "scale_per_week": 4.5, "errors": {"7": 5200}},
}


def forecast(why: dict[str, Any], *, is_sufficient: bool) -> Forecast:
    last = date(2026, 3, 1)
    names = ("run_id", "finished_at", "site", "time_zone", "item", "item_name", "base_unit", "item_id")
    row = dict(zip(names, (7, NOW, "leeds", "UTC", "TEA", None, "kg", 1), strict=True))
    row |= {"first_day": date(2026, 3, 2), "model": "combination", "is_sufficient": is_sufficient}
    row |= {"history_from": date(2025, 1, 6), "history_until": last, "weekly_volume": 12.0, "next_week": 12.0}
    row |= dict.fromkeys(("wape", "naive_wape", "bias", "rmsse", "coverage")) | {"place": 0.0}
    content = Content(
        mean=[1.0],
        horizons=[1],
        cum_q=[[1.0] * 15],
        why=why,
        history=[],
        inputs_at=NOW,
        code_version="1.0",
        inputs={"demand_from": "2023-03-06", "demand_until": "2026-03-01"},
        inputs_sha256="ab" * 32,
        parameters={},
        as_of_position=1,
        completeness={},
    )
    return Forecast(ForecastRow(**row), content, [])


def test_every_reason_that_was_kept_is_told_in_a_line() -> None:
    told = [f"{one.name}: {one.text}" for one in reasons(forecast(WHY, is_sufficient=True))]
    past = "from 26 past forecasts of its own and those of lumpy items"
    like = "items of like volume (group 2 of 5, 1 the least)"
    assert told == [
        "Method: combination: 3 simple methods, weighed by how wrong each was",
        f"Members: theta 70%, exponential smoothing 30%; {past}",
        "Own model: ARIMA(1,1,1); residuals are like noise; fitted to 2026-02-01, its mean with the method",
        "Forecast in: four weeks (lumpy, long review): cheaper",
        "Event: promotion: demand times 1.80 (95 %: 1.20 to 2.70, 40% borrowed)",
        "Sensed: the latest days move the next week by -3.2 kg",
        "History: 60 known weeks, 2025-01-06 to 2026-03-01",
        "Left out: 9 days out of stock or masked; 1 weeks with fewer than four days left",
        "Masked: 2026-01-05 to 2026-01-07: disruption, flood",
        "Masked: 2026-01-09: one_off, a hotel",
        "Level: 12.5 kg a week",
        "Weekdays: Mon 20%, Tue 20%, Wed 20%, Thu 20%, Fri 20%, Sat 0%, Sun 0%; 5% borrowed from other items",
        f"Bands: from 5,200 past errors a week ahead of {like}; its usual error is 4.5 kg a week",
        "Pattern: lumpy: demand every 2.5 weeks, CV² 0.8",
        "Rests on: run 7, demand of 2023-03-06 to 2026-03-01, Dockledger 1.0, inputs abababababab",
    ]


def test_a_cold_start_says_on_whom_it_leans() -> None:
    none = {"name": None, "adi": None, "cv2": None}
    why = {"known_weeks": 3, "masked_days": 0, "pattern": none, "likes": 12, "likes_sell_per_week": 8.25}
    told = [one.text for one in reasons(forecast(why, is_sufficient=False))]
    assert told[0] == (
        "insufficient data (3 known weeks): its own days, and what 12 items of its category sell (8.2 a week)"
    )
    assert "no demand is known" in told
    alone = reasons(forecast(why | {"likes": 0}, is_sufficient=False))
    assert alone[0].text.endswith("mean of the known days")
