"""`dockledger forecast feedback`: what shorts and substitutions are worth to forecasts."""

import argparse
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from cloud import shell
from cloud.forecasting.shell import SHELL, reporting
from cloud.settings import Settings

if TYPE_CHECKING:
    from cloud.shell import Subparsers


def add_command(group: "Subparsers") -> None:
    """Add this part's command.

    Args:
        group: What `dockledger forecast` collects its commands in.
    """
    summary = "measure what the warehouse's shorts and substitutions are worth to forecasts"
    parser = shell.command(group, "feedback", summary, run_feedback)
    parser.add_argument("--site", required=True)


def run_feedback(arguments: argparse.Namespace, settings: Settings) -> int:
    """Measure it."""
    from cloud.forecasting.execution import execution_effect, read_execution  # noqa: PLC0415  numpy is an extra

    def work() -> None:
        now = datetime.now(UTC)
        found = execution_effect(
            shell.once(settings, lambda conn: read_execution(conn, SHELL, site=arguments.site, now=now))
        )
        if arguments.json:
            print(orjson.dumps(asdict(found)).decode())
            return
        print(
            f"{found.site}: {found.items} items, {found.first_day} to {found.last_day}; {found.origins} "
            f"origins, {found.horizon_weeks} weeks ahead, judged by what was asked for"
        )
        for words, errors in (("told of them", found.told), ("told departures alone", found.untold)):
            print(f"  {words:<22}  error {errors.wape:.1%} of demand, bias {errors.bias:+.1%}")

    return reporting(work)
