"""Cases for a person: one serial at two sites at once, a unit that would stand in itself (DOMAIN D3, D5)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.units import store
from cloud.units.domain import LEAST_TRAVEL

JOB: Final = Actor("job:doubts", frozenset({Role.DEVICE}), all_sites=True)
DUPLICATE: Final = "duplicate_tag"
CIRCLE: Final = "unit_in_itself"
_POSITIONS: Final = 2_000
_SHOWN: Final = 5
"""Pairs of facts that a ticket tells."""


class Doubt(NamedTuple):
    """Two facts that cannot both be true of one serial."""

    serial: str
    site: str
    """Of the later one."""
    earlier: Mapping[str, Any]
    later: Mapping[str, Any]


class Circle(NamedTuple):
    """A position that is not followed."""

    unit: str
    parent: str
    site: str
    occurred_at: datetime


def watch_doubts(source: Source, actor: Actor, now: datetime) -> Mapping[str, Any]:
    """Open a ticket for what cannot be true and is known since the last time; close what has been taken back.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.
        now: The present.

    Returns:
        Tickets ``told`` and ``resolved``.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    del now  # facts have their own time
    actor.require(Role.DEVICE)
    told: Counter[str] = Counter(told=0, resolved=0)
    more = True
    while more:
        found, more = in_transaction(source, partial(_look, actor=actor))
        told["told"] += found
    told.update(in_transaction(source, partial(_follow_up, actor=actor)))
    return dict(told)


def _look(conn: Connection, actor: Actor) -> tuple[int, bool]:
    act_as(conn, actor)
    *rows, (looked, *_) = store.tuples(conn, "doubt_serials", most=_POSITIONS, within=LEAST_TRAVEL)
    return _tell(conn, [Doubt(*row[1:]) for row in rows]), looked >= _POSITIONS


def _tell(conn: Connection, found: Iterable[Doubt]) -> int:
    doubts: defaultdict[str, list[Doubt]] = defaultdict(list)
    for each in found:
        doubts[each.serial].append(each)
    alerts.notice(conn, [_duplicate(pairs) for pairs in doubts.values()])
    return len(doubts)


def _follow_up(conn: Connection, actor: Actor) -> dict[str, int]:
    act_as(conn, actor)
    ended = store.tuples(conn, "end_doubts", within=LEAST_TRAVEL)
    told = _tell(conn, [Doubt(*row) for row in ended if row[1] is not None])
    gone = [f"{DUPLICATE}:{serial}" for serial, site, *_ in ended if site is None]
    gone += [f"{CIRCLE}:{unit}" for (unit,) in store.tuples(conn, "forget_circles")]
    circles = [Circle(*row) for row in store.tuples(conn, "tell_circles")]
    alerts.resolve(conn, gone)
    alerts.notice(conn, [_circle(each) for each in circles])
    return {"told": told + len(circles), "resolved": len(gone)}


def _duplicate(doubts: Sequence[Doubt]) -> Notice:
    last = doubts[-1]
    summary = (
        f"{last.serial} was at {last.earlier['site']} ({last.earlier['place']}) and within "
        f"{LEAST_TRAVEL.seconds // 60} minutes at {last.site} ({last.later['place']}): two tags with one EPC?"
    )
    pairs: list[JsonValue] = [
        {"earlier": dict(each.earlier), "later": dict(each.later)} for each in doubts[-_SHOWN:]
    ]
    detail: dict[str, JsonValue] = {
        "serial": last.serial,
        "pairs": pairs,
        "page_url": f"/serials/{quote(last.serial, safe='')}",
    }
    return Notice(f"{DUPLICATE}:{last.serial}", DUPLICATE, Severity.WARNING, summary, last.site, detail)


def _circle(found: Circle) -> Notice:
    summary = (
        f"unit {found.unit} was put into {found.parent}, which stood in it: that is kept and not followed; "
        "see where both stand now, and say it of both"
    )
    detail: dict[str, JsonValue] = {
        "unit": found.unit,
        "parent": found.parent,
        "occurred_at": found.occurred_at.isoformat(),
        "page_url": f"/units/{quote(found.unit, safe='')}",
    }
    return Notice(f"{CIRCLE}:{found.unit}", CIRCLE, Severity.WARNING, summary, found.site, detail)
