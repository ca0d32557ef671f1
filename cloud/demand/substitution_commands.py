"""`dockledger demand substitutions …`: what was sent in place of what was asked for, and what it changes."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from cloud import shell
from cloud.demand import substitutions
from cloud.demand.domain import DemandError
from cloud.demand.shell import SHELL, database, reporting
from cloud.demand.substitution_file import read_substitutions
from cloud.settings import Settings

if TYPE_CHECKING:
    from cloud.shell import Subparsers

_PAGE: Final = 1000
_MOST_DAYS: Final = 3660
_EXAMPLES: Final = """examples:
  dockledger demand substitutions import swaps.csv --site leeds --source orders
      document,line,asked,asked_quantity,sent,sent_quantity,sent_at[,reason,site,source]
  dockledger demand substitutions effect --site leeds --days 28"""


def add_substitution_commands(group: "Subparsers") -> None:
    """Add this part's commands.

    Args:
        group: What `dockledger demand` collects its commands in.
    """
    summary = "what was sent in place of what was asked for: demand stays with the item asked for"
    kinds = shell.group(group, "substitutions", summary, _EXAMPLES)
    summary = "record substitutions of a file, or none of them; again, it changes nothing"
    importing = kinds.add_parser("import", help=summary, description=summary)
    importing.add_argument("file", type=Path, help="CSV; items by code, quantities in base units")
    importing.add_argument("--site", help="of rows that name none")
    importing.add_argument("--source", help="of rows that name none: whose lines of demand they are")
    importing.set_defaults(run=run_import)
    summary = "list substitutions"
    listing = kinds.add_parser("list", help=summary, description=summary)
    listing.add_argument("--site", help="only of this site")
    listing.add_argument("--item", help="only those in which it was asked for or sent")
    listing.set_defaults(run=run_list)
    summary = "measure what shorts and substitutions change of the demand that forecasts learn from"
    measuring = kinds.add_parser("effect", help=summary, description=summary)
    measuring.add_argument("--site", required=True)
    measuring.add_argument("--days", type=int, default=28, metavar="N", help="back from now; default: 28")
    measuring.set_defaults(run=run_effect)
    for command in (importing, listing, measuring):
        command.add_argument("--json", action="store_true", help="print JSON, one object per line")


def run_import(arguments: argparse.Namespace, settings: Settings) -> int:
    """Record substitutions."""

    def work() -> None:
        given = read_substitutions(arguments.file, site=arguments.site, source=arguments.source)
        with database(settings) as conn:
            origin = f"{arguments.file}, line"
            done = substitutions.record(conn, SHELL, given, origin=origin, now=datetime.now(UTC))
        figures = asdict(done)
        if arguments.json:
            print(orjson.dumps(figures).decode())
        else:
            print(", ".join(f"{figure:,} {name}" for name, figure in figures.items()))

    return reporting(work)


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """List substitutions."""

    def work() -> None:
        after = ("", "", "", "", "")
        wanted = {"site": arguments.site, "item": arguments.item}
        with database(settings) as conn:
            while rows := substitutions.substitutions(conn, SHELL, **wanted, after=after, limit=_PAGE):
                for row in rows:
                    asked = f"{row.asked_quantity.normalize():f} {row.asked} asked"
                    sent = f"{row.sent_quantity.normalize():f} {row.sent} sent"
                    words = f"{row.site}  {row.source}  {row.document}/{row.line}  {asked}, {sent}"
                    _print(arguments, row._asdict(), words)
                last = rows[-1]
                after = (last.site, last.source, last.document, last.line, last.sent)

    return reporting(work)


def run_effect(arguments: argparse.Namespace, settings: Settings) -> int:
    """Measure what the warehouse's execution changes."""

    def work() -> None:
        if not 1 <= arguments.days <= _MOST_DAYS:
            raise DemandError(f"--days {arguments.days}: expected 1 to {_MOST_DAYS}")
        now = datetime.now(UTC)
        begin = now - timedelta(days=arguments.days)
        with database(settings) as conn:
            rows = substitutions.feedback(conn, SHELL, site=arguments.site, from_at=begin, until_at=now)
        for row in rows:
            bias = "nothing of it was asked for" if row.bias is None else f"{row.bias:+.1%} without this"
            told = f"asked {row.asked.normalize():f}  short {row.short.normalize():f}"
            others = f"others sent {row.sent_instead.normalize():f}  stood in {row.stood_in.normalize():f}"
            fields = row._asdict() | {"bias": row.bias}
            _print(arguments, fields, f"{row.item:<20}  {told}  {others}  {bias}")

    return reporting(work)


def _print(arguments: argparse.Namespace, fields: Mapping[str, object], words: str) -> None:
    print(orjson.dumps(fields, default=str).decode() if arguments.json else words)
