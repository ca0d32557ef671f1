"""One item takes another's place: its forecast begins with the other's history, once that was approved."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import JsonValue

from cloud.db import Connection, NamedStatements
from cloud.decisions import service as decisions
from cloud.decisions.domain import Decision, Draft
from cloud.demand.domain import READERS, DemandError
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

DECISION_KIND: Final = "supersession"
AUTHORS: Final = (Role.PLANNER, Role.INVENTORY_CONTROLLER)
"""Who may ask for it."""
SHOWN_DAYS: Final = 91
"""Of demand that the approver sees of both."""
LEAST_FACTOR: Final = Decimal("0.000001")
MOST_FACTOR: Final = Decimal(1_000_000)
_SQL: Final = NamedStatements("cloud.demand", "supersession.sql")


class Supersession(NamedTuple):
    """What takes whose place."""

    supersession_id: int
    site: str
    from_item: str
    """Code; what was asked for of it is history of the other."""
    to_item: str
    from_day: date
    factor: Decimal
    """Base units of the new item in place of one of the old."""
    decision_id: int
    applied_at: datetime
    applied_by: str
    ended_at: datetime | None
    ended_by: str | None


class Succession(NamedTuple):
    """The same as forecasts read it."""

    from_id: int
    to_id: int
    to_code: str
    first: int
    """Its first day, counted from a range's first."""
    factor: float


def propose(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    from_item: str,
    to_item: str,
    from_day: date,
    factor: Decimal,
    note: str = "",
    today: date,
) -> Decision:
    """Ask that an item take another's place in forecasts from a day on.

    Args:
        conn: In a transaction that the caller commits.
        actor: A planner or inventory controller of the site.
        site: Site id.
        from_item: Code of the one that goes.
        to_item: Code of the one that comes.
        from_day: First site day on which the new one is asked for instead.
        factor: Base units of the new item in place of one of the old.
        note: For the approver.
        today: At the site, so that the approver sees how both sold before.

    Returns:
        The decision, submitted.

    Raises:
        NotAllowedError: If the actor may not.
        DemandError: If there is no such item, they are one, the factor cannot be, the old one was superseded,
            or the two would succeed each other.
        DecisionError: If another proposal of the same item stands.
    """
    actor.require(*AUTHORS, site=site)
    act_as(conn, actor)
    if not factor.is_finite() or not LEAST_FACTOR <= factor <= MOST_FACTOR:
        raise DemandError(f"factor {factor}: expected {LEAST_FACTOR} to {MOST_FACTOR}")
    check(conn, site=site, from_item=from_item, to_item=to_item)
    told = {"site": site, "from_day": today - timedelta(days=SHOWN_DAYS), "until_day": today}
    sold = dict(_SQL.tuples(conn, "sold", **told, codes=[from_item, to_item]))
    effect: dict[str, JsonValue] = {
        "summary": f"{to_item} takes the place of {from_item} at {site} from {from_day} on",
        "site": site,
        "from_item": from_item,
        "to_item": to_item,
        "from_day": from_day.isoformat(),
        "factor": str(factor),
    }
    paper = Draft(
        kind=DECISION_KIND,
        site=site,
        subject=f"supersession/{site}/{from_item}",
        reason="supersession",
        effect=effect,
        inputs={
            f"{name}_sold_in_{SHOWN_DAYS}_days": str(sold.get(code, 0))
            for name, code in (("old", from_item), ("new", to_item))
        },
        item=to_item,
        note=note,
    )
    drafted = decisions.draft(conn, actor, paper)
    return decisions.submit(conn, actor, drafted.decision_id, note=note)


def check(conn: Connection, *, site: str, from_item: str, to_item: str) -> None:
    """Refuse what would make no line of succession.

    Args:
        conn: In a transaction that shows the site; it waits for others that change the site's successions.
        site: Site id.
        from_item: Code of the one that goes.
        to_item: Code of the one that comes.

    Raises:
        DemandError: If it would not.
    """
    _SQL.tuples(conn, "hold_site", site=site)
    rows = _SQL.rows(conn, Supersession, "in_force", site=site)
    codes = [from_item, to_item, *(code for row in rows for code in (row.from_item, row.to_item))]
    canonical = {code: same for code, _, same in _SQL.tuples(conn, "items", codes=codes)}
    for code in (from_item, to_item):
        if code not in canonical:
            raise DemandError(f"item {code!r:.80}: there is no such item")
    if canonical[from_item] == canonical[to_item]:
        raise DemandError(f"{from_item!r} and {to_item!r} are one item: expected two")
    after = {canonical[row.from_item]: row for row in rows}
    if known := after.get(canonical[from_item]):
        raise DemandError(
            f"{from_item!r} is superseded by {known.to_item!r} at {site!r} since decision "
            f"{known.decision_id}: reverse that first"
        )
    at, seen = canonical[to_item], set[int]()
    while at in after and at not in seen:
        seen.add(at)
        at = canonical[after[at].to_item]
        if at == canonical[from_item]:
            raise DemandError(
                f"{to_item!r} is superseded by {from_item!r} at {site!r}: they cannot both be new"
            )


def apply(conn: Connection, decision: Decision, *, actor: str) -> int:
    """Store what was approved.

    Args:
        conn: In a transaction that shows the site.
        decision: Approved.
        actor: Who approved it.

    Returns:
        The number it is known by.
    """
    effect = decision.effect
    (row,) = _SQL.tuples(
        conn,
        "add",
        site=decision.site,
        from_item=effect["from_item"],
        to_item=effect["to_item"],
        from_day=date.fromisoformat(str(effect["from_day"])),
        factor=Decimal(str(effect["factor"])),
        decision_id=decision.decision_id,
        actor=actor,
    )
    return int(row[0])


def end(conn: Connection, decision: Decision, *, actor: str) -> int | None:
    """Let the two be two again.

    Args:
        conn: In a transaction that shows the site.
        decision: Applied.
        actor: Who reverses it.

    Returns:
        Its number; None if it had ended.
    """
    found = _SQL.tuples(conn, "end", decision_id=decision.decision_id, actor=actor)
    return int(found[0][0]) if found else None


def supersessions(
    conn: Connection, actor: Actor, *, site: str | None = None, after: int = 0, limit: int
) -> list[Supersession]:
    """List what took whose place, ended ones too.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only at this site.
        after: Number of the last one of the page before.
        limit: Most to give.

    Returns:
        By number.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return _SQL.rows(conn, Supersession, "listed", site=site, after=after, limit=limit)


def successions(conn: Connection, site: str, from_day: date, until_day: date) -> list[Succession]:
    """Tell which histories are read as another item's.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        from_day: First site day of a range.
        until_day: Last site day; what begins later is not told.

    Returns:
        In the order they were approved.
    """
    asked = {"site": site, "from_day": from_day, "until_day": until_day}
    return [Succession(*row) for row in _SQL.tuples(conn, "successions", **asked)]
