"""`dockledger forecast buckets`: in which period each class of items is forecast, since when, and why."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import orjson

from cloud.db import DataError, connect
from cloud.forecasting.domain import ForecastError
from cloud.forecasting.granularity import reading
from cloud.forecasting.granularity.reading import BucketChoiceRow
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

SHELL: Final = Actor("system:shell", frozenset({Role.PLANNER}), all_sites=True)
MOST_LISTED: Final = 10_000


def add_commands(group: "Subparsers") -> None:
    """Add this area's command to those of `forecast`.

    Args:
        group: What `dockledger forecast` collects its commands in.
    """
    summary = "in which period (day, week, four weeks) each class of items is forecast, and why"
    parser = group.add_parser("buckets", help=summary, description=summary)
    parser.add_argument("--site")
    parser.add_argument("--all", action="store_true", help="with choices that were replaced")
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")
    parser.set_defaults(run=run_list)


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """List the choices."""
    try:
        with connect(settings.needed("app_dsn"), "dockledger-buckets") as conn:
            found = reading.choices(conn, SHELL, site=arguments.site, limit=MOST_LISTED)
    except (ForecastError, NotAllowedError, DataError) as error:
        print(f"dockledger: {error}", file=sys.stderr)
        return 1
    for one in found:
        if not (one.is_in_force or arguments.all):
            continue
        if arguments.json:
            print(orjson.dumps(asdict(one)).decode())
        else:
            print("\n".join(_lines(one)))
    return 0


def _lines(one: BucketChoiceRow) -> Iterator[str]:
    since = f"by demand until {one.decided_on}, run {one.run_id}"
    yield f"{one.site}, {one.class_name}: {one.bucket.replace('_', ' ')}, {since}"
    yield f"    {one.evidence['why']}"
    for bucket, cost in one.evidence.get("cost", {}).items():
        wape = one.evidence["wape"][bucket]
        error = "" if wape is None else f", error {wape:.1%} of what an order must cover"
        within = (one.evidence.get("coverage_80") or {}).get(bucket)
        held = "" if within is None else f", {within:.1%} within the 80 % band"
        yield f"    {bucket.replace('_', ' '):<12} stock cost {cost:,.2f}{error}{held}"
