"""`dockledger counts …` and `dockledger tolerances …`."""

import argparse
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cloud import shell
from cloud.counting import reading, service
from cloud.counting.accuracy import record_accuracy
from cloud.counting.domain import CountingError
from cloud.counting.reading import VarianceFilter
from cloud.counting.reconciling.reading import read_list
from cloud.counting.reconciling.service import reconcile
from cloud.counting.tolerances import TolerancePaper, put_tolerance, tolerances
from cloud.db import Connection, LastingConnection
from cloud.identity.actor import Actor, Role
from cloud.settings import Settings
from cloud.sheets.fields import Conventions

_reporting: Final = shell.reporting_with(CountingError, OSError, ValueError)

if TYPE_CHECKING:
    from cloud.shell import Subparsers


SHELL: Final = Actor("system:shell", frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}), all_sites=True)
"""Whoever can read the database's password keeps tolerances; the record says it was done here."""
_STATES: Final = ("provisional", "within", "beyond", "unreported", "superseded", "adjusted")

_COUNTS_EXAMPLES: Final = """examples:
  dockledger counts variances --site leeds --state beyond
  dockledger counts settle            what the watermark has passed; the scheduler does it by itself
  dockledger counts reconcile stock.csv --site leeds --observed-at 2026-10-01T06:00:00Z
  dockledger counts reconcile stock.xlsx --site leeds --observed-at 2026-10-01T06:00:00Z --sheet Stock
  dockledger counts accuracy --site leeds --from 2026-10-01T00:00:00Z --until 2026-11-01T00:00:00Z"""
_TOLERANCE_EXAMPLES: Final = """examples:
  dockledger tolerances set --site leeds --percent 2 --value 50
  dockledger tolerances set --item TEA-500 --quantity 1
  dockledger tolerances set --category fasteners --percent 5
  dockledger tolerances remove --item TEA-500"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    group = shell.group(subparsers, "counts", "look at counts and settle them", _COUNTS_EXAMPLES)
    listing = shell.command(group, "variances", "list records of counts beside the book", run_variances)
    listing.add_argument("--site")
    listing.add_argument("--item")
    listing.add_argument("--state", choices=_STATES)
    shell.command(group, "settle", "settle what the watermark has passed", run_settle)
    reconciling = shell.command(
        group, "reconcile", "bind the book to a stated stock list, once approved", run_reconcile
    )
    reconciling.add_argument(
        "file", type=Path, help="item,location,quantity[,lot,disposition,owner] as .csv or .xlsx"
    )
    reconciling.add_argument("--site", required=True)
    reconciling.add_argument("--observed-at", required=True, metavar="AT", type=shell.instant)
    reconciling.add_argument("--note", default="", help="for the approver")
    shell.add_decimal_sign(reconciling)
    reconciling.add_argument(
        "--encoding", choices=("utf-8", "windows-1252"), default="utf-8", help="of a CSV"
    )
    reconciling.add_argument("--sheet", help="of a workbook with several")
    measuring = shell.command(group, "accuracy", "measure inventory record accuracy", run_accuracy)
    measuring.add_argument("--site")
    measuring.add_argument("--category")
    measuring.add_argument("--from", dest="from_at", required=True, metavar="AT", type=shell.instant)
    measuring.add_argument("--until", dest="until_at", required=True, metavar="AT", type=shell.instant)
    group = shell.group(
        subparsers, "tolerances", "say how much a counted record may be off", _TOLERANCE_EXAMPLES
    )
    for word, text, run in (
        ("set", "set a tolerance; every limit that is given must hold", run_set_tolerance),
        ("remove", "remove a tolerance", run_set_tolerance),
    ):
        setting = shell.command(group, word, text, run)
        setting.add_argument("--site", help="default: every site without one of its own")
        setting.add_argument("--item")
        setting.add_argument("--category")
        if word == "set":
            for name, unit in (("quantity", "base units"), ("percent", "of the book"), ("value", "currency")):
                setting.add_argument(f"--{name}", type=shell.amount, metavar="N", help=unit)
    listing = shell.command(group, "list", "list tolerances", run_tolerances)
    listing.add_argument("--site")


def run_variances(arguments: argparse.Namespace, settings: Settings) -> int:
    """List variances."""
    wanted = VarianceFilter(site=arguments.site, item=arguments.item, state=arguments.state)

    def work(conn: Connection) -> list[Any]:
        rows = reading.variances(conn, SHELL, wanted, limit=shell.MOST_LISTED)
        return [
            {
                "count": row.count_name,
                "observed_at": row.observed_at.isoformat(),
                "site": row.site,
                "place": row.place,
                "item": row.item,
                "lot": row.lot,
                "stage": row.stage,
                "state": row.state,
                "counted": row.counted,
                "book": row.book,
                "difference": row.difference,
                "value": row.value,
                "decision": row.decision_id,
            }
            for row in rows
        ]

    return _reporting(lambda: shell.show_all(arguments, shell.once(settings, work)))


def run_settle(arguments: argparse.Namespace, settings: Settings) -> int:
    """Settle counts once."""

    def work() -> None:
        with closing(LastingConnection(settings.needed("app_dsn"), "dockledger-command")) as source:
            shell.show_all(arguments, [service.settle(source, service.JOB, shell.present())])

    return _reporting(work)


def run_reconcile(arguments: argparse.Namespace, settings: Settings) -> int:
    """Check a stock list whole and ask for its differences to be posted."""

    def work() -> None:
        stated = read_list(
            arguments.file,
            site=arguments.site,
            observed_at=arguments.observed_at,
            conventions=Conventions(arguments.decimal_comma, arguments.decimal_point),
            encoding=arguments.encoding,
            sheet=arguments.sheet,
        )
        made = shell.once(
            settings,
            lambda conn: reconcile(conn, SHELL, stated, note=arguments.note, now=shell.present()),
        )
        told = {"decision": made.decision_id, "state": made.state.value, "summary": made.summary}
        shell.show_all(arguments, [told | {"value": made.value, "currency": made.currency}])

    return _reporting(work)


def run_accuracy(arguments: argparse.Namespace, settings: Settings) -> int:
    """Measure record accuracy."""

    def work(conn: Connection) -> list[Any]:
        found, waiting = record_accuracy(
            conn,
            SHELL,
            from_at=arguments.from_at,
            until_at=arguments.until_at,
            site=arguments.site,
            category=arguments.category,
        )
        return [
            asdict(one) | {"ira": one.ira, "interval": one.interval, "provisional_counts": waiting}
            for one in found
        ]

    return _reporting(lambda: shell.show_all(arguments, shell.once(settings, work)))


def run_set_tolerance(arguments: argparse.Namespace, settings: Settings) -> int:
    """Set or remove a tolerance."""
    limits = {name: getattr(arguments, name, None) for name in ("quantity", "percent", "value")}
    paper = TolerancePaper(arguments.site, arguments.item, arguments.category, **limits)
    if hasattr(arguments, "percent") and not any(limit is not None for limit in limits.values()):
        print("dockledger: expected at least one of --quantity, --percent, --value", file=sys.stderr)
        return 2

    def work(conn: Connection) -> None:
        put_tolerance(conn, SHELL, paper)

    return _reporting(lambda: shell.once(settings, work))


def run_tolerances(arguments: argparse.Namespace, settings: Settings) -> int:
    """List tolerances."""

    def work(conn: Connection) -> list[Any]:
        return tolerances(conn, SHELL, site=arguments.site, limit=shell.MOST_LISTED)

    return _reporting(lambda: shell.show_all(arguments, shell.once(settings, work)))
