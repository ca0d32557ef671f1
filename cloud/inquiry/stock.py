"""Questions about items, places, units, balances and movements.

Every function checks its actor, shows the actor's sites only, runs on a connection from
`Gate.acting`, takes a keyset position where it lists, and gives at most `limit` rows.
"""

from dataclasses import asdict
from datetime import datetime

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry.domain import (
    GREATEST,
    OPERATIONS_READERS,
    STOCK_READERS,
    BalanceFilter,
    BalanceRow,
    BatchOfRow,
    IdentifierRow,
    ItemRow,
    LocationRow,
    MovementFilter,
    MovementRow,
    UnitRow,
    contains,
)
from cloud.inquiry.store import row, rows, see


def items(conn: Connection, actor: Actor, *, text: str | None, after: str = "", limit: int) -> list[ItemRow]:
    """List items by code; `text` finds part of a code or name, or an identifier whole.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor, STOCK_READERS)
    return rows(conn, ItemRow, "items", text=text or None, pattern=contains(text), after=after, limit=limit)


def item(conn: Connection, actor: Actor, *, code: str) -> tuple[ItemRow, list[IdentifierRow]] | None:
    """Find an item with its identifiers.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor, STOCK_READERS)
    found = row(conn, ItemRow, "item", code=code)
    return None if found is None else (found, rows(conn, IdentifierRow, "identifiers", code=code))


def locations(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    kind: str | None = None,
    text: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[LocationRow]:
    """List locations by site and code.

    Raises:
        NotAllowedError: If the actor may not see stock, or not at `site`.
    """
    see(conn, actor, OPERATIONS_READERS, site=site)
    return rows(
        conn,
        LocationRow,
        "locations",
        site=site,
        kind=kind,
        pattern=contains(text),
        after_site=after[0],
        after_code=after[1],
        limit=limit,
    )


def movements(
    conn: Connection,
    actor: Actor,
    wanted: MovementFilter,
    *,
    before: tuple[int, str, int] = (GREATEST, "", 0),
    limit: int,
) -> list[MovementRow]:
    """List movements in the ledger's order, the latest first.

    Raises:
        NotAllowedError: If the actor may not see stock, or not at the site asked for.
    """
    see(conn, actor, STOCK_READERS, site=wanted.site)
    return rows(
        conn,
        MovementRow,
        "movements",
        **asdict(wanted),
        below_position=before[0],
        below_gateway=before[1],
        below_seq=before[2],
        limit=limit,
    )


def last_movements(conn: Connection, actor: Actor, *, limit: int) -> list[MovementRow]:
    """List the movements that the ledger took last; none for an actor who may not see stock."""
    if actor.roles_anywhere.isdisjoint(STOCK_READERS):
        return []
    return movements(conn, actor, MovementFilter(), limit=limit)


def movement(
    conn: Connection, actor: Actor, *, gateway: str, epoch: int, seq: int
) -> tuple[MovementRow, BatchOfRow | None] | None:
    """Find a movement by its identity, with the gateway batch it came in.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor, STOCK_READERS)
    found = movements(conn, actor, MovementFilter(gateway=gateway, epoch=epoch, seq=seq), limit=1)
    if not found:
        return None
    return found[0], row(conn, BatchOfRow, "batch_of_row", gateway=gateway, epoch=epoch, seq=seq)


def balances(
    conn: Connection,
    actor: Actor,
    wanted: BalanceFilter,
    *,
    after: tuple[str, str, int] = ("", "", 0),
    limit: int,
) -> list[BalanceRow]:
    """List balances by site, item and cell, of now or as of an instant and a position.

    Raises:
        NotAllowedError: If the actor may not see stock, or not at the site asked for.
    """
    see(conn, actor, STOCK_READERS, site=wanted.site)
    return rows(
        conn,
        BalanceRow,
        "balances",
        **asdict(wanted),
        after_site=after[0],
        after_item=after[1],
        after_cell=after[2],
        limit=limit,
    )


def balance(
    conn: Connection,
    actor: Actor,
    *,
    cell_id: int,
    until_at: datetime | None = None,
    until_position: int | None = None,
) -> BalanceRow | None:
    """Give one cell's balance, zero included; None if there is no such cell within the actor's sites.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor, STOCK_READERS)
    asked = {"cell_id": cell_id, "until_at": until_at, "until_position": until_position}
    return row(conn, BalanceRow, "balance", **asked)


def cell_history(
    conn: Connection,
    actor: Actor,
    *,
    cell_id: int,
    until_at: datetime,
    until_position: int,
    before: tuple[datetime, int, int, int] | None = None,
    limit: int,
) -> list[MovementRow]:
    """List what entered and left a cell up to an instant and a position, the latest occurrence first.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor, STOCK_READERS)
    below = before or (until_at, 2**31 - 1, 2**63 - 1, 2**63 - 1)
    return rows(
        conn,
        MovementRow,
        "cell_history",
        cell_id=cell_id,
        until_at=until_at,
        until_position=until_position,
        below_at=below[0],
        below_gateway=below[1],
        below_epoch=below[2],
        below_seq=below[3],
        limit=limit,
    )


def units(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    unit: str | None = None,
    after: str = "",
    limit: int,
) -> list[UnitRow]:
    """List logistic units with where each stands now, by code.

    Raises:
        NotAllowedError: If the actor may not see stock, or not at `site`.
    """
    see(conn, actor, STOCK_READERS, site=site)
    return rows(conn, UnitRow, "units", site=site, unit=unit, after=after, limit=limit)
