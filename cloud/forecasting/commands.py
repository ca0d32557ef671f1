"""`dockledger forecast …`: have forecasts made, and look at one."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cloud import shell
from cloud.db import Connection, LastingConnection
from cloud.db.apart import PartsFailedError
from cloud.forecasting import execution_commands, reading, service
from cloud.forecasting.backtest import commands as backtest
from cloud.forecasting.domain import BAND, WIDE_BAND, Forecast, ForecastError
from cloud.forecasting.effects import commands as effects
from cloud.forecasting.explaining import reasons
from cloud.forecasting.granularity import commands as bucket_commands
from cloud.forecasting.granularity import reading as buckets
from cloud.forecasting.granularity.calendar import Period, in_decimals, periods
from cloud.forecasting.overrides import commands as overrides
from cloud.forecasting.registry import commands as registry
from cloud.forecasting.reviewing import commands as reviewing
from cloud.forecasting.shell import SHELL, command, reporting
from cloud.forecasting.site_clock import SiteClock
from cloud.settings import Settings

if TYPE_CHECKING:
    from cloud.shell import Subparsers

_PERIODS: Final = {"day": 0, "week": 1, "four-weeks": 4}
"""Weeks of the periods that forecasts are listed by."""
_EXAMPLES: Final = """examples:
  dockledger forecast run                     every site, up to the last day whose demand is known
  dockledger forecast run --site leeds --json
  dockledger forecast run --on tcp://10.0.0.5:8786
  dockledger forecast show --site leeds local:85123A
  dockledger forecast explain --site leeds local:85123A
  dockledger forecast backtest --data sales.csv --freq W --horizon 4"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    group = shell.group(subparsers, "forecast", "forecast demand, with bands and a backtest", _EXAMPLES)
    running = shell.command(group, "run", "forecast every item with demand", run_forecasts)
    running.add_argument("--site", action="append", help="only this one; may be repeated")
    running.add_argument("--processes", type=_count, help="default: as many as pay; the result is the same")
    running.add_argument(
        "--on", metavar="ADDRESS", help="of a Dask scheduler whose workers forecast, as tcp://10.0.0.5:8786"
    )
    showing = command(group, "show", "show the forecast of an item", _show)
    showing.add_argument("item", help="the item's code")
    showing.add_argument("--site", required=True)
    showing.add_argument(
        "--by", choices=sorted(_PERIODS), help="list days, or the site's weeks, instead of sums with bands"
    )
    explaining = command(group, "explain", "say why the forecast of an item is what it is", _explain)
    explaining.add_argument("item", help="the item's code")
    explaining.add_argument("--site", required=True)
    backtest.add_command(group)
    effects.add_command(group)
    execution_commands.add_command(group)
    bucket_commands.add_commands(group)
    overrides.add_commands(group)
    reviewing.add_commands(group)
    registry.add_commands(group)


def run_forecasts(arguments: argparse.Namespace, settings: Settings) -> int:
    """Have forecasts made."""

    def work() -> None:
        done, failures = _run(arguments, settings)
        if arguments.json:
            told = {"sites": done | {site: {"failed": words} for site, words in failures.items()}}
            print(orjson.dumps(told).decode())
        else:
            for site, outcome in done.items():
                print(f"{site}: {_summed_up(outcome)}")
        if failures:
            raise ForecastError("\n".join(f"{site} failed: {words}" for site, words in failures.items()))

    return reporting(work)


def _run(
    arguments: argparse.Namespace, settings: Settings
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Forecast; by site what came of it, and of those that failed why."""
    with closing(_database(settings)) as database, _workers(arguments.on) as workers, _bar() as progress:
        try:
            told = service.run_all(
                database,
                SHELL,
                datetime.now(UTC),
                sites=arguments.site,
                processes=arguments.processes,
                workers=workers,
                progress=progress,
            )
        except PartsFailedError as error:
            return dict(error.done), error.failures
    return told["sites"], {}


def _show(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    found = reading.forecast(conn, SHELL, site=arguments.site, item=arguments.item)
    if arguments.by:
        clock = buckets.clock(conn, SHELL, site=arguments.site)
        for one in _periods(found, clock, _PERIODS[arguments.by]):
            as_json = orjson.dumps({**one._asdict(), "expected": str(one.expected)}).decode()
            yield as_json if arguments.json else f"{one.from_day} to {one.to_day} {one.expected:>14,}"
    elif arguments.json:
        yield orjson.dumps(asdict(found)).decode()
    else:
        yield from _lines(found)


def _explain(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    found = reading.forecast(conn, SHELL, site=arguments.site, item=arguments.item)
    told = reasons(found)
    if arguments.json:
        whole = {"site": found.row.site, "item": found.row.item, "why": found.content.why}
        yield orjson.dumps(whole | {"reasons": [one._asdict() for one in told]}).decode()
        return
    yield f"{found.row.item} at {found.row.site}, from {found.row.first_day}"
    for one in told:
        yield f"{one.name + ':':<12} {one.text}"


def _periods(found: Forecast, clock: SiteClock, weeks: int) -> list[Period]:
    first_day, days = found.row.first_day, in_decimals(found.content.mean)
    if weeks:
        return periods(first_day, days, clock, weeks=weeks)
    dates = (first_day + timedelta(days=number) for number in range(len(days)))
    return [Period(day, day, 1, expected) for day, expected in zip(dates, days, strict=True)]


def _summed_up(outcome: dict[str, Any]) -> str:
    if "skipped" in outcome:
        return f"nothing done: {outcome['skipped']}"
    judged = outcome["judged"]["by_horizon_days"].get("7")
    text = f"run {outcome['run_id']}, {outcome['items']} items from {outcome['first_day']}"
    if outcome["insufficient"]:
        text += f", {outcome['insufficient']} with insufficient data"
    if outcome["late_days"]:
        text += f", demand ends {outcome['late_days']} days before yesterday"
    if judged:
        text += f"; 13 weeks back: WAPE {judged['wape']:.1%}, seasonal naive {judged['naive_wape']:.1%}"
    return text


def _lines(found: Forecast) -> Iterator[str]:
    row, content = found.row, found.content
    yield f"{row.item} at {row.site}, {row.model}, from {row.first_day}, run {row.run_id}"
    if not row.is_sufficient:
        yield "insufficient data: the bands are wide, no accuracy is known"
    elif row.wape is not None and row.naive_wape is not None:
        yield f"13 weeks back: WAPE {row.wape:.1%}, seasonal naive {row.naive_wape:.1%}, bias {row.bias:+.1%}"
    yield f"{'days':>5} {'expected':>10} {'80 % band':>21} {'95 % band':>21}"
    bands = (
        ["{:,.1f} to {:,.1f}".format(*limits) for limits in content.limits(one)] for one in (BAND, WIDE_BAND)
    )
    for days, narrow, wide in zip(content.horizons, *bands, strict=True):
        yield f"{days:>5} {sum(content.mean[:days]):>10,.1f} {narrow:>21} {wide:>21}"


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes: expected 1 or more")
    return int(text)


@contextmanager
def _workers(address: str | None) -> Iterator[Any]:
    """Connect to a cluster's workers; None where this machine is to work."""
    if address is None:
        yield None
        return
    try:
        from cloud.forecasting.batch.distributed import connected  # noqa: PLC0415  an extra
    except ImportError as error:
        raise ForecastError(
            f"--on {address!r:.80}: Dask is not installed ({error}): `pip install 'dockledger[distributed]'`"
        ) from error
    with connected(address) as workers:
        yield workers


def _database(settings: Settings) -> LastingConnection:
    return LastingConnection(settings.needed("app_dsn"), "dockledger-command")


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def show(site: str, done: int, of: int) -> None:
            task = tasks.get(site)
            if task is None:
                task = tasks[site] = bar.add_task(site, total=of)
            bar.update(task, completed=done)

        yield show
