"""Pick faces: their limits kept, and tasks to fill them from reserve."""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from cloud.allocation import store
from cloud.allocation.domain import KEEPERS, READERS, AllocationError, LineName, UnknownClaimError, Want
from cloud.allocation.fefo import allocate
from cloud.allocation.serving import TASKS_LAST
from cloud.allocation.tasking import make_tasks
from cloud.allocation.waves import PickLine
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit

_ALL: int = 100_000


class FaceRow(NamedTuple):
    """A bin that an item is picked from, in base units."""

    location: str
    item: str
    item_id: int
    location_id: int
    minimum: Decimal
    maximum: Decimal
    held: Decimal
    """That may leave and has not expired."""
    claimed: Decimal
    coming: Decimal
    """On tasks that fill it up."""

    @property
    def missing(self) -> Decimal:
        """What is to be brought; 0 while the minimum is there or coming."""
        there = self.held - self.claimed + self.coming
        return self.maximum - there if there < self.minimum else Decimal(0)


def put_face(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    location: str,
    item: str,
    minimum: Decimal | None,
    maximum: Decimal | None,
) -> bool:
    """State between which quantities a bin is kept as the pick face of an item, or that it is none.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        site: Site id.
        location: The bin.
        item: The item's code.
        minimum: Below which it is filled, in base units; None with ``maximum``: it is no pick face any more.
        maximum: Up to which it is filled.

    Returns:
        Whether that was new.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownClaimError: If there is no such bin or item.
        AllocationError: If the limits are not 0 <= minimum <= maximum, maximum > 0.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    place = store.tuples(conn, "place", site=site, code=location)
    found = store.tuples(conn, "item_by_code", item=item)
    if not place or not found:
        raise UnknownClaimError(f"there is no place {location!r} at site {site!r}, or no item {item!r}")
    names = {"location_id": place[0][0], "item_id": found[0][0]}
    if minimum is None and maximum is None:
        is_new = bool(store.change(conn, "drop_face", **names))
    elif minimum is None or maximum is None or not 0 <= minimum <= maximum or maximum == 0:
        raise AllocationError(
            f"limits {minimum} and {maximum}: expected 0 <= minimum <= maximum, maximum > 0"
        )
    else:
        limits = {"minimum": minimum, "maximum": maximum}
        is_new = bool(store.change(conn, "put_face", site=site, **names, **limits, actor=actor.id))
    if is_new:
        detail = {"item": item, "minimum": minimum, "maximum": maximum}
        audit(conn, actor.id, "pick_face_set", f"location:{location}", site=site, detail=detail)
    return is_new


def faces(
    conn: Connection, actor: Actor, *, site: str, after: tuple[str, str] = ("", ""), limit: int
) -> list[FaceRow]:
    """List pick faces by bin and item.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        The faces.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return _faces(conn, site, after, limit)


def fill_faces(conn: Connection, *, site: str, by: str, now: datetime) -> list[str]:
    """Make tasks for pick faces that are below their minimum, from where goods lie in reserve.

    The handhelds of the last wave's gateway do it, or those of the site's only one.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        by: Who asks.
        now: The present.

    Returns:
        Names of the tasks.
    """
    short = [face for face in _faces(conn, site, ("", ""), _ALL, now) if face.missing > 0]
    gateway = _gateway(conn, site)
    if not short or gateway is None:
        return []
    items = sorted({face.item_id for face in short})
    store.lock_items(conn, site, items)
    short = [face for face in _faces(conn, site, ("", ""), _ALL, now) if face.missing > 0]
    ((today, _),) = store.tuples(conn, "site_day", site=site, now=now)
    wants = {_name(face): _want(face, today) for face in short}
    places = {_name(face): face.location for face in short}
    cells = [cell for cell in store.cells(conn, site, items) if not cell.is_pick_face]
    lines = [
        PickLine(
            None,
            claim.item_id,
            claim.cell.cell_id,
            claim.quantity,
            claim.cell.location,
            places[claim.name],
        )
        for claim in allocate(wants.values(), cells).claims
    ]
    ends = now + TASKS_LAST
    return make_tasks(conn, lines, site=site, gateway=gateway, kind="move", wave=None, expires_at=ends, by=by)


def _faces(
    conn: Connection, site: str, after: tuple[str, str], limit: int, now: datetime | None = None
) -> list[FaceRow]:
    start = {"after_location": after[0], "after_item": after[1]}
    asked = {"site": site, "shippable": store.SHIPPABLE_WORDS, "limit": limit, "now": now}
    return store.rows(conn, FaceRow, "faces", **asked, **start)


def _gateway(conn: Connection, site: str) -> str | None:
    known = [row[0] for row in store.tuples(conn, "gateways_of_site", site=site)]
    last = [row[0] for row in store.tuples(conn, "last_wave", site=site) if row[0] in known]
    return last[0] if last else known[0] if len(known) == 1 else None


def _name(face: FaceRow) -> LineName:
    return LineName("pick_face", face.location, face.item)


def _want(face: FaceRow, today: date) -> Want:
    return Want(_name(face), face.item_id, face.missing, today)
