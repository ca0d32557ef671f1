"""Tickets about scanned goods on hold: what to put aside, what could not be held, what is expected by now."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection
from cloud.documents.receiving.beyond import Due
from cloud.documents.receiving.domain import NOTHING
from cloud.documents.receiving.scanned import ScannedRow

BEYOND: Final = "received_beyond"


def tell(
    conn: Connection,
    named: tuple[str, str],
    rows: Sequence[ScannedRow],
    due: Mapping[str, Due],
    new: Iterable[tuple[str, Decimal, Decimal]],
) -> None:
    """Tell people what is on hold of each item, and close what is over.

    Args:
        conn: In a transaction.
        named: Site, and the number that was scanned.
        rows: Every part that was scanned under it, as it stood before.
        due: By item, with what was asked to be held without need.
        new: Item, what is held and what could not be, of what is posted now.
    """
    site, number = named
    items = {row.item for row in rows}
    on_hold = {item: sum((r.on_hold for r in rows if r.item == item), NOTHING) for item in items}
    missed = {item: sum((r.missed for r in rows if r.item == item), NOTHING) for item in items}
    fresh = set()
    for item, held, gone in new:
        on_hold[item] += held
        missed[item] += gone
        fresh.add(item)
    notices, over = [], []
    for row in {row.item: row for row in rows}.values():
        key = f"{BEYOND}:{site}/{number}/{row.item_id}"
        needless = due[row.item].expected_after_all if row.item in due else NOTHING
        if on_hold[row.item] == 0 and missed[row.item] == 0:
            over.append(key)
        elif row.item in fresh or (needless and on_hold[row.item]):
            summary = _words(row, number, on_hold[row.item], missed[row.item], needless)
            query = urlencode({"type": row.type, "id": number})
            detail: dict[str, JsonValue] = {
                "document": number,
                "item": row.item,
                "page_url": f"/receiving/{site}/new?{query}",
            }
            notices.append(Notice(key, BEYOND, Severity.WARNING, summary, site, detail))
    alerts.resolve(conn, over)
    alerts.notice(conn, notices)


def _words(row: ScannedRow, number: str, on_hold: Decimal, missed: Decimal, needless: Decimal) -> str:
    said = [f"{number}: handhelds received more {row.item} than is tolerated or announced"]
    if on_hold:
        said.append(f"{_number(on_hold)} {row.base_unit} are on hold: put them aside and judge them")
    if missed:
        said.append(
            f"{_number(missed)} {row.base_unit} no longer lay where they were scanned: they are not on hold"
        )
    if needless and on_hold:
        said.append(
            f"{_number(min(needless, on_hold))} {row.base_unit} of them are expected by what is known now"
        )
    return "; ".join(said)


def _number(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"
