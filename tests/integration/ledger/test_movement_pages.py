"""Pages of movements are those of the whole list, whatever is asked for; on the real ledger."""

import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.integration.ledger.scenario import SITE, Ledger, Outbox, at, move, open_ledger

ITEMS = ("05012345678900", "00614141123452", "30614141123453")
PLACES = ("@supplier", "A-01", "A-02", "@customer")
PAGE = """
SELECT gateway, seq, position, from_location, to_location, item, reason, occurred_at FROM read_movements(
    of_gateway => %(gateway)s, of_epoch => NULL, only_seq => %(seq)s, in_site => %(site)s,
    of_item => %(item)s,
    at_location => %(location)s, with_reason => %(reason)s,
    occurred_from => %(since)s, occurred_until => %(until)s,
    above_position => %(above)s, below_position => %(below)s, below_gateway => %(below_gateway)s,
    below_seq => %(below_seq)s, at_most => 7)
"""
WHOLE = """
SELECT gateway, seq, position, from_location, to_location, item, reason, occurred_at FROM movement_told
WHERE (%(gateway)s::text IS NULL OR gateway = %(gateway)s) AND (%(seq)s::bigint IS NULL OR seq = %(seq)s)
    AND (%(site)s::text IS NULL OR site = %(site)s) AND (%(item)s::text IS NULL OR item = %(item)s)
    AND (%(location)s::text IS NULL OR %(location)s IN (from_location, to_location))
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)
    AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR occurred_at <= %(until)s)
    AND (%(above)s::bigint IS NULL OR position > %(above)s)
ORDER BY position DESC, gateway DESC, seq DESC
"""
NOTHING = dict.fromkeys(
    ("gateway", "seq", "site", "item", "location", "reason", "since", "until", "above"), None
)
END = {"below": 1 << 62, "below_gateway": "", "below_seq": 0}


@pytest.fixture
def ledger(database: object) -> Iterator[Ledger]:
    with open_ledger(database) as ledger:
        yield ledger


def page_by_page(conn: psycopg.Connection, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    key = END
    while page := conn.execute(PAGE, NOTHING | asked | key).fetchall():
        found += page
        gateway, seq, position, *_ = page[-1]
        key = {"below": position, "below_gateway": gateway, "below_seq": seq}
    return found


def test_pages_are_those_of_the_whole_list(ledger: Ledger) -> None:
    chance = random.Random(1)
    for gateway in ("gw-1", "gw-2", "gw-1"):
        outbox = Outbox(gateway, epoch=f"{chance.randrange(1 << 60):016x}")
        records = [
            move(
                str(n + 1),
                *chance.sample(PLACES, 2),
                item=chance.choice(ITEMS),
                minute=chance.randrange(500),
                reason=chance.choice((None, "misread")),
            )
            for n in range(24)
        ]
        ledger.post(outbox.seal(records[:15]))
        ledger.post(outbox.seal(records[15:]))

    def ask(conn: psycopg.Connection) -> None:
        conn.execute("SELECT set_config('dockledger.sites', '*', true)")
        (item, position), *_ = conn.execute(
            "SELECT item, position FROM movement_told ORDER BY seq"
        ).fetchall()
        filters: list[dict[str, Any]] = [
            {},
            {"gateway": "gw-1"},
            {"seq": 3},
            {"site": SITE},
            {"site": "elsewhere"},
            {"item": item},
            *({"location": place} for place in (*PLACES, "Z-99")),
            {"reason": "misread", "location": "A-01"},
            {"since": at(100), "until": at(300)},
            {"above": position, "item": item},
        ]
        sizes = set()
        for asked in filters:
            whole = conn.execute(WHOLE, NOTHING | asked).fetchall()
            assert page_by_page(conn, asked) == whole, asked
            sizes.add(len(whole))
        assert len(sizes) > 6
        conn.execute("SELECT set_config('dockledger.sites', '{elsewhere}', true)")
        assert page_by_page(conn, {}) == []

    ledger.as_owner(ask)
