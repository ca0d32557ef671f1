"""A scan that has to do with a task of the cloud is led; any other is not, and the engine works as ever."""

from dataclasses import replace

from edge_agent.workflows.ending import complete
from edge_agent.workflows.errands import Errand, Errands, instruction
from edge_agent.workflows.feedback import Feedback, Signal
from edge_agent.workflows.goods import Handled, undo
from edge_agent.workflows.labels import ItemLabel, Label, UnitLabel
from edge_agent.workflows.language import Command, Verb
from edge_agent.workflows.picking import (
    as_known,
    begin,
    left_out,
    pick_item,
    pick_place,
    pick_unit,
    short,
    skip,
    undo_pick,
)
from edge_agent.workflows.prompts import say
from edge_agent.workflows.refusals import Refusal, RefusedError
from edge_agent.workflows.scene import Scene
from edge_agent.workflows.state import Run, State


def lead(state: State, label: Label, scene: Scene, errands: Errands) -> Handled | None:
    """Take a scan that asks for a task, or belongs to the one under way.

    Args:
        state: What the scanner's user is in the middle of.
        label: What was scanned.
        scene: The scan's circumstances.
        errands: Gives the tasks that the scanner may do.

    Returns:
        The next state, drafts and feedback; None if it has nothing to do with a task.

    Raises:
        RefusedError: If no task is waiting, the one under way is over, or the scan does not fit it.
    """
    run = state.run
    if isinstance(label, Command):
        if label.verb in {Verb.TASK, Verb.PICK}:
            return _asked_for(state, label, scene, errands)
        if label.verb in {Verb.SHORT, Verb.NEXT}:
            if run is None or not run.is_task:
                raise RefusedError(Refusal.NO_TASK, say("${verb}: no task leads the way", verb=label.verb))
            run, errand = _under_way(state, run, scene, errands)
            if label.verb is Verb.NEXT:
                return skip(state, run, errand)
            return short(state, run, label.argument.lower(), errand, scene)
        return _undone(state, run, scene) if label.verb is Verb.UNDO and run is not None else None
    return None if run is None or not run.is_task else _scanned(state, run, label, scene, errands)


def _scanned(state: State, run: Run, label: Label, scene: Scene, errands: Errands) -> Handled:
    run, errand = _under_way(state, run, scene, errands)
    if isinstance(label, ItemLabel):
        return pick_item(state, run, label, errand, scene)
    if isinstance(label, UnitLabel):
        return pick_unit(state, run, label, errand)
    if isinstance(label, Command):
        raise TypeError(f"a command is no label of goods, got {label!r}")
    return pick_place(state, run, label, errand, scene)


def _asked_for(state: State, command: Command, scene: Scene, errands: Errands) -> Handled | None:
    """Begin the task that a command asks for; an order that no task is for is picked as ever."""
    offered = errands(scene.device, scene.now.at)
    if command.argument:
        offered = [each for each in offered if each.is_about(command.argument)]
    if not offered:
        if command.verb is Verb.TASK:
            raise RefusedError(Refusal.NO_TASK, say("no task is waiting"))
        return None
    errand, run = offered[0], state.run
    if run is not None and run.is_task and run.document == errand.task.task:
        line = errand.line(run.line) or errand.next_line(run)
        again = say("ready") if line is None else instruction(errand, line, run)
        return Handled(state, (), Feedback(Signal.STEP, again))
    begun, prompt = begin(errand, scene.run_id)
    state, drafts = complete(state, scene)
    event = scene.event(begun, "begun")
    return Handled(replace(state, run=begun), (*drafts, event), Feedback(Signal.STEP, prompt))


def _under_way(state: State, run: Run, scene: Scene, errands: Errands) -> tuple[Run, Errand]:
    found = [each for each in errands(scene.device, scene.now.at) if each.task.task == run.document]
    if not found:
        raise RefusedError(Refusal.NO_TASK, say("task {task} is over: $UNDO or $DONE", task=run.document))
    is_durable = not state.awaits_identity and not run.carried
    return as_known(run, found[0]) if is_durable else run, found[0]


def _undone(state: State, run: Run, scene: Scene) -> Handled | None:
    if not run.is_task or run.quantity is not None:
        return None
    if not run.carried:
        return undo_pick(state, run, scene)
    undone = undo(state, scene)
    after = undone.state.run
    return undone if after is None else replace(undone, state=replace(undone.state, run=left_out(after)))
