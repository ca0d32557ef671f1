"""Pick release: lines of orders in, a wave of tasks for handhelds out."""

from dataclasses import dataclass
from datetime import datetime

import orjson

from cloud.allocation import store
from cloud.allocation.claiming import Allocated, Wish, claim, open_lines
from cloud.allocation.domain import (
    KEEPERS,
    AllocationError,
    ClaimKind,
    ConflictingClaimError,
    UnknownClaimError,
)
from cloud.allocation.sending import send_tasks
from cloud.allocation.serving import TASKS_LAST
from cloud.allocation.tasking import lines_to_walk, make_tasks
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit


@dataclass(frozen=True, slots=True)
class Released:
    """A wave."""

    wave: int
    gateway: str
    tasks: tuple[str, ...]
    there_already: int
    """Claims of goods that stand at the wave's place and need no walk."""
    allocated: Allocated


def release_picks(
    conn: Connection,
    actor: Actor,
    wanted: Wish,
    *,
    to_location: str,
    gateway: str | None = None,
    expires_at: datetime | None = None,
    now: datetime,
) -> Released:
    """Release picks: claim cells for the lines, and make tasks of all that is claimed and on no task yet.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        wanted: Which lines.
        to_location: The lane or staging place that goods are brought to.
        gateway: Whose handhelds do it; None: of the site's only one.
        expires_at: When tasks end undone; None: after `TASKS_LAST`.
        now: The present.

    Returns:
        The wave.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownClaimError: If a document, the visit, the place or the gateway is not there.
        ConflictingClaimError: If nothing is to be picked.
        AllocationError: If the gateway is to be named, or tasks would end before they begin.
    """
    actor.require(*KEEPERS, site=wanted.site)
    act_as(conn, actor)
    ends = now + TASKS_LAST if expires_at is None else expires_at
    if ends <= now:
        raise AllocationError(f"expires_at {ends.isoformat()}: expected an instant after {now.isoformat()}")
    if not store.tuples(conn, "place", site=wanted.site, code=to_location):
        raise UnknownClaimError(f"there is no place {to_location!r} at site {wanted.site!r}")
    worker = chosen_gateway(conn, wanted.site, gateway)
    done = claim(conn, wanted, kind=ClaimKind.HARD, by=actor.id, now=now)
    names = [line.name for line in open_lines(conn, wanted, now)]
    lines, there = lines_to_walk(conn, wanted.site, names, to_location, actor.id)
    if not lines and not there:
        short = "; ".join(f"{each.name}: {each.quantity.normalize():f} short" for each in done.shortfalls[:5])
        raise ConflictingClaimError(f"nothing is to be picked: {short or 'all of it is on tasks, or picked'}")
    asked = {
        "documents": wanted.documents,
        "visit": wanted.visit,
        "due_until": None if wanted.due_until is None else wanted.due_until.isoformat(),
    }
    ((wave,),) = store.tuples(
        conn,
        "add_wave",
        site=wanted.site,
        gateway=worker,
        to_location=to_location,
        asked=orjson.dumps(asked).decode(),
        actor=actor.id,
    )
    tasks = make_tasks(
        conn,
        lines,
        site=wanted.site,
        gateway=worker,
        kind="pick",
        wave=wave,
        expires_at=ends,
        by=actor.id,
    )
    if tasks:
        send_tasks(conn, site=wanted.site, gateway=worker, sent_by=actor.id, now=now)
    detail = {"tasks": len(tasks), "lines": len(lines), "to": to_location, "gateway": worker}
    audit(conn, actor.id, "picks_released", f"wave:{wave}", site=wanted.site, detail=detail)
    return Released(int(wave), worker, tuple(tasks), there, done)


def chosen_gateway(conn: Connection, site: str, gateway: str | None) -> str:
    """Choose whose handhelds do something.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        gateway: As it was named; None: the only one.

    Returns:
        An active gateway of the site.

    Raises:
        UnknownClaimError: If it is none.
        AllocationError: If none was named and there are several.
    """
    known = [row[0] for row in store.tuples(conn, "gateways_of_site", site=site)]
    if gateway is None and len(known) == 1:
        return str(known[0])
    if gateway is None and known:
        raise AllocationError(f"site {site!r} has several gateways: expected one of {', '.join(known)}")
    if gateway is None or gateway not in known:
        raise UnknownClaimError(f"there is no active gateway {gateway!r} at site {site!r}")
    return gateway
