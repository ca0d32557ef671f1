"""What a scan does while a task leads the way: the bin, the goods, how many; or short, or the next line."""

from dataclasses import replace
from decimal import Decimal

from contracts.offline import TaskLine
from contracts.records import Movement
from edge_agent.outbox.draft import Draft
from edge_agent.workflows.errands import Errand, in_base_units, instruction, plain, ratio_of
from edge_agent.workflows.feedback import Feedback, Signal
from edge_agent.workflows.goods import Handled, reversal_of, stated_quantity
from edge_agent.workflows.kinds import Workflow
from edge_agent.workflows.labels import ItemLabel, PlaceLabel, UnitLabel
from edge_agent.workflows.prompts import Prompt, say
from edge_agent.workflows.refusals import Refusal, RefusedError
from edge_agent.workflows.scene import Scene
from edge_agent.workflows.state import Carried, Posted, Run, State


def begin(errand: Errand, run_id: str) -> tuple[Run, Prompt]:
    """Begin a task.

    Args:
        errand: The task.
        run_id: Names the work.

    Returns:
        The work, and where it begins.

    Raises:
        RefusedError: If nothing of it is left to do.
    """
    first = errand.next_line()
    if first is None or first.number is None:
        raise RefusedError(Refusal.NO_TASK, say("task {task}: nothing is left to do", task=errand.task.task))
    workflow = Workflow.PICK if errand.task.kind == "pick" else Workflow.MOVE
    run = Run(workflow, run_id, errand.task.task, line=first.number, is_task=True)
    run = as_known(run, errand)
    return run, instruction(errand, first, run)


def as_known(run: Run, errand: Errand) -> Run:
    """Go on from what a newer list knows to be done: something may have been taken back in the cloud.

    Args:
        run: The task under way; all that it posted is durable.
        errand: The task.

    Returns:
        The work, with what is done of each line.
    """
    if run.revision == errand.task.revision:
        return run
    return replace(run, revision=errand.task.revision, done=tuple(sorted(errand.done.items())))


def pick_place(state: State, run: Run, label: PlaceLabel, errand: Errand, scene: Scene) -> Handled:
    """Confirm the bin, or choose another line by its bin; goods on the cart are put down where they belong.

    Args:
        state: The state, whose run is ``run``.
        run: The task under way.
        label: The place.
        errand: The task.
        scene: The scan's circumstances.

    Returns:
        The next state, drafts and feedback.

    Raises:
        RefusedError: If no open line is there, or goods on the cart belong elsewhere.
    """
    if run.carried:
        return _put_down(state, run, label.location, errand, scene)
    line = _current(errand, run)
    if line.from_location != label.location:
        elsewhere = [
            each
            for each in errand.lines
            if each.from_location == label.location and errand.remaining(each, run) > 0
        ]
        if not elsewhere:
            raise RefusedError(
                Refusal.WRONG_PLACE,
                say("expected {expected}, got {place}", expected=line.from_location, place=label.location),
            )
        line = elsewhere[0]
    chosen = replace(run, line=line.number or run.line, place=label.location, unit=None)
    if line.from_unit is not None:
        return _step(state, chosen, say("scan unit {unit}", unit=line.from_unit))
    return _step(state, chosen, instruction(errand, line, chosen))


def pick_unit(state: State, run: Run, label: UnitLabel, errand: Errand) -> Handled:
    """Confirm the unit that goods are taken out of.

    Args:
        state: The state, whose run is ``run``.
        run: The task under way.
        label: The unit.
        errand: The task.

    Returns:
        The next state and feedback.

    Raises:
        RefusedError: If no open line takes anything out of it, or goods on the cart wait for their place.
    """
    if run.carried:
        raise RefusedError(
            Refusal.WRONG_PLACE, say("scan {place}", place=_line_of(errand, run.carried[0]).to_location)
        )
    found = [
        line for line in errand.lines if line.from_unit == label.sscc and errand.remaining(line, run) > 0
    ]
    if not found:
        expected = _current(errand, run)
        raise RefusedError(
            Refusal.WRONG_PLACE,
            say(
                "expected {expected}, got {place}",
                expected=expected.from_unit or expected.from_location,
                place=label.sscc,
            ),
        )
    line = found[0]
    chosen = replace(run, line=line.number or run.line, place=line.from_location, unit=label.sscc)
    return _step(state, chosen, instruction(errand, line, chosen))


def pick_item(state: State, run: Run, label: ItemLabel, errand: Errand, scene: Scene) -> Handled:
    """Take goods of the current line: to the place the task names, or onto the cart to fill up a pick face.

    Args:
        state: The state, whose run is ``run``.
        run: The task under way.
        label: The goods.
        errand: The task.
        scene: The scan's circumstances.

    Returns:
        The next state, drafts and feedback.

    Raises:
        RefusedError: If the bin was not confirmed, the goods, their lot or their quantity are not the line's.
    """
    line = _current(errand, run)
    if run.place != line.from_location or run.unit != line.from_unit:
        where = line.from_unit or line.from_location
        raise RefusedError(Refusal.PLACE_REQUIRED, say("scan {place} first", place=where))
    base = _checked(run, label, errand, line)
    goods = Carried(
        label,
        stated_quantity(run, label),
        line.from_unit or line.from_location or "",
        line.number or run.line,
        scene.scan,
        is_in_unit=line.from_unit is not None,
    )
    after = replace(run, quantity=None, done=_with(run, errand, line, base), took=((line.number or 0, base),))
    what = say("{quantity} x {item}", quantity=plain(base), item=line.item)
    if run.workflow is Workflow.MOVE:
        if run.carried:
            raise RefusedError(Refusal.HALF_FINISHED, say("scan {place}", place=line.to_location))
        carried = replace(after, carried=(goods,))
        return _step(state, carried, say("{what} taken, scan {place}", what=what, place=line.to_location))
    record = scene.of_task(after, goods, line)
    return _posted(state, after, record, what, errand)


def short(state: State, run: Run, reason: str, errand: Errand, scene: Scene) -> Handled:
    """Record that the rest of the current line is not there.

    Args:
        state: The state, whose run is ``run``.
        run: The task under way.
        reason: Why, one of the site's.
        errand: The task.
        scene: The scan's circumstances.

    Returns:
        The next state, its record and feedback.

    Raises:
        RefusedError: If the reason is unknown, or something is half-finished.
    """
    if reason not in scene.site.short_reasons:
        raise RefusedError(
            Refusal.REASON_UNKNOWN,
            say(
                "{reason!r} is no reason here, expected one of {reasons}",
                reason=reason,
                reasons=", ".join(scene.site.short_reasons),
            ),
        )
    line = _current(errand, run)
    if run.is_half_finished:
        raise _half_finished(run)
    missing = plain(errand.remaining(line, run))
    where = line.from_unit or line.from_location
    event = scene.short_of(run, line, reason, f"{missing} of {line.item} not found in {where}")
    after, then = _went_on(replace(run, short=(*run.short, line.number or 0), took=()), errand)
    text = say("{quantity} x {item} short; {then}", quantity=missing, item=line.item, then=then)
    return Handled(replace(state, run=after, last=()), (event,), Feedback(Signal.STEP, text))


def skip(state: State, run: Run, errand: Errand) -> Handled:
    """Leave the current line for later.

    Args:
        state: The state, whose run is ``run``.
        run: The task under way.
        errand: The task.

    Returns:
        The next state, at the line after it, and feedback.

    Raises:
        RefusedError: If something is half-finished.
    """
    if run.is_half_finished:
        raise _half_finished(run)
    line = errand.next_line(run, _current(errand, run).number)
    if line is None:
        return _step(state, run, _all_done(errand))
    chosen = replace(run, line=line.number or run.line, place=None, unit=None)
    return _step(state, chosen, instruction(errand, line, chosen))


def undo_pick(state: State, run: Run, scene: Scene) -> Handled:
    """Reverse what the last scan posted; its line is to be done again.

    Args:
        state: The state; what it posted last has its identity.
        run: The task under way.
        scene: The scan's circumstances.

    Returns:
        The next state, the reversals and feedback.

    Raises:
        RefusedError: If nothing was posted last.
    """
    if not state.last or state.awaits_identity:
        raise RefusedError(
            Refusal.NOTHING_TO_UNDO, say("nothing to undo here: ask for a reversal in the ledger")
        )
    drafts = tuple(reversal_of(posted, scene) for posted in state.last)
    after = replace(left_out(run), posted=run.posted - len(drafts), place=None, unit=None)
    text = say("undone: {count} reversed", count=len(drafts))
    return Handled(replace(state, run=after, last=()), drafts, Feedback(Signal.SUCCESS, text))


def left_out(run: Run) -> Run:
    """Count what the last scan took as not done.

    Args:
        run: The task under way.

    Returns:
        The same, at that line.
    """
    taken = dict(run.took)
    done = tuple((number, quantity - taken.get(number, Decimal(0))) for number, quantity in run.done)
    return replace(run, done=done, took=(), line=next(iter(taken), run.line))


def _put_down(state: State, run: Run, place: str, errand: Errand, scene: Scene) -> Handled:
    (goods,) = run.carried
    line = _line_of(errand, goods)
    if place != line.to_location:
        raise RefusedError(
            Refusal.WRONG_PLACE,
            say("expected {expected}, got {place}", expected=line.to_location, place=place),
        )
    record = scene.of_task(run, goods, line)
    what = say("{count} put into {place}", count=1, place=place)
    return _posted(state, replace(run, carried=()), record, what, errand)


def _checked(run: Run, label: ItemLabel, errand: Errand, line: TaskLine) -> Decimal:
    """Check a label against its line; gives its quantity in base units."""
    ratio = ratio_of(line, label.identifier, label.unit_seen)
    if ratio is None:
        raise RefusedError(
            Refusal.WRONG_ITEM,
            say("expected {expected}, got {item}", expected=line.item, item=label.identifier.value),
        )
    if line.lot is not None and label.lot is not None and label.lot != line.lot:
        raise RefusedError(
            Refusal.WRONG_LOT, say("expected lot {expected}, got {lot}", expected=line.lot, lot=label.lot)
        )
    base = in_base_units(stated_quantity(run, label), ratio)
    left = errand.remaining(line, run)
    if base > left:
        raise RefusedError(
            Refusal.TOO_MANY,
            say(
                "{left} x {item} is to be taken, got {quantity}",
                left=plain(left),
                item=line.item,
                quantity=plain(base),
            ),
        )
    return base


def _posted(state: State, run: Run, record: Movement, what: Prompt, errand: Errand) -> Handled:
    after, then = _went_on(replace(run, posted=run.posted + 1), errand)
    text = say("{what}; {then}", what=what, then=then)
    posted = replace(state, run=after, last=(Posted(record),))
    return Handled(posted, (Draft(record),), Feedback(Signal.SUCCESS, text))


def _went_on(run: Run, errand: Errand) -> tuple[Run, Prompt]:
    """Go to the next line as soon as nothing of this one is left; tell where that is."""
    line = errand.line(run.line)
    if line is not None and errand.remaining(line, run) > 0:
        return run, instruction(errand, line, run)
    line = errand.next_line(run, run.line)
    if line is None:
        return run, _all_done(errand)
    is_there = line.from_location == run.place and line.from_unit == run.unit
    after = replace(
        run,
        line=line.number or run.line,
        place=run.place if is_there else None,
        unit=run.unit if is_there else None,
    )
    return after, instruction(errand, line, after)


def _current(errand: Errand, run: Run) -> TaskLine:
    line = errand.line(run.line)
    if line is None or errand.remaining(line, run) <= 0:
        line = errand.next_line(run, run.line)
    if line is None:
        raise RefusedError(Refusal.NO_TASK, _all_done(errand))
    return line


def _line_of(errand: Errand, goods: Carried) -> TaskLine:
    line = errand.line(goods.line)
    if line is None:
        raise RefusedError(Refusal.NO_TASK, say("task {task} is over: $UNDO or $DONE", task=errand.task.task))
    return line


def _with(run: Run, errand: Errand, line: TaskLine, base: Decimal) -> tuple[tuple[int, Decimal], ...]:
    done = dict(run.done)
    number = line.number or 0
    done[number] = (line.quantity or Decimal(0)) - errand.remaining(line, run) + base
    return tuple(sorted(done.items()))


def _all_done(errand: Errand) -> Prompt:
    return say("task {task}: nothing is left to do, $DONE", task=errand.task.task)


def _half_finished(run: Run) -> RefusedError:
    text = say("{work} {document}: finish it, $UNDO or $CANCEL", work=run.workflow, document=run.document)
    return RefusedError(Refusal.HALF_FINISHED, text)


def _step(state: State, run: Run, prompt: Prompt) -> Handled:
    return Handled(replace(state, run=run), (), Feedback(Signal.STEP, prompt))
