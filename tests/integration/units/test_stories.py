"""All that is known of one serial and of one unit, on one page, as of both clocks."""

from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Any

from cloud.alerts import service as alerts
from cloud.alerts.domain import Ticket, TicketState
from cloud.db import LastingConnection
from cloud.ledger.corrections import post_reversal
from cloud.master.store import add_gateway, add_site
from cloud.units import reading
from cloud.units.domain import Fact, contradictions
from cloud.units.doubts import JOB, watch_doubts
from cloud.units.names import Serial, Unit, named
from cloud.units.reading import AsOf
from contracts.base import epoch_from_int
from contracts.records import Count, CountLine, Identifier, RowRef, Side, UnitPosition
from tests.integration.crossings.doors import CASE, EPC, PALLET, SUPERVISOR, Doors, carried, passage, stood
from tests.integration.ledger.scenario import CONTROLLER, NETWORK_CONTROLLER, SITE, Ledger, Outbox, at, move

OUTER = "106141412345678915"
CASE_HEX = "3034257BF7194E4000001A85"


def story(ledger: Ledger, thing: Serial | Unit, **how: Any) -> list[Fact]:
    asking = reading.serial_story if isinstance(thing, Serial) else reading.unit_story
    return ledger.as_app(lambda conn: asking(conn, CONTROLLER, thing, **({"limit": 100} | how)))


def put_into(unit: str, parent: str, minute: float) -> UnitPosition:
    return stood("nowhere", minute=minute).model_copy(
        update={"unit": unit, "location": None, "parent": parent}
    )


def packed(quantity: str, place: str, unit: str, minute: float, **fields: Any) -> Any:
    identifier = {"scheme": "sgtin", "value": EPC}
    sides = (Side(location=place), Side(unit=unit))
    return move(quantity, *sides, minute=minute, identifier=identifier, unit_seen=CASE, epcs=(EPC,), **fields)


def counted(place: str, minute: float) -> Count:
    line = CountLine(
        identifier=Identifier(scheme="gtin", value=CASE), quantity=2, unit_seen=CASE, epcs=(EPC, EPC + "9")
    )
    fields = {"seq": 1, "occurred_at_claimed": at(minute), "mono_ns": 0, "boot_id": "b", "clock_ok": True}
    return Count(scope="bin", location=place, lines=(line,), **fields)


def test_a_serials_story_holds_every_fact_and_where_its_units_stood(doors: Doors) -> None:
    ledger = doors.ledger
    doors.send(
        passage("posted", minute=1, direction="in", loose=True, epc=CASE_HEX, because=None),
        carried(
            "@supplier", "STAGE-1", minute=2, documents=({"type": "receipt", "id": "DN-7", "line": "1"},)
        ),
        stood("STAGE-1", minute=3),
        packed("1", "STAGE-1", PALLET, 4, biz_step="packing"),
        put_into(PALLET, OUTER, 5),
        stood("A-01", minute=6).model_copy(update={"unit": OUTER}),
        stood("B-01", minute=7).model_copy(update={"unit": OUTER}),
        counted("B-01", 8),
    )
    serial = named("(01)30614141123453(21)17")
    facts = story(ledger, serial)
    assert [(fact.kind, fact.unit, fact.to_place) for fact in facts] == [
        ("count", None, "B-01"),
        ("unit_position", OUTER, "B-01"),
        ("unit_position", OUTER, "A-01"),
        ("unit_position", PALLET, OUTER),
        ("movement", None, PALLET),
        ("movement", None, "STAGE-1"),
        ("crossing", None, "STAGE-1"),
    ]
    assert facts[-2].documents == [{"type": "receipt", "id": "DN-7", "line": "1"}]
    assert facts[-1].told["epc"] == CASE_HEX
    assert len(facts[-1].told["trace"]) == 24
    now = ledger.as_app(lambda conn: reading.serial_now(conn, CONTROLLER, serial))
    assert now.standing is not None
    assert now.standing.place == PALLET
    assert [(around.place, around.kind) for around in now.around] == [(OUTER, "unit"), ("B-01", "bin")]
    assert story(ledger, serial, limit=2, before=facts[1].place) == facts[2:4]
    assert [fact.kind for fact in story(ledger, serial, moment=AsOf(at=at(2.5)))] == ["movement", "crossing"]
    assert story(ledger, serial, moment=AsOf(position=0)) == []
    assert story(ledger, named(f"{EPC}9"))[0].kind == "count"
    assert story(ledger, named(EPC.replace(".17", ".18"))) == []


def test_what_was_taken_back_is_told_as_such_and_counts_no_more(doors: Doors) -> None:
    ledger = doors.ledger
    held = passage("held", minute=1, loose=True)
    card, *_ = doors.send(
        held, carried("@supplier", "STAGE-1", minute=2), carried("STAGE-1", "A-01", minute=4)
    )
    wrong, _ = doors.send(packed("1", "A-01", PALLET, 5), stood("B-01", minute=6))
    serial = named(EPC)

    def place() -> tuple[str, datetime, list[str]]:
        now = ledger.as_app(lambda conn: reading.serial_now(conn, CONTROLLER, serial))
        assert now.standing is not None
        return now.standing.place, now.standing.since_at, [each.place for each in now.around]

    assert place() == (PALLET, at(5), ["B-01"])
    before = story(ledger, serial)
    known = AsOf(position=max(fact.position for fact in before))
    ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, wrong, reason="misread"))
    assert place() == ("A-01", at(4), [])
    assert [(fact.kind, fact.is_reversal, fact.is_reversed) for fact in story(ledger, serial)] == [
        ("movement", False, True),
        ("movement", True, False),
        ("movement", False, False),
        ("movement", False, False),
        ("crossing", False, False),
    ]
    assert story(ledger, serial, moment=known) == before
    doors.answer(card, "in", actor=SUPERVISOR)
    (crossing,) = [fact for fact in story(ledger, serial) if fact.kind == "crossing"]
    assert (crossing.told["answer"], crossing.told["answered_by"], crossing.told["stands"]) == (
        "in",
        SUPERVISOR.id,
        "in",
    )
    (asked,) = [fact for fact in story(ledger, serial, moment=known) if fact.kind == "crossing"]
    assert (asked.told.get("answer"), asked.told["is_open"]) == (None, True)


def watching(ledger: Ledger, source: LastingConnection) -> tuple[int, int, list[Ticket]]:
    """Let the job run; give how many tickets it told and resolved, and those that are open."""
    done = watch_doubts(source, JOB, at(99))
    asked = {"states": [TicketState.OPEN], "limit": 9}
    open_ones = ledger.as_app(lambda conn: alerts.tickets(conn, NETWORK_CONTROLLER, **asked))
    return done["told"], done["resolved"], open_ones


def test_what_cannot_be_of_one_serial_is_found(doors: Doors) -> None:
    ledger = doors.ledger
    ledger.as_app(lambda conn: add_site(conn, "york", name="York", time_zone="UTC", currency=None))
    ledger.as_app(lambda conn: add_gateway(conn, "york", "gw-y"))
    doors.send(carried("@supplier", "A-01", minute=2), carried("B-01", "B-02", minute=9))
    ledger.post(
        Outbox("gw-y", "york").seal([passage("evidence", minute=15, loose=True, because="unknown_tag")])
    )
    facts = ledger.as_app(lambda conn: reading.serial_story(conn, NETWORK_CONTROLLER, named(EPC), limit=9))
    assert [(each.because, each.earlier.to_place, each.later.site) for each in contradictions(facts)] == [
        ("too_fast", "B-02", "york"),
        ("not_there", "A-01", SITE),
    ]
    assert len(story(ledger, named(EPC))) == 2  # york is another's
    assert story(ledger, named("(01)30614141123453(21)17"), limit=1) == story(ledger, named(EPC))[:1]
    with closing(LastingConnection(ledger.app_dsn, "test-doubts")) as source:
        watched = partial(watching, ledger, source)
        told, _, (case,) = watched()
        assert (told, case.kind, case.site, len(case.detail["pairs"])) == (1, "duplicate_tag", "york", 1)
        pair = case.detail["pairs"][0]
        assert [(pair[each]["site"], pair[each]["place"]) for each in ("earlier", "later")] == [
            ("leeds", "B-02"),
            ("york", "dock-1"),
        ]
        assert watched()[:2] == (0, 0), "once"
        (second,) = [fact for fact in facts if fact.to_place == "B-02"]
        ref = RowRef(gateway=second.gateway, epoch=epoch_from_int(second.epoch), seq=second.seq)
        ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, ref, reason="misread"))
        assert watched() == (0, 1, []), "it was never there"
        york = Outbox("gw-y", "york", epoch="00000000000000ab")
        _, nearest = doors.send(carried("@supplier", "A-01", minute=40), carried("A-01", "B-02", minute=42))
        york_saw = {"loose": True, "because": "unknown_tag"}
        watched()
        ledger.post(york.seal([passage("evidence", minute=43, **york_saw)]))
        (case,) = watched()[2]
        assert [pair["earlier"]["place"] for pair in case.detail["pairs"]] == ["B-02"], "the nearest"
        ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, nearest, reason="misread"))
        (case,) = watched()[2]
        assert [pair["earlier"]["place"] for pair in case.detail["pairs"]] == ["A-01"], "it was there too"
        closing_it = partial(alerts.close_by_hand, actor=NETWORK_CONTROLLER, ticket_id=case.ticket_id)
        ledger.as_app(lambda conn: closing_it(conn, reason="fixed"))
        assert watched() == (0, 0, [])
        (again,) = doors.send(carried("A-01", "B-02", minute=70))
        ledger.post(york.seal([passage("evidence", minute=71, **york_saw)]))
        assert len(watched()[2]) == 1
        ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, again, reason="misread"))
        assert watched() == (0, 1, []), "what a person has closed keeps nothing open"
        inner, outer = "106141412345678922", "106141412345678939"
        doors.send(put_into(inner, outer, 20), put_into(outer, inner, 21))
        assert [ticket.dedup_key for ticket in watched()[2]] == [f"unit_in_itself:{outer}"]
        doors.send(stood("A-01", minute=20.5).model_copy(update={"unit": inner}))
        assert watched() == (0, 1, [])
        doors.send(put_into(inner, outer, 22))
        assert [ticket.dedup_key for ticket in watched()[2]] == [f"unit_in_itself:{inner}"]
        doors.send(stood("A-01", minute=24).model_copy(update={"unit": inner}))
        assert watched()[1] == 0, "where the other stands has not been said"
        doors.send(stood("A-01", minute=25).model_copy(update={"unit": outer}))
        assert watched() == (0, 1, []), "as the ticket asked"
