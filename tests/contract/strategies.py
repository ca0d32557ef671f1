"""Hypothesis strategies: any record, header and frame that the contracts permit."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

from contracts.base import NO_PREDECESSOR, EpochId, GatewayId, SiteId
from contracts.batch import BatchHeader
from contracts.records import (
    Count,
    CountLine,
    Crossing,
    DocumentRef,
    Gap,
    Identifier,
    LabelDates,
    Movement,
    Record,
    RowRef,
    Side,
    UnitPosition,
    WorkflowEvent,
)
from contracts.vocabulary import BizStep, CountScope, CrossingDirection, Disposition, GapCause

EPOCH: Final = EpochId("5f3a9c0de1b24786")
GATEWAY: Final = GatewayId("gw-1")
SITE: Final = SiteId("leeds")
SEALED_AT: Final = datetime(2026, 11, 2, 8, 15, 30, tzinfo=UTC)

printable = st.characters(exclude_categories=["Cc", "Cs"])
codes = st.text(printable, min_size=1, max_size=20)
instants = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  bounds are naive by Hypothesis' rule
moved = st.decimals("0.000001", "99999999999999", places=6) | st.integers(1, 10**14 - 1).map(Decimal)
counted = moved | st.just(Decimal(0))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)

identifiers = st.builds(
    Identifier, scheme=st.sampled_from(["gtin", "sgtin", "sku", "supplier_code", "local"]), value=codes
)
details = {
    "lot": st.none() | codes,
    "disposition": st.none() | st.sampled_from(Disposition),
    "owner": st.none() | codes,
}
sides = st.builds(Side, location=codes, **details) | st.builds(Side, unit=codes, **details)
row_refs = st.builds(RowRef, gateway=st.just(GATEWAY), epoch=st.just(EPOCH), seq=st.integers(1, 2**53 - 1))
statement = {
    "seq": st.integers(1, 2**53 - 501),
    "occurred_at_claimed": instants,
    "mono_ns": st.integers(0, 2**63 - 1),
    "boot_id": codes,
    "clock_ok": st.booleans(),
    "device": st.none() | codes,
    "biz_step": st.none() | st.sampled_from(BizStep),
    "documents": st.lists(
        st.builds(DocumentRef, type=codes, id=codes, line=st.none() | codes), max_size=2
    ).map(tuple),
    "confidence": st.none() | st.floats(0, 1),
    "scan": st.none() | texts,
}
days = st.none() | st.dates()
label_dates = st.builds(
    LabelDates, produced_on=days, packed_on=days, best_before=days, sell_by=days, use_by=days
)
movements = (
    st.tuples(sides, sides)
    .filter(lambda pair: pair[0] != pair[1])
    .flatmap(
        lambda pair: st.builds(
            Movement,
            identifier=identifiers,
            quantity_seen=moved,
            unit_seen=codes,
            weight_kg=st.none() | moved,
            label_dates=st.none() | label_dates,
            source=st.just(pair[0]),
            destination=st.just(pair[1]),
            reason=st.none() | codes,
            reverses=st.none() | row_refs,
            **statement,
        )
    )
)
count_lines = st.builds(
    CountLine,
    identifier=identifiers,
    quantity=counted,
    weight_kg=st.none() | moved,
    lot=st.none() | codes,
)
records: st.SearchStrategy[Record] = st.one_of(
    movements,
    st.builds(UnitPosition, unit=codes, location=codes, **statement),
    st.builds(
        Crossing,
        portal=codes,
        epc=codes,
        direction=st.sampled_from(CrossingDirection),
        first_seen_at=instants,
        reads=st.integers(1, 10**6),
        posted=st.sampled_from(["posted", "held", "evidence"]),
        **statement,
    ),
    st.builds(
        Count,
        scope=st.sampled_from(CountScope),
        location=codes,
        lines=st.lists(count_lines, max_size=3).map(tuple),
        zero_confirmed=st.lists(identifiers, max_size=2).map(tuple),
        **statement,
    ),
    st.builds(WorkflowEvent, workflow=codes, step=codes, note=st.none() | texts, **statement),
    st.builds(Gap, gap_device=codes, from_at=instants, cause=st.sampled_from(GapCause), **statement),
)


@st.composite
def batches(draw: st.DrawFn) -> tuple[BatchHeader, list[Record]]:
    """Draw a header and the consecutive records it announces."""
    drawn = draw(st.lists(records, min_size=1, max_size=5))
    first_seq = drawn[0].seq
    rows = [record.model_copy(update={"seq": first_seq + offset}) for offset, record in enumerate(drawn)]
    header = BatchHeader(
        site=SITE,
        gateway=GATEWAY,
        epoch=EPOCH,
        batch_no=draw(st.integers(1, 2**53 - 1)),
        prev_sha256=NO_PREDECESSOR,
        first_seq=first_seq,
        last_seq=first_seq + len(rows) - 1,
        complete_until=SEALED_AT + timedelta(seconds=draw(st.integers(0, 10**6))),
        final=draw(st.booleans()),
        agent="0.1.0",
    )
    return header, rows
