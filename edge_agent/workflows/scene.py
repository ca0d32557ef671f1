"""Who scanned what with which device, and when, in; drafts of the records that say so, out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from contracts.offline import TaskLine
from contracts.records import (
    Count,
    CountLine,
    DocumentRef,
    Identifier,
    Movement,
    RowRef,
    Side,
    UnitPosition,
    WorkflowEvent,
)
from contracts.vocabulary import CountScope, Disposition
from edge_agent.clock import Stamp
from edge_agent.outbox.draft import NOT_NUMBERED, Draft
from edge_agent.workflows.labels import UnitLabel
from edge_agent.workflows.site import WorkflowSettings
from edge_agent.workflows.state import Carried, Run

_NOTE_LENGTH: Final = 500
_OUTSIDE_WORKFLOW: Final = "none"
TASK: Final = "task"
"""Type of the document that a task is."""
NAMED_LINE: Final = "named_line"
"""Type under which a record repeats a line that somebody named, and that was not counted."""
SHORT: Final = "short"
EARLIER_LOT: Final = "earlier_lot"
"""Type under which a pick names the lot that expires earlier, and was passed over knowingly."""

Whereabouts = Callable[[str], str | None]
"""Tells where a logistic unit stands, as far as this gateway has seen; None: not known."""


def nowhere(_unit: str) -> None:
    """Know of no unit."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One scan's circumstances."""

    device: str
    site: WorkflowSettings
    actor: str | None
    now: Stamp
    scan: str | None = None
    """Raw characters; None where they must not be kept (a badge) or there were none (a timeout)."""
    whereabouts: Whereabouts = nowhere

    @property
    def run_id(self) -> str:
        """Names work that begins with this scan."""
        return f"{self.device}-{self.now.at:%Y%m%dT%H%M%S%f}"

    def record(
        self, run: Run, goods: Carried, destination: str, *, into_unit: bool = False
    ) -> Movement | UnitPosition:
        """State that goods, or a unit, went from where they were taken to where they are put.

        Args:
            run: The work under way.
            goods: What was taken, and from where.
            destination: A place, or a logistic unit.
            into_unit: Whether it is a unit.

        Returns:
            The record.
        """
        work = self._times() | self._circumstances(goods.scan) | self._work(run, goods.line)
        if goods.is_line_named:
            named = DocumentRef(type=NAMED_LINE, id=run.document, line=str(goods.line))
            work["documents"] = (*work["documents"], named)
        if isinstance(goods.what, UnitLabel):
            stands = {"parent": destination} if into_unit else {"location": destination}
            origin = None if goods.is_in_unit else goods.origin
            return UnitPosition(unit=goods.what.sscc, from_location=origin, **stands, **work)
        lot = goods.what.lot
        return Movement(
            identifier=goods.what.identifier,
            quantity_seen=goods.quantity,
            unit_seen=goods.what.unit_seen,
            weight_kg=goods.what.weight_kg,
            label_dates=goods.what.dates,
            source=_side(goods.origin, lot, run.kind.found, is_unit=goods.is_in_unit),
            destination=_side(destination, lot, run.grade or run.kind.left, is_unit=into_unit),
            epcs=goods.what.epcs,
            reason=run.reason,
            **work,
        )

    def of_task(self, run: Run, goods: Carried, line: TaskLine) -> Movement:
        """State that goods of a task's line went to the place that it names.

        Their lot, disposition and owner are the line's: the bin and the goods were confirmed by scans.

        Args:
            run: The task under way.
            goods: What was taken.
            line: The line.

        Returns:
            The movement, which names the line's document and the line itself.

        Raises:
            TypeError: If ``goods`` are a logistic unit, which no line of a task takes.
        """
        if isinstance(goods.what, UnitLabel):
            raise TypeError(f"goods of a task are an item's, got unit {goods.what.sscc}")
        lot = line.lot or goods.what.lot
        known = {"lot": lot, "disposition": line.disposition, "owner": line.owner}
        place = {"unit": goods.origin} if goods.is_in_unit else {"location": goods.origin}
        work = self._times() | self._circumstances(goods.scan) | self._work(run, None)
        return Movement(
            identifier=goods.what.identifier,
            quantity_seen=goods.quantity,
            unit_seen=goods.what.unit_seen,
            weight_kg=goods.what.weight_kg,
            label_dates=goods.what.dates,
            source=Side.model_validate(place | known),
            destination=Side.model_validate({"location": line.to_location} | known),
            epcs=goods.what.epcs,
            **work | {"documents": _documents_of(run, line)},
        )

    def short_of(self, run: Run, line: TaskLine, reason: str, note: str) -> Draft:
        """State that the rest of a task's line is not there; nothing moves."""
        event = self.event(run, SHORT, reason, note)
        return Draft(event.record.model_copy(update={"documents": _documents_of(run, line)}))

    def seen(self, run: Run, unit: UnitLabel, place: str) -> UnitPosition:
        """State where a unit stands that is being packed."""
        work = self._times() | self._circumstances(self.scan) | self._work(run, None)
        return UnitPosition(unit=unit.sscc, location=place, **work)

    def reversal(self, original: Movement, ref: RowRef) -> Movement:
        """Undo a movement: its mirror image at its own time, naming the row it reverses."""
        return original.model_copy(
            update={
                "source": original.destination,
                "destination": original.source,
                "reverses": ref,
                "reason": "undo",
                "actor": self.actor,
                "scan": self.scan,
            }
        )

    def carried_back(self, original: UnitPosition) -> UnitPosition:
        """Undo a unit's position: it stands where it stood before, from now on."""
        places = {"location": original.from_location, "parent": None, "from_location": original.location}
        return original.model_copy(update=self._times() | self._circumstances(self.scan) | places)

    def count(
        self,
        run: Run,
        place: str,
        lines: tuple[CountLine, ...],
        zeros: tuple[Identifier, ...],
        scope: CountScope,
    ) -> Count:
        """State what was seen in a bin; nothing moves.

        The instant is that of the last scan. How long the counting took is its uncertainty: what moved
        meanwhile may have been seen before or after.
        """
        took_s = 0.0 if run.opened_at is None else (self.now.at - run.opened_at).total_seconds()
        work = self._times() | self._circumstances(self.scan) | self._work(run, None)
        return Count(
            scope=scope,
            location=place,
            lines=lines,
            zero_confirmed=zeros,
            count_task=None if run.document == run.id else run.document,
            clock_uncertainty_s=max(0.0, took_s),
            **work,
        )

    def event(self, run: Run | None, step: str, outcome: str | None = None, note: str | None = None) -> Draft:
        """State a step of the work that moves nothing."""
        work: dict[str, Any] = (
            {} if run is None else {"documents": _documents(run, None), "workflow_run": run.id}
        )
        record = WorkflowEvent(
            workflow=_OUTSIDE_WORKFLOW if run is None else run.workflow,
            step=step,
            outcome=outcome,
            note=None if note is None else note[:_NOTE_LENGTH],
            **self._times(),
            **work,
            **self._circumstances(self.scan),
        )
        return Draft(record)

    def not_completed(self, run: Run, because: str) -> tuple[Draft, ...]:
        """State what was scanned and never became a movement, one event for each label."""
        labels = [
            replace(self, scan=goods.scan).event(run, "not_completed", because, _left_over(run, goods))
            for goods in run.carried
        ]
        if run.quantity is not None:
            labels.append(
                self.event(run, "not_completed", because, f"quantity {run.quantity} keyed for no item")
            )
        return tuple(labels)

    def _work(self, run: Run, line: int | None) -> dict[str, Any]:
        return {
            "biz_step": run.kind.biz_step,
            "documents": _documents(run, None if line is None else str(line)),
            "workflow_run": run.id,
        }

    def _times(self) -> dict[str, Any]:
        return {
            "seq": NOT_NUMBERED,
            "occurred_at_claimed": self.now.at,
            "mono_ns": self.now.mono_ns,
            "boot_id": self.now.boot_id,
            "clock_ok": self.now.clock_ok,
        }

    def _circumstances(self, scan: str | None) -> dict[str, Any]:
        return {"device": self.device, "actor": self.actor, "scan": scan}


def _side(place: str, lot: str | None, disposition: Disposition | None, *, is_unit: bool) -> Side:
    stands = {"unit": place} if is_unit else {"location": place}
    return Side(lot=lot, disposition=disposition, **stands)


def _left_over(run: Run, goods: Carried) -> str:
    if run.kind.is_observation:
        return f"{goods.quantity} counted in {goods.origin}, not reported"
    return f"taken from {goods.origin}, put nowhere"


def _documents_of(run: Run, line: TaskLine) -> tuple[DocumentRef, ...]:
    return line.document, DocumentRef(type=TASK, id=run.document, line=str(line.number))


def _documents(run: Run, line: str | None) -> tuple[DocumentRef, ...]:
    if run.is_task:
        return (DocumentRef(type=TASK, id=run.document),)
    beside = (("reason", run.reason), ("recipe", run.recipe), (EARLIER_LOT, run.passed_over))
    return (
        DocumentRef(type=run.kind.document, id=run.document, line=line),
        *(DocumentRef(type=kind, id=name) for kind, name in beside if name is not None),
    )
