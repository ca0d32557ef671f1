"""Answers to cards: what they post, that they post once, and how they are taken back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

from cloud.crossings import reading, service
from cloud.crossings.domain import Answer, AnsweredError, NotAskedError, UnknownCrossingError
from cloud.db import connect
from cloud.identity.actor import NotAllowedError
from cloud.identity.store import act_as
from cloud.ledger.corrections import post_reversal
from tests.integration.crossings.doors import (
    AUDITOR,
    CASE,
    EPC,
    INSIDE,
    OPERATOR,
    OUTSIDE,
    STRANGER,
    SUPERVISOR,
    Doors,
    carried,
    passage,
    picture,
    stood,
)
from tests.integration.ledger.scenario import SITE, at


def test_a_held_crossing_is_a_card_with_its_whole_radio_picture(doors: Doors) -> None:
    doors.send(passage(), passage("evidence", minute=1, because="stray"), passage("posted", minute=2))
    (card,) = doors.cards()
    assert [tuple(point) for point in card.crossing.trace] == picture()
    assert card.crossing.antennas == ["r1:3", "r1:1"]
    assert (card.crossing.because, card.crossing.confidence) == ("low_confidence", 0.72)
    assert card.proposal is None


def test_codes_that_a_crossing_names_in_passing_register_nothing(doors: Doors) -> None:
    doors.send(passage(), passage(minute=1, loose=True))
    assert doors.ledger.query("SELECT code FROM location") == []
    assert doors.ledger.query("SELECT code FROM item") == []


@pytest.mark.parametrize(("said", "place"), [("in", INSIDE), ("out", OUTSIDE)])
def test_an_answer_puts_a_unit_where_the_edge_would_have_put_it(doors: Doors, said: str, place: str) -> None:
    (ref,) = doors.send(passage(visit="V-7"))
    doors.answer(ref, said)
    (record,) = doors.story(ref).records
    assert (doors.stands(), record.to_place, record.actor) == (place, place, "user:olga")
    ((position_at, detail),) = doors.ledger.query("SELECT occurred_at, detail FROM unit_position")
    assert position_at == at(0)
    assert detail["confirmed_by"] == "user:olga"
    assert detail["evidence_id"] == "e-0"
    assert detail["documents"] == [{"type": "visit", "id": "V-7"}]
    assert detail["reason"] == "dock_exception"
    assert doors.cards() == []
    assert doors.is_clean()


def test_an_answer_moves_a_loose_case_once_through_the_doors_account(doors: Doors) -> None:
    (ref,) = doors.send(passage(loose=True))
    doors.answer(ref, "in")
    assert doors.ledger.balances() == {OUTSIDE: -1, INSIDE: 1}
    ((moved_at, unit_seen, identifier, detail),) = doors.ledger.query(
        "SELECT occurred_at, unit_seen, identifier, detail FROM movement"
    )
    assert (moved_at, unit_seen, identifier, detail["epcs"]) == (at(0), CASE, EPC, [EPC])
    assert doors.is_clean()


def test_a_chosen_visit_lends_its_account(doors: Doors) -> None:
    doors.open_visit("V-9", "outbound")
    (ref,) = doors.send(passage(loose=True))
    with pytest.raises(NotAskedError, match=r"visit 'V-0' is not open at site 'leeds': expected one of V-9"):
        doors.answer(ref, "out", visit="V-0")
    doors.answer(ref, "out", visit="V-9")
    assert doors.ledger.balances() == {INSIDE: -1, "@clearing/V-9": 1}
    assert doors.story(ref).crossing.visit_now == "V-9"


def test_what_did_not_move_posts_nothing_but_its_claim_and_audit(doors: Doors) -> None:
    (ref,) = doors.send(passage())
    doors.answer(ref, "did_not_move")
    assert doors.stands() is None
    assert doors.cards() == []
    assert doors.ledger.query("SELECT target FROM claim") == [("gw-1/00000000000000aa/1",)]
    ((actor, target, detail),) = doors.ledger.query("SELECT actor, target, detail FROM audit_event")
    assert (actor, target) == ("user:olga", "crossing:gw-1/00000000000000aa/1")
    assert detail["answer"] == "did_not_move"
    assert doors.is_clean()


@pytest.mark.parametrize("because", ["no_visit", "several_visits"])
def test_a_posted_crossing_without_one_visit_asks_for_it(doors: Doors, because: str) -> None:
    crossing = passage("posted", direction="in", because=because, loose=True)
    ref, _ = doors.send(crossing, carried(OUTSIDE, INSIDE, minute=0, evidence_id="e-0"))
    assert [card.crossing.because for card in doors.cards()] == [because]
    doors.open_visit("V-3")
    doors.answer(ref, "choose_visit", visit="V-3")
    assert doors.ledger.balances() == {"@clearing/V-3": -1, INSIDE: 1}
    assert doors.cards() == []
    assert doors.is_clean()


def test_no_document_settles_such_a_card_and_moves_nothing(doors: Doors) -> None:
    crossing = passage("posted", direction="in", because="no_visit", loose=True)
    ref, _ = doors.send(crossing, carried(OUTSIDE, INSIDE, minute=0, evidence_id="e-0"))
    doors.answer(ref, "choose_visit")
    assert doors.ledger.balances() == {OUTSIDE: -1, INSIDE: 1}
    assert doors.cards() == []


def test_a_posted_crossing_that_went_the_other_way_is_reversed_and_posted_in_one(doors: Doors) -> None:
    crossing = passage("posted", direction="in", because="no_visit", loose=True)
    ref, _ = doors.send(crossing, carried(OUTSIDE, INSIDE, minute=0, evidence_id="e-0"))
    with pytest.raises(NotAllowedError, match="supervisor"):
        doors.answer(ref, "out")
    doors.answer(ref, "out", actor=SUPERVISOR)
    assert doors.ledger.balances() == {OUTSIDE: 1, INSIDE: -1}
    assert doors.ledger.query("SELECT count(*) FROM ledger_entry") == [(2,)]
    assert doors.is_clean()


def test_the_second_answer_is_told_who_answered_and_how(doors: Doors) -> None:
    (ref,) = doors.send(passage())
    doors.answer(ref, "in")
    for said in ("in", "out", "did_not_move"):
        with pytest.raises(AnsweredError, match=r"answered 'in' by user:olga at \d{4}-\d\d-\d\d"):
            doors.answer(ref, said, actor=SUPERVISOR)
    assert doors.stands() == INSIDE
    assert doors.ledger.query("SELECT count(*) FROM unit_position") == [(1,)]


def test_of_eight_people_at_once_one_answers(doors: Doors, database: object) -> None:
    (ref,) = doors.send(passage(loose=True))
    together = threading.Barrier(8)

    def person(number: int) -> str:
        said = Answer.IN if number % 2 else Answer.OUT
        with connect(database.app_dsn, f"test-person-{number}", autocommit=True) as conn:
            together.wait()
            try:
                with conn.transaction():
                    service.answer(conn, OPERATOR, ref, answer=said)
            except AnsweredError as error:
                return str(error)
        return said

    with ThreadPoolExecutor(8) as people:
        told = list(people.map(person, range(8)))
    (done,) = [each for each in told if each in {"in", "out"}]
    assert sum(f"answered '{done}' by user:olga" in each for each in told) == 7
    signs = {"in": {OUTSIDE: -1, INSIDE: 1}, "out": {OUTSIDE: 1, INSIDE: -1}}
    assert doors.ledger.balances() == signs[done]
    assert doors.is_clean()


def test_who_may_not_answer_changes_nothing(doors: Doors) -> None:
    (ref,) = doors.send(passage())
    with pytest.raises(NotAllowedError, match="operator"):
        doors.answer(ref, "in", actor=AUDITOR)
    with pytest.raises(UnknownCrossingError, match="at your sites"):
        doors.answer(ref, "in", actor=STRANGER)
    assert doors.cards(STRANGER) == []
    assert len(doors.cards()) == 1
    assert doors.ledger.query("SELECT count(*) FROM claim") == [(0,)]


def test_what_asks_nothing_takes_no_answer(doors: Doors) -> None:
    stray, sure, held = doors.send(
        passage("evidence", because="stray"), passage("posted", minute=1, direction="in"), passage(minute=2)
    )
    for ref, said in ((stray, "in"), (sure, "out"), (held, "choose_visit"), (held, "misread")):
        with pytest.raises(NotAskedError):
            doors.answer(ref, said)
    with pytest.raises(NotAskedError, match="belongs to no visit"):
        doors.answer(held, "did_not_move", visit="V-1")


def test_a_crossing_that_does_not_say_where_inside_is_cannot_be_answered_in(doors: Doors) -> None:
    (ref,) = doors.send(passage(inside_location=None))
    with pytest.raises(NotAskedError, match="names no inside_location"):
        doors.answer(ref, "in")
    doors.answer(ref, "did_not_move")
    assert doors.cards() == []


def test_a_wrong_answer_is_taken_back_as_misread_and_the_card_opens_again(doors: Doors) -> None:
    (ref,) = doors.send(passage(loose=True))
    doors.answer(ref, "in")
    with pytest.raises(NotAllowedError):
        doors.take_back(ref, actor=OPERATOR)
    doors.take_back(ref)
    assert doors.ledger.balances() == {}
    assert doors.ledger.query("SELECT reason FROM movement WHERE reverses_seq IS NOT NULL") == [("misread",)]
    assert len(doors.cards()) == 1
    with pytest.raises(NotAskedError, match="nothing to take back"):
        doors.take_back(ref)
    doors.answer(ref, "out")
    assert doors.ledger.balances() == {OUTSIDE: 1, INSIDE: -1}
    assert [step.answer for step in doors.story(ref).answers] == ["in", "misread", "out"]
    assert doors.is_clean()


def test_a_misread_unit_goes_back_where_it_came_from_at_its_own_instant(doors: Doors) -> None:
    crossing = passage("posted", direction="in", minute=10)
    ref, _ = doors.send(crossing, stood(INSIDE, minute=10, source=OUTSIDE, evidence_id="e-10"))
    doors.take_back(ref)
    assert (doors.stands(), doors.unit_as_read()) == (OUTSIDE, OUTSIDE)
    doors.send(stood("A-07", minute=12))
    assert (doors.stands(), doors.unit_as_read()) == ("A-07", "A-07")
    assert doors.ledger.query("SELECT DISTINCT occurred_at FROM unit_position ORDER BY 1") == [
        (at(10),),
        (at(12),),
    ]
    assert doors.is_clean()


def test_a_movement_filed_under_another_instant_than_its_crossing_is_taken_back_too(doors: Doors) -> None:
    crossing = passage("posted", direction="in", loose=True)
    ref, _ = doors.send(crossing, carried(OUTSIDE, INSIDE, minute=0.01, evidence_id="e-0"))
    pallet, _ = doors.send(
        passage("posted", minute=5, direction="in"),
        stood(INSIDE, minute=5.01, source=OUTSIDE, evidence_id="e-5"),
    )
    doors.take_back(ref)
    doors.take_back(pallet)
    assert doors.ledger.balances() == {}
    assert (doors.stands(), doors.unit_as_read()) == (OUTSIDE, OUTSIDE)
    assert doors.is_clean()


def test_a_movement_that_was_reversed_by_hand_is_not_reversed_again(doors: Doors) -> None:
    crossing = passage("posted", direction="in", loose=True)
    ref, moved = doors.send(crossing, carried(OUTSIDE, INSIDE, minute=0, evidence_id="e-0"))
    doors.ledger.as_app(lambda conn: post_reversal(conn, SUPERVISOR, moved, reason="misread"))
    doors.take_back(ref)
    assert doors.ledger.balances() == {}
    assert doors.is_clean()


def test_batches_and_answers_in_any_order_end_in_the_same_books(doors: Doors) -> None:
    ends = set()
    for number, order in enumerate(permutations(range(3))):
        minute = number * 60
        (ref,) = doors.send(passage(minute=minute, loose=True, evidence_id=f"o-{number}"))
        steps = [
            lambda ref=ref: doors.answer(ref, "in"),
            lambda minute=minute: doors.send(carried(INSIDE, "A-01", minute=minute + 5)),
            lambda minute=minute: doors.send(passage("evidence", minute=minute + 1, because="stray")),
        ]
        for step in order:
            steps[step]()
        ends.add(
            tuple(sorted((place, total / (number + 1)) for place, total in doors.ledger.balances().items()))
        )
    assert ends == {((OUTSIDE, -1), ("A-01", 1))}
    assert doors.is_clean()


def test_cards_and_crossings_of_a_visit_are_told_to_those_who_close_it(doors: Doors) -> None:
    held, other, sure, gone, none = doors.send(
        passage(visit="V-1"),
        passage(minute=1, visit="V-2"),
        passage("posted", minute=2, direction="in", visit="V-1"),
        passage("posted", minute=3, direction="in", visit="V-1"),
        passage(minute=4),
    )
    doors.take_back(gone)
    asked = [f"SELECT seq FROM {name}(%s, %s) ORDER BY seq" for name in ("open_cards", "visit_crossings")]

    def of_visit(visit: str) -> list[list[int]]:
        return [[row[0] for row in doors.ledger.query(text, [SITE], visit)] for text in asked]

    assert of_visit("V-1") == [[held.seq, gone.seq], [sure.seq]]
    doors.open_visit("V-1")
    doors.answer(held, "in")
    doors.answer(gone, "did_not_move")
    doors.answer(other, "in", visit="V-1")
    doors.answer(none, "did_not_move")
    assert of_visit("V-1") == [[], [held.seq, other.seq, sure.seq]]
    assert of_visit("V-2") == [[], []]
    assert doors.ledger.query("SELECT seq FROM open_cards(%s, NULL)", ["york"]) == []


def test_lists_show_each_site_its_own_and_filter(doors: Doors) -> None:
    doors.send(
        passage(), passage("posted", minute=1, direction="in"), passage("evidence", minute=2, portal="dock-2")
    )

    def listed(actor: object, **wanted: object) -> list[int]:
        def read(conn: object) -> list[int]:
            act_as(conn, actor)
            rows = reading.crossings(conn, actor, reading.CrossingFilter(**wanted), limit=10)
            return [row.seq for row in rows]

        return doors.ledger.as_app(read)

    assert listed(AUDITOR) == [3, 2, 1]
    assert listed(STRANGER) == []
    assert listed(AUDITOR, portal="dock-2") == [3]
    assert listed(AUDITOR, posted="posted") == [2]
    assert listed(AUDITOR, card="open") == [1]
    assert listed(AUDITOR, direction="in", occurred_from=at(1), occurred_until=at(1)) == [2]
    by_door = doors.ledger.as_app(lambda conn: reading.doors(conn, AUDITOR, per_portal=1))
    assert {door: [row.seq for row in rows] for door, rows in by_door.items()} == {
        (SITE, "dock-1"): [2],
        (SITE, "dock-2"): [3],
    }
