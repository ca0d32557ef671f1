"""Appointments of visits: a door and a window; who shares them is shown, not forbidden (DOMAIN D2, D4)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, NamedTuple, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.assignments import send_assignment
from cloud.documents.domain import (
    KEEPERS,
    READERS,
    ConflictingDocumentError,
    DocumentError,
    UnknownDocumentError,
)
from cloud.documents.papers import Door, VisitName, WindowTime
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from contracts.base import Code, Site

GREETERS: Final = (*KEEPERS, Role.OPERATOR)
"""Who may say that a vehicle came."""
_SHOWN_AHEAD: Final = timedelta(hours=36)
_MOST: Final = 200


class AppointmentPaper(BaseModel):
    """A visit's door and beginning from now on; of its end and carrier what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    door: Door
    from_at: WindowTime
    to_at: Annotated[
        WindowTime | None, Field(description="Left out: as it is, if after `from_at`; null: no end")
    ] = None
    carrier: Annotated[Code | None, Field(description="Left out: as it is; null: none")] = None

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.to_at is not None and self.to_at <= self.from_at:
            raise ValueError(
                f"to_at {self.to_at.isoformat()}: expected after from_at {self.from_at.isoformat()}"
            )
        return self

    @model_serializer(mode="wrap")
    def _as_stated(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Leave out what is left out: with null it is another request."""
        return {name: value for name, value in write(self).items() if name in self.model_fields_set}

    def beside(self, before: "AtDoor") -> dict[str, object]:
        """Give the appointment that it makes.

        Args:
            before: As the visit stands, of which it keeps the end and carrier that nobody states.

        Returns:
            Door, beginning, end and carrier.

        Raises:
            DocumentError: If the end that it keeps is not after the beginning.
        """
        stays = {"to_at": before.to_at, "carrier": before.carrier}
        if "to_at" not in self.model_fields_set and before.to_at and before.to_at <= self.from_at:
            raise DocumentError(
                f"visit {before.visit!r}: to_at {before.to_at.isoformat()}, which stays: expected after "
                f"from_at {self.from_at.isoformat()}; state to_at too"
            )
        stated = {"door": self.door, "from_at": self.from_at, "to_at": self.to_at, "carrier": self.carrier}
        return stated | {name: value for name, value in stays.items() if name not in self.model_fields_set}


class MovedVisit(AppointmentPaper):
    """Which visit is given another door and window, as a row of a file says it."""

    site: Site
    visit: VisitName
    place: str = ""
    """Where that stands, for the errors."""


class AtDoor(NamedTuple):
    """An open visit with its appointment."""

    site: str
    visit: str
    door: str
    direction: str
    from_at: datetime
    to_at: datetime | None
    arrived_at: datetime | None
    carrier: str | None
    time_zone: str
    documents: list[str]
    """``type/id`` of each."""
    overlaps: list[str]
    """Other open visits whose windows at this door overlap."""

    def is_late(self, now: datetime) -> bool:
        """Tell whether its window is over and nobody said that it came.

        Args:
            now: The present.

        Returns:
            True if so.
        """
        return self.arrived_at is None and self.to_at is not None and self.to_at < now


def at_doors(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    direction: str | None = None,
    now: datetime,
) -> list[AtDoor]:
    """List open visits that have begun or begin soon, by their windows.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only of this site.
        direction: Only ``inbound`` or ``outbound``.
        now: The present.

    Returns:
        The visits, at most two hundred.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return _listed(conn, site=site, direction=direction, until_at=now + _SHOWN_AHEAD, limit=_MOST)


def appoint(
    conn: Connection, actor: Actor, paper: AppointmentPaper, *, site: str, visit: str, now: datetime
) -> AtDoor:
    """Give a visit another door or window; the gateways concerned learn of it.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        paper: The appointment.
        site: Site id.
        visit: The visit.
        now: The present.

    Returns:
        The visit, with whom it overlaps.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such visit or door.
        ConflictingDocumentError: If it has ended.
        DocumentError: If its end, which stays, is not after its beginning.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    for gateway in sorted(_moved(conn, actor, paper, site, visit)):
        send_assignment(conn, site=site, gateway=gateway, sent_by=actor.id, now=now)
    return _open_visit(conn, site, visit)


def appoint_all(
    conn: Connection, actor: Actor, papers: Sequence[MovedVisit], *, now: datetime
) -> list[AtDoor]:
    """Give visits other doors or windows, all of them or none; each gateway concerned learns of it once.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of every site named.
        papers: The visits with their appointments.
        now: The present.

    Returns:
        The visits in that order, with whom they overlap.

    Raises:
        NotAllowedError: If the actor may not.
        DocumentError: Naming every visit that there is not, has ended or is named twice, and every door that
            there is not.
    """
    actor.require(*KEEPERS)
    for named_site in sorted({paper.site for paper in papers}):
        actor.require(*KEEPERS, site=named_site)
    act_as(conn, actor)
    for key in sorted({(paper.site, paper.visit) for paper in papers}):
        store.tuples(conn, "lock_visit", site=key[0], visit=key[1])  # in one order, whatever that of the file
    faults: list[str] = []
    told: set[tuple[str, str]] = set()
    named: set[tuple[str, str]] = set()
    for paper in papers:
        if (paper.site, paper.visit) in named:
            faults.append(f"{paper.place}visit {paper.visit!r} stands there twice")
        named.add((paper.site, paper.visit))
        try:
            gateways = _moved(conn, actor, paper, paper.site, paper.visit)
            told |= {(paper.site, gateway) for gateway in gateways}
        except DocumentError as error:
            faults += [f"{paper.place}{fault}" for fault in f"{error}".splitlines()]
    if faults:
        raise DocumentError("\n".join(faults))
    for site, gateway in sorted(told):
        send_assignment(conn, site=site, gateway=gateway, sent_by=actor.id, now=now)
    return [_open_visit(conn, paper.site, paper.visit) for paper in papers]


def appointment(conn: Connection, actor: Actor, *, site: str, visit: str) -> AtDoor:
    """Give an open visit with its appointment, however far ahead it lies.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        visit: The visit.

    Returns:
        The visit, with whom it overlaps.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is none.
        ConflictingDocumentError: If it has ended.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    found = _listed(conn, site=site, visit=visit, until_at=None, limit=1)
    if found:
        return found[0]
    ended = store.visits(conn, site=site, visit=visit, limit=1)
    if not ended:
        raise UnknownDocumentError(f"there is no visit {visit!r} at site {site!r}")
    raise ConflictingDocumentError(f"visit {visit!r} is {ended[0].state}: expected one that is open")


def arrive(conn: Connection, actor: Actor, *, site: str, visit: str, now: datetime) -> AtDoor:
    """Say that a vehicle came.

    Args:
        conn: In a transaction that the caller commits.
        actor: An operator, supervisor or inventory controller of the site.
        site: Site id.
        visit: The visit.
        now: When.

    Returns:
        The visit.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is none.
        ConflictingDocumentError: If it has ended, or somebody said so before.
    """
    actor.require(*GREETERS, site=site)
    act_as(conn, actor)
    before = _open_visit(conn, site, visit)
    if not store.change(conn, "arrive", site=site, visit=visit, at=now):
        raise ConflictingDocumentError(f"visit {visit!r} came at {before.arrived_at} already")
    audit(conn, actor.id, "visit_arrived", f"visit:{visit}", site=site, detail={})
    return _open_visit(conn, site, visit)


def _moved(conn: Connection, actor: Actor, paper: AppointmentPaper, site: str, visit: str) -> set[str]:
    """Move a visit; gives the gateways that must learn of it."""
    doors = store.portals(conn, site=site, portal=paper.door, limit=1)
    nowhere = "" if doors else f"visit {visit!r}: there is no door {paper.door!r} at site {site!r}"
    try:
        before = _open_visit(conn, site, visit)
    except DocumentError as error:
        raise type(error)("\n".join(filter(None, (f"{error}", nowhere)))) from error
    if nowhere:
        raise UnknownDocumentError(nowhere)
    store.change(conn, "move_window", site=site, visit=visit, **paper.beside(before))
    detail = {"door": paper.door, "from_at": paper.from_at.isoformat(), "was": before.from_at.isoformat()}
    audit(conn, actor.id, "visit_appointed", f"visit:{visit}", site=site, detail=detail)
    old = store.portals(conn, site=site, portal=before.door, limit=1)
    return {door.gateway for door in (*doors, *old)}


def _open_visit(conn: Connection, site: str, visit: str) -> AtDoor:
    locked = store.tuples(conn, "lock_visit", site=site, visit=visit)
    if not locked:
        raise UnknownDocumentError(f"there is no visit {visit!r} at site {site!r}")
    if locked[0][0] != "open":
        raise ConflictingDocumentError(f"visit {visit!r} is {locked[0][0]}: expected one that is open")
    (found,) = _listed(conn, site=site, visit=visit, until_at=None, limit=1)
    return found


def _listed(
    conn: Connection,
    *,
    site: str | None,
    visit: str | None = None,
    direction: str | None = None,
    until_at: datetime | None,
    limit: int,
) -> list[AtDoor]:
    asked = {"site": site, "visit": visit, "direction": direction, "until_at": until_at, "limit": limit}
    return store.rows(conn, AtDoor, "at_doors", **asked)
