"""A ticket where more goods were judged or taken out of a condition than had come in it (DOMAIN D4, D7)."""

from typing import Final

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection
from cloud.documents.judging import store

JUDGED_TWICE: Final = "judged_twice"
_WORDS: Final = {"returned": "returned", "inspection": "in inspection", "hold": "on hold"}


def tell(conn: Connection, cell: int) -> None:
    """Tell people of goods that are below zero where they waited, or close the ticket that did.

    A handheld's fact is never refused: one that comes after the same goods were judged on paper takes what
    is not there.

    Args:
        conn: In a transaction of a job with all sites.
        cell: Where goods wait, of which a watermark has passed what was taken.
    """
    for site, item, base_unit, place, disposition, key, quantity, receipts in store.tuples(
        conn, "held_overdrawn", cell=cell
    ):
        named = f"{JUDGED_TWICE}:{key}"
        if quantity >= 0:
            alerts.resolve(conn, [named])
            continue
        judged = f"; judged on paper: {', '.join(receipts)}" if receipts else ""
        summary = (
            f"{-quantity.normalize():f} {base_unit} of {item} more were taken from {place} as "
            f"{_WORDS[disposition]} than there were{judged}"
        )
        page = "/returns" if disposition == "returned" else "/inspection"
        detail = {"item": item, "place": place, "page_url": f"{page}?site={site}"}
        alerts.notice(conn, [Notice(named, JUDGED_TWICE, Severity.WARNING, summary, site, {**detail})])
