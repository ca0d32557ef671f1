"""Real sales as demand: POS lines in, the lines that `dockledger demand import` takes out."""

import csv
import lzma
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from simulators.retail.lines import LinesError, read_lines
from simulators.retail.rules import SCANNED, Verdict, judge

BEST_SOLD: Final = Path(str(files("simulators.retail") / "data" / "online_retail_60_items.csv.xz"))
"""All lines of 60 well-sold items; the README beside it says where they are from."""
NAMES: Final = BEST_SOLD.with_name("online_retail_names.csv")
"""What the items of both extracts are called."""
ITEM_COLUMNS: Final = ("local", "name")
COLUMNS: Final = ("document", "line", "local", "kind", "quantity", "requested_at", "channel")
"""Of what is written: stock codes are the retailer's own, as they are scanned."""
_WEEK: Final = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Sale:
    """A line of an invoice that customers asked for, or took back."""

    invoice: str
    line: int
    """Its place on the invoice, from 1."""
    stock_code: str
    quantity: Decimal
    """Above zero."""
    is_cancelled: bool
    at: datetime
    """By the retailer's clocks."""


@dataclass(frozen=True, slots=True)
class History:
    """Sales, moved in time by whole weeks so that weekdays stay what they were."""

    sales: tuple[Sale, ...]
    weeks: int
    """By how many they were moved."""
    left_out: int
    """Sales that would lie after the last day."""


def best_sold() -> Iterator[Sale]:
    """Read the extract that comes with the package.

    Yields:
        Sales in the order of the data set.
    """
    invoice, at = "", datetime.fromisoformat("2010-12-01")
    with lzma.open(BEST_SOLD, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["InvoiceNo"]:
                invoice, at = row["InvoiceNo"], datetime.fromisoformat(row["InvoiceDate"])
            quantity = Decimal(row["Quantity"])
            yield Sale(invoice, int(row["Line"]), row["StockCode"], abs(quantity), quantity < 0, at)


def sales_of(path: Path) -> Iterator[Sale]:
    """Read the sales of a whole data set: goods that were asked for, and cancellations.

    Args:
        path: A ``.csv`` or ``.parquet`` file.

    Yields:
        Sales in file order; services, fees and adjustments are left out.

    Raises:
        LinesError: If it does not hold POS lines.
    """
    places: Counter[str] = Counter()
    for line in read_lines(path):
        places[line.invoice] += 1
        verdict = judge(line)
        if verdict in SCANNED:
            is_cancelled = verdict is Verdict.CUSTOMER_RETURN
            yield Sale(
                line.invoice,
                places[line.invoice],
                line.stock_code,
                abs(line.quantity),
                is_cancelled,
                datetime.fromisoformat(line.at.isoformat()),
            )


def history(sales: Iterable[Sale], *, items: int, last_day: date) -> History:
    """Choose the items sold most often and move their sales so that they reach a day.

    Args:
        sales: Any number of items'.
        items: How many to keep, by number of lines.
        last_day: The history's last day; a real one of the same weekday is moved there, later ones left out.

    Returns:
        The history.

    Raises:
        LinesError: If there are no sales, or of fewer items.
    """
    known = list(sales)
    lines = Counter(sale.stock_code for sale in known)
    if len(lines) < items:
        raise LinesError(f"--items {items}: expected at most {len(lines)}, which are all there are")
    chosen = {code for code, _ in sorted(lines.items(), key=lambda pair: (-pair[1], pair[0]))[:items]}
    kept = [sale for sale in known if sale.stock_code in chosen]
    end = max(sale.at.date() for sale in kept)
    weeks = -((end - last_day) // _WEEK)
    shift = weeks * _WEEK
    shown = tuple(
        Sale(sale.invoice, sale.line, sale.stock_code, sale.quantity, sale.is_cancelled, sale.at + shift)
        for sale in kept
        if (sale.at + shift).date() <= last_day
    )
    return History(shown, weeks, len(kept) - len(shown))


def write(made: History, path: Path, zone: ZoneInfo) -> None:
    """Write a history for ``dockledger demand import``.

    Args:
        made: It.
        path: The file; written anew.
        zone: Of the retailer's clocks.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(
            (
                sale.invoice,
                sale.line,
                sale.stock_code,
                "cancelled" if sale.is_cancelled else "requested",
                f"{sale.quantity:f}",
                sale.at.replace(tzinfo=zone).isoformat(),
                "shop",
            )
            for sale in made.sales
        )


def write_items(path: Path) -> int:
    """Write what the items of the extracts are called.

    Args:
        path: The CSV; written anew.

    Returns:
        How many items there are.
    """
    with NAMES.open(encoding="utf-8", newline="") as named:
        rows = [(row["StockCode"], row["Description"].capitalize()) for row in csv.DictReader(named)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(ITEM_COLUMNS)
        writer.writerows(rows)
    return len(rows)
