"""What a gateway must know of its doors' visits: open visits in, one retained message out (PROTOCOL P10)."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from functools import partial
from typing import Any, Final, NamedTuple

import orjson
import structlog
from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.documents import store
from cloud.documents.domain import AHEAD, OVERDUE, fitting
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.master.domain import BASE_UNIT
from contracts.base import SiteId
from contracts.batch import MAX_FRAME_BYTES
from contracts.offline import Assignment, ExpectedLine, Visit
from contracts.records import DocumentRef, Identifier

SHORTENED: Final = "assignment_shortened"
_ENVELOPE_BYTES: Final = 4096
"""Kept free in a publish: topic, properties, and all of the message but its visits."""
_MOST_NAMED: Final = 50
_BEFORE_INGEST: Final = timedelta(hours=1)
"""Visits are looked at so long before they are due, so that what ingest sends then misses nothing."""


_QUANTITY: Final = 5
"""Where a line's quantity stands, behind what names line and goods."""
_SEEN: Final = Decimal(1).scaleb(-6)
JOB: Final = Actor("job:visits", frozenset({Role.DEVICE}), all_sites=True)


class _Levels(NamedTuple):
    gtins: list[str]
    base: str | None
    """That of a base unit."""


log = structlog.get_logger()


def send_assignment(conn: Connection, *, site: str, gateway: str, sent_by: str, now: datetime) -> int:
    """Leave a gateway's visits of the next hours for ingest to publish.

    The revision is the instant in milliseconds or one more than the last, so that it grows even over a ledger
    that was restored to an older state. A message holds whole visits, as many as a publish may, those that
    begin first; what it leaves out raises a ticket.

    Args:
        conn: In a transaction that has changed them; other changes of this gateway's visits wait for it.
        site: The gateway's site.
        gateway: The gateway.
        sent_by: Who made the change.
        now: The present.

    Returns:
        The message's revision.
    """
    store.tuples(conn, "lock_assignment", gateway=gateway)
    return _send(conn, _due(conn, site, gateway, now), site=site, gateway=gateway, sent_by=sent_by, now=now)


def _send(
    conn: Connection, due: Sequence[Visit], *, site: str, gateway: str, sent_by: str, now: datetime
) -> int:
    ((last,),) = store.tuples(conn, "last_revision", gateway=gateway)
    revision = max(int(last) + 1, int(now.timestamp() * 1000))
    sent = _fitting(due)
    names = "\n".join(visit.visit for visit in due)
    message = Assignment.model_validate(
        {
            "site": SiteId(site),
            "revision": revision,
            "issued_at": now,
            "door": gateway,
            "visits": sent,
            "due": hashlib.sha256(names.encode()).hexdigest(),
            "left_out": len(due) - len(sent),
        }
    )
    payload = message.model_dump_json()
    store.change(conn, "send_assignment", gateway=gateway, revision=revision, payload=payload, actor=sent_by)
    told = {visit.visit for visit in sent}
    _tell(conn, site, gateway, [visit.visit for visit in due if visit.visit not in told])
    return revision


def follow_time(conn: Connection, *, sent_by: str, now: datetime) -> int:
    """Send what has become due, or ceased to be, since each gateway was told last.

    Args:
        conn: A connection of ``dockledger_ingest``, in a transaction.
        sent_by: In whose name.
        now: The present.

    Returns:
        How many gateways were sent their visits anew.
    """
    overtaken = store.tuples(conn, "overtaken_gateways", **_reach(now))
    for site, gateway in overtaken:
        send_assignment(conn, site=site, gateway=gateway, sent_by=sent_by, now=now)
    return len(overtaken)


def follow_open(source: Source, actor: Actor, now: datetime) -> Mapping[str, Any]:
    """Send gateways what is open of their visits' loose lines, where that is other than they were told.

    What is open is derived only where something was posted or said of a visit's documents since.

    Args:
        source: Where transactions come from.
        actor: The job.
        now: The present.

    Returns:
        How many gateways were looked at, and how many told.

    Raises:
        NotAllowedError: If somebody else asks.
    """
    actor.require(Role.DEVICE)

    def gateways(conn: Connection) -> list[tuple[Any, ...]]:
        act_as(conn, actor)
        reach = _reach(now) | {"begins_by": now + AHEAD + _BEFORE_INGEST}
        return store.tuples(conn, "gateways_of_visits", **reach)

    def keep(conn: Connection) -> None:
        act_as(conn, actor)
        store.tuples(conn, "keep_visits_followed", up_to=up_to, said_at=said_at, named=named)

    (_, _, up_to, said_at, named), *concerned = in_transaction(source, gateways)
    told = 0
    for site, gateway, *_ in concerned:
        tell = partial(_follow_one, actor=actor, site=site, gateway=gateway, now=now)
        told += in_transaction(source, tell)
    in_transaction(source, keep)
    return {"looked_at": len(concerned), "told": told}


def _follow_one(conn: Connection, *, actor: Actor, site: str, gateway: str, now: datetime) -> bool:
    act_as(conn, actor)
    store.tuples(conn, "lock_assignment", gateway=gateway)
    due = _due(conn, site, gateway, now)
    fitting_now = [orjson.loads(visit.model_dump_json()) for visit in _fitting(due)]
    is_news = [(fitting_now,)] != store.tuples(conn, "visits_told", gateway=gateway)
    if is_news:
        _send(conn, due, site=site, gateway=gateway, sent_by=actor.id, now=now)
    return is_news


def _reach(now: datetime) -> dict[str, datetime]:
    return {"begins_by": now + AHEAD, "ends_from": now - OVERDUE}


def _fitting(due: Sequence[Visit]) -> tuple[Visit, ...]:
    sizes = [len(visit.model_dump_json().encode()) + 1 for visit in due]
    is_sent = fitting(sizes, MAX_FRAME_BYTES - _ENVELOPE_BYTES)
    return tuple(visit for visit, fits in zip(due, is_sent, strict=True) if fits)


def _due(conn: Connection, site: str, gateway: str, now: datetime) -> list[Visit]:
    """Give the visits that a gateway should know, those that begin first first."""
    rows = store.tuples(conn, "gateway_visits", gateway=gateway, **_reach(now))
    lines: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
    visits = [row[0] for row in rows]
    expected = _expected_of(conn, site, visits)
    for visit, *line in store.tuples(conn, "gateway_lines", gateway=gateway, visits=visits):
        declared = line[_QUANTITY]
        quantity = expected.get((visit, *line[:3]), declared)
        if quantity == declared:
            lines[visit].append(tuple(line))
        elif quantity > 0:
            lines[visit].append((*line[:_QUANTITY], quantity, *line[_QUANTITY + 1 :]))
    levels = _levels(conn, [line for each in lines.values() for line in each])
    return [
        Visit(
            visit=visit,
            door=door,
            direction=direction,
            from_at=from_at,
            to_at=to_at,
            clearing_account=account,
            lines=tuple(_expected(line, levels) for line in lines[visit]),
        )
        for visit, door, direction, from_at, to_at, account in rows
    ]


def _expected_of(conn: Connection, site: str, visits: list[str]) -> dict[tuple[str, ...], Decimal]:
    """Say how much is expected of loose lines, in the units that they name."""
    rows = store.tuples(conn, "expected_of_visits", site=site, visits=visits) if visits else []
    return {
        tuple(of_line): (expected * denominator / numerator).quantize(_SEEN, ROUND_UP)
        for *of_line, numerator, denominator, expected in rows
        if expected is not None and numerator is not None
    }


def _levels(conn: Connection, lines: list[tuple[Any, ...]]) -> dict[tuple[str, str], _Levels]:
    """Give the GTINs of what lines name, and that of a base unit where a code does: a door reads none."""
    named: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        named[line[3]].add(line[4])
    by_gtin = store.tuples(conn, "levels", gtins=sorted(named["gtin"]))
    by_code = store.tuples(conn, "levels_of_codes", codes=sorted(named["sku"])) if named["sku"] else []
    found = {("gtin", gtin): _Levels(levels, None) for gtin, levels in by_gtin}
    return found | {("sku", code): _Levels(levels, base) for code, levels, base in by_code}


def _tell(conn: Connection, site: str, gateway: str, left_out: list[str]) -> None:
    """Raise a ticket for visits that did not fit, or close it."""
    key = f"assignment:{gateway}"
    if not left_out:
        alerts.resolve(conn, [key])
        return
    named = ", ".join(left_out[:_MOST_NAMED])
    log.warning(SHORTENED, gateway=gateway, left_out=len(left_out), visits=named)
    summary = (
        f"Gateway {gateway} is not told {len(left_out)} of its visits, which do not fit a message: {named}"
    )
    detail: dict[str, JsonValue] = {"gateway": gateway, "left_out": len(left_out)}
    alerts.notice(conn, [Notice(key, SHORTENED, Severity.WARNING, summary, site=site, detail=detail)])


def _expected(line: tuple[Any, ...], levels: dict[tuple[str, str], _Levels]) -> ExpectedLine:
    kind, document, number, scheme, value, quantity, unit_seen, lot, unit = line
    more: dict[str, object] = {"unit_seen": unit_seen}
    known = levels.get((scheme, value))
    if known is not None:
        more |= {"levels": known.gtins}
        gtin = known.base if unit_seen == BASE_UNIT else unit_seen
        scheme, value = ("gtin", gtin) if scheme == "sku" and gtin else (scheme, value)
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
