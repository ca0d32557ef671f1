"""Laws: whatever is scanned, nothing crashes, quantities are conserved, and no scan is dropped."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.records import RECORD, Movement
from edge_agent.workflows.feedback import Signal
from edge_agent.workflows.state import dump_state, load_state

labels = st.sampled_from(
    [
        "$BADGE/ann", "$BADGE/bob", "$BADGE/x", "$LOGOUT",
        "$RECEIVE/R1", "$SHIP/S1", "$SHIP/S2", "$RETURN/C1", "$PICK/P1", "$PUTAWAY", "$MOVE",
        "$COUNT", "$COUNT", "$COUNT/T1", "$ZERO", "$ZERO",
        "$PACK", "$PACK", "$UNPACK", "$GRADE/sellable", "$DAMAGE/wet", "$KIT/K1", "$MAKES", "$TRANSFER/T1",
        "$CROSSDOCK/O1", "$ADJUST/lost", "]C100106141412345678915",
        "$QTY/2", "$QTY/0.5", "$LINE/7", "$UNDO", "$UNDO", "$CANCEL", "$DONE", "$NONSENSE",
        "85123A", "85123A", "71053", "A-01", "A-01", "B-02", "STAGING", "RETURNS",
        "]C10107032069804988", "]C101070320698049882142", "]C100106141412345678908",
        "]C1020703206980498837" + "24\x1d10L1", "]E07032069804989", "7032069804988", "garbage",
    ]
)  # fmt: skip
sequences = st.lists(labels, max_size=60)


GOODS = ("85123A", "71053", "]C101", "]C102", "]C100")


def settled(movements: Sequence[Movement]) -> dict[tuple[str, str | None], Decimal]:
    """Net of all movements per item and place, zeros left out."""
    net: defaultdict[tuple[str, str | None], Decimal] = defaultdict(Decimal)
    for movement in movements:
        net[movement.identifier.value, movement.source.location] -= movement.quantity_seen
        net[movement.identifier.value, movement.destination.location] += movement.quantity_seen
    return {key: quantity for key, quantity in net.items() if quantity}


@given(sequence=sequences)
@settings(max_examples=200, deadline=None)
def test_every_scan_ends_as_a_draft_a_state_or_a_recorded_refusal(
    new_bench: Callable[[], Any], sequence: list[str]
) -> None:
    bench = new_bench()
    for number, text in enumerate(sequence, start=1):
        outcome = bench.take(text)
        assert outcome.state.scans == number
        refused = [draft for draft in outcome.drafts if getattr(draft.record, "step", "") == "refused"]
        assert len(refused) == (outcome.feedback.signal is Signal.REFUSAL)
        moved = [draft for draft in outcome.drafts if draft.record.kind != "workflow_event"]
        assert bool(moved) == (outcome.feedback.signal is Signal.SUCCESS)
        for draft in outcome.drafts:
            assert RECORD.validate_json(draft.body[:-1] + b',"seq":1}') == draft.record


@given(sequence=sequences)
@settings(max_examples=200, deadline=None)
def test_every_accepted_label_is_posted_carried_left_or_recorded_as_not_completed(
    new_bench: Callable[[], Any], sequence: list[str]
) -> None:
    bench = new_bench()
    accepted: Counter[str] = Counter()
    reported: Counter[str | None] = Counter()
    for text in sequence:
        on_hand = bench.state.run.carried if bench.state.run else ()
        outcome = bench.take(text)
        if outcome.feedback.signal is not Signal.REFUSAL and text.startswith(GOODS):
            accepted[text if text.startswith("]") else f"]C0{text}"] += 1
        if any(draft.record.kind == "count" for draft in outcome.drafts):
            reported.update(goods.scan for goods in on_hand)
    ended = Counter(
        record.scan
        for record in bench.records
        if (record.kind != "workflow_event" and record.scan in accepted)
        or (getattr(record, "step", "") in {"not_completed", "undone"} and record.scan in accepted)
    )
    carried = Counter(goods.scan for goods in bench.state.run.carried) if bench.state.run else Counter()
    assert ended + carried + reported == accepted


@given(sequence=sequences)
@settings(max_examples=200, deadline=None)
def test_quantities_are_conserved_and_a_reversal_restores(
    new_bench: Callable[[], Any], sequence: list[str]
) -> None:
    bench = new_bench()
    bench.scan("$BADGE/ann", *sequence)
    assert all(movement.quantity_seen > 0 for movement in bench.movements)
    by_item: defaultdict[str, Decimal] = defaultdict(Decimal)
    for (item, _), quantity in settled(bench.movements).items():
        by_item[item] += quantity
    assert not any(by_item.values())
    targets = [movement.reverses.seq for movement in bench.movements if movement.reverses]
    assert len(targets) == len(set(targets)), "one movement is reversed at most once"
    standing = [
        movement
        for seq, movement in enumerate(bench.records, start=1)
        if movement.kind == "movement" and movement.reverses is None and seq not in targets
    ]
    assert settled(standing) == settled(bench.movements)


@given(sequence=sequences)
@settings(max_examples=200, deadline=None)
def test_the_state_survives_being_written_and_read_after_any_scan(
    new_bench: Callable[[], Any], sequence: list[str]
) -> None:
    bench, restarted = new_bench(), new_bench()
    for text in sequence:
        bench.take(text)
        restarted.state = load_state(dump_state(restarted.state))
        restarted.take(text)
    assert load_state(dump_state(bench.state)) == bench.state
    assert restarted.records == bench.records
