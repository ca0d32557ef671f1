"""What a scan does while a recipe leads the way: it asks for each part, and then for what is made of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Final, Protocol

from contracts.offline import PlannedWork, Recipe, RecipePart
from edge_agent.workflows.errands import in_base_units, named_ratio, plain
from edge_agent.workflows.feedback import Feedback, Signal
from edge_agent.workflows.goods import Handled, handle_item, stated_quantity, undo
from edge_agent.workflows.labels import ItemLabel, Label
from edge_agent.workflows.language import Command, Verb
from edge_agent.workflows.prompts import Prompt, say
from edge_agent.workflows.refusals import Refusal, RefusedError
from edge_agent.workflows.scene import Scene
from edge_agent.workflows.state import Run, State

_ONCE: Final = Decimal(1)
_NAMED_AT_MOST: Final = 4


class Recipes(Protocol):
    """What a gateway knows of recipes."""

    def named(self, name: str) -> Recipe | None:
        """Find a version of a recipe by code and version."""

    def planned(self, kind: str, document: str) -> PlannedWork | None:
        """Find what was planned for a piece of work."""

    def offered(self, kind: str, at: datetime) -> Sequence[Recipe]:
        """List the recipes of a kind that hold at an instant."""


class NoRecipes:
    """A gateway that was told of none."""

    def named(self, name: str) -> None:
        """Know of none."""

    def planned(self, kind: str, document: str) -> None:
        """Know of no plan."""

    def offered(self, kind: str, at: datetime) -> Sequence[Recipe]:  # noqa: ARG002  as the protocol has it
        """Have none."""
        return ()


NO_RECIPES: Final = NoRecipes()


def begin_making(run: Run, scene: Scene, recipes: Recipes) -> tuple[Run, Prompt]:
    """Begin work by the recipe that was planned for it; else offer those that there are.

    Args:
        run: The work, just begun.
        scene: The scan's circumstances.
        recipes: What is known.

    Returns:
        The work, and what to say.
    """
    begun = say("{work} {document}", work=run.workflow, document=run.document)
    if not run.kind.is_transformation:
        return run, begun
    plan = recipes.planned(run.workflow, run.document)
    recipe = None if plan is None else recipes.named(f"{plan.recipe}/{plan.version}")
    if plan is not None and recipe is not None:
        led = replace(run, recipe=recipe.name, times=plan.times)
        return led, say("{what}; {then}", what=begun, then=_next(led, recipe))
    codes = _codes(run, scene, recipes)
    return run, say(
        "{what}; {then}", what=begun, then=say("$RECIPE/ {codes}", codes=codes)
    ) if codes else begun


def make(state: State, label: Label, scene: Scene, recipes: Recipes) -> Handled | None:
    """Take a scan that chooses a recipe, or belongs to the one under way.

    Args:
        state: What the scanner's user is in the middle of.
        label: What was scanned.
        scene: The scan's circumstances.
        recipes: What is known.

    Returns:
        The next state, drafts and feedback; None if it has nothing to do with a recipe.

    Raises:
        RefusedError: If the recipe is unknown or comes too late, or the goods are none of its parts.
    """
    run = state.run
    if isinstance(label, Command) and label.verb is Verb.RECIPE:
        return _chosen(state, label.argument, scene, recipes)
    recipe = None if run is None or run.recipe is None else recipes.named(run.recipe)
    if run is None or recipe is None:
        return None
    if isinstance(label, ItemLabel):
        return _taken(state, run, label, scene, recipe)
    if isinstance(label, Command) and label.verb is Verb.UNDO and run.quantity is None:
        return _undone(state, run, scene, recipe)
    return None


def makes(state: State, run: Run, recipes: Recipes) -> Handled:
    """Take ``$MAKES``: from now on products are scanned.

    Args:
        state: The state, whose run is ``run``.
        run: The work under way.
        recipes: What is known.

    Returns:
        The next state and feedback.

    Raises:
        RefusedError: If nothing is made in this work, or of nothing yet.
    """
    if not run.kind.is_transformation:
        raise RefusedError(
            Refusal.NOTHING_IS_MADE,
            say("{work} makes nothing, expected $MAKES in $KIT, $DEKIT or $REPACK", work=run.workflow),
        )
    if run.quantity is not None:
        raise RefusedError(
            Refusal.HALF_FINISHED,
            say("quantity {quantity} is keyed: scan its item, or $UNDO", quantity=run.quantity),
        )
    if run.makes:
        return _step(state, say("{work} {document} makes", work=run.workflow, document=run.document))
    if not run.posted:
        raise RefusedError(
            Refusal.NOTHING_IS_MADE,
            say("{work} {document}: scan what it is made of first", work=run.workflow, document=run.document),
        )
    after = replace(run, makes=True, took=())
    made = replace(state, run=after, last=())
    recipe = None if run.recipe is None else recipes.named(run.recipe)
    if recipe is None:
        return _step(made, say("{work}: scan what is made", work=run.workflow))
    then = say("{work}: {then}", work=run.workflow, then=_next(after, recipe))
    missing = _still(run, recipe)
    if missing:
        quantity, part, _ = missing[0]
        short = say("{quantity} x {item} short; {then}", quantity=plain(quantity), item=part.item, then=then)
        return _step(made, short)
    return _step(made, then)


def _chosen(state: State, argument: str, scene: Scene, recipes: Recipes) -> Handled:
    run = state.run
    if run is None or not run.kind.is_transformation:
        raise RefusedError(Refusal.NO_WORKFLOW, say("$RECIPE: begin with $KIT, $DEKIT or $REPACK"))
    if not argument:
        free = replace(run, recipe=None, times=None, done=(), took=())
        return _step(replace(state, run=free), say("{work}: without a recipe", work=run.workflow))
    if run.posted or run.is_half_finished:
        raise RefusedError(
            Refusal.HALF_FINISHED,
            say("{work} {document}: a recipe is chosen first", work=run.workflow, document=run.document),
        )
    code, _, times = argument.partition("/")
    held = recipes.offered(run.workflow, scene.now.at)
    recipe = next((each for each in held if each.code == code), None)
    if recipe is None:
        raise RefusedError(
            Refusal.RECIPE_UNKNOWN,
            say(
                "{code!r} is no recipe here, expected one of {codes}",
                code=code,
                codes=_codes(run, scene, recipes) or "-",
            ),
        )
    led = replace(run, recipe=recipe.name, times=Decimal(times) if times else None, done=(), took=())
    what = say("{work} by {recipe}", work=run.workflow, recipe=recipe.name)
    return _step(replace(state, run=led), say("{what}; {then}", what=what, then=_next(led, recipe)))


def _taken(state: State, run: Run, label: ItemLabel, scene: Scene, recipe: Recipe) -> Handled:
    parts = _parts(run, recipe)
    known = ((each, named_ratio(each[0].names, label.identifier, label.unit_seen)) for each in parts)
    found = next(((number, ratio) for (_, number), ratio in known if ratio is not None), None)
    if found is None:
        expected = ", ".join(part.item for part, _ in parts[:_NAMED_AT_MOST])
        raise RefusedError(
            Refusal.WRONG_ITEM,
            say(
                "expected {expected}, got {item}; $RECIPE goes without",
                expected=expected,
                item=label.identifier.value,
            ),
        )
    number, ratio = found
    base = in_base_units(stated_quantity(run, label), ratio)
    handled = handle_item(state, run, label, scene)
    after = handled.state.run or run
    took = (*run.took, (number, base))
    undoable = len(handled.state.last) + len(after.carried)
    after = replace(after, done=_added(run, {number: base}), took=took[len(took) - undoable :])
    return _then(handled, after, recipe)


def _undone(state: State, run: Run, scene: Scene, recipe: Recipe) -> Handled:
    handled = undo(state, scene)
    count = len(run.took) - (1 if run.carried else len(state.last))
    back: dict[int, Decimal] = {}
    for number, base in run.took[count:]:
        back[number] = back.get(number, Decimal(0)) - base
    after = replace(handled.state.run or run, done=_added(run, back), took=run.took[:count])
    return _then(handled, after, recipe)


def _then(handled: Handled, run: Run, recipe: Recipe) -> Handled:
    text = say("{what}; {then}", what=handled.feedback.prompt, then=_next(run, recipe))
    return replace(
        handled,
        state=replace(handled.state, run=run),
        feedback=replace(handled.feedback, prompt=text),
    )


def _next(run: Run, recipe: Recipe) -> Prompt:
    still = _still(run, recipe)
    if not still:
        return say("all is made: $DONE") if run.makes else say("all is there: $MAKES")
    quantity, part, number = still[0]
    first = _parts(run, recipe)[0][1]
    return say(
        "{quantity} x {item} ({number}/{count})",
        quantity=plain(quantity),
        item=part.item,
        number=number - first + 1,
        count=len(_parts(run, recipe)),
    )


def _still(run: Run, recipe: Recipe) -> list[tuple[Decimal, RecipePart, int]]:
    """Tell what is to be scanned yet: for as often as was planned, else as what was scanned suffices for."""
    done = dict(run.done)
    parts = _parts(run, recipe)
    often = [done.get(number, Decimal(0)) / part.quantity for part, number in parts]
    if run.makes:  # as much as was used of the first part, which is what the ledger expects too
        often = [done.get(1, Decimal(0)) / recipe.uses[0].quantity]
    times = run.times or max(_ONCE, *(each.to_integral_value(ROUND_CEILING) for each in often))
    wanted = ((part.quantity * times - done.get(number, Decimal(0)), part, number) for part, number in parts)
    return [each for each in wanted if each[0] > 0]


def _parts(run: Run, recipe: Recipe) -> list[tuple[RecipePart, int]]:
    """Give what is scanned now, numbered through parts and products."""
    parts = list(
        zip((*recipe.uses, *recipe.makes), range(1, len(recipe.uses) + len(recipe.makes) + 1), strict=True)
    )
    return parts[len(recipe.uses) :] if run.makes else parts[: len(recipe.uses)]


def _added(run: Run, more: dict[int, Decimal]) -> tuple[tuple[int, Decimal], ...]:
    done = dict(run.done)
    return tuple(sorted((done | {at: done.get(at, Decimal(0)) + base for at, base in more.items()}).items()))


def _codes(run: Run, scene: Scene, recipes: Recipes) -> str:
    codes = [each.code for each in recipes.offered(run.workflow, scene.now.at)]
    return ", ".join(codes[:_NAMED_AT_MOST]) + (", ..." if len(codes) > _NAMED_AT_MOST else "")


def _step(state: State, prompt: Prompt) -> Handled:
    return Handled(state, (), Feedback(Signal.STEP, prompt))
