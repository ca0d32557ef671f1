"""`dockledger forecast feedback`: what shorts and substitutions are worth to forecasts."""

import argparse
import sys
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import orjson

from cloud.db import ContentRefusedError, DatabaseAwayError, LastingConnection, in_transaction
from cloud.demand.domain import DemandError
from cloud.forecasting.domain import ForecastError
from cloud.identity.actor import Actor, Role
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

SHELL: Final = Actor("system:shell", frozenset({Role.PLANNER}), all_sites=True)


def add_command(group: "Subparsers") -> None:
    """Add this part's command.

    Args:
        group: What `dockledger forecast` collects its commands in.
    """
    summary = "measure what the warehouse's shorts and substitutions are worth to forecasts"
    parser = group.add_parser("feedback", help=summary, description=summary)
    parser.add_argument("--site", required=True)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run_feedback)


def run_feedback(arguments: argparse.Namespace, settings: Settings) -> int:
    """Measure it."""
    from cloud.forecasting.execution import execution_effect, read_execution  # noqa: PLC0415  numpy is an extra

    now = datetime.now(UTC)
    database = LastingConnection(settings.needed("app_dsn"), "dockledger-command")
    try:
        with closing(database):
            read = in_transaction(
                database, lambda conn: read_execution(conn, SHELL, site=arguments.site, now=now)
            )
        found = execution_effect(read)
    except (ForecastError, DemandError, ContentRefusedError, DatabaseAwayError) as error:
        print(f"dockledger: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(orjson.dumps(asdict(found)).decode())
        return 0
    print(
        f"{found.site}: {found.items} items, {found.first_day} to {found.last_day}; {found.origins} origins, "
        f"{found.horizon_weeks} weeks ahead, judged by what was asked for"
    )
    for words, errors in (("told of them", found.told), ("told departures alone", found.untold)):
        print(f"  {words:<22}  error {errors.wape:.1%} of demand, bias {errors.bias:+.1%}")
    return 0
