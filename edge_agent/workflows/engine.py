"""The workflow engine: ``(state, scan, now) -> (state', drafts, feedback)``, without any effect of its own.

Every scan ends as a draft, as a change of state, or as a recorded refusal. Nothing is dropped.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from contracts.labels import LabelOrder
from contracts.offline import Badge
from contracts.vocabulary import Disposition
from edge_agent.clock import Stamp
from edge_agent.decode.decoded import Decoded
from edge_agent.outbox.draft import Draft
from edge_agent.workflows.counting import close_bin, count_item, count_place
from edge_agent.workflows.ending import complete, end
from edge_agent.workflows.errands import Errands, no_errands
from edge_agent.workflows.expired import ask_first, asked_about
from edge_agent.workflows.feedback import Feedback, Signal
from edge_agent.workflows.first_out import (
    KnownLots,
    ask_which,
    asked_which,
    earlier_lot,
    no_lots,
    passing_over,
)
from edge_agent.workflows.goods import Handled, handle_item, handle_place, handle_unit, undo
from edge_agent.workflows.kinds import KINDS, Argument, Workflow
from edge_agent.workflows.labels import ItemLabel, Label, PlaceLabel, UnitLabel, read_label
from edge_agent.workflows.language import STARTS, Command, Verb
from edge_agent.workflows.leading import lead
from edge_agent.workflows.making import NO_RECIPES, Recipes, begin_making, make, makes
from edge_agent.workflows.pins import is_pin
from edge_agent.workflows.printing import NO_LABELS, Labels, handle_print
from edge_agent.workflows.prompts import Prompt, say
from edge_agent.workflows.refusals import Refusal, RefusedError
from edge_agent.workflows.scene import Scene, Whereabouts, nowhere
from edge_agent.workflows.site import COMMAND_PREFIX, WorkflowSettings
from edge_agent.workflows.state import Run, State

_NS_PER_S = 1_000_000_000
_HIDDEN_SCAN = {Verb.BADGE: "$BADGE/...", Verb.PIN: "$PIN/..."}
"""What is kept of a scan that lets somebody in."""
_MOST_WRONG_PINS = 5
_BLOCKED_S = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one scan, or a silence, came to."""

    state: State
    drafts: tuple[Draft, ...]
    feedback: Feedback
    order: LabelOrder | None = None
    """What is to be printed once the drafts are durable."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The rules of one scanner at one site."""

    device: str
    site: WorkflowSettings
    whereabouts: Whereabouts = nowhere
    """Where logistic units stand, as far as this gateway has seen."""
    errands: Errands = no_errands
    """Tasks of the cloud that a scanner may do."""
    labels: Labels = NO_LABELS
    """Where SSCCs of new units come from."""
    recipes: Recipes = NO_RECIPES
    """By which kits are made, taken apart and repacked."""
    lots: KnownLots = no_lots
    """Lots of an item that could be picked."""

    def take(self, state: State, decoded: Decoded, now: Stamp) -> Outcome:
        """Take one scan.

        Args:
            state: What the scanner's user is in the middle of.
            decoded: The scan.
            now: When it was scanned.

        Returns:
            The next state, the records to commit with it, and the answer to give once they are committed.
        """
        state, overdue = self.expire(state, now)
        state = replace(
            state, scans=state.scans + 1, heard_at=now.at, heard_mono_ns=now.mono_ns, boot_id=now.boot_id
        )
        hidden = _hidden(decoded.raw, is_open=self._is_open(state))
        scan = hidden or decoded.raw
        scene = Scene(self.device, self.site, state.actor, now, scan, self.whereabouts)
        try:
            handled = self._handle(state, decoded, scene)
        except RefusedError as error:
            if error.refusal is Refusal.PIN_WRONG:
                state = replace(state, wrong_pins=state.wrong_pins + 1, wrong_pin_at=now.at)
            handled = _refused(state, error, scene, is_hidden=hidden is not None)
        return Outcome(handled.state, (*overdue, *handled.drafts), handled.feedback, handled.order)

    def language_of(self, state: State) -> str:
        """Tell which language a scanner's display speaks.

        Args:
            state: Who holds it.

        Returns:
            That of their badge; the site's while nobody is logged in.
        """
        badges = (badge.language for badge in self.site.badges if badge.actor == state.actor)
        return next(badges, self.site.language)

    def expire(self, state: State, now: Stamp) -> tuple[State, tuple[Draft, ...]]:
        """Log out a user who has been silent for too long.

        Args:
            state: Any state.
            now: The present.

        Returns:
            The state, logged out if it was time, and the records of what was left half-finished.
        """
        if (state.actor is None and state.run is None) or _silent_s(state, now) < self.site.idle_logout_s:
            return state, ()
        return self._log_out(state, Scene(self.device, self.site, state.actor, now), "idle")

    def hand_over(self, state: State, now: Stamp) -> tuple[State, tuple[Draft, ...]]:
        """Log out a user whose device is not the one that is there now.

        Args:
            state: Any state.
            now: The present.

        Returns:
            The state, logged out, and the records of what was left half-finished.
        """
        return self._log_out(state, Scene(self.device, self.site, state.actor, now), "handed_over")

    def interrupted(self, state: State, now: Stamp) -> tuple[Draft, ...]:
        """Record that the scanner went away in the middle of work; the state waits for it.

        Args:
            state: Any state.
            now: The present.

        Returns:
            One event if something was half-finished, else nothing.
        """
        if state.run is None or not state.run.is_half_finished:
            return ()
        done = "counted" if state.run.kind.is_observation else "carried"
        held = f"{len(state.run.carried)} {done}, quantity keyed: {state.run.quantity}"
        return (
            Scene(self.device, self.site, state.actor, now).event(
                state.run, "interrupted", "scanner_lost", held
            ),
        )

    def _handle(self, state: State, decoded: Decoded, scene: Scene) -> Handled:
        label = self._read(state, decoded)
        run = state.run
        if not isinstance(label, ItemLabel) or run is None:
            return self._act(state, label, scene)
        earlier = earlier_lot(run, label, self.lots, scene)
        handled = self._act(replace(state, run=passing_over(run, earlier)), label, scene)
        for ask, about in (
            (partial(ask_first, run, label, scene.now), asked_about(label)),
            (partial(ask_which, run, label, earlier), asked_which(label)),
        ):
            try:
                ask()
            except RefusedError as error:
                asked = replace(run, asked_about=(*run.asked_about, about))
                return _refused(replace(state, run=asked), error, scene)
        return replace(handled, state=replace(handled.state, run=passing_over(handled.state.run, None)))

    def _act(self, state: State, label: Label, scene: Scene) -> Handled:
        led_to = lead(state, label, scene, self.errands)
        if led_to is not None:
            return led_to
        made = make(state, label, scene, self.recipes)
        if made is not None:
            return made
        if isinstance(label, Command):
            return self._command(state, label, scene)
        if state.run is None:
            raise RefusedError(Refusal.NO_WORKFLOW, say("scan a command such as $RECEIVE/... or $MOVE first"))
        is_count = state.run.kind.is_observation
        if isinstance(label, ItemLabel):
            return (count_item if is_count else handle_item)(state, state.run, label, scene)
        if isinstance(label, UnitLabel):
            return handle_unit(state, state.run, label, scene)
        return (count_place if is_count else handle_place)(state, state.run, label, scene)

    def _read(self, state: State, decoded: Decoded) -> Label:
        is_open = self._is_open(state)
        try:
            label = read_label(decoded, self.site)
        except RefusedError:
            if is_open:
                raise
            label = PlaceLabel("")  # whatever it is: without a badge it cannot be used
        if not is_open and not (isinstance(label, Command) and label.verb in _HIDDEN_SCAN):
            raise RefusedError(Refusal.BADGE_REQUIRED, say("scan your badge first"))
        return label

    def _is_open(self, state: State) -> bool:
        return state.actor is not None or not self.site.badge_required

    def _command(self, state: State, command: Command, scene: Scene) -> Handled:
        match command.verb:
            case Verb.BADGE:
                return self._log_in(state, _badge(self.site.badges, command.argument), scene)
            case Verb.PIN:
                return self._log_in(state, self._badge_by_pin(state, command.argument, scene), scene)
            case Verb.LOGOUT:
                after, drafts = self._log_out(state, scene, "logged_out")
                return _step(after, drafts, say("logged out"))
            case verb if verb in STARTS:
                return self._begin(state, STARTS[verb], command, scene)
        return self._about_what_was_done(state, command, scene)

    def _about_what_was_done(self, state: State, command: Command, scene: Scene) -> Handled:
        if command.verb is Verb.UNDO:
            return undo(state, scene)
        if command.verb in {Verb.PRINT, Verb.REPRINT}:
            return handle_print(state, command, scene, self.labels)
        if state.run is None:
            raise RefusedError(Refusal.NO_WORKFLOW, say("${verb}: no work is under way", verb=command.verb))
        return self._within(state, state.run, command, scene)

    def _within(self, state: State, run: Run, command: Command, scene: Scene) -> Handled:
        if command.verb in {Verb.QTY, Verb.ZERO}:
            return _key(state, run, command)
        if command.verb is Verb.LINE:
            return _step(
                replace(state, run=replace(run, line=command.line, is_line_named=True)),
                (),
                say("line {line}", line=command.line),
            )
        if command.verb is Verb.MAKES:
            return makes(state, run, self.recipes)
        if command.verb is Verb.DONE:
            return _done(state, run, scene)
        after, drafts = end(state, scene, "cancelled")
        return _step(
            after,
            drafts,
            say(
                "{work} {document} cancelled: {posted} stay posted",
                work=run.workflow,
                document=run.document,
                posted=run.posted,
            ),
        )

    def _begin(self, state: State, workflow: Workflow, command: Command, scene: Scene) -> Handled:
        run = state.run
        if run is not None and (run.workflow, run.document) == (workflow, command.argument):
            return _step(
                state,
                (),
                say("{work} {document}, line {line}", work=workflow, document=run.document, line=run.line),
            )
        begun, prompt = begin_making(self._new_run(workflow, command.argument, scene), scene, self.recipes)
        state, drafts = complete(state, scene)
        event = scene.event(begun, "begun", note=begun.reason)
        return _step(
            replace(state, run=begun),
            (*drafts, event),
            prompt,
        )

    def _new_run(self, workflow: Workflow, argument: str, scene: Scene) -> Run:
        run_id = scene.run_id
        match KINDS[workflow].argument:
            case Argument.DISPOSITION:
                return Run(workflow, run_id, run_id, grade=Disposition(argument.lower()))
            case Argument.REASON:
                reason = argument.lower()
                if reason not in self.site.reasons:
                    raise RefusedError(
                        Refusal.REASON_UNKNOWN,
                        say(
                            "{reason!r} is no reason here, expected one of {reasons}",
                            reason=argument,
                            reasons=", ".join(self.site.reasons),
                        ),
                    )
                if workflow is Workflow.ADJUST and scene.actor is None:
                    raise RefusedError(
                        Refusal.BADGE_REQUIRED, say("{work}: scan your badge first", work=workflow)
                    )
                return Run(workflow, run_id, run_id, reason=reason)
        return Run(workflow, run_id, argument or run_id)

    def _badge_by_pin(self, state: State, argument: str, scene: Scene) -> Badge:
        if state.wrong_pins >= _MOST_WRONG_PINS and state.wrong_pin_at is not None:
            waited_s = abs((scene.now.at - state.wrong_pin_at).total_seconds())
            if waited_s < _BLOCKED_S:
                raise RefusedError(Refusal.PIN_BLOCKED, say("too many wrong PINs: scan your badge, or wait"))
        name, _, pin = argument.rpartition("/")
        for badge in self.site.badges:
            if badge.actor == name and is_pin(pin, badge.pin_argon2id):
                return badge
        raise RefusedError(Refusal.PIN_WRONG, say("this name and PIN are not known here"))

    def _log_in(self, state: State, badge: Badge, scene: Scene) -> Handled:
        state = replace(state, wrong_pins=0, wrong_pin_at=None)
        if badge.actor == state.actor:
            return _step(state, (), say("hello again, {person}", person=badge.actor))
        state, drafts = self._log_out(state, scene, "logged_out")
        event = replace(scene, actor=badge.actor).event(None, "logged_in")
        return _step(
            replace(state, actor=badge.actor), (*drafts, event), say("hello, {person}", person=badge.actor)
        )

    def _log_out(self, state: State, scene: Scene, because: str) -> tuple[State, tuple[Draft, ...]]:
        if state.actor is None and state.run is None:
            return state, ()
        ended, drafts = end(state, scene, because)
        return replace(ended, actor=None), (*drafts, scene.event(None, "logged_out", because))


def _refused(state: State, error: RefusedError, scene: Scene, *, is_hidden: bool = False) -> Handled:
    """Record that a scan was refused; of one that lets somebody in only why."""
    note = None if is_hidden else str(error)
    event = scene.event(state.run, "refused", error.refusal, note)
    prompt = say("{refusal}: {prompt}", refusal=str(error.refusal), prompt=error.prompt)
    if is_hidden:
        prompt = say("{refusal}", refusal=str(error.refusal))
    return Handled(state, (event,), Feedback(Signal.REFUSAL, prompt))


def _hidden(raw: str, *, is_open: bool) -> str | None:
    """Say what is kept of a scan that may be somebody's secret, mistyped perhaps; None if it is none."""
    folded = raw.casefold()
    for verb, text in _HIDDEN_SCAN.items():
        if f"{COMMAND_PREFIX}{verb}".casefold() in folded:
            return text
    word = raw.partition(COMMAND_PREFIX)[2].partition("/")[0]
    is_command = any(word == verb for verb in Verb)
    return f"{COMMAND_PREFIX}..." if not is_open and word and not is_command else None


def _key(state: State, run: Run, command: Command) -> Handled:
    if run.quantity is not None:
        raise RefusedError(
            Refusal.QUANTITY_TWICE,
            say("{quantity} is keyed already: scan the item, or $UNDO", quantity=run.quantity),
        )
    if command.verb is Verb.ZERO and not run.kind.is_observation:
        raise RefusedError(
            Refusal.ZERO_NOT_EXPECTED, say("{work} moves goods, expected $ZERO in $COUNT", work=run.workflow)
        )
    keyed = replace(state, run=replace(run, quantity=command.quantity))
    return _step(keyed, (), say("quantity {quantity}, scan the item", quantity=command.quantity))


def _done(state: State, run: Run, scene: Scene) -> Handled:
    state, counted = close_bin(state, run, scene) if run.kind.is_observation else (state, ())
    posted = 0 if state.run is None else state.run.posted
    after, drafts = complete(state, scene)
    text = say(
        "{work} {document} done: {posted} posted", work=run.workflow, document=run.document, posted=posted
    )
    return Handled(after, (*counted, *drafts), Feedback(Signal.SUCCESS if counted else Signal.STEP, text))


def _step(state: State, drafts: Sequence[Draft], prompt: Prompt) -> Handled:
    return Handled(state, tuple(drafts), Feedback(Signal.STEP, prompt))


def _badge(badges: Sequence[Badge], token: str) -> Badge:
    digest = hashlib.sha256(token.encode()).hexdigest()
    for badge in badges:
        if badge.badge_sha256 == digest:
            return badge
    raise RefusedError(Refusal.BADGE_UNKNOWN, say("this badge is not known here"))


def _silent_s(state: State, now: Stamp) -> float:
    if state.boot_id == now.boot_id:
        return (now.mono_ns - state.heard_mono_ns) / _NS_PER_S
    return 0.0 if state.heard_at is None else (now.at - state.heard_at).total_seconds()
