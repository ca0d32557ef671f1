"""Questions about one serial or one unit, as of both clocks.

Every function checks its actor and shows the actor's sites only, on a connection inside a transaction.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.units import store
from cloud.units.domain import LATEST, Around, Content, Fact, Instance, Place, Standing
from cloud.units.names import Serial, Tag, Unit

READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
)
"""Who may see serials and units: whoever may see stock."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """What had occurred by an instant, as the ledger knew it at a position."""

    at: datetime = LATEST.occurred_at
    position: int = 2**62


NOW: Final = AsOf()
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SerialNow:
    """Where a serial is; `around` if it stands in a unit."""

    standing: Standing | None
    around: list[Around]


@dataclass(frozen=True, slots=True)
class UnitNow:
    """Where a unit stands, what is in it, and which instance of its SSCC it is."""

    around: list[Around]
    content: list[Content]
    instances: list[Instance]
    left_over: list[Content]
    """What the earlier one still held when the last instance began; told among the content too."""


def serial_story(
    conn: Connection,
    actor: Actor,
    thing: Serial | Tag,
    *,
    moment: AsOf = NOW,
    before: Place = LATEST,
    limit: int,
) -> list[Fact]:
    """List what is known of a serial, or of a tag that names nothing, the latest occurrence first.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor)
    names = thing.names if isinstance(thing, Serial) else ()
    return _story(
        conn,
        "serial_story",
        moment,
        before,
        limit=limit,
        names=list(names),
        tags=[*names, *thing.tags],
    )


def serial_now(conn: Connection, actor: Actor, thing: Serial, *, moment: AsOf = NOW) -> SerialNow:
    """Tell where a serial is.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor)
    asked = {"until_at": moment.at, "until_position": moment.position}
    standing = store.row(conn, Standing, "serial_standing", names=list(thing.names), **asked)
    is_in_unit = standing is not None and standing.place_kind == "unit"
    around = (
        store.rows(conn, Around, "whereabouts", unit=standing.place, **asked)
        if standing and is_in_unit
        else []
    )
    return SerialNow(standing, around)


def unit_story(
    conn: Connection, actor: Actor, thing: Unit, *, moment: AsOf = NOW, before: Place = LATEST, limit: int
) -> list[Fact]:
    """List what is known of a unit, the latest occurrence first.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor)
    tags = [thing.code, *thing.tags]
    return _story(conn, "unit_story", moment, before, limit=limit, unit=thing.code, tags=tags)


def unit_now(conn: Connection, actor: Actor, thing: Unit, *, moment: AsOf = NOW) -> UnitNow:
    """Tell where a unit stands and what is in it.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor)
    asked = {"unit": thing.code, "until_at": moment.at, "until_position": moment.position}
    instances = store.rows(conn, Instance, "unit_instances", **asked)
    before = asked | {"until_at": instances[-1].from_at - _INSTANT} if len(instances) > 1 else None
    return UnitNow(
        store.rows(conn, Around, "whereabouts", **asked),
        store.rows(conn, Content, "unit_content", **asked),
        instances,
        [row for row in store.rows(conn, Content, "unit_content", **before) if row.item] if before else [],
    )


def _story(conn: Connection, statement: str, moment: AsOf, before: Place, **asked: object) -> list[Fact]:
    return store.rows(
        conn,
        Fact,
        statement,
        until_at=moment.at,
        until_position=moment.position,
        below_at=before.occurred_at,
        below_gateway=before.gateway_key,
        below_epoch=before.epoch,
        below_seq=before.seq,
        below_line=before.line,
        **asked,
    )


def see(conn: Connection, actor: Actor, *, site: str | None = None) -> None:
    """Check that an actor may ask, and show the sites at which it may.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: The site asked for, if one.

    Raises:
        NotAllowedError: If the actor may not see stock, or not at the site.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
