"""A person with a scanner: documents in, label scans out, and what the host's beeps mean for them.

Scans wait unanswered only up to a window; the host's beep makes room for the next: that is the flow control.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from simulators.retail.plan import Document, Kind, Move
from simulators.scanner.answers import Answer, Beep

CODE_128: Final = "]C0"
"""In-house codes are plain Code 128: they are not GS1's, so claiming ``]C1`` would be a lie."""
_LINE: Final = f"{CODE_128}$LINE/"
_QUANTITY: Final = f"{CODE_128}$QTY/"
_COMMAND: Final = {Kind.RECEIPT: "RECEIVE", Kind.SHIPMENT: "SHIP", Kind.CUSTOMER_RETURN: "RETURN"}


class OutOfStepError(RuntimeError):
    """The host has answered other scans than were sent."""


@dataclass(frozen=True, slots=True)
class Label:
    """One barcode that a person will scan."""

    text: str
    """AIM identifier and characters."""
    document: Document | None = None
    """The paper it belongs to; None for the badge."""
    move: Move | None = None
    """What the host shall make of it; None for a command."""

    @property
    def leaves_work_open(self) -> bool:
        """Whether more must follow: a quantity or line number without its item is half a scan."""
        return self.move is None and self.text.startswith((_LINE, _QUANTITY))


def shift_begins(token: str) -> tuple[Label, ...]:
    """Give the labels with which a person takes a scanner, whatever its last holder left undone.

    Args:
        token: What the person's badge says.

    Returns:
        The badge, a log-out that ends unfinished work, and the badge again.
    """
    badge = Label(f"{CODE_128}$BADGE/{token}")
    return badge, Label(f"{CODE_128}$LOGOUT"), badge


def labels(document: Document) -> Iterator[Label]:
    """Give the labels that a person scans for a document, in order.

    The quantity comes from a ``$QTY`` label unless it is one piece and no double scan could be mistaken for
    it; the line number only where it does not follow the one before.

    Args:
        document: Any document.

    Yields:
        Labels; those with a move post one.
    """
    yield Label(f"{CODE_128}${_COMMAND[document.kind]}/{document.id}", document)
    expected_line, last = 1, ""
    for move in document.moves:
        if move.line != expected_line:
            yield Label(f"{_LINE}{move.line}", document)
        if move.quantity != 1 or (move.item == last and move.line == expected_line):
            yield Label(f"{_QUANTITY}{move.quantity}", document)
        yield Label(CODE_128 + move.item, document, move)
        expected_line, last = move.line + 1, move.item


@dataclass(slots=True)
class Operator:
    """What one person has sent, and what of it was answered."""

    window: int
    """Most scans that wait for an answer."""
    work: deque[Label] = field(default_factory=deque)
    """Labels not scanned yet."""
    unanswered: deque[Label] = field(default_factory=deque)
    answered: int = 0
    posted: int = 0
    refusals: list[str] = field(default_factory=list)
    unheard: int = 0
    """Scans that the host took, but whose beep was lost with it."""
    resumed: int = 0
    """How often the host was there (again) and said where the work stood."""
    _host_scans: int = 0
    _is_heard: bool = False
    _again: int = 0
    """How many labels at the head of the work were scanned before, for a host that went away."""
    _is_open: bool = False
    """The label scanned last needs another one after it."""
    _document: Document | None = None
    """Of the label scanned last."""

    @property
    def is_idle(self) -> bool:
        """Whether all the work is scanned and answered."""
        return not self.work and not self.unanswered

    @property
    def may_scan(self) -> bool:
        """Whether there is something to scan, and the host is there and not too far behind."""
        return bool(self.work) and self._is_heard and len(self.unanswered) < self.window

    def next_label(self) -> tuple[Label, bool]:
        """Take the next label to scan; it now waits for its answer.

        Returns:
            The label, and whether it is scanned for the first time.
        """
        label = self.work.popleft()
        self.unanswered.append(label)
        is_first_time = self._again == 0
        self._again -= not is_first_time
        self._is_open = label.leaves_work_open
        self._document = label.document
        return label, is_first_time

    def put_before_next_document(self, labels: Iterable[Label]) -> None:
        """Take labels to scan as soon as the document at hand is done.

        Args:
            labels: Of no document.
        """
        work = list(self.work)
        place = self._again
        while place < len(work) and work[place].document is self._document:
            place += 1
        self.work = deque([*work[:place], *labels, *work[place:]])

    def stop(self) -> None:
        """Put the papers away, but for what completes a scan that is half done, and for bins to count."""
        kept = list(islice(self.work, self._again))
        is_open = kept[-1].leaves_work_open if kept else self._is_open
        for label in islice(self.work, self._again, None):
            if is_open or (label.document is None and self._is_heard):
                kept.append(label)
                is_open = label.leaves_work_open
        self.work = deque(kept)

    def lose_host(self) -> None:
        """Stop scanning until the host is back and says which scans it took."""
        self._is_heard = False

    def hear(self, answer: Answer) -> None:
        """Take one answer.

        Args:
            answer: What the host said.

        Raises:
            OutOfStepError: If it answers a scan that was not sent, or skips one.
        """
        if answer.beep is Beep.RESUME:
            self._resume(answer)
            return
        if not self.unanswered or answer.scans != self._host_scans + 1:
            raise OutOfStepError(
                f"host answers scan {answer.scans}, expected {self._host_scans + 1} "
                f"({len(self.unanswered)} wait): {answer.text!r}"
            )
        self.unanswered.popleft()
        self.answered += 1
        self._host_scans = answer.scans
        if answer.beep is Beep.SUCCESS:
            self.posted += 1
        elif answer.beep is Beep.REFUSAL:
            self.refusals.append(answer.text)

    def _resume(self, answer: Answer) -> None:
        if self.resumed:
            taken = answer.scans - self._host_scans
            if not 0 <= taken <= len(self.unanswered):
                raise OutOfStepError(
                    f"host resumes at scan {answer.scans}, expected {self._host_scans} "
                    f"to {self._host_scans + len(self.unanswered)}"
                )
            for _ in range(taken):
                self.unanswered.popleft()
            self.unheard += taken
        self.work.extendleft(reversed(self.unanswered))
        self._again += len(self.unanswered)
        self.unanswered.clear()
        self._host_scans = answer.scans
        self._is_heard = True
        self.resumed += 1
