"""Carries approved adjustments out: derived again under the lock, then bound to their count (PROTOCOL P8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from cloud.alerts import service as alerts
from cloud.counting import adjustments, reading, returns, store
from cloud.counting.domain import ADJUSTMENT_KIND, QUANTUM, NotPossibleError, VarianceRow
from cloud.db import Connection
from cloud.decisions import store as decision_store
from cloud.decisions.domain import Applied, Changed, Decision, DecisionError, Json, WrongStateError
from cloud.identity.actor import Actor
from cloud.ledger.corrections import Adjusted, Binding, approve_late_facts, bind_count, lock_cells
from contracts.base import EpochId, GatewayId, SiteId
from contracts.records import RowRef


@dataclass(frozen=True, slots=True)
class Adjustment:
    """The carrier of `count_adjustment` decisions."""

    kind: str = ADJUSTMENT_KIND

    def apply(self, conn: Connection, actor: Actor, decision: Decision) -> Applied | Changed:
        """Bind the cells of a record to its count; or follow late facts that went above the limit.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who approved it.
            decision: Approved.

        Returns:
            What was done; or what it would be now, if that is not what was approved.

        Raises:
            WrongStateError: If a later count of the record has made it obsolete.
        """
        within = actor.as_approver_at(SiteId(decision.site))
        if "pending" in decision.effect:
            return _follow(conn, within, decision)
        lock_cells(conn, within, [cell["cell"] for cell in _listed(decision.effect, "cells")])
        row = _record(conn, decision, is_settled=False)
        if row.superseded_by is not None:
            raise WrongStateError(
                f"decision {decision.decision_id}: {row.item} at {row.place} was counted again, in "
                f"{row.superseded_by}; the later count wins and this adjustment is not needed"
            )
        try:
            effect = adjustments.effect_of(row)
        except NotPossibleError as error:
            raise WrongStateError(f"decision {decision.decision_id}: {error}") from error
        if effect["cells"] != decision.effect["cells"]:
            return Changed(
                effect=effect,
                value=row.value,
                currency=row.currency,
                evidence=adjustments.evidence_of(row),
                why=f"the book is {row.book.normalize():f} now and the difference "
                f"{(row.difference or Decimal(0)).normalize():+f}",
            )
        store.change(conn, "adjusted", **adjustments.stored(row))
        alerts.resolve(conn, [row.subject])
        bindings = _bindings(effect, row, _late_limit(conn, decision))
        adjusted = bind_count(
            conn,
            within,
            bindings,
            observed_at=row.observed_at,
            reason=decision.reason,
            author=decision.author,
        )
        return Applied(_outcome(adjusted))

    def reverse(self, conn: Connection, actor: Actor, decision: Decision, reason: str) -> Json:
        """Refuse: what was seen at an instant stays seen; a later count replaces it (DOMAIN D7).

        Args:
            conn: In a transaction.
            actor: Who wants it reversed.
            decision: Applied.
            reason: Reason code.

        Raises:
            DecisionError: Always, saying what to do instead.
        """
        del conn, actor, reason
        raise DecisionError(
            f"decision {decision.decision_id} bound the book to a count and is not reversed: "
            "count the bin again, the later count replaces it"
        )


ADJUSTMENT: Final = Adjustment()


def _record(conn: Connection, decision: Decision, *, is_settled: bool) -> VarianceRow:
    _, gateway, epoch, seq, line_no = decision.subject.split("/")
    ref = RowRef(gateway=GatewayId(gateway), epoch=EpochId(epoch), seq=int(seq))
    for row in reading.records(conn, ref, is_settled=is_settled):
        if row.line_no == int(line_no):
            return row
    raise WrongStateError(f"decision {decision.decision_id}: {decision.subject} is no record of a count")


def _listed(effect: Json, name: str) -> list[Mapping[str, Any]]:
    listed = effect[name]
    assert isinstance(listed, list)  # noqa: S101  drafted by `adjustments`
    return [part for part in listed if isinstance(part, Mapping)]


def _late_limit(conn: Connection, decision: Decision) -> Decimal | None:
    """Give the approver's limit as they approved it; None: whatever it is worth."""
    if decision.approved_as is None:
        return None
    (allowance,) = decision_store.allowances(conn, decision, [decision.approved_as])
    if decision.approving_person is not None and decision.is_own_of(decision.approving_person):
        return allowance.self_amount
    return allowance.amount


def _bindings(effect: Json, row: VarianceRow, amount: Decimal | None) -> list[Binding]:
    """Give each cell what of the approver's limit the others leave, in base units."""
    cells = _listed(effect, "cells")
    off = {cell["cell"]: Decimal(cell["counted"]) - Decimal(cell["book"]) for cell in cells}
    total = sum(map(abs, off.values()), Decimal(0))

    def limit(cell: int) -> Decimal | None:
        if amount is None or not row.cost:
            return None
        left = (amount / row.cost).quantize(QUANTUM, ROUND_DOWN) - (total - abs(off[cell]))
        return max(left, abs(off[cell]))

    return [
        Binding(cell["cell"], Decimal(cell["counted"]), expected=off[cell["cell"]], limit=limit(cell["cell"]))
        for cell in cells
    ]


def _outcome(adjusted: list[Adjusted]) -> dict[str, Any]:
    return {
        "adjustments": [
            {"adjustment": one.adjustment_id, "difference": str(one.difference)} for one in adjusted
        ],
        "position": adjusted[0].posted.position,
    }


def _follow(conn: Connection, within: Actor, decision: Decision) -> Applied | Changed:
    row = _record(conn, decision, is_settled=True)
    lock_cells(conn, within, [cell["cell"] for cell in row.cells] or [row.stated_cell or 0])
    anchors = returns.pending(conn, decision.decision_id)
    wanted = {part["adjustment"]: Decimal(part["expected"]) for part in _listed(decision.effect, "pending")}
    if {one.adjustment_id: one.difference for one in anchors} != wanted:
        if not anchors:
            raise WrongStateError(f"decision {decision.decision_id}: no late facts wait for it any more")
        return Changed(
            effect=returns.pending_effect(row, anchors),
            value=returns.worth(row, anchors),
            currency=row.currency,
            why="more facts have arrived",
        )
    alerts.resolve(conn, [row.subject])
    return Applied(_outcome(approve_late_facts(conn, within, wanted)))
