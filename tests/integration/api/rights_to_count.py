"""What the authorisation matrix needs of counts: one at the own site that found too little, still open."""

from decimal import Decimal
from typing import Any

from serving import MUG, NOW, OWN, ROOT, TEA, moved, post_all

from cloud.counting.reporting import CountPaper, TypedLine, named_lines, report_count
from cloud.db import ConnectionPool
from cloud.identity.store import act_as
from contracts.vocabulary import CountScope

LINE = {"identifier": {"scheme": "sku", "value": TEA}, "quantity": "1"}
COUNTED: dict[str, Any] = {
    "POST /v1/counts": {"site": OWN, "scope": "items", "location": "C-01", "lines": [LINE]},
    "POST /v1/counts/{gateway}/{epoch}/{seq}/force": {"reason": "test"},
    "POST /v1/counts/{gateway}/{epoch}/{seq}/zero": {"item": MUG},
    "POST /v1/variances/{gateway}/{epoch}/{seq}/{line}/adjustment": {"note": "test"},
    "POST /v1/count-tolerances": {"site": OWN, "category": "hot", "percent": "1"},
    "POST /v1/items/{item:path}/costs": {
        "site": OWN,
        "cost": "2.5",
        "currency": "EUR",
        "valid_from": "2026-01-01T00:00:00Z",
    },
}
"""Bodies of the routes; what is settled or answered once is a conflict from then on."""
COUNT_FORM = {"site": OWN, "scope": "items", "location": "C-01", "item": MUG, "quantity": "1", "owner": "ada"}
PERIOD = {"from_at": "2026-03-01T00:00:00Z", "until_at": "2026-04-01T00:00:00Z"}


def count_something(pool: ConnectionPool) -> dict[str, object]:
    """Count too little of one item in a bin, and say nothing of the other; gives the count's name."""
    post_all(pool, moved("5", "@supplier", "C-01"), moved("3", "@supplier", "C-01", item=MUG))
    with pool.connection() as conn:
        act_as(conn, ROOT)
        lines = named_lines(conn, [TypedLine(TEA, Decimal(4))], now=NOW)
        posted = report_count(conn, ROOT, CountPaper(OWN, "C-01", CountScope.BIN, lines), now=NOW)
    ref = posted.rows[0]
    return {"gateway": ref.gateway, "epoch": ref.epoch, "seq": ref.seq, "line": 1}
