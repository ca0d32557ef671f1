"""What a gateway must know of its doors' visits: open visits in, one retained message out (PROTOCOL P10)."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from cloud.db import Connection
from cloud.documents import store
from contracts.base import SiteId
from contracts.offline import Assignment, ExpectedLine, Visit
from contracts.records import DocumentRef, Identifier


def send_assignment(conn: Connection, *, site: str, gateway: str, sent_by: str, now: datetime) -> int:
    """Leave a gateway's present visits for ingest to publish.

    The revision is the instant in milliseconds or one more than the last, so that it grows even over a ledger
    that was restored to an older state.

    Args:
        conn: In a transaction that has changed them; other changes of this gateway's visits wait for it.
        site: The gateway's site.
        gateway: The gateway.
        sent_by: Who made the change.
        now: The present.

    Returns:
        The message's revision.
    """
    store.tuples(conn, "lock_gateway", gateway=gateway)
    ((last,),) = store.tuples(conn, "last_revision", gateway=gateway)
    revision = max(int(last) + 1, int(now.timestamp() * 1000))
    message = _assignment(conn, site=site, gateway=gateway, revision=revision, now=now)
    payload = message.model_dump_json(by_alias=True)
    store.change(conn, "send_assignment", gateway=gateway, revision=revision, payload=payload, actor=sent_by)
    return revision


def _assignment(conn: Connection, *, site: str, gateway: str, revision: int, now: datetime) -> Assignment:
    lines: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for visit, *line in store.tuples(conn, "gateway_lines", gateway=gateway):
        lines[visit].append(tuple(line))
    gtins = {line[4] for each in lines.values() for line in each if line[3] == "gtin"}
    levels = dict(store.tuples(conn, "levels", gtins=sorted(gtins)))
    visits = [
        Visit(
            visit=visit,
            door=door,
            direction=direction,
            from_at=from_at,
            to_at=to_at,
            clearing_account=account,
            lines=tuple(_expected(line, levels) for line in lines[visit]),
        )
        for visit, door, direction, from_at, to_at, account in store.tuples(
            conn, "gateway_visits", gateway=gateway
        )
    ]
    return Assignment(site=SiteId(site), revision=revision, issued_at=now, door=gateway, visits=tuple(visits))


def _expected(line: tuple[Any, ...], levels: dict[str, list[str]]) -> ExpectedLine:
    kind, document, number, scheme, value, quantity, unit_seen, lot, unit = line
    more: dict[str, object] = {"unit_seen": unit_seen}
    more |= {"levels": levels[value]} if scheme == "gtin" and value in levels else {}
    return ExpectedLine.model_validate(
        {
            "document": DocumentRef(type=kind, id=document, line=number),
            "identifier": Identifier(scheme=scheme, value=value),
            "quantity": quantity,
            "lot": lot,
            "units": () if unit is None else (unit,),
        }
        | more
    )
