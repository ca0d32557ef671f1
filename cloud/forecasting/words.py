"""Why a forecast is what it is, as facts that a page or an API can show. Pure."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cloud.forecasting.domain import HORIZONS
from cloud.forecasting.protocol import Floats
from cloud.forecasting.weeks import DAYS

if TYPE_CHECKING:
    from cloud.forecasting.engine import Plan

ADI_LIMIT: Final = 1.32
CV2_LIMIT: Final = 0.49


def why(plan: "Plan", row: int, *, known_days: int) -> dict[str, Any]:
    """Gather what a series' forecast rests on.

    Args:
        plan: Of the site.
        row: Of the series.
        known_days: Since its first demand.

    Returns:
        Numbers and texts, as JSON holds them.
    """
    weeks = plan.weeks.totals[row]
    told: dict[str, Any] = {
        "known_weeks": int(np.isfinite(weeks).sum()),
        "known_days": known_days,
        "masked_days": int(plan.unknown_days[row]),
        "masked_weeks": int(np.isnan(weeks[int(plan.weeks.starts[row]) :]).sum()),
        "protection_days": int(plan.protection[row]),
        "pattern": pattern(weeks),
    }
    if np.isnan(plan.rolled.level[row, -1]):
        return {**told, "needed_weeks": plan.method.min_weeks, **plan.cold.told(row)}
    stratum = int(plan.calibration.strata[row, -1])
    first, last = plan.calibration.scaled.kind_of(stratum)
    samples = plan.calibration.samples(row)
    weekdays = plan.rolled.weekdays
    shares = weekdays.shares[row, -1]
    sensed = plan.rolled.sensed
    return {
        **told,
        **plan.said.why(row),
        "level_per_week": round(float(plan.rolled.level[row, -1]), 6),
        "sensed": {
            "is_on": bool(sensed.place[row, -1] > 0),
            "next_week": round(float(sensed.shift(row, -1)[:DAYS].sum()), 6),
        },
        "weekday_shares": [round(float(share), 4) for share in shares],
        "weekday_strength": weekday_strength(shares),
        "weekdays_borrowed": round(float(weekdays.borrowed[row, -1]), 3),
        "bands": {
            "stratum": stratum + 1 - first,
            "strata": last - first,
            "idle_per_week": round(float(plan.calibration.idle[row, -1]), 6),
            "scale_per_week": round(float(np.nan_to_num(plan.calibration.scale(row))), 6),
            "errors": {str(days): int(count) for days, count in zip(HORIZONS, samples, strict=True)},
        },
    }


def pattern(weeks: Floats) -> dict[str, Any]:
    """Name a series' demand pattern (Syntetos, Boylan & Croston 2005), for reports; nothing is chosen by it.

    Args:
        weeks: Demand by week, NaN where not known.

    Returns:
        ``adi``, the mean interval between weeks with demand; ``cv2``, the squared coefficient of variation of
        demand in these; ``name``; None where there was no demand.

    Examples:
        >>> pattern(np.array([4.0, 0, 0, 4, 0, 0]))
        {'adi': 3.0, 'cv2': 0.0, 'name': 'intermittent'}
    """
    known = weeks[np.isfinite(weeks)]
    sizes = known[known > 0]
    if not len(sizes):
        return {"adi": None, "cv2": None, "name": None}
    adi = len(known) / len(sizes)
    cv2 = float(np.var(sizes) / np.mean(sizes) ** 2)
    names = {
        (False, False): "smooth",
        (False, True): "erratic",
        (True, False): "intermittent",
        (True, True): "lumpy",
    }
    return {"adi": round(adi, 3), "cv2": round(cv2, 3), "name": names[adi >= ADI_LIMIT, cv2 >= CV2_LIMIT]}


def weekday_strength(shares: Floats) -> float:
    """Measure how unlike the weekdays are: 0 all alike, 1 everything on one of them.

    Args:
        shares: Of the week, seven that sum to 1.

    Returns:
        Half the sum of absolute differences from one seventh, over its greatest value.

    Examples:
        >>> weekday_strength(np.array([1.0, 0, 0, 0, 0, 0, 0])), weekday_strength(np.full(7, 1 / 7))
        (1.0, 0.0)
    """
    alike = 1 / len(shares)
    return round(float(np.abs(shares - alike).sum() / 2 / (1 - alike)), 3)
