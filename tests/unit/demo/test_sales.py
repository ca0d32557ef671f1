"""What the demonstration's sites sell and keep follows from real sales, the same each time."""

from decimal import Decimal
from pathlib import Path

from cloud.local.demo.sales import Shelf, with_sites
from cloud.local.demo.stage import SITES

LINES = """document,line,local,kind,quantity,requested_at,channel
536365,1,85123A,requested,6,2026-01-05T08:26:00+00:00,web
536365,2,71053,requested,8,2026-01-05T08:26:00+00:00,web
536366,1,85123A,requested,22,2026-01-11T09:00:00+00:00,web
536367,1,85123A,requested,40,2026-01-18T09:00:00+00:00,web
C536368,1,71053,cancelled,2,2026-01-18T10:00:00+00:00,web
"""


def test_each_invoice_is_one_sites_and_shelves_hold_weeks_of_what_it_sells(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(LINES, "utf-8")
    shelves = with_sites(tmp_path / "sales.csv", tmp_path / "demand.csv")
    rows = [line.split(",") for line in (tmp_path / "demand.csv").read_text("utf-8").splitlines()]
    assert rows[0][-1] == "site"
    sites = {row[0]: set() for row in rows[1:]}
    for row in rows[1:]:
        sites[row[0]].add(row[-1])
    assert all(len(served) == 1 and served <= set(SITES) for served in sites.values())
    assert [row[:-1] for row in rows] == [line.split(",") for line in LINES.splitlines()]
    assert shelves == sorted(shelves, key=lambda shelf: (SITES.index(shelf.site), shelf.item))
    assert len({(shelf.site, shelf.location) for shelf in shelves}) == len(shelves)
    (served,) = sites["536365"]
    first = next(shelf for shelf in shelves if (shelf.site, shelf.item) == (served, "71053"))
    assert first == Shelf(served, "71053", "A-01-01", Decimal(2))  # 8 in 2 weeks, half a week of it
