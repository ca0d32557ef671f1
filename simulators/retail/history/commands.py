"""`warehouse-sim pos-history | pos-items`: a year of real sales as demand, and what was sold."""

import argparse
import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from simulators.retail.history.sales import best_sold, history, sales_of, write, write_items
from simulators.retail.lines import LinesError

_EXAMPLES: Final = """\
examples:
  a year of 60 well-sold items that ends yesterday, and into the ledger:
    warehouse-sim pos-history --out pos.csv
    dockledger demand import pos.csv --site leeds --source till --new-items
  the 500 items sold most often of the whole data set:
    warehouse-sim pos-history --out pos.csv --items 500 --full onlineretail_pos_lines.parquet

Dates are moved by whole weeks, so that weekdays stay what they were; the line of JSON says by how many.
"""
_ITEM_EXAMPLES: Final = """examples:
  warehouse-sim pos-items --out items.csv
"""
_ITEMS: Final = 60


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command.

    Args:
        subparsers: Of `warehouse-sim`.
    """
    parser = subparsers.add_parser(
        "pos-history",
        help="real retail transactions as demand, for `dockledger demand import`",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the CSV, written anew")
    parser.add_argument(
        "--items", type=int, default=_ITEMS, help=f"those sold most often (default: {_ITEMS})"
    )
    parser.add_argument(
        "--shift-to", type=date.fromisoformat, metavar="DATE", help="last day of it (default: yesterday)"
    )
    parser.add_argument(
        "--zone", type=_zone, default="Europe/London", help="of the times' offsets (default: Europe/London)"
    )
    parser.add_argument(
        "--full", type=Path, metavar="FILE", help="the whole data set (default: the extract of 60 items)"
    )
    parser.set_defaults(run=run)
    items = subparsers.add_parser(
        "pos-items",
        help="what the items of the real transactions are called",
        epilog=_ITEM_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    items.add_argument("--out", type=Path, required=True, metavar="FILE", help="the CSV, written anew")
    items.set_defaults(run=run_items)


def run(arguments: argparse.Namespace) -> int:
    """Write a history, and print its figures.

    Args:
        arguments: As parsed.

    Returns:
        0, or 2 if a file cannot be read or written.
    """
    last_day = arguments.shift_to or datetime.now(UTC).date() - timedelta(days=1)
    try:
        sales = sales_of(arguments.full) if arguments.full else best_sold()
        made = history(sales, items=arguments.items, last_day=last_day)
        write(made, arguments.out, arguments.zone)
    except (LinesError, OSError) as error:
        print(f"warehouse-sim pos-history: {error}", file=sys.stderr)
        return 2
    days = [sale.at.date() for sale in made.sales]
    figures = {
        "lines": len(made.sales),
        "items": arguments.items,
        "first_day": min(days).isoformat(),
        "last_day": max(days).isoformat(),
        "dates_are_real": made.weeks == 0,
        "moved_by_weeks": made.weeks,
        "left_out_after_last_day": made.left_out,
    }
    print(json.dumps(figures))
    return 0


def run_items(arguments: argparse.Namespace) -> int:
    """Write the items' names.

    Args:
        arguments: As parsed.

    Returns:
        0, or 2 if the file cannot be written.
    """
    try:
        print(json.dumps({"items": write_items(arguments.out)}))
    except OSError as error:
        print(f"warehouse-sim pos-items: {error}", file=sys.stderr)
        return 2
    return 0


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(f"expected a zone like Europe/London, got {text!r}") from error
