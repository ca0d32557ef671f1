"""A cloned gateway, a forged one, an unregistered one (FAULTS F16, F17)."""

from itertools import pairwise

import psycopg

from cloud.ingest.arrival import Delivery
from cloud.ingest.domain import Judgement
from cloud.ingest.registry.service import GatewayState
from cloud.ledger.verification.service import verify
from contracts.base import epoch_to_int
from tests.integration.ingest.conftest import Books, extras
from tests.integration.ingest.forge import Forge, movement


def test_of_two_branches_exactly_one_is_in_the_ledger(books: Books) -> None:
    edge = Forge()
    books.take(edge.batch(), edge.batch())
    twin = edge.fork()
    ours = [edge.batch() for _ in range(3)]
    theirs = [twin.batch([movement(twin.next_seq, item="TWIN")]) for _ in range(6)]
    books.take(*ours)
    first = books.take(*theirs[:2])
    assert extras(first) == [(3, "conflict"), (4, "conflict")]
    books.take(*theirs[2:], *ours)
    assert first.answers[0].ack.contiguous_no == 5
    chain = books.ask("SELECT batch_no, sha256, prev_sha256 FROM batch ORDER BY batch_no")
    assert [row[0] for row in chain] == [1, 2, 3, 4, 5]
    assert all(later[2] == earlier[1] for earlier, later in pairwise(chain))
    assert books.one("SELECT count(*) FROM quarantine WHERE reason = 'conflict'") == 6
    assert books.one("SELECT severity FROM ticket WHERE kind = 'conflict'") == "critical"
    assert ("TWIN", "A-1") not in books.balances()


def test_a_twin_that_runs_ahead_does_not_slip_in_behind_the_fork(books: Books) -> None:
    edge = Forge()
    books.take(edge.batch())
    twin = edge.fork()
    ours = edge.batch()

    def their_next() -> Delivery:
        return twin.batch([movement(twin.next_seq + place, item="TWIN") for place in range(3)])

    theirs = [their_next() for _ in range(4)]
    books.take(ours, *theirs)
    later = books.take(theirs[3])
    assert later.judgements == {Judgement.FORK: 1}
    far = [their_next() for _ in range(3)][2]
    assert books.take(far).judgements == {Judgement.TOO_EARLY: 1}
    assert books.one("SELECT max(batch_no) FROM batch") == 2


def test_a_fork_sent_again_is_answered_again_and_held_once(books: Books) -> None:
    edge = Forge()
    twin = edge.fork()
    books.take(edge.batch())
    fork = twin.batch([movement(1, item="TWIN")])
    for _ in range(3):
        assert extras(books.take(fork)) == [(1, "conflict")]
    assert books.one("SELECT count(*) FROM quarantine") == 1


def test_a_new_epoch_by_itself_is_legitimate(books: Books) -> None:
    books.take(Forge().batch())
    written = books.take(Forge(epoch="00000000000000a2").batch())
    assert written.judgements == {Judgement.NEW: 1}


def test_rows_that_overlap_are_a_fork_even_where_the_hashes_chain(books: Books) -> None:
    edge = Forge()
    books.take(edge.batch(rows=3))
    edge.next_seq = 2
    assert books.take(edge.batch(rows=3)).judgements == {Judgement.FORK: 1}
    books.check_laws()


def test_a_batch_on_another_gateways_topic_is_not_accepted(books: Books) -> None:
    books.register("gw-2")
    captured = Forge(gateway="gw-2").batch()
    forged = Delivery("dl/v1/leeds/gw-1/records", captured.payload, captured.received_at)
    written = books.take(forged)
    assert (written.answers, books.rows()) == ((), 0)
    assert books.ask("SELECT reason, gateway, payload FROM quarantine") == [
        ("forged", None, captured.payload)
    ]
    assert books.one("SELECT count(*) FROM ticket WHERE kind = 'forged'") == 1


def test_a_gateway_of_another_site_is_not_accepted(books: Books) -> None:
    books.register("gw-2", site="york")
    written = books.take(Forge(site="leeds", gateway="gw-2").batch())
    assert (written.answers, written.held) == ((), {"wrong_site": 1})


def test_an_unregistered_gateway_is_held_once_unanswered_and_flows_once_registered(books: Books) -> None:
    stranger = Forge(gateway="gw-9")
    delivery = stranger.batch()
    assert books.take(delivery).held == {"unregistered": 1}
    assert books.take(stranger.send(1, sent_mono_ns=5)).held == {}
    books.register("gw-9")
    assert books.take(stranger.send(1, sent_mono_ns=6)).answers[0].ack.contiguous_no == 1
    assert books.ask("SELECT state FROM quarantine") == [("replayed",)]
    assert books.rows() == 3


def test_a_retired_gateway_is_no_longer_accepted(books: Books) -> None:
    edge = Forge()
    books.take(edge.batch())
    books.set_state("gw-1", GatewayState.RETIRED)
    written = books.take(edge.batch())
    assert (written.answers, written.held) == ((), {"retired": 1})
    books.set_state("gw-1", GatewayState.PAUSED)
    assert books.take(edge.send(2)).answers[0].ack.contiguous_no == 2
    assert books.one("SELECT count(*) FROM completeness WHERE epoch = %s", epoch_to_int(edge.epoch)) == 1


def test_what_an_intruder_sends_stands_in_the_audit_trail_once(books: Books) -> None:
    books.register("gw-2")
    edge = Forge(gateway="gw-2")
    captured = edge.batch()
    flipped = bytearray(captured.payload)
    flipped[-20] ^= 1
    forged = Delivery("dl/v1/leeds/gw-1/records", captured.payload, captured.received_at)
    broken = Delivery(captured.topic, bytes(flipped), captured.received_at)
    stranger = Forge(gateway="gw-9").batch()
    for _ in range(2):
        books.take(forged, broken, stranger)
    assert books.rows() == 0
    trail = books.ask(
        "SELECT target, site_id, detail ->> 'reason' FROM audit_event"
        " WHERE action = 'batch_refused' ORDER BY 1"
    )
    assert trail == [
        ("topic:dl/v1/leeds/gw-1/records", "leeds", "forged"),
        ("topic:dl/v1/leeds/gw-2/records", "leeds", "bad_compression"),
        ("topic:dl/v1/leeds/gw-9/records", "leeds", "unregistered"),
    ]


def test_what_names_no_batch_that_is_believed_is_held_once_however_often_it_is_framed_anew(
    books: Books,
) -> None:
    books.register("gw-2")
    edge = Forge(gateway="gw-2")
    edge.batch()
    header, sealed = edge.sealed[0]
    for sent_mono_ns in (1, 2, 3):
        again = edge.send(1, sent_mono_ns=sent_mono_ns)
        forged = Delivery("dl/v1/leeds/gw-1/records", again.payload, again.received_at)
        books.take(forged, edge.frame(header, sealed.body + b" ", sealed.sha256, sent_mono_ns))
    books.take(Delivery("dl/v1/leeds/gw-3/records", again.payload, again.received_at))
    held = books.ask("SELECT topic, reason FROM quarantine ORDER BY 1, 2")
    assert held == [
        ("dl/v1/leeds/gw-1/records", "forged"),
        ("dl/v1/leeds/gw-2/records", "hash_mismatch"),
        ("dl/v1/leeds/gw-3/records", "forged"),
    ]
    with psycopg.connect(books.database.admin_dsn) as conn:
        assert verify(conn).is_clean
