"""A year of real sales as the demonstration's demand, and what its sites keep of what they sell."""

import csv
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from cloud.db import Connection
from cloud.documents.domain import ConflictingDocumentError
from cloud.documents.opening import post_opening
from cloud.documents.papers import OpeningPaper
from cloud.documents.store import known_names
from cloud.identity.actor import Actor, Role
from cloud.local.demo.items import SCHEME
from cloud.local.demo.stage import CURRENCY, SITES
from cloud.master.costs import CostPaper, put_costs
from cloud.master.supplier_papers import SupplierItemPaper, SupplierPaper
from cloud.master.suppliers import put_supplier, put_supplier_item
from contracts.base import SiteId
from contracts.records import Identifier

KEEPER: Final = Actor("system:demo", frozenset({Role.INVENTORY_CONTROLLER, Role.BUYER}), all_sites=True)
SUPPLIER: Final = "northern-gifts"
LEAD_TIME_DAYS: Final = 9
PACK: Final = 6
WEEKS_OF_STOCK: Final = (Decimal("0.5"), Decimal(1), Decimal(2), Decimal(4), Decimal(6), Decimal(9))
"""What bins hold when the demonstration begins; sales are real, stock and costs are made up."""
COSTS_FROM: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One item in one bin of a site."""

    site: str
    item: str
    location: str
    quantity: Decimal
    """When the demonstration began."""


def with_sites(sales: Path, out: Path) -> list[Shelf]:
    """Say of each sale which site served it, and what each site keeps of what it sells.

    Args:
        sales: As `warehouse-sim pos-history` writes it.
        out: The same with a column `site`, for `dockledger demand import`; each invoice is one site's.

    Returns:
        The shelves of every site, by site and item.
    """
    sold: defaultdict[str, Counter[str]] = defaultdict(Counter)
    days: set[str] = set()
    with (
        sales.open(newline="", encoding="utf-8") as taken,
        out.open("w", newline="", encoding="utf-8") as given,
    ):
        reader = csv.DictReader(taken)
        writer = csv.DictWriter(given, [*(reader.fieldnames or ()), "site"])
        writer.writeheader()
        for row in reader:
            site = SITES[zlib.crc32(row["document"].encode()) % len(SITES)]
            writer.writerow(row | {"site": site})
            days.add(row["requested_at"][:10])
            if row["kind"] == "requested":
                sold[site][row[SCHEME]] += int(row["quantity"])
    weeks = Decimal((date.fromisoformat(max(days)) - date.fromisoformat(min(days))).days + 1) / 7
    return [shelf for site in SITES for shelf in _shelves(site, sold[site], weeks)]


def _shelves(site: str, sold: Mapping[str, int], weeks: Decimal) -> list[Shelf]:
    return [
        Shelf(
            site,
            item,
            f"{'ABCDE'[number // 12 % 5]}-{number % 12 + 1:02}-01",
            max(
                Decimal(1),
                (sold[item] / weeks * WEEKS_OF_STOCK[number % len(WEEKS_OF_STOCK)]).quantize(Decimal(1)),
            ),
        )
        for number, item in enumerate(sorted(sold))
    ]


def fill(conn: Connection, shelves: Sequence[Shelf], now: datetime) -> int:
    """Post what the shelves hold; a ledger that was opened before keeps what it has.

    Args:
        conn: In a transaction that the caller commits directly after.
        shelves: What is there.
        now: The present.

    Returns:
        How many were filled.
    """
    papers = [
        OpeningPaper(
            site=SiteId(shelf.site),
            identifier=Identifier(scheme=SCHEME, value=shelf.item),
            quantity=shelf.quantity,
            location=shelf.location,
        )
        for shelf in shelves
    ]
    try:
        return post_opening(conn, KEEPER, papers, now=now)
    except ConflictingDocumentError:
        return 0


def set_up(conn: Connection, shelves: Sequence[Shelf]) -> None:
    """Say what the items cost and who sells them on which terms.

    Args:
        conn: In a transaction that the caller commits.
        shelves: Of which items.
    """
    names = sorted({shelf.item for shelf in shelves})
    known = known_names(conn, [(SCHEME, name) for name in names])
    cost = {name: Decimal(35 + 20 * number) / 100 for number, name in enumerate(names)}
    put_costs(
        conn,
        KEEPER,
        [
            CostPaper(known[SCHEME, shelf.item].code, shelf.site, cost[shelf.item], CURRENCY, COSTS_FROM)
            for shelf in shelves
        ],
    )
    put_supplier(conn, KEEPER, SupplierPaper(supplier=SUPPLIER, name="Northern Gifts Ltd", currency=CURRENCY))
    for name in names:
        terms = SupplierItemPaper(
            supplier=SUPPLIER,
            item=known[SCHEME, name].code,
            code=name,
            pack=Decimal(PACK),
            price=cost[name],
            lead_time_days=LEAD_TIME_DAYS,
        )
        put_supplier_item(conn, KEEPER, terms)
