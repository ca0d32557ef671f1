"""An item's packaging levels: each, inner, case, pallet, in exact ratios from an instant on (DOMAIN D8)."""

from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, Final, NamedTuple, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from cloud.db import Connection, NamedStatements
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.master.levels import Level, PackagingError, changes, over_time
from cloud.master.store import add_identifier
from contracts.base import Code, UtcDatetime

_SQL: Final = NamedStatements("cloud.master", "packaging.sql")
KEEPERS: Final = (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER)
READERS: Final = (*KEEPERS, Role.OPERATOR, Role.PLANNER, Role.BUYER, Role.APPROVER, Role.AUDITOR)

Gtin = Annotated[str, Field(pattern=r"^[0-9]{14}$")]
Part = Annotated[int, Field(strict=True, ge=1, le=10**9)]


class LevelPaper(BaseModel):
    """One of `gtin` holds `holds / holds_denominator` of `of`, from `valid_from` on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gtin: Gtin
    holds: Part
    holds_denominator: Part = 1
    of: Gtin | None = Field(None, description="Another level of the item; null: base units")
    valid_from: UtcDatetime | None = Field(None, description="null: since ever")

    @model_validator(mode="after")
    def _of_another(self) -> Self:
        if self.of == self.gtin:
            raise ValueError(f"GTIN {self.gtin} holds itself: expected another level, or null for base units")
        return self


class PackagingPaper(BaseModel):
    """What an item is measured in, and its levels; what is null stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: Code
    base_unit: Annotated[str, Field(pattern=r"^[A-Za-z0-9_/-]{1,32}$")] | None = None
    is_integer_only: StrictBool | None = None
    levels: Annotated[tuple[LevelPaper, ...], Field(max_length=100)] = ()


class UnknownItemError(Exception):
    """No item has this code."""


class KnownLevel(NamedTuple):
    """Base units in one of a GTIN from an instant on, and how that was stated, if it was as a level."""

    gtin: str
    valid_from: datetime | None
    base_units: Fraction
    holds: Fraction | None
    of: str | None


class Packaging(NamedTuple):
    """What an item is measured in, and its levels over time."""

    item: str
    base_unit: str
    is_integer_only: bool
    levels: list[KnownLevel]

    def valid_at(self, now: datetime) -> list[KnownLevel]:
        """Give the levels that hold at an instant, the smallest first."""
        found = {  # they come by instant
            level.gtin: level for level in self.levels if level.valid_from is None or level.valid_from <= now
        }
        return sorted(found.values(), key=lambda level: (level.base_units, level.gtin))


def packaging(conn: Connection, actor: Actor, *, item: str) -> Packaging:
    """Tell an item's packaging levels.

    Args:
        conn: In a transaction.
        actor: Anybody who may see stock.
        item: Its code.

    Returns:
        Its measure and levels, by GTIN and instant.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownItemError: If there is no such item.
    """
    actor.require(*READERS)
    rows = _SQL.tuples(conn, "packaging_told", item=item)
    if not rows:
        raise UnknownItemError(f"there is no item {item!r:.80}")
    levels = [
        KnownLevel(
            gtin, at, Fraction(upper, lower), None if holds is None else Fraction(holds, holds_lower), of
        )
        for _, _, gtin, at, upper, lower, holds, holds_lower, of in rows
        if gtin is not None
    ]
    return Packaging(item, rows[0][0], rows[0][1], levels)


def put_packaging(conn: Connection, actor: Actor, paper: PackagingPaper) -> int:
    """State packaging levels; levels that hold a changed one change with it.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller at all sites: items are the network's.
        paper: The levels.

    Returns:
        How many ratios the ledger learnt.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownItemError: If there is no such item.
        PackagingError: If levels go in a circle, a GTIN names another item, or what moved would change.
    """
    actor.require_everywhere(*KEEPERS)
    act_as(conn, actor)
    found = _SQL.tuples(conn, "item_for_packaging", item=paper.item)
    if not found:
        raise UnknownItemError(f"there is no item {paper.item!r:.80}")
    item_id, base_unit, is_integer_only, _ = found[0]
    is_measured_anew = _measure(conn, paper, item_id, base_unit, is_integer_only=is_integer_only)
    stated = [
        Level(level.gtin, level.valid_from, Fraction(level.holds, level.holds_denominator), level.of)
        for level in paper.levels
    ]
    told = [
        Level(gtin, at, Fraction(upper, lower), of)
        for gtin, at, upper, lower, of in _SQL.tuples(conn, "levels_of_item", item_id=item_id)
    ]
    fresh = [level for level in stated if level not in told]
    if not fresh and not is_measured_anew:
        return 0
    learnt = _learn(conn, paper.item, item_id, told, fresh)
    for level in fresh:
        parts = {"numerator": level.holds.numerator, "denominator": level.holds.denominator}
        where = {"gtin": level.gtin, "valid_from": level.valid_from, "of": level.of, "item_id": item_id}
        _SQL.change(conn, "add_level", **where, **parts, actor=actor.id)
    detail = orjson.dumps(paper.model_dump(mode="json")).decode()
    _SQL.tuples(conn, "audit_packaging", actor=actor.id, target=f"item:{paper.item}", detail=detail)
    return learnt


def _measure(
    conn: Connection, paper: PackagingPaper, item_id: int, base_unit: str, *, is_integer_only: bool
) -> bool:
    """Say anew what the item is measured in; tells whether that is something else."""
    unit = base_unit if paper.base_unit is None else paper.base_unit
    is_whole = is_integer_only if paper.is_integer_only is None else paper.is_integer_only
    if (unit, is_whole) == (base_unit, is_integer_only):
        return False
    if unit != base_unit and _SQL.tuples(conn, "was_ever_used", item_id=item_id)[0][0]:
        raise PackagingError(
            f"item {paper.item!r} is counted in {base_unit} and has moved, got {unit!r}: its stock would be "
            "another amount; set up a new item and merge this one into it with a ratio",
            part="base_unit",
        )
    _SQL.change(conn, "measure_item", item_id=item_id, base_unit=unit, is_integer_only=is_whole)
    return True


def _learn(conn: Connection, item: str, item_id: int, told: list[Level], stated: list[Level]) -> int:
    """Tell the ledger every ratio that follows from the levels and that it does not have."""
    kept: dict[str, dict[datetime | None, Fraction]] = {}
    asked = [level.gtin for level in stated]
    for gtin, at, upper, lower, of_item, code in _SQL.tuples(
        conn, "gtins_named", item_id=item_id, gtins=asked
    ):
        if of_item != item_id:
            raise PackagingError(
                f"item {item!r}: GTIN {gtin} names item {code!r} already: one GTIN, one item", part="gtin"
            )
        kept.setdefault(gtin, {})[at] = Fraction(upper, lower)
    levels = [*told, *stated]
    plain = (  # known before levels were stated: so many base units
        Level(gtin, at, ratio, None)
        for gtin, ratio_at in kept.items()
        for at, ratio in ratio_at.items()
        if not any(
            level.gtin == gtin and (level.valid_from is None or (at is not None and level.valid_from <= at))
            for level in levels
        )
    )
    wanted = over_time([*plain, *levels])
    fresh = changes(wanted, kept)
    for gtin, at, ratio in fresh:
        if gtin in kept:
            _refuse_used(conn, item, item_id, gtin, at)
        exact = ratio.numerator, ratio.denominator
        add_identifier(conn, ("gtin", gtin), item_id, ratio=exact, valid_from=at)
    return len(fresh)


def _refuse_used(conn: Connection, item: str, item_id: int, gtin: str, at: datetime | None) -> None:
    ((used_at,),) = _SQL.tuples(conn, "used_since", item_id=item_id, gtins=[gtin], since_at=at)
    if used_at is not None:
        since: Any = "ever" if at is None else at.isoformat()
        raise PackagingError(
            f"item {item!r}: GTIN {gtin} was moved or counted at {used_at.isoformat()}, after {since}: "
            "what was posted keeps its amount; state the level from a later instant on",
            part="valid_from",
        )
