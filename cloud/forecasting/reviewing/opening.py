"""A run's errors in, tickets of the odd ones out, once a week and site. Needs numpy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from cloud.alerts import service as alerts
from cloud.db import Connection
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.reviewing import store
from cloud.forecasting.reviewing.domain import EVERY, Setting, is_drift
from cloud.forecasting.reviewing.notices import Odd, about_drift, about_odd, drift_key, ticket_key
from cloud.forecasting.reviewing.service import setting_of
from cloud.forecasting.reviews import TRIGGERS, Reviews, review


@dataclass(frozen=True, slots=True)
class History:
    """What a run knows of a site's past errors."""

    item_ids: Sequence[int]
    errors: Floats
    """Items x origins, ascending, the last one ending with the last day: what came less what was forecast."""
    scales: Floats
    """Items x origins, as known at each; or one per item."""
    strata: Ints
    """Of each item its stratum of volume, -1 none."""
    horizon_days: int
    """Over which demand was summed."""


def open_reviews(
    conn: Connection, run_id: int, site: str, last_day: date, history: History
) -> dict[str, Any]:
    """Judge a site's forecasts, keep what was found and open a ticket for each odd one.

    Args:
        conn: In the transaction that finishes the run, which shows the site.
        run_id: Of the run.
        site: Site id.
        last_day: Last day whose demand is known.
        history: Past errors.

    Returns:
        What the run tells of it: judged, expected, flagged, opened, share, level, is_drifting; or ``skipped``
        and why: a site is judged once in seven days.
    """
    before = store.tuples(conn, "last_review", site=site)
    if before and last_day - before[0][0] < EVERY:
        return {"skipped": f"judged until {before[0][0]}; once in {EVERY.days} days"}
    setting = setting_of(conn, site)
    known = int(np.isfinite(history.errors[:, -1]).sum()) if history.errors.shape[1] else 0
    found = review(history.errors, history.scales, history.strata, nominal=setting.nominal_of(known))
    judged = int(found.is_judged.sum())
    if not judged:
        return {"skipped": "no forecast has two errors to compare"}
    odd = _odd(conn, history, found)
    keys = [ticket_key(site, one.item_id) for one in odd]
    opened = len(odd) - len(store.tuples(conn, "open_keys", keys=keys))
    drifts = is_drift(
        share=found.share or 0.0, nominal=found.nominal, judged=judged, past=found.past_shares.tolist()
    )
    told: dict[str, Any] = {
        "judged": judged,
        "expected": round(found.expected, 2),
        "flagged": len(odd),
        "opened": opened,
        "nominal": found.nominal,
        "level": round(found.level, 5),
        "is_drifting": drifts,
    }
    columns = {**told, "items": len(history.item_ids), "expected": found.expected, "level": found.level}
    columns |= {"horizon_days": history.horizon_days, "past_shares": found.past_shares.tolist()}
    ((number,),) = store.tuples(conn, "add_review", site=site, run_id=run_id, last_day=last_day, **columns)
    _keep(conn, number, site, odd)
    days = history.horizon_days
    alerts.notice(conn, [about_odd(one, setting, run_id=run_id, last_day=last_day, days=days) for one in odd])
    _tell_drift(conn, setting, told, run_id=run_id, last_day=last_day)
    return {**told, "share": round(found.share or 0.0, 4)}


def _odd(conn: Connection, history: History, found: Reviews) -> list[Odd]:
    rows = np.flatnonzero(found.is_flagged).tolist()
    ids = [history.item_ids[row] for row in rows]
    names = {item_id: (code, unit) for item_id, code, unit in store.tuples(conn, "names", item_ids=ids)}
    odd = []
    for row in rows:
        item_id, trigger = history.item_ids[row], int(found.trigger[row])
        limit = float(found.limit[row, trigger])
        odd.append(
            Odd(
                item_id=item_id,
                item=names[item_id][0],
                base_unit=names[item_id][1],
                trigger=TRIGGERS[trigger],
                statistic=float(found.statistic[row, trigger]),
                limit=limit if np.isfinite(limit) else None,
                chance=float(found.chance[row]),
                error=float(history.errors[row, -1]),
            )
        )
    return odd


def _keep(conn: Connection, number: int, site: str, odd: Sequence[Odd]) -> None:
    store.change(
        conn,
        "add_items",
        review_id=number,
        site=site,
        item_ids=[one.item_id for one in odd],
        triggers=[one.trigger for one in odd],
        statistics=[one.statistic for one in odd],
        limits=[one.limit for one in odd],
        chances=[one.chance for one in odd],
        errors=[one.error for one in odd],
    )


def _tell_drift(
    conn: Connection, setting: Setting, told: dict[str, Any], *, run_id: int, last_day: date
) -> None:
    if not told["is_drifting"]:
        alerts.resolve(conn, [drift_key(setting.site)])
        return
    notice = about_drift(
        setting,
        flagged=told["flagged"],
        judged=told["judged"],
        expected=told["expected"],
        run_id=run_id,
        last_day=last_day,
    )
    alerts.notice(conn, [notice])
