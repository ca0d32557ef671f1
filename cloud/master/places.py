"""Setting up places; one that a scan named before is confirmed, not made twice."""

from typing import Final

from cloud.db import Connection, statements
from cloud.identity.actor import Actor, Role

_SQL: Final = statements("cloud.master", "places.sql")


class PlaceError(Exception):
    """A place cannot be set up as asked; the message says what is in the way."""


def add_location(
    conn: Connection, actor: Actor, *, site: str, code: str, kind: str, parent: str | None
) -> None:
    """Set up a zone or bin.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        site: Site id.
        code: Unique within the site; not beginning with ``@``.
        kind: ``zone`` or ``bin``.
        parent: Code of the place it is part of, at the same site, or None.

    Raises:
        NotAllowedError: If the actor may not.
        PlaceError: If the place is set up already, or site or parent are unknown.
    """
    actor.require(Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, site=site)
    if conn.execute(_SQL["site_exists"], {"site": site}).fetchone() is None:
        raise PlaceError(f"there is no site {site!r}")
    parent_id = None
    if parent is not None:
        found = conn.execute(_SQL["location_id"], {"site": site, "code": parent}).fetchone()
        if found is None:
            raise PlaceError(f"there is no location {parent!r} at site {site!r} to be the parent of {code!r}")
        parent_id = found[0]
    place = {"site": site, "code": code, "kind": kind, "parent_id": parent_id}
    if conn.execute(_SQL["confirm_location"], place).rowcount == 0 and (
        conn.execute(_SQL["insert_location"], place).rowcount == 0
    ):
        raise PlaceError(f"location {code!r} is set up already at site {site!r}")
