"""`dockledger forecast models series|pin|leave-out|by-value`: series with models of their own."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import orjson

from cloud.db import Connection
from cloud.forecasting.chosen import reading, service
from cloud.forecasting.chosen.domain import SeriesChoice, SeriesRow
from cloud.forecasting.chosen.service import ChoicePaper
from cloud.forecasting.shell import SHELL, command
from cloud.shell import MOST_LISTED

if TYPE_CHECKING:
    from cloud.shell import Lines, Subparsers

_CHOICES: Final = {
    "pin": (SeriesChoice.PINNED, "try a series with a model of its own whatever its value"),
    "leave-out": (SeriesChoice.LEFT_OUT, "never try a series with a model of its own"),
    "by-value": (SeriesChoice.BY_VALUE, "take back what was said of a series: its value decides"),
}


def add_series_commands(own: "Subparsers") -> None:
    """Add this part's commands to those of `forecast models`.

    Args:
        own: What `dockledger forecast models` collects its commands in.
    """
    listing = command(own, "series", "list the series with models of their own, and why", _list)
    listing.add_argument("--site")
    listing.add_argument("--item", help="only this one, with the diagnostics of its model")
    for word, (choice, summary) in _CHOICES.items():
        choosing = command(own, word, summary, _choosing(choice))
        choosing.add_argument("item", help="the item's code")
        choosing.add_argument("--site", required=True)
        choosing.add_argument("--note", default="", help="why")


def _choosing(choice: SeriesChoice) -> "Lines":
    def work(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
        told = {"site": arguments.site, "item": arguments.item, "choice": choice, "note": arguments.note}
        paper = ChoicePaper.model_validate(told)
        row = service.choose(conn, SHELL, paper)
        words = f"{row.site} {row.item}: {choice.value.replace('_', ' ')} from the next contest on"
        yield orjson.dumps(asdict(row)).decode() if arguments.json else words

    return work


def _list(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    asked = {"site": arguments.site, "item": arguments.item}
    for row in reading.series(conn, SHELL, limit=MOST_LISTED, **asked):
        if arguments.json:
            yield orjson.dumps(asdict(row)).decode()
            continue
        yield _line(row)
        if arguments.item is not None and row.diagnosis:
            yield _diagnosed(row)


def _line(row: SeriesRow) -> str:
    standing = "not tried yet" if row.standing is None else f"{row.standing.replace('_', ' ')}: {row.why}"
    by = (
        "" if row.choice == SeriesChoice.BY_VALUE else f" ({row.choice.replace('_', ' ')} by {row.chosen_by})"
    )
    return f"{row.site} {row.item}{by}: {standing}"


def _diagnosed(row: SeriesRow) -> str:
    told = row.diagnosis
    drivers = "; ".join(
        f"{name} {estimate:+.3f} ± {1.96 * deviation:.3f}"
        for name, (estimate, deviation) in told["coefficients"].items()
    )
    return (
        f"  {told['why']}\n  AICc {told['aicc']:.1f}, Jarque-Bera {told['normal_chance']:.2f}, residuals "
        f"{told['spread']:.3f} of the log, {told['known']} weeks\n  drivers: {drivers or 'none'}"
    )
