"""Labels that a scanner asks for: a command in; an SSCC, what to print and its record out; it prints none."""

from dataclasses import replace
from typing import Final, Protocol

from contracts.labels import LabelKind, LabelOrder
from contracts.records import Movement
from edge_agent.outbox.draft import Draft
from edge_agent.workflows.errands import plain
from edge_agent.workflows.feedback import Feedback, Signal
from edge_agent.workflows.goods import Handled
from edge_agent.workflows.kinds import End
from edge_agent.workflows.labels import UnitLabel
from edge_agent.workflows.language import Command, Verb
from edge_agent.workflows.prompts import say
from edge_agent.workflows.refusals import Refusal, RefusedError
from edge_agent.workflows.scene import Scene
from edge_agent.workflows.state import Run, State

LABEL: Final = "label"
"""The workflow that records of prints name."""


class Labels(Protocol):
    """What a scanner's labels need that lasts."""

    def promise(self, device: str, used: str | None) -> str | None:
        """Give the SSCC of the scanner's next unit, the same until it was ``used``; None: none is left."""

    def has_printer(self, device: str) -> bool:
        """Tell whether labels of a scanner are printed anywhere."""


class NoLabels:
    """A gateway without printers."""

    def promise(self, device: str, used: str | None) -> None:
        """Know of no SSCC."""

    def has_printer(self, device: str) -> bool:  # noqa: ARG002  as the protocol has it
        """Have none."""
        return False


NO_LABELS: Final = NoLabels()


def handle_print(state: State, command: Command, scene: Scene, labels: Labels) -> Handled:
    """Take ``$PRINT`` or ``$REPRINT/reason``.

    Args:
        state: What the scanner's user is in the middle of.
        command: One of the two.
        scene: The scan's circumstances.
        labels: Where SSCCs come from.

    Returns:
        The next state, drafts, feedback and what to print.

    Raises:
        RefusedError: If there is nothing to print, no printer, no SSCC left, or the reason is unknown here.
    """
    if not labels.has_printer(scene.device):
        raise RefusedError(Refusal.NO_PRINTER, say("no printer prints for this scanner"))
    if command.verb is Verb.REPRINT:
        return _again(state, command.argument.lower(), scene)
    run = state.run
    if run is not None and run.destination is End.UNIT:
        return _new_unit(state, run, scene, labels)
    return _last_item(state, scene)


def _new_unit(state: State, run: Run, scene: Scene, labels: Labels) -> Handled:
    if run.unit is not None:
        raise RefusedError(
            Refusal.NOTHING_TO_PRINT,
            say("unit {unit} has its label: scan it to close the unit, or $REPRINT/...", unit=run.unit),
        )
    sscc = labels.promise(scene.device, state.minted)
    if sscc is None:
        raise RefusedError(Refusal.NO_SERIALS, say("no SSCC is left here: the cloud sends more"))
    place = run.place or scene.site.staging
    values = {"sscc": sscc} | ({} if run.document == run.id else {"order": run.document})
    order = LabelOrder(LabelKind.SSCC, values)
    seen = Draft(scene.seen(run, UnitLabel(sscc), place))
    packing = replace(run, unit=sscc, posted=run.posted + 1)
    after = replace(state, run=packing, last=(), printed=order, minted=sscc)
    text = say("into unit {unit}, at {place}", unit=sscc, place=place)
    return Handled(after, (seen, _note(scene, order)), Feedback(Signal.SUCCESS, text), order)


def _last_item(state: State, scene: Scene) -> Handled:
    posted = state.last[-1].record if state.last else None
    if not isinstance(posted, Movement):
        raise RefusedError(Refusal.NOTHING_TO_PRINT, say("$PRINT: scan an item first, or begin with $PACK"))
    order = LabelOrder(LabelKind.ITEM, _values_of(posted))
    text = say("label of {item}", item=posted.identifier.value)
    after = replace(state, printed=order)
    return Handled(after, (_note(scene, order),), Feedback(Signal.STEP, text), order)


def _again(state: State, reason: str, scene: Scene) -> Handled:
    if state.printed is None:
        raise RefusedError(Refusal.NOTHING_TO_PRINT, say("$REPRINT: nothing was printed here before"))
    if reason not in scene.site.reprint_reasons:
        raise RefusedError(
            Refusal.REASON_UNKNOWN,
            say(
                "{reason!r} is no reason here, expected one of {reasons}",
                reason=reason,
                reasons=", ".join(scene.site.reprint_reasons),
            ),
        )
    text = say("label of {item}", item=state.printed.subject)
    draft = _note(scene, state.printed, reason)
    return Handled(state, (draft,), Feedback(Signal.STEP, text), state.printed)


def _values_of(posted: Movement) -> dict[str, str]:
    values = {"item": posted.identifier.value, "quantity": plain(posted.quantity_seen)}
    if posted.identifier.scheme == "gtin":
        values["gtin"] = posted.identifier.value
    lot = posted.source.lot or posted.destination.lot
    return values | ({"lot": lot} if lot else {})


def _note(scene: Scene, order: LabelOrder, reason: str | None = None) -> Draft:
    """State that a label is printed, before it is: one that was never recorded must not exist."""
    event = scene.event(None, order.kind.value, "printed" if reason is None else "reprinted").record
    said = {"subject": order.subject, "copies": order.copies} | ({} if reason is None else {"reason": reason})
    return Draft(event.model_validate(event.model_dump() | {"workflow": LABEL} | said))


def not_printed(scene: Scene, order: LabelOrder, problem: str) -> Draft:
    """State that a label which was recorded did not come out.

    Args:
        scene: Who asked with which scanner.
        order: The label.
        problem: Why.

    Returns:
        The draft.
    """
    event = scene.event(None, order.kind.value, "failed", problem).record
    return Draft(event.model_validate(event.model_dump() | {"workflow": LABEL, "subject": order.subject}))
