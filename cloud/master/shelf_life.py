"""For how long goods of an item are good from their production on: days in; lots' dates follow (D8)."""

from collections.abc import Sequence
from typing import Annotated, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field

from cloud.db import Connection, NamedStatements
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.master.life import KEEPERS, MOST_DAYS, stated_days
from contracts.base import Code

_SQL: Final = NamedStatements("cloud.master", "shelf_life.sql")

ShelfDays = Annotated[int, Field(ge=1, le=MOST_DAYS)]


class ShelfLifePaper(BaseModel):
    """Whole days for which an item is good, the day of production being the first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: Code
    days: ShelfDays | None = Field(description="null: not known")


def shelf_life(conn: Connection, item: str) -> int | None:
    """Tell for how long an item is good.

    Args:
        conn: In a transaction.
        item: Its code.

    Returns:
        Whole days from the day of production on; None: not known.
    """
    found = _SQL.tuples(conn, "shelf_life_now", item=item)
    return found[0][0] if found else None


def put_shelf_lives(conn: Connection, actor: Actor, papers: Sequence[ShelfLifePaper]) -> int:
    """Say for how long items are good, all or none; lots of which only the production is known expire by it.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller at all sites: items are the network's.
        papers: The items.

    Returns:
        Of how many that was new.

    Raises:
        NotAllowedError: If the actor may not.
        LifeError: One line per item that there is not, or that stands there twice.
    """
    actor.require_everywhere(*KEEPERS)
    act_as(conn, actor)
    codes = sorted({paper.item for paper in papers})
    known = {
        code: (item_id, days)
        for code, item_id, days in _SQL.tuples(conn, "items_with_shelf_life", codes=codes)
    }
    stated = stated_days(((paper.item, paper.days) for paper in papers), known)
    fresh = {code: days for code, days in stated.items() if known[code][1] != days}
    if fresh:
        items = [known[code][0] for code in fresh]
        _SQL.change(conn, "set_shelf_lives", items=items, days=list(fresh.values()))
        _SQL.change(conn, "infer_expiries", items=items)
        details = [orjson.dumps({"shelf_life_days": days}).decode() for days in fresh.values()]
        targets = [f"item:{code}" for code in fresh]
        _SQL.tuples(conn, "audit_shelf_life", actor=actor.id, targets=targets, details=details)
    return len(fresh)
