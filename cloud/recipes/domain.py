"""Recipes, and what a transformation used and made beside what its recipe says, as values; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from cloud.identity.actor import Role

KEEPERS: Final = (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER)
"""Who states recipes, and takes transformations back."""
MAKERS: Final = (*KEEPERS, Role.OPERATOR)
"""Who says what was made."""
READERS: Final = (*MAKERS, Role.PLANNER, Role.BUYER, Role.APPROVER, Role.AUDITOR)
VALUERS: Final = (*KEEPERS, Role.PLANNER, Role.BUYER, Role.APPROVER, Role.AUDITOR)
"""Who is shown what it cost."""
WHOLE: Final = Decimal(100)


class RecipeError(ValueError):
    """A wrong wish about a recipe or a transformation; the message names value, expectation and place."""


class UnknownRecipeError(RecipeError):
    """There is no such recipe, version or transformation within the actor's sites."""


class RecipeConflictError(RecipeError):
    """It would rewrite what was valid, or has been taken back already."""


class RecipeKind(StrEnum):
    """What is done by a recipe; also the type of the document that its movements name."""

    KIT = "kit"
    DEKIT = "dekit"
    REPACK = "repack"


class Ingredient(NamedTuple):
    """One line of a recipe."""

    is_input: bool
    item: str
    item_name: str | None
    base_unit: str
    quantity: Decimal
    """In base units, for the recipe done once."""
    cost_share: Decimal | None
    """Percent of what went in that an output carries."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One version of a recipe."""

    code: str
    version: int
    kind: RecipeKind
    valid_from: datetime
    valid_until: datetime | None
    """The first instant at which it holds no more: its own end, or the next version's beginning."""
    stated_at: datetime
    stated_by: str
    lines: tuple[Ingredient, ...]

    @property
    def name(self) -> str:
        """As documents name it."""
        return f"{self.code}/{self.version}"

    @property
    def inputs(self) -> list[Ingredient]:
        """What it uses, the main component first."""
        return [line for line in self.lines if line.is_input]

    @property
    def outputs(self) -> list[Ingredient]:
        """What it makes, the main product first."""
        return [line for line in self.lines if not line.is_input]


class SheetRow(NamedTuple):
    """What a transformation used or made of an item, net of what was taken back, in base units."""

    is_input: bool
    item: str
    item_name: str | None
    base_unit: str
    quantity: Decimal
    value: Decimal | None
    """What it cost, or carries; None: not known."""


@dataclass(frozen=True, slots=True)
class SheetLine:
    """An item of a transformation beside what its recipe lets expect."""

    row: SheetRow
    expected: Decimal | None
    """Of an input for what was made, of an output for what was used; None: no recipe names it."""
    planned: Decimal | None
    """For as often as it was to be done; None: nobody said."""

    @property
    def variance(self) -> Decimal | None:
        """More than expected, or less; None where nothing is expected."""
        return None if self.expected is None else self.row.quantity - self.expected

    @property
    def yield_percent(self) -> Decimal | None:
        """What was made of what could be expected to be; None of inputs, and where nothing is expected."""
        if self.row.is_input or not self.expected:
            return None
        return round(self.row.quantity / self.expected * WHOLE, 2)


def beside_recipe(rows: Sequence[SheetRow], recipe: Recipe | None, times: Decimal | None) -> list[SheetLine]:
    """Set what was used and made beside what a recipe lets expect.

    Inputs are expected for as many as were made of the recipe's first output, outputs for as much as was
    used of its first input: so usage variance and yield (APICS) are told apart.

    Args:
        rows: What was used and made.
        recipe: By which; None: none is known.
        times: How often it was to be done; None: nobody said.

    Returns:
        A line for every row, and for every line of the recipe of which nothing was seen.

    Examples:
        >>> from datetime import UTC
        >>> made = [SheetRow(True, "TEA", None, "each", Decimal(11), None),
        ...     SheetRow(False, "SET", None, "each", Decimal(5), None)]
        >>> two_in_one = (Ingredient(True, "TEA", None, "each", Decimal(2), None),
        ...     Ingredient(False, "SET", None, "each", Decimal(1), None))
        >>> at = datetime(2026, 3, 2, tzinfo=UTC)
        >>> by = Recipe("SET", 1, RecipeKind.KIT, at, None, at, "user:ada", two_in_one)
        >>> for line in beside_recipe(made, by, None):
        ...     print(line.row.item, line.expected, line.variance, line.yield_percent)
        TEA 10 1 None
        SET 5.5 -0.5 90.91
    """
    if recipe is None:
        return [SheetLine(row, None, None) for row in rows]
    there = {(row.is_input, row.item): row for row in rows}
    used = _times(there, recipe.inputs[0])
    made = _times(there, recipe.outputs[0])
    lines = []
    for part in recipe.lines:
        key = (part.is_input, part.item)
        done = made if part.is_input else used
        row = there.pop(key, SheetRow(*key, part.item_name, part.base_unit, Decimal(0), None))
        lines.append(
            SheetLine(
                row,
                None if done is None else _exact(done * part.quantity),
                None if times is None else _exact(times * part.quantity),
            )
        )
    return lines + [SheetLine(row, None, None) for row in rows if (row.is_input, row.item) in there]


def _times(there: dict[tuple[bool, str], SheetRow], main: Ingredient) -> Decimal | None:
    """Say how often a recipe was done by what was seen of one of its lines."""
    row = there.get((main.is_input, main.item))
    return None if row is None or row.quantity <= 0 else row.quantity / main.quantity


def _exact(quantity: Decimal) -> Decimal:
    return round(quantity, 6).normalize() + 0
