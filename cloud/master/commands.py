"""`dockledger costs …` and `dockledger exchange-rates …`."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cloud import shell
from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.master.costs import Basis, CostPaper, CostsError, costs, put_costs
from cloud.master.rates import RatePaper, put_rates, rates
from cloud.settings import Settings
from cloud.sheets.fields import Conventions, Unclear
from cloud.sheets.table import TableError, read_table

_reporting: Final = shell.reporting_with(OSError, ValueError, TableError)

if TYPE_CHECKING:
    from cloud.shell import Subparsers

T = TypeVar("T")
Row = dict[str, str]

SHELL: Final = Actor("system:shell", frozenset({Role.INVENTORY_CONTROLLER}), all_sites=True)
"""Whoever can read the database's password keeps costs and rates; the record says it was done here."""
_COLUMNS: Final = ("item", "cost")
_OPTIONAL: Final = ("site", "currency", "valid_from")
_RATE_COLUMNS: Final = ("from_currency", "to_currency", "valid_from", "rate")

_COSTS_EXAMPLES: Final = """examples:
  dockledger costs import costs.csv --site leeds --currency EUR     item,cost[,site,currency,valid_from]
  dockledger costs import paid.csv --site leeds --purchase          what is paid: periods average it
  dockledger costs list --site leeds"""
_RATES_EXAMPLES: Final = """examples:
  dockledger exchange-rates import ecb.csv --source ECB   from_currency,to_currency,valid_from,rate[,source]
  dockledger exchange-rates list --currency USD"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    group = shell.group(subparsers, "costs", "say what items cost", _COSTS_EXAMPLES)
    importing = shell.command(group, "import", "keep every cost of a file, or none", run_import)
    _takes_a_file(importing)
    importing.add_argument("--site", help="of rows that name none")
    importing.add_argument("--currency", help="of rows that name none")
    listing = shell.command(group, "list", "list costs", run_costs)
    listing.add_argument("--site")
    listing.add_argument("--item")
    for parser in (importing, listing):
        parser.add_argument("--purchase", action="store_true", help="what is paid, not the standard cost")
    group = shell.group(subparsers, "exchange-rates", "say what one currency is in another", _RATES_EXAMPLES)
    importing = shell.command(group, "import", "keep every rate of a file, or none", run_import_rates)
    _takes_a_file(importing)
    importing.add_argument("--source", default="", help="of rows that name none: who says so")
    listing = shell.command(group, "list", "list exchange rates", run_rates)
    listing.add_argument("--currency", help="only those of or in this one")


def run_import(arguments: argparse.Namespace, settings: Settings) -> int:
    """Import costs."""

    def work() -> None:
        now = datetime.now(UTC)

        def paper(row: Row, place: str) -> CostPaper:
            return CostPaper(
                item=row["item"],
                site=row.get("site") or arguments.site or "",
                cost=_amount(row["cost"], arguments),
                currency=row.get("currency") or arguments.currency or "",
                valid_from=shell.instant(row["valid_from"]) if row.get("valid_from") else now,
                place=place,
            )

        papers = list(_papers(arguments, _COLUMNS, _OPTIONAL, paper))
        new = shell.once(settings, lambda conn: put_costs(conn, SHELL, papers, basis=_basis(arguments)))
        shell.show_all(arguments, [{"rows": len(papers), "new": new}])

    return _reporting(work)


def run_costs(arguments: argparse.Namespace, settings: Settings) -> int:
    """List costs."""

    def work(conn: Connection) -> list[Any]:
        wanted = {"site": arguments.site, "item": arguments.item}
        return costs(conn, SHELL, basis=_basis(arguments), limit=shell.MOST_LISTED, **wanted)

    return _reporting(lambda: shell.show_all(arguments, shell.once(settings, work)))


def run_import_rates(arguments: argparse.Namespace, settings: Settings) -> int:
    """Import exchange rates."""

    def work() -> None:
        def paper(row: Row, place: str) -> RatePaper:
            return RatePaper(
                row["from_currency"],
                row["to_currency"],
                shell.day(row["valid_from"]),
                _amount(row["rate"], arguments),
                row.get("source") or arguments.source,
                place,
            )

        papers = list(_papers(arguments, _RATE_COLUMNS, ("source",), paper))
        new = shell.once(settings, lambda conn: put_rates(conn, SHELL, papers))
        shell.show_all(arguments, [{"rows": len(papers), "new": new}])

    return _reporting(work)


def run_rates(arguments: argparse.Namespace, settings: Settings) -> int:
    """List exchange rates."""

    def work(conn: Connection) -> list[Any]:
        return rates(conn, SHELL, currency=arguments.currency, limit=shell.MOST_LISTED)

    return _reporting(lambda: shell.show_all(arguments, shell.once(settings, work)))


def _basis(arguments: argparse.Namespace) -> Basis:
    return Basis.PURCHASE if arguments.purchase else Basis.STANDARD


def _papers(
    arguments: argparse.Namespace,
    needed: Sequence[str],
    optional: Sequence[str],
    paper: Callable[[Row, str], T],
) -> Iterator[T]:
    """Read a file; every fault of it is told at once."""
    file: Path = arguments.file
    table = read_table(
        file,
        required=needed,
        optional=optional,
        conventions=Conventions(arguments.decimal_comma, arguments.decimal_point),
        encoding=arguments.encoding,
        sheet=arguments.sheet,
    )
    papers, faults = [], [f"{file}: {fault}" for fault in table.faults]
    for row in table.rows:
        place = f"{file}:{row.number}: "
        try:
            papers.append(paper(row.cells, place))
        except argparse.ArgumentTypeError as error:
            faults.append(f"{place}{error}")
    if faults:
        raise CostsError("\n".join(faults))
    yield from papers


def _takes_a_file(importing: argparse.ArgumentParser) -> None:
    importing.add_argument("file", type=Path, help="CSV or .xlsx")
    shell.add_decimal_sign(importing)
    importing.add_argument("--encoding", choices=("utf-8", "windows-1252"), default="utf-8", help="of a CSV")
    importing.add_argument("--sheet", help="of a workbook with several")


def _amount(text: str, arguments: argparse.Namespace) -> Decimal:
    if isinstance(text, Unclear):
        raise argparse.ArgumentTypeError(text.fault)
    if not arguments.decimal_comma:
        return shell.amount(text)
    if "." in text:
        raise argparse.ArgumentTypeError(f"{text!r}: a point, but --decimal-comma was said")
    return shell.amount(text.replace(",", "."))
