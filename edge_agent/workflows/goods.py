"""What a scanned item, unit or place does to the work under way, and how the last scan is undone."""

from dataclasses import dataclass, replace
from decimal import Decimal

from contracts.labels import LabelOrder
from contracts.records import Movement, UnitPosition
from edge_agent.outbox.draft import Draft
from edge_agent.workflows.feedback import Feedback, Signal
from edge_agent.workflows.kinds import End, known_place
from edge_agent.workflows.labels import ItemLabel, PlaceLabel, UnitLabel
from edge_agent.workflows.prompts import Prompt, say
from edge_agent.workflows.refusals import Refusal, RefusedError
from edge_agent.workflows.scene import Scene
from edge_agent.workflows.state import MOST_CARRIED, Carried, Posted, Run, State

_CHOSEN_BEFORE = frozenset({End.CHOSEN, End.STAGING_OR_CHOSEN})


@dataclass(frozen=True, slots=True)
class Handled:
    """What one label came to."""

    state: State
    drafts: tuple[Draft, ...]
    feedback: Feedback
    order: LabelOrder | None = None
    """What is to be printed once the drafts are durable."""


def handle_item(state: State, run: Run, label: ItemLabel, scene: Scene) -> Handled:
    """Post the item, or take it onto the cart until a place is scanned.

    Args:
        state: The state, whose run is ``run``.
        run: The work under way.
        label: The item.
        scene: The scan's circumstances.

    Returns:
        The next state, drafts and feedback.

    Raises:
        RefusedError: If the quantity is stated twice, the bin or unit is not known yet, or the cart is full.
    """
    origin, is_unit = _origin(run, scene)
    goods = Carried(
        label,
        stated_quantity(run, label),
        origin,
        run.line,
        scene.scan,
        is_in_unit=is_unit,
        is_line_named=run.is_line_named,
    )
    what = say("{quantity} x {item}", quantity=goods.quantity, item=label.identifier.value)
    return _take(state, replace(run, quantity=None), goods, what, scene)


def handle_unit(state: State, run: Run, label: UnitLabel, scene: Scene) -> Handled:
    """Take a logistic unit along to the next scanned place, receive it, or choose what is packed or unpacked.

    Args:
        state: The state, whose run is ``run``.
        run: The work under way.
        label: The unit.
        scene: The scan's circumstances.

    Returns:
        The next state, drafts and feedback.

    Raises:
        RefusedError: If units do not move in this workflow, a quantity is keyed, or the cart is full.
    """
    if not run.kind.takes_units:
        raise RefusedError(
            Refusal.UNIT_NOT_EXPECTED,
            say("{work} takes item labels, got unit {unit}", work=run.workflow, unit=label.sscc),
        )
    if run.quantity is not None:
        raise RefusedError(
            Refusal.QUANTITY_OF_ONE,
            say("unit {unit} is one, but {quantity} is keyed", unit=label.sscc, quantity=run.quantity),
        )
    if End.UNIT in {run.source, run.destination}:
        if run.unit is None:
            return _choose_unit(state, run, label, scene)
        if run.unit == label.sscc:
            return _leave_unit(state, run, label)
    destination = known_place(run.destination, scene.site)
    if destination is not None and scene.whereabouts(label.sscc) == destination:
        event = scene.event(run, "confirmed", "unit_position", f"unit {label.sscc} stands at {destination}")
        return Handled(
            state,
            (event,),
            Feedback(
                Signal.STEP, say("unit {unit} is at {place} already", unit=label.sscc, place=destination)
            ),
        )
    origin, is_unit = _origin(run, scene)
    named = run.is_line_named
    goods = Carried(label, Decimal(1), origin, run.line, scene.scan, is_in_unit=is_unit, is_line_named=named)
    return _take(state, run, goods, say("unit {unit}", unit=label.sscc), scene)


def _choose_unit(state: State, run: Run, label: UnitLabel, scene: Scene) -> Handled:
    """Begin to pack or unpack a unit; one that is packed stands where its goods are taken from."""
    after = replace(run, unit=label.sscc)
    if run.destination is not End.UNIT:
        return Handled(
            replace(state, run=after), (), Feedback(Signal.STEP, say("out of unit {unit}", unit=label.sscc))
        )
    place = run.place or scene.site.staging
    if scene.whereabouts(label.sscc) is not None:
        return Handled(
            replace(state, run=after), (), Feedback(Signal.STEP, say("into unit {unit}", unit=label.sscc))
        )
    draft = Draft(scene.seen(run, label, place))
    after = replace(after, posted=run.posted + 1)
    text = say("into unit {unit}, at {place}", unit=label.sscc, place=place)
    return Handled(replace(state, run=after, last=()), (draft,), Feedback(Signal.SUCCESS, text))


def _leave_unit(state: State, run: Run, label: UnitLabel) -> Handled:
    if run.carried:
        raise RefusedError(
            Refusal.HALF_FINISHED,
            say("goods of unit {unit} are on the cart: scan their place, or $UNDO", unit=label.sscc),
        )
    text = say("done with unit {unit}, scan the next", unit=label.sscc)
    return Handled(replace(state, run=replace(run, unit=None)), (), Feedback(Signal.STEP, text))


def handle_place(state: State, run: Run, label: PlaceLabel, scene: Scene) -> Handled:
    """Put the cart's goods down at a place, or choose the bin to take goods from.

    Args:
        state: The state, whose run is ``run``.
        run: The work under way.
        label: The place.
        scene: The scan's circumstances.

    Returns:
        The next state, drafts and feedback.

    Raises:
        RefusedError: If no place is expected now, or goods would go to where they are.
    """
    if run.carried:
        return _put_down(state, run, label.location, scene)
    if run.source not in _CHOSEN_BEFORE:
        raise RefusedError(
            Refusal.PLACE_NOT_EXPECTED,
            say("{work}: scan an item, got place {place!r}", work=run.workflow, place=label.location),
        )
    if label.location == known_place(run.destination, scene.site):
        raise RefusedError(
            Refusal.SAME_PLACE,
            say("{work} to {place!r} cannot be from there", work=run.workflow, place=label.location),
        )
    chosen = replace(state, run=replace(run, place=label.location))
    return Handled(chosen, (), Feedback(Signal.STEP, say("from {place}", place=label.location)))


def undo(state: State, scene: Scene) -> Handled:
    """Take the last scan back: forget a keyed quantity, leave a carried label, or reverse what was posted.

    Args:
        state: The state; what it posted last must have its identity already.
        scene: The scan's circumstances.

    Returns:
        The next state, drafts and feedback.

    Raises:
        RefusedError: If there is nothing that can be undone here.
    """
    run = state.run
    if run is not None and run.quantity is not None:
        event = scene.event(run, "undone", "quantity", f"quantity {run.quantity} keyed")
        return Handled(
            replace(state, run=replace(run, quantity=None)),
            (event,),
            Feedback(Signal.STEP, say("quantity forgotten")),
        )
    if run is not None and run.carried:
        left = run.carried[-1]
        is_count = run.kind.is_observation
        what = (
            say("{quantity} fewer in {place}", quantity=left.quantity, place=left.origin)
            if is_count
            else say("left at {place}", place=left.origin)
        )
        event = replace(scene, scan=left.scan).event(run, "undone", "label", str(what))
        kept = replace(state, run=replace(run, carried=run.carried[:-1], line=left.line))
        return Handled(kept, (event,), Feedback(Signal.STEP, what))
    if run is None or not state.last or state.awaits_identity:
        raise RefusedError(
            Refusal.NOTHING_TO_UNDO, say("nothing to undo here: ask for a reversal in the ledger")
        )
    drafts = tuple(reversal_of(posted, scene) for posted in state.last)
    line = state.last[0].record.documents[0].line or "1"
    return Handled(
        replace(state, run=replace(run, line=int(line), posted=run.posted - len(drafts)), last=()),
        drafts,
        Feedback(Signal.SUCCESS, say("undone: {count} reversed", count=len(drafts))),
    )


def _take(state: State, run: Run, goods: Carried, what: Prompt, scene: Scene) -> Handled:
    run = replace(run, line=run.line + 1, is_line_named=False)
    if run.destination is not End.LATER:
        destination, is_unit = _destination(run, goods, scene)
        record = scene.record(run, goods, destination, into_unit=is_unit)
        return _posted(state, run, (record,), say("line {line}: {what}", line=goods.line, what=what))
    if any(goods.is_same_thing(other) for other in run.carried):
        raise RefusedError(Refusal.ALREADY_CARRIED, say("{what} is on the cart already", what=what))
    if len(run.carried) >= MOST_CARRIED:
        raise RefusedError(
            Refusal.CARRYING_TOO_MUCH, say("{most} labels are carried: scan a place first", most=MOST_CARRIED)
        )
    carried = replace(run, carried=(*run.carried, goods))
    return Handled(
        replace(state, run=carried), (), Feedback(Signal.STEP, say("{what} taken, scan the place", what=what))
    )


def _put_down(state: State, run: Run, place: str, scene: Scene) -> Handled:
    if run.quantity is not None:
        raise RefusedError(
            Refusal.PLACE_NOT_EXPECTED,
            say("quantity {quantity} is keyed: scan its item, or $UNDO", quantity=run.quantity),
        )
    if any(goods.origin == place for goods in run.carried):
        raise RefusedError(
            Refusal.SAME_PLACE,
            say("goods taken from {place!r} cannot be put there; $UNDO leaves them", place=place),
        )
    records = tuple(scene.record(run, goods, place) for goods in run.carried)
    return _posted(
        state,
        replace(run, carried=(), place=None),
        records,
        say("{count} put into {place}", count=len(records), place=place),
    )


def _posted(state: State, run: Run, records: tuple[Movement | UnitPosition, ...], what: Prompt) -> Handled:
    after = replace(
        state,
        run=replace(run, posted=run.posted + len(records)),
        last=tuple(Posted(record) for record in records),
    )
    return Handled(after, tuple(Draft(record) for record in records), Feedback(Signal.SUCCESS, what))


def reversal_of(posted: Posted, scene: Scene) -> Draft:
    """Undo a record.

    Args:
        posted: The record, which has its identity.
        scene: The scan's circumstances.

    Returns:
        Its reversal.

    Raises:
        RefusedError: If a unit came out of another one, or the record has no identity yet.
    """
    if isinstance(posted.record, UnitPosition):
        if posted.record.from_location is None:
            raise RefusedError(
                Refusal.NOTHING_TO_UNDO,
                say(
                    "unit {unit} came out of another, which $PACK puts it back into", unit=posted.record.unit
                ),
            )
        return Draft(scene.carried_back(posted.record))
    if posted.ref is None:
        raise RefusedError(Refusal.NOTHING_TO_UNDO, say("not stored yet"))
    return Draft(scene.reversal(posted.record, posted.ref))


def _origin(run: Run, scene: Scene) -> tuple[str, bool]:
    """Tell where goods are taken from, and whether that is a logistic unit."""
    if run.source is End.UNIT:
        return _unit_of(run), True
    place = known_place(run.source, scene.site) or run.place
    if place is None and run.source is End.STAGING_OR_CHOSEN:
        place = scene.site.staging
    if place is None:
        raise RefusedError(
            Refusal.PLACE_REQUIRED,
            say("{work}: scan the bin that goods are taken from first", work=run.workflow),
        )
    return place, False


def _destination(run: Run, goods: Carried, scene: Scene) -> tuple[str, bool]:
    """Tell where goods are put at once, and whether that is a logistic unit."""
    if run.destination is End.UNIT:
        return _unit_of(run), True
    if run.destination is End.SAME:
        return goods.origin, goods.is_in_unit
    return str(known_place(run.destination, scene.site)), False


def _unit_of(run: Run) -> str:
    if run.unit is None:
        raise RefusedError(
            Refusal.UNIT_REQUIRED, say("{work}: scan the label of the unit first", work=run.workflow)
        )
    return run.unit


def stated_quantity(run: Run, label: ItemLabel) -> Decimal:
    """Decide how many units a scanned label stands for.

    Args:
        run: The work under way, with a keyed quantity perhaps.
        label: The item, with a quantity of its own perhaps.

    Returns:
        In the label's unit.

    Raises:
        RefusedError: If two quantities are stated, or a serialised piece is not one.
    """
    if run.quantity is not None and label.quantity is not None:
        raise RefusedError(
            Refusal.QUANTITY_TWICE,
            say(
                "{quantity} is keyed and the label says {said}: expected one",
                quantity=run.quantity,
                said=label.quantity,
            ),
        )
    if run.quantity and label.weight_kg is not None:
        raise RefusedError(
            Refusal.QUANTITY_TWICE,
            say(
                "{quantity} is keyed and the label says {said}: expected one",
                quantity=run.quantity,
                said=f"{label.weight_kg} kg",
            ),
        )
    keyed = label.quantity if run.quantity is None else run.quantity
    quantity = Decimal(1) if keyed is None else keyed
    if label.epcs and quantity != 1:
        raise RefusedError(
            Refusal.QUANTITY_OF_ONE,
            say("{item} is one piece, got {quantity}", item=label.identifier.value, quantity=quantity),
        )
    return quantity
