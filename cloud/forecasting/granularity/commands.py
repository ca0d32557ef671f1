"""`dockledger forecast buckets`: in which period each class of items is forecast, since when, and why."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import orjson

from cloud.db import Connection
from cloud.forecasting.granularity import reading
from cloud.forecasting.granularity.reading import BucketChoiceRow
from cloud.forecasting.shell import SHELL, command
from cloud.shell import MOST_LISTED

if TYPE_CHECKING:
    from cloud.shell import Subparsers


def add_commands(group: "Subparsers") -> None:
    """Add this area's command to those of `forecast`.

    Args:
        group: What `dockledger forecast` collects its commands in.
    """
    summary = "in which period (day, week, four weeks) each class of items is forecast, and why"
    parser = command(group, "buckets", summary, _list)
    parser.add_argument("--site")
    parser.add_argument("--all", action="store_true", help="with choices that were replaced")


def _list(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    for one in reading.choices(conn, SHELL, site=arguments.site, limit=MOST_LISTED):
        if one.is_in_force or arguments.all:
            yield from (orjson.dumps(asdict(one)).decode(),) if arguments.json else _lines(one)


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
