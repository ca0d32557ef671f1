"""Open recalls followed: what is made of a recalled lot, received or found later is held too."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.allocation import store as claims
from cloud.allocation.claiming import Wish, claim
from cloud.allocation.domain import ClaimKind, LineName
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.decisions.domain import State
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from cloud.lots import store
from cloud.lots.carrier import hold, reached
from cloud.lots.domain import ReachedStock, Recall, RecallSite
from cloud.lots.recalls import ask_to_hold, notify, reach, recalls

PICKED: Final = "picked_of_recalled"
_MOST: Final = 1_000


class _Picked(NamedTuple):
    allocation_id: int
    type: str
    id: str
    line: str
    item_id: int
    item: str
    quantity: Decimal
    recall_id: int
    lot: str | None


def follow_recalls(source: Source, actor: Actor, now: datetime) -> Mapping[str, Any]:
    """Go through every open recall once.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.
        now: The present.

    Returns:
        Lots ``reached`` anew, places ``held``, sites ``asked``, and claims of picked goods ``ended``.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    told: Counter[str] = Counter(reached=0, held=0, asked=0, ended=0)
    for recall in in_transaction(source, partial(recalls, actor=actor, limit=_MOST)):
        told["reached"] += in_transaction(source, partial(_grow, actor=actor, recall=recall))
        sites = in_transaction(source, partial(_sites_to_hold, actor=actor, recall=recall))
        for site, state in sites.items():
            if state is None:
                in_transaction(source, partial(_ask, actor=actor, recall=recall, site=site))
                told["asked"] += 1
            elif state == State.APPLIED:
                following = partial(_follow_at, actor=actor, recall=recall, site=site, now=now)
                told["held"] += in_transaction(source, following)
    for site in in_transaction(source, partial(_sites, actor=actor)):
        told["ended"] += in_transaction(source, partial(end_picked, actor=actor, site=site, now=now))
    return dict(told)


def _follow_at(conn: Connection, actor: Actor, recall: Recall, *, site: str, now: datetime) -> int:
    """Hold at a site what a recall reaches there since its decision was carried out.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A job.
        recall: The recall.
        site: Where it was approved.
        now: The present.

    Returns:
        In how many places more is held.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE, site=site)
    act_as(conn, actor)
    return hold(conn, actor, recall, site, reached(conn, recall, site), at=now)["held"]


def end_picked(conn: Connection, actor: Actor, *, site: str, now: datetime) -> int:
    """End claims on picked goods that are held by now, claim other stock for their lines, and tell people.

    Claims of goods that still lie in their bins end as those of any stock that is gone.

    Args:
        conn: In a transaction that the caller commits.
        actor: A job.
        site: Where.
        now: The present.

    Returns:
        How many claims ended.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE, site=site)
    act_as(conn, actor)
    found = store.rows(conn, _Picked, "picked_of_recalled", site=site)
    if not found:
        return 0
    claims.lock_items(conn, site, [each.item_id for each in found])
    found = store.rows(conn, _Picked, "picked_of_recalled", site=site)
    claims.end_claims(conn, [each.allocation_id for each in found], actor.id, "recalled")
    lines = frozenset(LineName(each.type, each.id, each.line) for each in found)
    done = claim(conn, Wish(site, lines=lines), kind=ClaimKind.HARD, by=actor.id, now=now)
    short = {each.name: each.quantity for each in done.shortfalls}
    alerts.notice(conn, [_notice(site, each, short) for each in found])
    return len(found)


def _grow(conn: Connection, actor: Actor, recall: Recall) -> int:
    act_as(conn, actor)
    added = reach(conn, recall)
    if added:
        detail = {"lots": added}
        audit(conn, actor.id, "recall_grew", f"recall:{recall.name}", site=None, detail=detail)
    notify(conn, recall)
    return added


def _sites_to_hold(conn: Connection, actor: Actor, recall: Recall) -> dict[str, str | None]:
    act_as(conn, actor)
    states = {
        row.site: row.state for row in store.rows(conn, RecallSite, "recall_sites", recall=recall.recall_id)
    }
    stock = store.rows(conn, ReachedStock, "recall_stock", recall=recall.recall_id, site=None)
    return {site: states.get(site) for site in sorted({row.site for row in stock if not row.is_held})}


def _ask(conn: Connection, actor: Actor, recall: Recall, site: str) -> None:
    act_as(conn, actor)
    stock = store.rows(conn, ReachedStock, "recall_stock", recall=recall.recall_id, site=site)
    ask_to_hold(conn, recall, site, stock)
    notify(conn, recall)


def _sites(conn: Connection, actor: Actor) -> list[str]:
    act_as(conn, actor)
    return [row[0] for row in store.tuples(conn, "sites_with_recalls")]


def _notice(site: str, each: _Picked, short: Mapping[LineName, Decimal]) -> Notice:
    name = LineName(each.type, each.id, each.line)
    rest = short.get(name)
    covered = (
        "other stock is claimed: release it" if rest is None else f"{rest.normalize():f} is nowhere else"
    )
    summary = (
        f"{name}: {each.quantity.normalize():f} of {each.item} lot {each.lot or 'not kept'} that were picked "
        f"are recalled (R{each.recall_id}); {covered}"
    )
    detail = {
        "document": str(name),
        "item": each.item,
        "lot": each.lot,
        "page_url": f"/recalls/{each.recall_id}",
    }
    return Notice(f"{PICKED}:{each.allocation_id}", PICKED, Severity.WARNING, summary, site, {**detail})
