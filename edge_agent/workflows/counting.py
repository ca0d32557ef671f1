"""What a scanned label does to a count: a bin's labels gather, and go out together as one observation."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from contracts.records import CountLine, Identifier
from contracts.vocabulary import CountScope
from edge_agent.outbox.draft import Draft
from edge_agent.workflows.feedback import Feedback, Signal
from edge_agent.workflows.goods import Handled, stated_quantity
from edge_agent.workflows.kinds import Workflow
from edge_agent.workflows.labels import ItemLabel, PlaceLabel
from edge_agent.workflows.prompts import say
from edge_agent.workflows.refusals import Refusal, RefusedError
from edge_agent.workflows.scene import Scene
from edge_agent.workflows.state import MOST_COUNTED, Carried, Run, State

MOST_LINES: Final = 500
"""Lines of one record, as its contract allows."""
_MOST_BYTES: Final = 96 * 1024
"""Of one record's lines: it must fit into a sealed batch."""

_LineKey = tuple[Identifier, str, str | None]


def count_item(state: State, run: Run, label: ItemLabel, scene: Scene) -> Handled:
    """Add a label to the count of the bin, or confirm that the item is absent.

    Args:
        state: The state, whose run is ``run``.
        run: The count under way.
        label: The item.
        scene: The scan's circumstances.

    Returns:
        The next state, drafts and feedback.

    Raises:
        RefusedError: If no bin was scanned, the piece or its absence was counted before, the quantity is
            stated twice, or the bin has too many labels.
    """
    if run.place is None:
        raise RefusedError(Refusal.PLACE_REQUIRED, say("{work}: scan the bin first", work=run.workflow))
    if len(run.carried) >= MOST_COUNTED:
        raise RefusedError(
            Refusal.COUNTING_TOO_MUCH,
            say(
                "{most} labels are counted in {place}: scan $DONE, or use $QTY",
                most=MOST_COUNTED,
                place=run.place,
            ),
        )
    counted = Carried(label, stated_quantity(run, label), run.place, run.line, scene.scan)
    same = [other for other, what in _items(run.carried) if _key(what) == _key(label)]
    so_far = sum((other.quantity for other in same), Decimal(0))
    is_contradicted = bool(same) and not (counted.quantity and so_far)
    if is_contradicted or any(counted.is_same_thing(other) for other in run.carried):
        raise RefusedError(
            Refusal.ALREADY_COUNTED,
            say(
                "{item} is counted as {so_far} in {place}; $UNDO",
                item=label.identifier.value,
                so_far=so_far,
                place=run.place,
            ),
        )
    after = replace(run, quantity=None, carried=(*run.carried, counted))
    text = say(
        "{place}: {quantity} x {item}",
        place=run.place,
        quantity=counted.quantity,
        item=label.identifier.value,
    )
    if same:
        text = say("{text}, {total} in all", text=text, total=so_far + counted.quantity)
    return Handled(replace(state, run=after), (), Feedback(Signal.STEP, text))


def count_place(state: State, run: Run, label: PlaceLabel, scene: Scene) -> Handled:
    """Begin to count a bin; what was counted in the one before is reported.

    Args:
        state: The state, whose run is ``run``.
        run: The count under way.
        label: The bin.
        scene: The scan's circumstances.

    Returns:
        The next state, drafts and feedback.

    Raises:
        RefusedError: If a quantity is keyed, but for the zero that says that this very bin is empty.
    """
    if run.place == label.location:
        if run.quantity is not None:
            return _empty(state, run, label.location, scene)
        text = say("still counting {place}, {count} labels", place=label.location, count=len(run.carried))
        return Handled(state, (), Feedback(Signal.STEP, text))
    state, drafts = close_bin(state, run, scene)
    opened = replace(state.run or run, place=label.location, opened_at=scene.now.at)
    text = say("counting {place}", place=label.location)
    if drafts:
        text = say("{place} reported, {text}", place=run.place, text=text)
    return Handled(
        replace(state, run=opened), drafts, Feedback(Signal.SUCCESS if drafts else Signal.STEP, text)
    )


def close_bin(state: State, run: Run, scene: Scene) -> tuple[State, tuple[Draft, ...]]:
    """Report what was counted in the bin.

    Args:
        state: The state, whose run is ``run``.
        run: The count under way.
        scene: The scan's circumstances.

    Returns:
        The state with nothing left to report, and the records: none if nothing was counted, and more than
        one, of scope ``items``, if one record cannot hold it.

    Raises:
        RefusedError: If a quantity is keyed that belongs to no item yet.
    """
    if run.quantity is not None:
        raise RefusedError(
            Refusal.HALF_FINISHED,
            say("quantity {quantity} is keyed: scan its item, or $UNDO", quantity=run.quantity),
        )
    if not run.carried or run.place is None:
        return state, ()
    lines, zeros = _observed(run.carried)
    parts = list(_parts(lines, zeros))
    # A part claims nothing of what is not in it, or the others would be asked for as missing.
    is_whole = len(parts) == 1 and run.workflow is Workflow.COUNT
    scope = CountScope.BIN if is_whole else CountScope.ITEMS
    drafts = tuple(Draft(scene.count(run, run.place, *part, scope)) for part in parts)
    return _reported(state, run, drafts), drafts


def _empty(state: State, run: Run, place: str, scene: Scene) -> Handled:
    if run.quantity or run.carried or run.workflow is not Workflow.COUNT:
        raise RefusedError(
            Refusal.PLACE_NOT_EXPECTED,
            say(
                "{place} has {count} labels, {quantity} keyed: expected an item, or $UNDO",
                place=place,
                count=len(run.carried),
                quantity=run.quantity,
            ),
        )
    draft = Draft(scene.count(run, place, (), (), CountScope.BIN))
    after = _reported(state, replace(run, quantity=None), (draft,))
    return Handled(after, (draft,), Feedback(Signal.SUCCESS, say("{place} reported empty", place=place)))


def _reported(state: State, run: Run, drafts: Sequence[Draft]) -> State:
    # Not in `last`: an observation is not reversed; the bin is counted again, and the later count holds.
    after = replace(run, carried=(), opened_at=None, posted=run.posted + len(drafts))
    return replace(state, run=after, last=())


def _observed(counted: Sequence[Carried]) -> tuple[list[CountLine], list[Identifier]]:
    quantities: dict[_LineKey, Decimal] = {}
    weights: dict[_LineKey, Decimal] = {}
    labels: dict[_LineKey, ItemLabel] = {}
    for one, label in _items(counted):
        key = _key(label)
        quantities[key] = quantities.get(key, Decimal(0)) + one.quantity
        if one.quantity and label.weight_kg is not None:
            weights[key] = weights.get(key, Decimal(0)) + label.weight_kg
        labels[key] = label
    lines = [
        CountLine(
            identifier=identifier,
            quantity=quantities[identifier, unit_seen, lot],
            unit_seen=unit_seen,
            weight_kg=weights.get((identifier, unit_seen, lot)),
            lot=lot,
            epcs=label.epcs,
        )
        for (identifier, unit_seen, lot), label in labels.items()
        if quantities[identifier, unit_seen, lot] or lot is not None
    ]
    zeros = [key[0] for key, quantity in quantities.items() if not quantity and key[2] is None]
    return lines, zeros


def _parts(
    lines: Sequence[CountLine], zeros: Sequence[Identifier]
) -> Iterator[tuple[tuple[CountLine, ...], tuple[Identifier, ...]]]:
    part: list[CountLine] = []
    absent: list[Identifier] = []
    size = 0
    observed: list[CountLine | Identifier] = [*lines, *zeros]
    for each in observed:
        length = len(each.model_dump_json(exclude_defaults=True))
        if len(part) + len(absent) == MOST_LINES or size + length > _MOST_BYTES:
            yield tuple(part), tuple(absent)
            part, absent, size = [], [], 0
        size += length
        if isinstance(each, CountLine):
            part.append(each)
        else:
            absent.append(each)
    yield tuple(part), tuple(absent)


def _items(counted: Sequence[Carried]) -> Iterator[tuple[Carried, ItemLabel]]:
    return ((one, one.what) for one in counted if isinstance(one.what, ItemLabel))


def _key(label: ItemLabel) -> _LineKey:
    return label.identifier, label.unit_seen, label.lot
