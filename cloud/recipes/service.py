"""Recipes as master data: a version from an instant on, never rewritten."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from cloud.recipes import store
from cloud.recipes.domain import (
    KEEPERS,
    READERS,
    Ingredient,
    Recipe,
    RecipeConflictError,
    RecipeError,
    RecipeKind,
    UnknownRecipeError,
)
from cloud.recipes.papers import OutputPaper, RecipePaper


class _Head(NamedTuple):
    code: str
    version: int
    kind: str
    valid_from: datetime
    valid_until: datetime | None
    stated_at: datetime
    stated_by: str


def put_recipes(
    conn: Connection, actor: Actor, papers: Sequence[RecipePaper], *, now: datetime
) -> list[Recipe]:
    """State recipes, all or none; what holds already is not stated again.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller at all sites: recipes are the network's.
        papers: The recipes.
        now: The present.

    Returns:
        Each as its version.

    Raises:
        NotAllowedError: If the actor may not.
        RecipeError: One line per fault: an unknown item.
        RecipeConflictError: If one would begin before the version that is there.
    """
    actor.require_everywhere(*KEEPERS)
    act_as(conn, actor)
    codes = {line.item for paper in papers for line in (*paper.inputs, *paper.outputs)}
    items = dict(store.tuples(conn, "items_of_codes", codes=sorted(codes)))
    faults = [
        f"recipe {paper.code!r}: item {line.item!r}: there is no such item"
        for paper in papers
        for line in (*paper.inputs, *paper.outputs)
        if line.item not in items
    ]
    if faults:
        raise RecipeError("\n".join(faults))
    return [_put(conn, actor, paper, items, now) for paper in sorted(papers, key=lambda each: each.code)]


def recipes(
    conn: Connection,
    actor: Actor,
    *,
    code: str | None = None,
    item: str | None = None,
    after: tuple[str, int] = ("", 0),
    limit: int,
) -> list[Recipe]:
    """List recipes by code and version.

    Args:
        conn: In a transaction.
        actor: Who asks.
        code: Only of this one.
        item: Only those that use or make it.
        after: Code and version of the last one of the page before.
        limit: Most to give.

    Returns:
        The versions.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS)
    asked = {"code": code, "version": None, "item": item, "after_code": after[0], "after_version": after[1]}
    return _with_lines(conn, store.rows(conn, _Head, "recipes", **asked, limit=limit))


def recipe(conn: Connection, actor: Actor, *, code: str, version: int) -> Recipe:
    """Give one version of a recipe.

    Args:
        conn: In a transaction.
        actor: Who asks.
        code: The recipe.
        version: Which of it.

    Returns:
        The version.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownRecipeError: If there is none.
    """
    actor.require(*READERS)
    asked = {"code": code, "version": version, "item": None, "after_code": "", "after_version": 0}
    found = _with_lines(conn, store.rows(conn, _Head, "recipes", **asked, limit=1))
    if not found:
        raise UnknownRecipeError(f"there is no version {version} of recipe {code!r:.80}")
    return found[0]


def recipe_at(
    conn: Connection, actor: Actor, *, code: str, at: datetime, version: int | None = None
) -> Recipe:
    """Give the version of a recipe that holds at an instant, or the one that is asked for.

    Args:
        conn: In a transaction.
        actor: Who asks.
        code: The recipe.
        at: The instant.
        version: Which of it; None: the one that holds.

    Returns:
        The version.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownRecipeError: If there is none.
    """
    actor.require(*READERS)
    if version is None:
        holding = store.tuples(conn, "version_at", code=code, at=at)
        if not holding:
            raise UnknownRecipeError(f"no version of recipe {code!r:.80} holds at {at.isoformat()}")
        version = int(holding[0][0])
    return recipe(conn, actor, code=code, version=version)


def _put(conn: Connection, actor: Actor, paper: RecipePaper, items: dict[str, int], now: datetime) -> Recipe:
    store.tuples(conn, "lock_recipe", code=paper.code)
    there = recipes(conn, actor, code=paper.code, limit=10_000)
    lines = _lines(paper)
    if there:
        last = there[-1]
        same = (last.kind, last.valid_until, [_plain(line) for line in last.lines])
        is_same_time = paper.valid_from is None or paper.valid_from == last.valid_from
        if is_same_time and same == (paper.kind, paper.valid_until, [_plain(line) for line in lines]):
            return last
    valid_from = paper.valid_from or now
    if there and valid_from <= there[-1].valid_from:
        raise RecipeConflictError(
            f"recipe {paper.code!r}: valid_from {valid_from.isoformat()}: version {there[-1].version} holds "
            f"from {there[-1].valid_from.isoformat()} on, and what was valid is not rewritten: expected a "
            "later instant"
        )
    if paper.valid_until is not None and paper.valid_until <= valid_from:
        raise RecipeError(
            f"recipe {paper.code!r}: valid_until {paper.valid_until.isoformat()}: expected after "
            f"{valid_from.isoformat()}"
        )
    version = there[-1].version + 1 if there else 1
    named = {"code": paper.code, "version": version}
    store.change(
        conn,
        "add_recipe",
        **named,
        kind=paper.kind.value,
        valid_from=valid_from,
        valid_until=paper.valid_until,
        actor=actor.id,
    )
    store.change(
        conn,
        "add_lines",
        **named,
        sides=[True] * len(paper.inputs) + [False] * len(paper.outputs),
        ordinals=[*range(1, len(paper.inputs) + 1), *range(1, len(paper.outputs) + 1)],
        items=[items[line.item] for line in lines],
        quantities=[line.quantity for line in lines],
        shares=[line.cost_share for line in lines],
    )
    detail = {"kind": paper.kind, "version": version, "valid_from": valid_from.isoformat()}
    told = {"uses": _told(lines, is_input=True), "makes": _told(lines, is_input=False)}
    audit(conn, actor.id, "recipe_stated", f"recipe:{paper.code}", site=None, detail=detail | told)
    return recipe(conn, actor, code=paper.code, version=version)


def _lines(paper: RecipePaper) -> list[Ingredient]:
    return [
        Ingredient(
            is_input,
            line.item,
            None,
            "",
            line.quantity,
            line.cost_share if isinstance(line, OutputPaper) else None,
        )
        for is_input, side in ((True, paper.inputs), (False, paper.outputs))
        for line in side
    ]


def _plain(line: Ingredient) -> tuple[bool, str, Decimal, Decimal | None]:
    return line.is_input, line.item, line.quantity, line.cost_share


def _told(lines: Iterable[Ingredient], *, is_input: bool) -> dict[str, str]:
    return {line.item: f"{line.quantity}" for line in lines if line.is_input == is_input}


def _with_lines(conn: Connection, heads: Sequence[_Head]) -> list[Recipe]:
    named = {"codes": [head.code for head in heads], "versions": [head.version for head in heads]}
    lines: dict[tuple[str, int], list[Ingredient]] = {}
    for code, version, *line in store.tuples(conn, "lines", **named):
        lines.setdefault((code, version), []).append(Ingredient(*line))
    return [
        Recipe(
            head.code,
            head.version,
            RecipeKind(head.kind),
            head.valid_from,
            head.valid_until,
            head.stated_at,
            head.stated_by,
            tuple(lines[head.code, head.version]),
        )
        for head in heads
    ]
