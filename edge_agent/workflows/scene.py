"""Who scanned what with which device, and when, in; drafts of the records that say so, out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

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
from contracts.vocabulary import BizStep, CountScope, Disposition, VirtualLocation
from edge_agent.clock import Stamp
from edge_agent.outbox.draft import NOT_NUMBERED, Draft
from edge_agent.workflows.labels import UnitLabel
from edge_agent.workflows.site import WorkflowSettings
from edge_agent.workflows.state import Carried, Run, Workflow

_BIZ_STEP: Final = {
    Workflow.RECEIVE: BizStep.RECEIVING,
    Workflow.SHIP: BizStep.SHIPPING,
    Workflow.RETURN: BizStep.RECEIVING,
    Workflow.PICK: BizStep.PICKING,
    Workflow.PUTAWAY: BizStep.STORING,
    Workflow.MOVE: BizStep.STORING,
    Workflow.COUNT: BizStep.CYCLE_COUNTING,
}
_DOCUMENT_TYPE: Final = {
    Workflow.RECEIVE: "receipt",
    Workflow.SHIP: "shipment",
    Workflow.RETURN: "customer_return",
    Workflow.PICK: "pick",
    Workflow.PUTAWAY: "putaway",
    Workflow.MOVE: "move",
    Workflow.COUNT: "count",
}
_NOTE_LENGTH: Final = 500
_OUTSIDE_WORKFLOW: Final = "none"

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

    def record(self, run: Run, goods: Carried, destination: str) -> Movement | UnitPosition:
        """State that goods, or a unit, went from where they were taken to where they are put."""
        work = self._times() | self._circumstances(goods.scan) | self._work(run, goods.line)
        if isinstance(goods.what, UnitLabel):
            return UnitPosition(
                unit=goods.what.sscc, location=destination, from_location=goods.origin, **work
            )
        lot = goods.what.lot
        disposition = Disposition.RETURNED if run.workflow is Workflow.RETURN else None
        return Movement(
            identifier=goods.what.identifier,
            quantity_seen=goods.quantity,
            unit_seen=goods.what.unit_seen,
            source=Side(location=goods.origin, lot=lot),
            destination=Side(location=destination, lot=lot, disposition=disposition),
            epcs=goods.what.epcs,
            **work,
        )

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
        places = {"location": original.from_location, "from_location": original.location}
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
            {} if run is None else {"documents": (_document(run, None),), "workflow_run": run.id}
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
            "biz_step": _BIZ_STEP[run.workflow],
            "documents": (_document(run, None if line is None else str(line)),),
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


def fixed_ends(workflow: Workflow, site: WorkflowSettings) -> tuple[str | None, str | None]:
    """Tell which places a workflow knows without a scan.

    Args:
        workflow: The kind of work.
        site: Where the site stages goods and takes returns.

    Returns:
        Source and destination; None where a scanned bin decides.
    """
    ends: dict[Workflow, tuple[str | None, str | None]] = {
        Workflow.RECEIVE: (VirtualLocation.SUPPLIER, site.staging),
        Workflow.SHIP: (site.staging, VirtualLocation.CUSTOMER),
        Workflow.RETURN: (VirtualLocation.CUSTOMER, site.returns),
        Workflow.PICK: (None, site.staging),
        Workflow.PUTAWAY: (site.staging, None),
        Workflow.MOVE: (None, None),
        Workflow.COUNT: (None, None),
    }
    return ends[workflow]


def _left_over(run: Run, goods: Carried) -> str:
    if run.workflow is Workflow.COUNT:
        return f"{goods.quantity} counted in {goods.origin}, not reported"
    return f"taken from {goods.origin}, put nowhere"


def _document(run: Run, line: str | None) -> DocumentRef:
    return DocumentRef(type=_DOCUMENT_TYPE[run.workflow], id=run.document, line=line)
