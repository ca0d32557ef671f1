"""Tasks in the database: lines of a walk in, numbered tasks out, their claims put on them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from cloud.allocation import store
from cloud.allocation.domain import ClaimKind, LineName
from cloud.allocation.store import NewClaim
from cloud.allocation.waves import PickLine, tasks_of
from cloud.db import Connection


def lines_to_walk(
    conn: Connection, site: str, names: Iterable[LineName], to_location: str, by: str
) -> tuple[list[PickLine], int]:
    """Sort hard claims that are on no task: what must be walked for, and what stands there already.

    Args:
        conn: In a transaction that holds the items' lock.
        site: Site id.
        names: Whose claims.
        to_location: Where goods are brought; claims of what stands there count as picked from now on.
        by: Who asks.

    Returns:
        What must be walked for, and how many claims stand there.
    """
    wanted = list(names)
    columns = {
        "types": [name.type for name in wanted],
        "ids": [name.id for name in wanted],
        "lines": [name.line for name in wanted],
    }
    walked, there, standing = [], [], []
    for claim_id, kind, name, line, item_id, cell_id, quantity, needed_on, place, why in store.tuples(
        conn, "claims_without_task", site=site, **columns
    ):
        of = LineName(kind, name, line)
        if place == to_location:
            there.append(claim_id)
            standing.append(
                NewClaim(
                    of, item_id, ClaimKind.PICKED, cell_id, quantity, needed_on, why, comes_from=claim_id
                )
            )
        else:
            walked.append(PickLine(of, item_id, cell_id, quantity, place, to_location, claim_id))
    store.end_claims(conn, there, by, "there_already")
    store.add_claims(conn, site, standing, by)
    return walked, len(there)


def make_tasks(
    conn: Connection,
    lines: Iterable[PickLine],
    *,
    site: str,
    gateway: str,
    kind: Literal["pick", "move"],
    wave: int | None,
    expires_at: datetime,
    by: str,
) -> list[str]:
    """Make tasks of what is to be picked.

    Args:
        conn: In a transaction that holds the items' lock; `send_tasks` tells the gateway.
        lines: What is to be picked; claims named are put on the tasks.
        site: Site id.
        gateway: Whose handhelds do it.
        kind: ``pick``, or ``move`` to fill up a pick face.
        wave: What they were released with.
        expires_at: When they end undone.
        by: Who asks for them.

    Returns:
        Their names.
    """
    walks = tasks_of(lines)
    if not walks:
        return []
    names = [row[0] for row in store.tuples(conn, "number_tasks", count=len(walks))]
    store.change(
        conn,
        "add_tasks",
        tasks=names,
        site=site,
        gateway=gateway,
        wave=wave,
        kind=kind,
        expires_at=expires_at,
        actor=by,
    )
    _add_lines(conn, site, list(zip(names, walks, strict=True)))
    return names


def _add_lines(conn: Connection, site: str, walks: Sequence[tuple[str, Sequence[PickLine]]]) -> None:
    flat = [(task, number, line) for task, walk in walks for number, line in enumerate(walk, start=1)]
    columns: dict[str, list[Any]] = {
        "tasks": [task for task, _, _ in flat],
        "numbers": [number for _, number, _ in flat],
        "types": [line.name and line.name.type for _, _, line in flat],
        "ids": [line.name and line.name.id for _, _, line in flat],
        "lines": [line.name and line.name.line for _, _, line in flat],
        "items": [line.item_id for _, _, line in flat],
        "cells": [line.cell_id for _, _, line in flat],
        "from_locations": [line.from_location for _, _, line in flat],
        "to_locations": [line.to_location for _, _, line in flat],
        "quantities": [line.quantity for _, _, line in flat],
    }
    store.change(conn, "add_lines", site=site, **columns)
    claimed = [(line.claim, task, number) for task, number, line in flat if line.claim is not None]
    if claimed:
        claims, tasks, numbers = (list(column) for column in zip(*claimed, strict=True))
        store.change(conn, "put_on_tasks", claims=claims, tasks=tasks, numbers=numbers)
