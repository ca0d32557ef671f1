"""One scanner at work: frames in, one durable commit, then the answers out to the scanner."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from contracts.labels import LabelOrder
from contracts.records import RowRef
from edge_agent.clock import Clock
from edge_agent.decode.barcode import decode_barcode
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.errors import OutboxError
from edge_agent.readers.framing import Frame
from edge_agent.readers.line import Send
from edge_agent.readers.profile import ScannerProfile
from edge_agent.workflows.engine import Engine
from edge_agent.workflows.feedback import Feedback, Signal
from edge_agent.workflows.language import is_undo
from edge_agent.workflows.printing import not_printed
from edge_agent.workflows.prompts import in_ascii, say
from edge_agent.workflows.refusals import Refusal
from edge_agent.workflows.scene import Scene
from edge_agent.workflows.state import State, StateUnreadableError, dump_state, load_state

RESUME: Final = "resume"
"""Opens the line that a display shows when the scanner (or the agent) is back."""

_DISPLAY_LENGTH: Final = 120

Hold = Callable[[str, str | None], bool]

log = structlog.get_logger()


class Journal(Protocol):
    """Where a session's work becomes durable: the outbox."""

    def commit(self, device: str, state: bytes, drafts: Sequence[Draft]) -> Sequence[RowRef]:
        """Store a scanner's state and its records in one transaction.

        Args:
            device: The scanner.
            state: What ``recall`` shall give after a restart.
            drafts: Records, perhaps none.

        Returns:
            The identity of each record, in order.

        Raises:
            OutboxError: If nothing was stored.
        """

    def recall(self, device: str) -> bytes | None:
        """Give the last stored state of a scanner.

        Args:
            device: The scanner.

        Returns:
            What ``commit`` stored; None if it never did.
        """


class PrintResult(Protocol):
    """What came of a label."""

    @property
    def order(self) -> LabelOrder:
        """The label."""

    @property
    def actor(self) -> str | None:
        """Who asked for it."""

    @property
    def problem(self) -> str | None:
        """What went wrong; None: nothing."""


class Printers(Protocol):
    """Where a scanner's labels are printed, which a session never waits for."""

    def request(self, device: str, order: LabelOrder, actor: str | None) -> None:
        """Ask for a label whose record is durable."""

    def results(self, device: str) -> Sequence[PrintResult]:
        """Give what came of the scanner's labels since it was asked last."""


class NoPrinters:
    """A gateway that prints nothing."""

    def request(self, device: str, order: LabelOrder, actor: str | None) -> None:
        """Be asked for nothing: without a printer no label is ordered."""

    def results(self, device: str) -> Sequence[PrintResult]:  # noqa: ARG002  as the protocol has it
        """Have printed nothing."""
        return ()


class Session:
    """Listens to one line and owns the state of its work."""

    def __init__(
        self,
        engine: Engine,
        profile: ScannerProfile,
        journal: Journal,
        clock: Clock,
        tally: Counter[str],
        *,
        hold: Hold = lambda _device, _task: True,
        printers: Printers | None = None,
    ) -> None:
        """Take up the work where the journal says it stands.

        Args:
            engine: The rules.
            profile: How the scanner is answered, and whether it sends AIM identifiers.
            journal: Where work becomes durable.
            clock: Gives the stamps.
            tally: Counts how every scan ended; one scanner's sessions share it.
            hold: Told which task of the cloud the scanner is in the middle of, None for none; gives False if
                another scanner is.
            printers: Where labels are printed; None: nowhere.
        """
        self._hold = hold
        self._printers = printers or NoPrinters()
        self._tally = tally
        self._engine = engine
        self._profile = profile
        self._journal = journal
        self._clock = clock
        self._send: Send = _to_nobody
        self._committed = self._recalled()
        self._holds(self._committed)
        self._state = self._committed
        self._drafts: list[Draft] = []
        self._answers: list[tuple[State, Feedback, LabelOrder | None]] = []

    @property
    def state(self) -> State:
        """What is durable of this scanner's work."""
        return self._committed

    def handed_over(self) -> None:
        """Log out whoever worked with the device before."""
        self._log_out(*self._engine.hand_over(self._state, self._clock.now()))

    def connected(self, send: Send) -> None:
        """Tell the scanner's user where the work stands."""
        self._send = send
        run = self._state.run
        where = say("ready")
        if run is not None:
            where = say(
                "{work} {document}, line {line}", work=run.workflow, document=run.document, line=run.line
            )
        who = self._state.actor or say("no badge")
        prompt = say("{resume} {where}, {who}", resume=RESUME, where=where, who=who)
        self._answer(self._state, Feedback(Signal.STEP, prompt))

    def scanned(self, frames: Sequence[Frame]) -> None:
        """Work through scans that arrived together, with as few commits as their meaning allows."""
        self._hear_of_prints()
        aim_required = self._profile.scan.aim == "required"
        for taken, frame in enumerate(frames):
            decoded = decode_barcode(frame.text, aim_required=aim_required)
            # A reversal names the row it reverses, so that row needs its identity first.
            if is_undo(decoded.text) and self._state.awaits_identity and not self._commit():
                self._not_stored(len(frames) - taken)
                return
            outcome = self._engine.take(self._state, decoded, self._clock.now())
            self._state = outcome.state
            self._drafts.extend(outcome.drafts)
            self._answers.append((outcome.state, outcome.feedback, outcome.order))
        self._commit()

    def silent(self) -> None:
        """Tell what came of labels, and log out a user who has been away for too long."""
        self._hear_of_prints()
        self._log_out(*self._engine.expire(self._state, self._clock.now()))

    def disconnected(self) -> None:
        """Record that half-finished work waits for its scanner."""
        self._send = _to_nobody
        self._hear_of_prints()
        self._drafts.extend(self._engine.interrupted(self._state, self._clock.now()))
        if self._drafts:
            self._commit()

    def _log_out(self, state: State, drafts: Sequence[Draft]) -> None:
        if drafts:
            self._state = state
            self._drafts.extend(drafts)
            self._commit()

    def _commit(self) -> bool:
        drafts, answers = tuple(self._drafts), tuple(self._answers)
        self._drafts.clear()
        self._answers.clear()
        wanted, self._state = self._state, self._committed  # until it is durable, nothing has happened
        if not self._holds(wanted):
            log.info("task_of_another", scanner=self._engine.device, scans=len(answers))
            self._not_stored(len(answers))
            return False
        try:
            refs = self._journal.commit(self._engine.device, dump_state(wanted), drafts)
        except OutboxError as error:
            log.error("scans_not_stored", scanner=self._engine.device, scans=len(answers), detail=str(error))  # noqa: TRY400  no traceback needed
            self._holds(self._committed)
            self._not_stored(len(answers))
            return False
        by_record = {id(draft.record): ref for draft, ref in zip(drafts, refs, strict=True)}
        self._state = self._committed = wanted.with_identities(by_record)
        self._count(drafts, len(answers))
        self._let_go()
        for state, feedback, order in answers:
            self._answer(state, feedback)
            if order is not None:
                self._printers.request(self._engine.device, order, state.actor)
        return True

    def _hear_of_prints(self) -> None:
        """Tell, and record, which labels did not come out; one that did is in somebody's hand."""
        for each in self._printers.results(self._engine.device):
            if each.problem is None:
                self._tally["labels_printed"] += 1
                continue
            self._tally["labels_not_printed"] += 1
            subject = each.order.subject
            log.warning(
                "label_not_printed", scanner=self._engine.device, subject=subject, detail=each.problem
            )
            scene = Scene(self._engine.device, self._engine.site, each.actor, self._clock.now())
            self._drafts.append(not_printed(scene, each.order, each.problem))
            self._commit()
            said = say("no label of {item}: {problem}; $REPRINT/...", item=subject, problem=each.problem)
            self._answer(self._state, Feedback(Signal.REFUSAL, said))

    def _holds(self, state: State) -> bool:
        """Take a state's task before it is durable that this scanner has it; there may be none."""
        run = state.run
        return run is None or not run.is_task or self._hold(self._engine.device, run.document)

    def _let_go(self) -> None:
        run = self._committed.run
        if run is None or not run.is_task:
            self._hold(self._engine.device, None)

    def _not_stored(self, scans: int) -> None:
        self._tally["scans_not_stored"] += scans
        for _ in range(scans):
            again = say("{refusal}: {prompt}", refusal=str(Refusal.NOT_STORED), prompt=say("scan again"))
            self._answer(self._state, Feedback(Signal.REFUSAL, again))

    def _count(self, drafts: Sequence[Draft], scans: int) -> None:
        self._tally["scans"] += scans
        for draft in drafts:
            record = draft.record
            if record.kind in {"movement", "unit_position", "count"}:
                self._tally["records_posted"] += 1
            elif record.kind == "workflow_event" and record.step == "refused":
                self._tally[f"scans_refused_{record.outcome}"] += 1

    def _answer(self, state: State, feedback: Feedback) -> None:
        host = self._profile.feedback
        signal = {
            Signal.SUCCESS: host.success,
            Signal.STEP: host.step,
            Signal.REFUSAL: host.refusal,
        }[feedback.signal]
        said = in_ascii(feedback.prompt.said_in(self._engine.language_of(state)))
        text = f"{state.scans} {said[:_DISPLAY_LENGTH]}\r\n" if host.has_display else ""
        self._send((signal + text).encode("ascii", "replace"))

    def _recalled(self) -> State:
        body = self._journal.recall(self._engine.device)
        if body is None:
            return State()
        try:
            return load_state(body)
        except StateUnreadableError as error:
            log.warning("scanner_state_unreadable", scanner=self._engine.device, error=str(error))
            event = Scene(self._engine.device, self._engine.site, None, self._clock.now()).event(
                None, "state_lost", "unreadable", str(error)
            )
            self._journal.commit(self._engine.device, dump_state(State()), (event,))
            return State()


def _to_nobody(_data: bytes) -> None:
    """Answers to a scanner that is gone."""
