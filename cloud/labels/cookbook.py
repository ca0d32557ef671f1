"""What handhelds are told of recipes and of what is to be made by them (P10): rows in, contracts out."""

import hashlib
import json
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.labels import store
from contracts.batch import MAX_FRAME_BYTES
from contracts.offline import LabelName, PlannedWork, Recipe, RecipePart, ReferenceSnapshot
from contracts.records import Identifier

_ENVELOPE_BYTES: Final = 4096
"""Kept free in a publish, for topic and properties."""
_PLANNED_WITHIN: Final = timedelta(days=90)
"""Work that was planned longer ago is over, or nobody remembers it."""
_MOST_NAMES: Final = 200


class Cookbook(NamedTuple):
    """All that there is, what is needed first at the beginning."""

    recipes: tuple[Recipe, ...] = ()
    planned: tuple[PlannedWork, ...] = ()
    sha256: str | None = None
    """None of nothing."""


class _Head(NamedTuple):
    code: str
    version: int
    kind: str
    valid_from: datetime
    valid_until: datetime | None


def cookbook(conn: Connection, site: str, now: datetime) -> Cookbook:
    """Read what a site's handhelds can make by recipes.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        now: The present.

    Returns:
        Recipes that hold now or later, those of planned work first; and that work, the latest first.
    """
    plans = store.tuples(conn, "told_plans", site=site, since=now - _PLANNED_WITHIN)
    planned = tuple(
        PlannedWork(kind=kind, document=document, recipe=recipe, version=version, times=times)
        for kind, document, recipe, version, times in plans
    )
    wanted = sorted({(each.recipe, each.version) for each in planned})
    heads = store.rows(
        conn,
        _Head,
        "told_recipes",
        now=now,
        codes=[code for code, _ in wanted],
        versions=[version for _, version in wanted],
    )
    if not heads and not planned:
        return Cookbook()
    recipes = _with_parts(conn, heads)
    said = json.dumps([each.model_dump(mode="json") for each in (*recipes, *planned)])
    return Cookbook(recipes, planned, hashlib.sha256(said.encode()).hexdigest())


def room_in(message: ReferenceSnapshot) -> int:
    """Tell how many bytes more a publish of a message holds.

    Args:
        message: The message.

    Returns:
        In bytes.
    """
    return MAX_FRAME_BYTES - _ENVELOPE_BYTES - len(message.model_dump_json().encode())


def fitting_recipes(message: ReferenceSnapshot, known: Cookbook) -> ReferenceSnapshot:
    """Add as many recipes to a message as a publish holds, and the plans that are by one of them.

    Args:
        message: What else it says.
        known: All there is.

    Returns:
        The message.
    """
    left = room_in(message)
    recipes, planned = [], []
    for recipe in known.recipes:
        left -= len(recipe.model_dump_json().encode()) + 1
        if left < 0:
            break
        recipes.append(recipe)
        for plan in known.planned:
            if (plan.recipe, plan.version) == (recipe.code, recipe.version):
                left -= len(plan.model_dump_json().encode()) + 1
                planned += [plan] if left >= 0 else []
    return message.model_copy(
        update={"recipes": tuple(recipes), "planned": tuple(planned), "recipes_sha256": known.sha256}
    )


def _with_parts(conn: Connection, heads: list[_Head]) -> tuple[Recipe, ...]:
    asked = {"codes": [each.code for each in heads], "versions": [each.version for each in heads]}
    rows = store.tuples(conn, "parts_of_recipes", **asked)
    names = _names(conn, sorted({row[3] for row in rows}))
    parts: defaultdict[tuple[str, int, bool], list[RecipePart]] = defaultdict(list)
    for code, version, is_input, item_id, item, quantity in rows:
        part = RecipePart(item=item, quantity=Decimal(quantity), names=tuple(names[item_id][:_MOST_NAMES]))
        parts[code, version, is_input].append(part)
    return tuple(
        Recipe.model_validate(
            {
                **each._asdict(),
                "uses": parts[each.code, each.version, True],
                "makes": parts[each.code, each.version, False],
            }
        )
        for each in heads
    )


def _names(conn: Connection, items: list[int]) -> defaultdict[int, list[LabelName]]:
    names: defaultdict[int, list[LabelName]] = defaultdict(list)
    for item_id, scheme, value, numerator, denominator in store.tuples(conn, "names_of_items", items=items):
        ratio = Fraction(int(numerator), int(denominator))
        names[item_id].append(
            LabelName(
                identifier=Identifier(scheme=scheme, value=value),
                base_units_numerator=ratio.numerator,
                base_units_denominator=ratio.denominator,
            )
        )
    return names
