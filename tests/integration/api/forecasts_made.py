"""What a forecast run leaves behind: an item judged over 13 weeks, and one of a week's history."""

from datetime import date, timedelta
from typing import Any

from serving import MUG, NOW, OWN, TEA

from cloud.db import Connection
from cloud.forecasting import store
from cloud.forecasting.domain import HORIZONS, LEVELS
from cloud.forecasting.granularity.domain import Bucket, BucketChoice
from cloud.forecasting.granularity.store import add_choices
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.runs import service as runs

PLANNER = Actor("job:forecast", frozenset({Role.PLANNER}), all_sites=True)
LAST_DAY = NOW.date() - timedelta(days=1)
EVIDENCE = {
    "cost": {"day": 3.5, "week": 3.0, "four_weeks": 2.0, "reconciled": 2.5, "naive": 9.0},
    "wape": {"day": 0.6, "week": 0.5, "four_weeks": 0.4, "reconciled": 0.45, "naive": None},
    "why": "stock of four_weeks would have cost 33.3% less than of week",
}
OVERALL = {
    str(days): {
        "windows": 13,
        "wape": 0.4,
        "naive_wape": 0.6,
        "bias": -0.05,
        "coverage_80": 0.81,
        "coverage_95": 0.96,
    }
    for days in (7, 14, 28)
}


def made(conn: Connection, *, site: str = OWN, late_days: int = 0, more: int = 0) -> int:
    """Store a run of a site that is done; gives its number.

    Args:
        conn: In a transaction that the caller commits.
        site: Where.
        late_days: By how many days demand is late.
        more: Further items, `I-0001` and on.

    Returns:
        The run's number.
    """
    act_as(conn, PLANNER)
    inputs = {"demand_from": LAST_DAY, "demand_until": LAST_DAY, "demand_late_days": late_days}
    run_id = runs.begin(conn, PLANNER, kind="forecast", site=site, inputs=inputs, parameters={})
    codes = [TEA, MUG, *(f"I-{number:04d}" for number in range(1, more + 1))]
    conn.execute(
        "INSERT INTO item (code, is_provisional) SELECT x, true FROM unnest(%s::text[]) x "
        "ON CONFLICT DO NOTHING",
        (codes,),
    )
    ids = dict(conn.execute("SELECT code, item_id FROM item").fetchall())
    rows = [
        _forecast(run_id, site, ids[code], weekly=70.0 + n, short=code == MUG) for n, code in enumerate(codes)
    ]
    store.add_forecasts(conn, rows)
    _add_backtest(conn, run_id, site, ids[TEA])
    choices = [BucketChoice("smooth, short review", Bucket.FOUR_WEEKS, LAST_DAY, EVIDENCE)]
    add_choices(conn, site, run_id, choices)
    judged = {"origins": 13, "by_horizon_days": OVERALL}
    outcome = {"items": len(codes), "insufficient": 1, "strata": 1, "judged": judged, "late_days": late_days}
    outcome["sensing"] = {"series_on": 1, "error_saved_by_day": [0.0423, 0.031] + [-0.002] * 12}
    runs.finish(conn, run_id, outcome)
    return int(run_id)


def _forecast(run_id: int, site: str, item_id: int, *, weekly: float, short: bool) -> dict[str, Any]:
    daily = weekly / 7
    weeks: list[float | None] = [weekly] if short else [weekly + (n % 5 - 2) * 6 for n in range(30)]
    if not short:
        weeks[-4] = None
    horizons = [*HORIZONS[:2], 10, *HORIZONS[2:]]
    why: dict[str, Any] = {
        "known_weeks": sum(week is not None for week in weeks),
        "known_days": 7 * len(weeks),
        "masked_days": 0 if short else 7,
        "masked_weeks": 0 if short else 1,
        "protection_days": 10,
        "pattern": {"adi": 1.0, "cv2": 0.1, "name": "smooth"},
    }
    if short:
        why["needed_weeks"] = 8
    else:
        why |= {
            "class": "smooth",
            "windows": 20.0,
            "members": {
                "ses": {"weight": 0.75, "own_error": 0.9, "class_error": 1.0, "is_dropped": False},
                "theta": {"weight": 0.25, "own_error": 1.1, "class_error": 1.0, "is_dropped": False},
                "tsb": {"weight": 0.0, "own_error": 2.1, "class_error": 2.0, "is_dropped": True},
            },
            "sensed": {"is_on": True, "next_week": -2.5},
            "effects": [{"name": "promotion", "factor": 1.9, "low": 1.6, "high": 2.2, "borrowed": 0.4}],
            "masks": [
                {
                    "from_day": (LAST_DAY - timedelta(days=27)).isoformat(),
                    "until_day": (LAST_DAY - timedelta(days=21)).isoformat(),
                    "kind": "disruption",
                    "reason": "flood",
                }
            ],
            "left_out": [
                {"ends": (LAST_DAY - timedelta(days=70)).isoformat(), "out_of_stock": 2, "masked": 0},
                {"ends": (LAST_DAY - timedelta(days=21)).isoformat(), "out_of_stock": 0, "masked": 7},
            ],
            "level_per_week": weekly,
            "weekday_shares": [0.2, 0.2, 0.2, 0.2, 0.1, 0.1, 0.0],
            "weekday_strength": 0.267,
            "weekdays_borrowed": 0.31,
            "granularity": {
                "class": "smooth, short review",
                "items": 24,
                "bucket": "four_weeks",
                "chosen": "four_weeks",
                "decided_on": LAST_DAY.isoformat(),
                "evidence": EVIDENCE,
            },
            "bands": {
                "stratum": 1,
                "strata": 1,
                "scale_per_week": 9.0,
                "errors": {str(days): 400 for days in HORIZONS},
            },
        }
    return {
        "run_id": run_id,
        "site": site,
        "item_id": item_id,
        "first_day": LAST_DAY + timedelta(days=1),
        "mean": [daily] * horizons[-1],
        "horizons": horizons,
        "cum_q": [[daily * days * (0.4 + 1.2 * level) for level in LEVELS] for days in horizons],
        "model": "mean_of_known_days" if short else "combination",
        "why": why,
        "is_sufficient": not short,
        "history_from": LAST_DAY - timedelta(days=7 * len(weeks) - 1),
        "history_until": LAST_DAY,
        "history": weeks,
        "weekly_volume": weekly,
        "wape": None if short else 0.4,
        "naive_wape": None if short else 0.6,
        "mean_system": None,
        "cum_q_system": None,
        "override_ids": [],
        "bias": None if short else -0.05,
        "rmsse": None if short else 0.8,
        "coverage": None if short else 10 / 13,
    }


def _add_backtest(conn: Connection, run_id: int, site: str, item_id: int) -> None:
    for weeks in (1, 2):
        origins: list[date] = [LAST_DAY - timedelta(days=7 * back) for back in range(13, weeks - 1, -1)]
        count = len(origins)
        store.add_backtest(
            conn,
            run_id=run_id,
            site=site,
            item_ids=[item_id] * count,
            origins=origins,
            horizon_days=[7 * weeks] * count,
            forecasts=[70.0 * weeks] * count,
            naives=[75.0 * weeks] * count,
            lows=[55.0 * weeks] * count,
            highs=[85.0 * weeks] * count,
            actuals=[None if back == 3 else (60.0 + 2 * back) * weeks for back in range(count)],
            are_in_wide=[None if back == 3 else back > 0 for back in range(count)],
        )
