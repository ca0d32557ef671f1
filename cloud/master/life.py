"""How long goods of an item must keep when they are received: days in, kept with who said so (DOMAIN D8)."""

from collections.abc import Container, Iterable, Sequence
from typing import Annotated, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field

from cloud.db import Connection, NamedStatements
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from contracts.base import Code

_SQL: Final = NamedStatements("cloud.master", "life.sql")
KEEPERS: Final = (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER)
MOST_DAYS: Final = 36_500

Days = Annotated[int, Field(ge=0, le=MOST_DAYS)]


class LifePaper(BaseModel):
    """Whole days for which an item must be good after the day of receipt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: Code
    days: Days | None = Field(description="0: it must not have expired; null: whatever comes is taken in")


class LifeError(ValueError):
    """Days that cannot be kept; the message holds one line per fault."""


def minimum_life(conn: Connection, item: str) -> int | None:
    """Tell how long an item must keep when it is received.

    Args:
        conn: In a transaction.
        item: Its code.

    Returns:
        Whole days after the day of receipt; None: whatever comes is taken in.
    """
    found = _SQL.tuples(conn, "life_now", item=item)
    return found[0][0] if found else None


def stated_days(said: Iterable[tuple[str, int | None]], known: Container[str]) -> dict[str, int | None]:
    """Take days that were said of items, all or none.

    Args:
        said: Item and days.
        known: Codes that there are.

    Returns:
        Days by item.

    Raises:
        LifeError: One line per item that there is not, or of which two different days are said.
    """
    papers = list(said)
    stated = dict(papers)
    faults = [f"there is no item {code!r:.140}" for code in sorted(stated) if code not in known]
    faults += [
        f"item {code!r:.140}: {days} days and {stated[code]}: expected one of them"
        for code, days in papers
        if days != stated[code]
    ]
    if faults:
        raise LifeError("\n".join(faults))
    return stated


def put_lives(conn: Connection, actor: Actor, papers: Sequence[LifePaper]) -> int:
    """Say how long items must keep when they are received, all or none; it holds from now on.

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
    items = dict(_SQL.tuples(conn, "items_for_life", codes=codes))
    stated = stated_days(((paper.item, paper.days) for paper in papers), items)
    known = dict(_SQL.tuples(conn, "lives_now", items=sorted(items.values())))
    fresh = {code: days for code, days in stated.items() if known.get(items[code]) != days}
    if fresh:
        said = {"items": [items[code] for code in fresh], "days": list(fresh.values())}
        _SQL.change(conn, "add_lives", **said, actor=actor.id)
        details = [orjson.dumps({"minimum_life_days": days}).decode() for days in fresh.values()]
        targets = [f"item:{code}" for code in fresh]
        _SQL.tuples(conn, "audit_life", actor=actor.id, targets=targets, details=details)
    return len(fresh)
