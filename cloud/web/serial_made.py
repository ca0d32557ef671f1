"""The part of a serial's page that tells what it was made of, which kits hold it, and where all that is."""

from collections.abc import Sequence
from typing import Any, Final

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.lots.domain import LotError
from cloud.lots.serials import serial_genealogy
from cloud.web.lot_picture import lot_href, lot_picture, serial_href, serial_number
from cloud.web.names import transformation_href

NOTHING: Final[dict[str, Any]] = {"picture": None}


def made_of(conn: Connection, actor: Actor, names: Sequence[str]) -> dict[str, Any]:
    """Gather what a serial's page tells of kits.

    Args:
        conn: In a transaction.
        actor: Who looks.
        names: How its tag may name it.

    Returns:
        What the template needs; nothing if it was made of nothing and nothing was made of it.
    """
    try:
        told = serial_genealogy(conn, actor, names=names)
    except LotError:
        return NOTHING  # nothing that stands names it, or too much does: its story tells that
    if not told.genealogy.links:
        return NOTHING
    return {
        "told": told,
        "picture": lot_picture(told.genealogy),
        "lot_href": lot_href,
        "serial_href": serial_href,
        "serial_number": serial_number,
        "transformation_href": transformation_href,
    }
