"""What odd forecasts make people know: a ticket per item, and one of a site that changed as a whole; pure."""

from dataclasses import dataclass
from datetime import date, timedelta

from cloud.alerts.domain import Notice, Severity
from cloud.forecasting.reviewing.domain import DRIFT_KIND, TICKET_KIND, TRIGGER_WORDS, Setting


@dataclass(frozen=True, slots=True)
class Odd:
    """A forecast that was found odd."""

    item_id: int
    item: str
    base_unit: str
    trigger: str
    statistic: float
    limit: float | None
    chance: float
    error: float


def ticket_key(site: str, item_id: int) -> str:
    """Name the ticket of an item, so that there is one at a time.

    Args:
        site: Site id.
        item_id: The item.

    Returns:
        The ticket's key.
    """
    return f"{TICKET_KIND}/{site}/{item_id}"


def drift_key(site: str) -> str:
    """Name the ticket of a site.

    Args:
        site: Site id.

    Returns:
        The ticket's key.
    """
    return f"{DRIFT_KIND}/{site}"


def about_odd(odd: Odd, setting: Setting, *, run_id: int, last_day: date, days: int) -> Notice:
    """Tell of an odd forecast.

    Args:
        odd: What was found.
        setting: Of the site.
        run_id: Of the run that found it.
        last_day: Last day that was judged.
        days: Over which demand was summed.

    Returns:
        The notice.
    """
    way = "more" if odd.error > 0 else "less"
    return Notice(
        ticket_key(setting.site, odd.item_id),
        TICKET_KIND,
        Severity.INFO,
        f"Forecast of {odd.item}: {TRIGGER_WORDS[odd.trigger]}; {abs(odd.error):,.1f} {odd.base_unit} {way} "
        f"than forecast came in the {days} days until {last_day}. Look at forecast and policy",
        site=setting.site,
        detail={
            "item": odd.item,
            "trigger": odd.trigger,
            "statistic": round(odd.statistic, 3),
            "limit": None if odd.limit is None else round(odd.limit, 3),
            "one_in_weeks": round(1 / odd.chance, 1),
            "error": round(odd.error, 3),
            "horizon_days": days,
            "last_day": last_day.isoformat(),
            "run": run_id,
            "page_url": f"/forecast/{setting.site}/{odd.item}",
        },
        due_after=timedelta(days=setting.due_days),
        owner=setting.owner,
    )


def about_drift(
    setting: Setting, *, flagged: int, judged: int, expected: float, run_id: int, last_day: date
) -> Notice:
    """Tell that a site's forecasts have become worse as a whole.

    Args:
        setting: Of the site.
        flagged: Odd forecasts.
        judged: Of so many.
        expected: So many were expected though nothing had changed.
        run_id: Of the run that found it.
        last_day: Last day that was judged.

    Returns:
        The notice.
    """
    return Notice(
        drift_key(setting.site),
        DRIFT_KIND,
        Severity.WARNING,
        f"{flagged:,} of {judged:,} forecasts of {setting.site} are odd, {expected:,.0f} were expected: an "
        "event, late demand or a change that concerns all. Look at the model before its items",
        site=setting.site,
        detail={
            "flagged": flagged,
            "judged": judged,
            "expected": round(expected, 1),
            "run": run_id,
            "last_day": last_day.isoformat(),
            "page_url": f"/accuracy?site={setting.site}",
        },
        owner=setting.owner,
    )
