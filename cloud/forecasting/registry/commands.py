"""`dockledger forecast models …`: which model forecasts, learned from what, and what was decided on it."""

import argparse
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from cloud import shell
from cloud.db import Connection, LastingConnection
from cloud.forecasting.chosen.commands import add_series_commands
from cloud.forecasting.domain import METHODS
from cloud.forecasting.registry import reading, service
from cloud.forecasting.registry.domain import Version
from cloud.forecasting.registry.settings import (
    USUAL_BUDGET_S,
    USUAL_EVERY_DAYS,
    ModelSettingPaper,
    put_setting,
)
from cloud.forecasting.shell import SHELL, command, reporting
from cloud.settings import Settings
from cloud.shell import MOST_LISTED

if TYPE_CHECKING:
    from cloud.shell import Subparsers


def add_commands(group: "Subparsers") -> None:
    """Add this area's commands to those of `forecast`.

    Args:
        group: What `dockledger forecast` collects its commands in.
    """
    summary = "which model forecasts, learned from what, and why"
    parser = group.add_parser("models", help=summary, description=summary)
    own = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = command(own, "list", "list versions, the latest first", _list)
    listing.add_argument("--site")
    events = command(own, "events", "list what was decided, the latest first", _events)
    events.add_argument("--site")
    summary = "let another method forecast beside; it takes over only if better by error and stock cost"
    contesting = shell.command(own, "contest", summary, _contest)
    contesting.add_argument("--site", required=True)
    contesting.add_argument("--method", required=True, help=f"one of {', '.join(METHODS)}")
    setting = command(own, "set", "say who challenges at a site, and which series are tried with ARIMA", _set)
    setting.add_argument("--site", required=True)
    setting.add_argument(
        "--challenger", action="append", default=[], help="method that nightly runs hold a contest of; repeat"
    )
    setting.add_argument("--every-days", default=USUAL_EVERY_DAYS, help="from one contest to the next")
    setting.add_argument("--series", default=0, help="so many of the most valuable series are tried")
    setting.add_argument(
        "--budget", default=USUAL_BUDGET_S, help="processor seconds of fitting series in a run"
    )
    summary = "leave each group of drivers out of LightGBM: what the error does"
    ablating = shell.command(own, "ablate", summary, _ablate)
    ablating.add_argument("--site", required=True)
    withdrawing = command(own, "withdraw", "take a challenger out of the contest", _withdraw)
    withdrawing.add_argument("number", type=int, help="as `list` shows it")
    withdrawing.add_argument("--note", default="")
    add_series_commands(own)


def _list(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    for version in reading.versions(conn, SHELL, site=arguments.site, limit=MOST_LISTED):
        yield _shown(version, arguments)


def _events(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    for event in reading.events(conn, SHELL, site=arguments.site, limit=MOST_LISTED):
        if arguments.json:
            yield orjson.dumps(asdict(event)).decode()
        else:
            yield (
                f"{event.happened_at:%Y-%m-%d %H:%M} UTC {event.site}: {event.kind} "
                f"{event.name or ''} {event.version_id or ''} ({event.because})"
            )


def _set(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    paper = ModelSettingPaper.model_validate(
        {
            "site": arguments.site,
            "challengers": arguments.challenger,
            "every_days": arguments.every_days,
            "series_by_value": arguments.series,
            "budget_s": arguments.budget,
        }
    )
    found = put_setting(conn, SHELL, paper)
    if arguments.json:
        yield orjson.dumps(asdict(found), default=str).decode()
        return
    yield (
        f"{found.site}: {', '.join(found.challengers) or 'nobody'} challenges every {found.every_days} days; "
        f"{found.series_by_value} series by value, within {found.budget_s} s"
    )


def _withdraw(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    yield _shown(service.withdraw(conn, SHELL, arguments.number, note=arguments.note), arguments)


def _contest(arguments: argparse.Namespace, settings: Settings) -> int:
    from cloud.forecasting.challenging import challenge  # noqa: PLC0415  numpy is an extra, and slow to load

    def work() -> None:
        with closing(_database(settings)) as source:
            told = challenge(source, SHELL, datetime.now(UTC), site=arguments.site, name=arguments.method)
        if arguments.json:
            print(orjson.dumps(told).decode())
            return
        squared, cost = told["evidence"]["error"], told["evidence"]["stock_cost"]
        verdict = "takes over" if told["promoted"] else "does not take over"
        print(
            f"{arguments.site}: {arguments.method} {verdict}: {_gained('squared error', squared)}, "
            f"{_gained('stock cost', cost)}; {told['champion']['name']} forecasts"
        )

    return reporting(work)


def _ablate(arguments: argparse.Namespace, settings: Settings) -> int:
    from cloud.forecasting.ablating import ablate_site  # noqa: PLC0415  numpy is an extra, and slow to load

    def work() -> None:
        with closing(_database(settings)) as source:
            told = ablate_site(source, SHELL, datetime.now(UTC), site=arguments.site)
        if arguments.json:
            print(orjson.dumps(told).decode())
            return
        whole = told["with_all"]
        print(
            f"{arguments.site}: LightGBM over {told['series']} series, {told['origins']} weeks back, "
            f"{told['horizon_days']} days ahead; with all drivers WAPE {whole['wape']:.1%}, "
            f"bias {whole['bias']:+.1%}"
        )
        for left, one in told["without"].items():
            print(f"without {left}: WAPE {one['wape']:.1%} ({one['worse_by']:+.1%}), bias {one['bias']:+.1%}")

    return reporting(work)


def _database(settings: Settings) -> LastingConnection:
    """Give what takes its own transactions."""
    return LastingConnection(settings.needed("app_dsn"), "dockledger-command")


def _gained(what: str, gain: dict[str, float]) -> str:
    by = f"t {gain['t_series']:.1f} by item, {gain['t_origins']:.1f} by week"
    return f"{what} {gain['gain']:+.1%} gained ({by})"


def _shown(version: Version, arguments: argparse.Namespace) -> str:
    if arguments.json:
        told: dict[str, Any] = asdict(version)
        return orjson.dumps(told).decode()
    parent = f", after {version.parent_id}" if version.parent_id else ""
    return (
        f"{version.version_id:>4}  {version.role:<10} {version.site} {version.name}: {version.series} series"
        f", {version.trained_from} to {version.trained_until}, {version.because}{parent}, "
        f"program {version.code_version}, state {version.state_sha256[:12]}"
    )
