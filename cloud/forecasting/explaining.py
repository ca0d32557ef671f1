"""Why a forecast is what it is, in words: what was kept of it in, a line for each reason out. Pure."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from cloud.forecasting.domain import Forecast

MEMBERS: Final = {
    "ses": "exponential smoothing",
    "damped_trend": "damped trend",
    "theta": "theta",
    "optimised_theta": "optimised theta",
    "seasonal": "season of the year",
    "tsb": "Teunter-Syntetos-Babai",
    "tsb_mean": "Teunter-Syntetos-Babai, mean of settings",
    "sba": "Syntetos-Boylan",
    "adida": "ADIDA",
    "imapa": "IMAPA",
    "mean13": "mean of 13 weeks",
    "lasting": "mean of a year",
}
BUCKETS: Final = {
    "day": "days",
    "week": "weeks",
    "four_weeks": "four weeks",
    "reconciled": "days, weeks and four weeks together",
    "naive": "the last week again (not to be chosen)",
}
LEAST_WEIGHT: Final = 0.005
"""Of members with less nothing is told."""


class Reason(NamedTuple):
    """One thing that a forecast rests on."""

    name: str
    """A word: ``Members``."""
    text: str


def members(why: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Name the members of a combined forecast that count, by weight.

    Args:
        why: What was kept of the forecast.

    Returns:
        Name and weight, the greatest first.
    """
    found = [(MEMBERS.get(name, name), member["weight"]) for name, member in why.get("members", {}).items()]
    return sorted((one for one in found if one[1] >= LEAST_WEIGHT), key=lambda one: (-one[1], one[0]))


def reasons(found: Forecast) -> list[Reason]:
    """Say what a forecast rests on.

    Args:
        found: The forecast.

    Returns:
        A line for each reason there is.
    """
    why = found.content.why
    lines = [*_method(found), *_drivers(found), *_history(found)]
    if found.row.is_sufficient:
        lines += _shape(found)
    lines.append(Reason("Pattern", _pattern(why["pattern"])))
    return [*lines, _run(found)]


def _method(found: Forecast) -> Iterator[Reason]:
    why, model = found.content.why, found.row.model
    if not found.row.is_sufficient:
        text = "mean of the known days"
        if likes := why.get("likes"):
            sell = f"{why['likes_sell_per_week']:,.1f} a week"
            text = f"its own days, and what {likes} items of its category sell ({sell})"
        yield Reason("Method", f"insufficient data ({why['known_weeks']} known weeks): {text}")
        return
    if named := members(why):
        yield Reason(
            "Method", f"{model}: {len(why['members'])} simple methods, weighed by how wrong each was"
        )
        own = f"from {why['windows']:.0f} past forecasts of its own" if "windows" in why else ""
        others = f" and those of {why['class']} items" if why.get("class") else ""
        yield Reason(
            "Members", f"{', '.join(f'{name} {weight:.0%}' for name, weight in named)}; {own}{others}"
        )
    else:
        yield Reason("Method", f"{model}: exponential smoothing of weeks")
    if arima := why.get("arima"):
        yield Reason("Own model", f"{arima['why']}; fitted to {arima['fitted_to']}, its mean with the method")
    if told := why.get("granularity"):
        bucket = BUCKETS.get(told["bucket"], told["bucket"])
        because = f": {told['evidence']['why']}" if told.get("evidence") else ""
        yield Reason("Forecast in", f"{bucket} ({told['class']}){because}")


def _drivers(found: Forecast) -> Iterator[Reason]:
    why, unit = found.content.why, found.row.base_unit
    for effect in why.get("effects", ()):
        borrowed = f", {effect['borrowed']:.0%} borrowed" if effect.get("borrowed") else ""
        interval = f"95 %: {effect['low']:.2f} to {effect['high']:.2f}"
        yield Reason("Event", f"{effect['name']}: demand times {effect['factor']:.2f} ({interval}{borrowed})")
    sensed = why.get("sensed")
    if sensed and sensed["is_on"]:
        yield Reason("Sensed", f"the latest days move the next week by {sensed['next_week']:+,.1f} {unit}")


def _shape(found: Forecast) -> Iterator[Reason]:
    why, unit, first = found.content.why, found.row.base_unit, found.row.first_day
    yield Reason("Level", f"{why['level_per_week']:,.1f} {unit} a week")
    days = (
        f"{first + timedelta(days=number):%a} {share:.0%}"
        for number, share in enumerate(why["weekday_shares"])
    )
    borrowed = why.get("weekdays_borrowed")
    rest = "" if borrowed is None else f"; {borrowed:.0%} borrowed from other items"
    yield Reason("Weekdays", ", ".join(days) + rest)
    bands = why["bands"]
    like = (
        f"items of like volume (group {bands['stratum']} of {bands['strata']}, 1 the least)"
        if bands["strata"] > 1
        else "all items of the site"
    )
    errors = bands["errors"]["7"]
    usual = f"its usual error is {bands['scale_per_week']:,.1f} {unit} a week"
    yield Reason("Bands", f"from {errors:,} past errors a week ahead of {like}; {usual}")


def _history(found: Forecast) -> Iterator[Reason]:
    why, row = found.content.why, found.row
    text = f"{why['known_weeks']} known weeks, {row.history_from} to {row.history_until}"
    yield Reason("History", text)
    if why["masked_days"]:
        weeks = why["masked_weeks"]
        rest = f"; {weeks} weeks with fewer than four days left" if weeks else ""
        yield Reason("Left out", f"{why['masked_days']} days out of stock or masked{rest}")
    for mask in why.get("masks", ()):
        days = mask["from_day"] if mask["from_day"] == mask["until_day"] else _span(mask)
        yield Reason("Masked", f"{days}: {mask['kind']}, {mask['reason']}")


def _span(mask: Mapping[str, Any]) -> str:
    return f"{mask['from_day']} to {mask['until_day']}"


def _pattern(pattern: Mapping[str, Any]) -> str:
    if not pattern["name"]:
        return "no demand is known"
    return f"{pattern['name']}: demand every {pattern['adi']} weeks, CV² {pattern['cv2']}"


def _run(found: Forecast) -> Reason:
    row, content = found.row, found.content
    read = f"{content.inputs.get('demand_from')} to {content.inputs.get('demand_until')}"
    text = f"run {row.run_id}, demand of {read}, Dockledger {content.code_version}"
    return Reason("Rests on", f"{text}, inputs {content.inputs_sha256[:12]}")
