"""What a person counted with a scanner stands in the ledger as an observation, and moves nothing."""

import itertools
from datetime import timedelta
from decimal import Decimal

from scenario import Ledger, Outbox, at, move

from contracts.records import Record
from edge_agent.clock import Stamp
from edge_agent.decode.barcode import decode_barcode
from edge_agent.workflows.engine import Engine
from edge_agent.workflows.site import WorkflowSettings
from edge_agent.workflows.state import State

SITE = WorkflowSettings(
    item_pattern="[0-9]{5}[A-Z]?",
    location_pattern="[A-Z]-[0-9]{2}",
    staging="STAGING",
    returns="RETURNS",
    badge_required=False,
)
SSCC = "106141412345678908"


def scanned(*texts: str) -> list[Record]:
    """Let a scanner's engine work through labels, a second apart, from minute 10 on."""
    engine, state = Engine("scanner-1", SITE), State()
    records: list[Record] = []
    for seconds, text in zip(itertools.count(1), texts, strict=False):
        now = Stamp(at(10) + timedelta(seconds=seconds), seconds * 10**9, "boot-1", clock_ok=True)
        raw = text if text.startswith("]") else f"]C0{text}"
        outcome = engine.take(state, decode_barcode(raw), now)
        state = outcome.state
        records += [draft.record for draft in outcome.drafts]
    return records


def test_a_count_is_stored_with_its_lines_and_moves_nothing(ledger: Ledger) -> None:
    gateway = Outbox()
    ledger.post(gateway.seal([move("10", "@supplier", "A-01")]))
    before = ledger.balances()
    ledger.post(
        gateway.seal(
            scanned("$COUNT/CT-7", "A-01", "$QTY/2.5", "85123A", "71053", "85123A", "$ZERO", "22752", "$DONE")
        )
    )
    assert ledger.query(
        "SELECT c.scope, l.code, c.count_task, c.is_blind, c.clock_uncertainty_s FROM count c"
        " JOIN location l USING (location_id)"
    ) == [("bin", "A-01", "CT-7", True, 7.0)]
    assert ledger.query(
        "SELECT n.line_no, n.identifier, n.quantity, n.is_confirmed_zero, l.code FROM count_line n"
        " JOIN cell c USING (cell_id) JOIN location l USING (location_id) ORDER BY n.line_no"
    ) == [
        (1, "85123A", Decimal("3.5"), False, "A-01"),
        (2, "71053", Decimal(1), False, "A-01"),
        (3, "22752", Decimal(0), True, "A-01"),
    ]
    assert ledger.query("SELECT count(*) FROM quarantine") == [(0,)]
    assert {place: quantity for place, quantity in ledger.balances().items() if quantity} == before


def test_a_pallet_received_by_hand_twice_stands_in_one_place_without_a_movement(ledger: Ledger) -> None:
    gateway = Outbox()
    ledger.post(gateway.seal(scanned("$RECEIVE/4711", f"]C100{SSCC}", f"]C100{SSCC}", "$DONE")))
    assert ledger.query(
        "SELECT DISTINCT u.code, l.code FROM unit_position p JOIN location u ON u.location_id = p.unit_id"
        " JOIN location l ON l.location_id = p.location_id"
    ) == [(SSCC, "STAGING")]
    assert ledger.query("SELECT count(*) FROM movement") == [(0,)]
    assert ledger.query("SELECT count(*) FROM quarantine") == [(0,)]


def test_what_hands_pack_nest_unpack_damage_and_kit_stands_where_it_is(ledger: Ledger) -> None:
    parcel, pallet = f"]C100{SSCC}", "]C100106141412345678915"
    work = scanned(
        *("$RECEIVE/4711", "$QTY/10", "85123A", "$QTY/4", "71053", "$DONE"),
        *("$PACK/SO-9", parcel, "$QTY/6", "85123A", parcel, pallet, parcel, "$DONE"),
        *("$UNPACK", parcel, "$QTY/2", "85123A", "B-02", "$DONE"),
        *("$DAMAGE/wet", "B-02", "85123A", "$DONE"),
        *("$KIT/K-1", "B-02", "85123A", "$MAKES", "22752", "C-03", "$DONE"),
        *("$TRANSFER/T-1", "71053", "$DONE"),
    )
    ledger.post(Outbox().seal(work))
    assert ledger.query("SELECT count(*) FROM quarantine") == [(0,)]
    stands = ledger.query(
        "SELECT i.code, l.code, c.disposition, b.quantity FROM balance b JOIN cell c USING (cell_id)"
        " JOIN location l USING (location_id) JOIN item i ON i.item_id = c.item_id"
        " WHERE b.quantity <> 0 AND l.code <> '@supplier'"
    )
    assert sorted(stands, key=lambda row: row[:2]) == [
        ("local:22752", "@transformation", None, Decimal(-1)),
        ("local:22752", "C-03", None, Decimal(1)),
        ("local:71053", "@transit", None, Decimal(1)),
        ("local:71053", "STAGING", None, Decimal(3)),
        ("local:85123A", SSCC, None, Decimal(4)),
        ("local:85123A", "@transformation", None, Decimal(1)),
        ("local:85123A", "B-02", "damaged", Decimal(1)),
        ("local:85123A", "STAGING", None, Decimal(4)),
    ]
    assert ledger.query(
        "SELECT u.code, p.code FROM unit_position up JOIN location u ON u.location_id = up.unit_id"
        " JOIN location p ON p.location_id = up.parent_id"
    ) == [(SSCC, "106141412345678915")]
