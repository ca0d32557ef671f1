"""A decision in; the crossing, and what it posted, as drafts of one transaction out."""

from collections import Counter
from dataclasses import replace
from typing import Any

from contracts.records import Crossing, Movement, Side, TracePoint, UnitPosition
from contracts.vocabulary import BizStep, CrossingDirection, CrossingReason
from edge_agent.clock import Stamp
from edge_agent.doors.domain import Decision
from edge_agent.doors.visits import from_us, to_us
from edge_agent.filters.passage import Passage
from edge_agent.outbox.draft import Draft, draft

_CONTAINED_POINTS = 8
"""Of a tag inside a unit: nobody is asked about it, and a pallet has hundreds."""
_NS_PER_US = 1000


def stamp_of(at_us: int, now: Stamp) -> Stamp:
    """Say what both clocks showed at an instant that the reads tell.

    Args:
        at_us: The instant, microseconds since 1970.
        now: The clocks' present reading.

    Returns:
        The instant, with the monotonic clock computed back from now.
    """
    ago_ns = (to_us(now.at) - at_us) * _NS_PER_US
    return replace(now, at=from_us(at_us), mono_ns=max(0, now.mono_ns - ago_ns))


def drafts_of(passage: Passage, decision: Decision, now: Stamp) -> tuple[Draft, ...]:
    """Write what is recorded of a passage.

    Args:
        passage: The passage.
        decision: What was decided of it.
        now: The clocks' present reading.

    Returns:
        The crossing, and a unit position or movement if it was posted; all share ``evidence_id``.
    """
    stamp = stamp_of(passage.occurred_us, now)
    shared = _shared(passage, decision)
    crossing = _crossing(passage, decision, stamp, shared)
    if not decision.moves:
        return (crossing,)
    outside, inside = decision.outside_location, decision.inside_location
    came, went = (outside, inside) if decision.direction is CrossingDirection.IN else (inside, outside)
    thing = decision.thing
    if thing.unit is not None:
        moved = draft(UnitPosition, stamp, unit=thing.unit, location=went, from_location=came, **shared)
    else:
        moved = draft(
            Movement,
            stamp,
            identifier=thing.identifier,
            quantity_seen=1,
            unit_seen=thing.gtin,
            source=Side(location=came),
            destination=Side(location=went),
            epcs=thing.serials,
            **shared,
        )
    return crossing, moved


def _shared(passage: Passage, decision: Decision) -> dict[str, Any]:
    steps = {CrossingDirection.IN: BizStep.ARRIVING, CrossingDirection.OUT: BizStep.LOADING}
    return {
        "device": _loudest_reader(passage),
        "read_point": passage.portal,
        "biz_step": None if decision.posted == "evidence" else steps.get(decision.direction),
        "documents": decision.documents,
        "confidence": round(decision.confidence, 4),
        "evidence_id": decision.evidence_id,
        "assignment_rev": decision.assignment_rev,
    }


def _crossing(passage: Passage, decision: Decision, stamp: Stamp, shared: dict[str, Any]) -> Draft:
    is_contained = decision.because is CrossingReason.CONTAINED
    antennas, trace = _picture(passage, _CONTAINED_POINTS if is_contained else len(passage.trace))
    thing = decision.thing
    return draft(
        Crossing,
        stamp,
        portal=passage.portal,
        epc=passage.epc,
        direction=decision.direction,
        first_seen_at=from_us(passage.first_seen_us),
        reads=passage.reads,
        posted=decision.posted,
        visit=decision.visit,
        because=decision.because,
        unit=thing.unit,
        identifier=thing.identifier,
        unit_seen=thing.gtin,
        inside_location=decision.inside_location,
        outside_location=decision.outside_location,
        antennas=antennas,
        trace=trace,
        **shared,
    )


def _picture(passage: Passage, most: int) -> tuple[tuple[str, ...], tuple[TracePoint, ...]]:
    """Thin a radio picture out evenly."""
    points = passage.trace
    if len(points) <= most:
        return passage.antennas, points
    kept = [points[round(n * (len(points) - 1) / (most - 1))] for n in range(most)]
    used = sorted({point.antenna for point in kept})
    return (
        tuple(passage.antennas[antenna] for antenna in used),
        tuple(point._replace(antenna=used.index(point.antenna)) for point in kept),
    )


def _loudest_reader(passage: Passage) -> str | None:
    heard = Counter(passage.antennas[point.antenna].partition(":")[0] for point in passage.trace)
    return min(heard, key=lambda name: (-heard[name], name), default=None)
