"""One batch, one effect: whatever is repeated, reordered or lost on the way (FAULTS F6, F7)."""

from cloud.ingest.domain import Judgement
from tests.integration.ingest.conftest import Books, extras
from tests.integration.ingest.forge import Forge, movement, shuffled


def test_a_batch_is_posted_and_acknowledged_by_its_hash(books: Books) -> None:
    edge = Forge()
    written = books.take(edge.batch(rows=3))
    (answer,) = written.answers
    assert (answer.ack.contiguous_no, answer.ack.contiguous_sha256) == (1, edge.prev_sha256)
    assert (answer.ack.position, answer.ack.extra) == (1, ())
    assert books.balances() == {("ITEM-1", "@supplier"): "-3.000000", ("ITEM-1", "A-1"): "3.000000"}
    books.check_laws()


def test_redelivered_batch_changes_nothing(books: Books) -> None:
    edge = Forge()
    books.take(edge.batch())
    before = books.balances()
    again = books.take(edge.send(1, sent_mono_ns=2 * 10**12))
    assert again.judgements == {Judgement.DUPLICATE: 1}
    assert again.answers[0].ack.contiguous_no == 1
    assert books.balances() == before
    assert books.rows() == 3


def test_a_batch_twice_in_one_group_is_posted_once(books: Books) -> None:
    delivery = Forge().batch()
    written = books.take(delivery, delivery)
    assert written.judgements == {Judgement.NEW: 1, Judgement.DUPLICATE: 1}
    assert books.rows() == 3


def test_a_batch_beyond_a_hole_is_stored_and_named_apart(books: Books) -> None:
    edge = Forge()
    first, second, third = edge.batch(), edge.batch(), edge.batch()
    written = books.take(third, first)
    assert written.answers[0].ack.contiguous_no == 1
    assert extras(written) == [(3, "stored")]
    written = books.take(second)
    assert written.answers[0].ack.contiguous_no == 3
    assert extras(written) == []
    books.check_laws()


def test_any_order_and_repetition_gives_the_same_books(books: Books) -> None:
    edge = Forge()
    sent = [
        edge.batch([movement(edge.next_seq + n, item=f"I-{n % 3}", quantity=str(n + 1)) for n in range(5)])
        for _ in range(12)
    ]
    expected = None
    for seed in range(4):
        epoch = Forge(epoch=f"{seed:016x}", gateway=f"gw-{seed + 10}")
        books.register(epoch.gateway)
        mixed = shuffled(
            [
                epoch.batch(
                    [
                        movement(epoch.next_seq + n, item=f"I-{n % 3}", quantity=str(n + 1), into=f"B-{seed}")
                        for n in range(5)
                    ]
                )
                for _ in sent
            ],
            seed,
        )
        while mixed:
            books.take(*(mixed.pop() for _ in range(min(3, len(mixed)))))
        assert (
            books.one(
                "SELECT contiguous_no FROM completeness JOIN gateway USING (gateway_id) WHERE name = %s",
                epoch.gateway,
            )
            == 12
        )
        here = {key[0]: value for key, value in books.balances().items() if key[1] == f"B-{seed}"}
        expected = expected or here
        assert here == expected
    books.check_laws()


def test_two_live_epochs_are_each_acknowledged(books: Books) -> None:
    backlog, live = Forge(epoch="00000000000000b1"), Forge(epoch="ffffffffffffffff")
    written = books.take(backlog.batch(), live.batch(), backlog.batch(final=True))
    acks = {answer.ack.epoch: answer.ack.contiguous_no for answer in written.answers}
    assert acks == {"00000000000000b1": 2, "ffffffffffffffff": 1}
    assert books.one("SELECT count(*) FROM completeness WHERE is_final") == 1


def test_nothing_follows_the_batch_that_ends_an_epoch(books: Books) -> None:
    edge = Forge()
    books.take(edge.batch(final=True))
    assert books.take(edge.batch()).judgements == {Judgement.FORK: 1}


def test_a_restored_ledger_says_so_and_takes_everything_again(books: Books) -> None:
    edge = Forge()
    sent = [edge.batch() for _ in range(3)]
    books.take(sent[0])
    before = books.take(sent[0]).ledger_id
    books.command("UPDATE ledger_identity SET ledger_id = gen_random_uuid()")
    written = books.take(*sent)
    assert written.ledger_id != before
    assert {answer.ack.ledger_id for answer in written.answers} == {written.ledger_id}
    assert written.judgements == {Judgement.DUPLICATE: 1, Judgement.NEW: 2}
    assert books.rows() == 9
