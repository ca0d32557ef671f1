"""How work ends: completed, if nothing is half-finished, or otherwise; what was left undone is recorded."""

from dataclasses import replace

from edge_agent.outbox.draft import Draft
from edge_agent.workflows.prompts import say
from edge_agent.workflows.refusals import Refusal, RefusedError
from edge_agent.workflows.scene import Scene
from edge_agent.workflows.state import State


def complete(state: State, scene: Scene) -> tuple[State, tuple[Draft, ...]]:
    """End the work under way, if any.

    Args:
        state: Any state.
        scene: The scan's circumstances.

    Returns:
        The state without it, and the records.

    Raises:
        RefusedError: If something is half-finished.
    """
    if state.run is not None and state.run.is_half_finished:
        raise RefusedError(
            Refusal.HALF_FINISHED,
            say(
                "{work} {document}: finish it, $UNDO or $CANCEL",
                work=state.run.workflow,
                document=state.run.document,
            ),
        )
    return end(state, scene, "completed")


def end(state: State, scene: Scene, how: str) -> tuple[State, tuple[Draft, ...]]:
    """End the work under way, if any, whatever is half-finished.

    Args:
        state: Any state.
        scene: The scan's circumstances.
        how: As it is recorded: ``completed``, ``cancelled`` …

    Returns:
        The state without it, and the records.
    """
    if state.run is None:
        return state, ()
    run = state.run
    drafts = (*scene.not_completed(run, how), scene.event(run, "ended", how, f"{run.posted} posted"))
    return replace(state, run=None, last=()), drafts
