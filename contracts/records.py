"""What a gateway states: movements, positions, crossings, counts, workflow events, gaps (DOMAIN D1)."""

from typing import Annotated, Final, Literal, NamedTuple, Self, get_args

from pydantic import Field, StrictBool, TypeAdapter, model_validator

from contracts.base import (
    WITHOUT_NUL_PATTERN,
    Code,
    Contract,
    CountedQuantity,
    Day,
    Epoch,
    Gateway,
    MonotonicNs,
    PositiveQuantity,
    Seq,
    UtcDatetime,
    WholeNumber,
)
from contracts.vocabulary import (
    BizStep,
    CountScope,
    CrossingDirection,
    CrossingReason,
    Disposition,
    GapCause,
)


class DocumentRef(Contract):
    """One line of a business document that a record belongs to."""

    type: Code
    """``purchase_order``, ``asn``, ``receipt``, ``sales_order``, ``shipment``, ``visit`` …"""
    id: Code
    line: Code | None = None


class RowRef(Contract):
    """The identity of one stored row (PROTOCOL P1)."""

    gateway: Gateway
    epoch: Epoch
    seq: Seq


class Identifier(Contract):
    """What names a trade item, exactly as it was read; never normalised away."""

    scheme: Literal["gtin", "sgtin", "sku", "supplier_code", "local"]
    """``gtin`` is 14 digits; ``sgtin`` an EPC pure-identity URI; ``local`` a code that is not GS1."""
    value: Code


class LabelDates(Contract):
    """What the label of goods says of dates, which are those of their lot; None: it does not say."""

    produced_on: Day | None = None
    """GS1 AI 11."""
    packed_on: Day | None = None
    """GS1 AI 13."""
    best_before: Day | None = None
    """GS1 AI 15: the last day of its best quality."""
    sell_by: Day | None = None
    """GS1 AI 16: the last day on which a shop offers it."""
    use_by: Day | None = None
    """GS1 AI 17, or the day of 7003: the last day on which it may be used."""


class Side(Contract):
    """One side of a movement: the part of a cell that is known here. None means *not known here*."""

    location: Code | None = None
    """Code of a place of the site, or of a virtual account (``@supplier``)."""
    unit: Code | None = None
    """SSCC (18 digits) or GRAI of the logistic unit that holds the stock; then ``location`` is None."""
    lot: Code | None = None
    disposition: Disposition | None = None
    owner: Code | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.location is not None and self.unit is not None:
            msg = (
                f"a side stands in one place: got location {self.location!r} and unit {self.unit!r}, "
                "expected one of them or neither"
            )
            raise ValueError(msg)
        return self


class Statement(Contract):
    """What every record carries: identity within its epoch, times, who and where (PROTOCOL P1, P2)."""

    seq: Seq
    occurred_at_claimed: UtcDatetime
    """The edge clock's time of the event; the cloud derives the effective one (``contracts.occurrence``)."""
    mono_ns: MonotonicNs
    """The monotonic clock of ``boot_id`` at the event, in nanoseconds."""
    boot_id: Code
    clock_ok: StrictBool
    """Whether the edge clock was synchronised and had not stepped."""
    device: Code | None = None
    actor: Code | None = None
    read_point: Code | None = None
    biz_step: BizStep | None = None
    documents: tuple[DocumentRef, ...] = ()
    workflow_run: Code | None = None
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    evidence_id: Code | None = None
    assignment_rev: WholeNumber | None = None
    scan: Annotated[str, Field(max_length=512, pattern=WITHOUT_NUL_PATTERN)] | None = None
    """What a barcode scanner sent, AIM identifier and separators included, exactly as it came."""


class Movement(Statement):
    """A positive quantity of one item left one cell and entered another: the unit of the ledger."""

    kind: Literal["movement"] = "movement"
    identifier: Identifier
    quantity_seen: PositiveQuantity
    """In ``unit_seen``; the ledger converts by the exact ratio valid at the time and keeps both."""
    unit_seen: Code = "base"
    """``base`` for the item's base unit, or the GTIN of the packaging level that was seen."""
    weight_kg: PositiveQuantity | None = None
    """Of variable-measure goods: what all of them weigh together, as their labels say (GS1 AI 310n)."""
    label_dates: LabelDates | None = None
    """Dates on the label that was scanned; None: it bears none, or the gateway does not send them yet."""
    source: Side
    destination: Side
    epcs: Annotated[tuple[Code, ...], Field(max_length=1000)] = ()
    reason: Code | None = None
    reverses: RowRef | None = None

    @model_validator(mode="after")
    def _moves_something(self) -> Self:
        # Comparing the places first spares most rows the comparison of whole sides.
        if self.source.location == self.destination.location and self.source == self.destination:
            msg = f"a movement changes something: source and destination are both {self.source!r}"
            raise ValueError(msg)
        return self


class UnitPosition(Statement):
    """A logistic unit came to stand somewhere, whatever is inside (DOMAIN D5)."""

    kind: Literal["unit_position"] = "unit_position"
    unit: Code
    """SSCC (18 digits) or GRAI."""
    location: Code | None = None
    parent: Code | None = None
    """The unit it was put into; then ``location`` is None and it moves only with its parent."""
    from_location: Code | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.location is None) == (self.parent is None):
            msg = (
                f"unit {self.unit!r} stands in one place: got location {self.location!r} and parent "
                f"{self.parent!r}, expected exactly one"
            )
            raise ValueError(msg)
        if self.parent == self.unit:
            msg = f"unit {self.unit!r} cannot stand in itself"
            raise ValueError(msg)
        return self


class TracePoint(NamedTuple):
    """One read of a crossing's radio picture."""

    after_ms: Annotated[int, Field(ge=0)]
    """Milliseconds since ``first_seen_at``."""
    antenna: Annotated[int, Field(ge=0, le=31)]
    """Index into ``antennas``."""
    rssi_dbm: Annotated[float, Field(allow_inf_nan=False)]


class Crossing(Statement):
    """A tag passed, or did not pass, a portal: evidence with a confidence (DOMAIN D2)."""

    kind: Literal["crossing"] = "crossing"
    portal: Code
    epc: Code
    direction: CrossingDirection
    first_seen_at: UtcDatetime
    reads: Annotated[int, Field(strict=True, ge=1)]
    posted: Literal["posted", "held", "evidence"]
    """Whether it moved something, waits for a person, or is only kept."""
    visit: Code | None = None
    because: CrossingReason | None = None
    """Why it was held, kept as evidence, or needs a person although it was posted."""
    unit: Code | None = None
    """SSCC (18 digits) or GRAI, if the tag names a logistic unit."""
    identifier: Identifier | None = None
    """The trade item, if the tag names one."""
    unit_seen: Code | None = None
    """The packaging level that the tag names, as in a movement."""
    inside_location: Code | None = None
    outside_location: Code | None = None
    """What *in* and *out* lead to and from at this portal then, so that an answer can be posted."""
    antennas: Annotated[tuple[Code, ...], Field(max_length=32)] = ()
    """``reader:antenna`` of every antenna in ``trace``."""
    trace: Annotated[tuple[TracePoint, ...], Field(max_length=256)] = ()
    """The radio picture: reads, thinned out evenly in time where there were more."""


class CountLine(Contract):
    """One observed quantity. A line that is absent was not counted: blank is never zero (DOMAIN D7)."""

    identifier: Identifier
    quantity: CountedQuantity
    unit_seen: Code = "base"
    weight_kg: PositiveQuantity | None = None
    """As in a movement."""
    unit: Code | None = None
    lot: Code | None = None
    disposition: Disposition | None = None
    owner: Code | None = None
    epcs: Annotated[tuple[Code, ...], Field(max_length=1000)] = ()


class Count(Statement):
    """At this instant, in this scope, I saw this many: an observation, never a delta (keystone 2)."""

    kind: Literal["count"] = "count"
    scope: CountScope
    location: Code
    lines: Annotated[tuple[CountLine, ...], Field(max_length=500)] = ()
    zero_confirmed: tuple[Identifier, ...] = ()
    """What the book had in scope and the counter confirmed to be absent."""
    count_task: Code | None = None
    blind: StrictBool = True
    clock_uncertainty_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class WorkflowEvent(Statement):
    """A step of a handheld workflow that moves nothing: begun, cancelled, undone, refused."""

    kind: Literal["workflow_event"] = "workflow_event"
    workflow: Code
    step: Code
    outcome: Code | None = None
    note: Annotated[str, Field(max_length=500, pattern=WITHOUT_NUL_PATTERN)] | None = None


class Gap(Statement):
    """A stretch in which a reader or the gateway recorded nothing (PROTOCOL P6)."""

    kind: Literal["gap"] = "gap"
    gap_device: Code
    """The reader, scanner or gateway that was not heard."""
    from_at: UtcDatetime
    to_at: UtcDatetime | None = None
    """None while the gap is open; the closing record repeats ``from_at``."""
    cause: GapCause

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.to_at is not None and self.to_at < self.from_at:
            msg = f"a gap ends after it begins: from_at {self.from_at}, to_at {self.to_at}"
            raise ValueError(msg)
        return self


Record = Annotated[
    Movement | UnitPosition | Crossing | Count | WorkflowEvent | Gap, Field(discriminator="kind")
]
"""Any record a gateway may seal."""

MODELS: Final[dict[str, type[Statement]]] = {
    model.model_fields["kind"].default: model for model in get_args(get_args(Record)[0])
}
"""The model of each kind of record."""

RECORD: TypeAdapter[Record] = TypeAdapter(Record)
"""Validates one record."""
