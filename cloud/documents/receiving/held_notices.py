"""Tickets about scanned goods that wait: what to put aside, what was gone, what is expected by now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection
from cloud.documents.receiving.beyond import Due
from cloud.documents.receiving.domain import NOTHING
from cloud.documents.receiving.held_posting import Hold
from cloud.documents.receiving.scanned import BLIND, ScannedRow

BEYOND: Final = "received_beyond"
UNINSPECTED: Final = "received_uninspected"


def tell(
    conn: Connection,
    named: tuple[str, str],
    rows: Sequence[ScannedRow],
    due: Mapping[str, Due],
    new: Iterable[Hold],
    *,
    items: Collection[int] | None,
) -> None:
    """Tell people what is on hold of each item and what could not be inspected, and close what is over.

    Args:
        conn: In a transaction.
        named: Site, and the number that was scanned.
        rows: Every part that was scanned under it of the items, as it stood before.
        due: By item, with what was asked to be held without need.
        new: What waits from now on, with what of it was gone.
        items: Of which it is told, by their ids; None: of all.
    """
    site, number = named
    sums = {row.item: _Sums() for row in rows}
    for row in rows:
        sums[row.item].add(row)
    for each in new:
        sums[each.row.item].add_new(each)
    kinds = (BEYOND, UNINSPECTED)
    there = {f"{kind}:{site}/{number}/{row.item_id}" for row in rows for kind in kinds}
    of_number = {f"{kind}:{site}/{number}" for kind in kinds}  # not of a receipt or visit of the same number
    found = alerts.open_keys(conn, site=site, kinds=kinds, document=number)
    is_open = [key for key in found if key.rpartition("/")[0] in of_number]
    # of the rest all scans are taken back, or they read as another item by now, of which it is told then
    over = [key for key in is_open if key not in there and (items is None or _item_of(key) in items)]
    renamed = {key.partition(":")[0] for key in over}
    notices = list[Notice]()
    for row in {row.item: row for row in rows}.values():
        of_item = sums[row.item]
        needless = due[row.item].expected_after_all if row.item in due else NOTHING
        told = {
            BEYOND: (
                of_item.on_hold or of_item.missed,
                of_item.is_held or (needless and of_item.on_hold),
                _beyond_words(row, number, of_item, needless),
            ),
            UNINSPECTED: (
                of_item.uninspected or of_item.too_short,
                of_item.is_inspected,
                uninspected_words(number, row.item, row.base_unit, of_item.uninspected, of_item.too_short),
            ),
        }
        for kind, (is_there, is_news, summary) in told.items():
            key = f"{kind}:{site}/{number}/{row.item_id}"
            if not is_there:
                over.append(key)
            elif is_news or kind in renamed:
                detail = _detail(site, number, row)
                notices.append(Notice(key, kind, Severity.WARNING, summary, site, detail))
    alerts.resolve(conn, over)
    alerts.notice(conn, notices)


def _item_of(key: str) -> int:
    return int(key.rpartition("/")[2])


@dataclass(slots=True)
class _Sums:
    """What is known of an item, in base units."""

    on_hold: Decimal = NOTHING
    missed: Decimal = NOTHING
    uninspected: Decimal = NOTHING
    """Of what a rule sends to inspection."""
    too_short: Decimal = NOTHING
    """What could not be inspected either, of what keeps for too short a time."""
    is_held: bool = False
    """Whether anything was asked to be held now."""
    is_inspected: bool = False
    """Whether anything was asked to be inspected now."""

    def add(self, row: ScannedRow) -> None:
        """Count what a scan came to before."""
        self.on_hold += row.on_hold
        self.missed += row.missed
        self._add_uninspected(row.days_left, row.uninspected)

    def add_new(self, hold: Hold) -> None:
        """Count what waits from now on, and what was gone."""
        gone = hold.asked - hold.held
        if hold.wanted.is_inspection:
            self.is_inspected = True
            self._add_uninspected(hold.row.days_left, gone)
        else:
            self.is_held = True
            self.on_hold += hold.held
            self.missed += gone

    def _add_uninspected(self, days_left: int | None, gone: Decimal) -> None:
        if days_left is None:
            self.uninspected += gone
        else:
            self.too_short += gone


def _detail(site: str, number: str, row: ScannedRow) -> dict[str, JsonValue]:
    query = urlencode({"type": row.type, "id": number})
    page_url = f"/inspection?site={site}" if row.type == BLIND else f"/receiving/{site}/new?{query}"
    return {"document": number, "item": row.item, "page_url": page_url}


def _beyond_words(row: ScannedRow, number: str, sums: _Sums, needless: Decimal) -> str:
    said = [f"{number}: handhelds received more {row.item} than is tolerated or announced"]
    if sums.on_hold:
        said.append(f"{_number(sums.on_hold)} {row.base_unit} are on hold: put them aside and judge them")
    if sums.missed:
        gone = f"{_number(sums.missed)} {row.base_unit}"
        said.append(f"{gone} no longer lay where they were scanned: they are not on hold")
    if needless and sums.on_hold:
        expected = f"{_number(min(needless, sums.on_hold))} {row.base_unit}"
        said.append(f"{expected} of them are expected by what is known now")
    return "; ".join(said)


def ungraded_words(number: str, item: str, base_unit: str, returned: Decimal) -> str:
    """Say what customers sent back that had left before it could wait.

    Args:
        number: Under which it came.
        item: Of the goods.
        base_unit: Of the item.
        returned: How much, in base units.

    Returns:
        A sentence.
    """
    goods = f"{_number(returned)} {base_unit} of {item} that customers sent back"
    return f"{number}: {goods} had left before they could wait on Returns"


def uninspected_words(number: str, item: str, base_unit: str, ruled: Decimal, too_short: Decimal) -> str:
    """Say what had left before it could be inspected.

    Args:
        number: Under which it came.
        item: Of the goods.
        base_unit: Of the item.
        ruled: What a rule sends to inspection, in base units.
        too_short: What keeps for too short a time, in base units.

    Returns:
        A sentence.
    """
    said = []
    if ruled:
        said.append(f"{_number(ruled)} {base_unit} of {item} that a rule sends to inspection")
    if too_short:
        said.append(f"{_number(too_short)} {base_unit} of {item} that keep for too short a time")
    return f"{number}: {' and '.join(said)} had left before they could wait in inspection"


def _number(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"
