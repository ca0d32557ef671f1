"""Judging a batch by what the ledger holds of its epoch, and answering."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from cloud.ingest.domain import Branch, Judgement, Stone
from contracts.base import NO_PREDECESSOR, EpochId, GatewayId
from contracts.batch import BatchHeader
from contracts.feedback import StoredAs

UNTIL = datetime(2026, 1, 5, 12, tzinfo=UTC)


def sha(number: int, branch: str = "a") -> str:
    return f"{number:063x}{branch}"


def header(
    number: int, *, prev: str | None = None, first_seq: int | None = None, final: bool = False
) -> BatchHeader:
    begins = 10 * number - 9 if first_seq is None else first_seq
    return BatchHeader.model_validate(
        {
            "site": "leeds",
            "gateway": "gw-1",
            "epoch": "00000000000000a1",
            "batch_no": number,
            "prev_sha256": prev or (sha(number - 1) if number > 1 else NO_PREDECESSOR),
            "first_seq": begins,
            "last_seq": begins + 9,
            "complete_until": UNTIL,
            "final": final,
            "agent": "t",
        }
    )


def branch(*numbers: int) -> Branch:
    one = Branch(GatewayId("gw-1"), EpochId("00000000000000a1"))
    for number in numbers:
        one.add(Stone.of(header(number), sha(number), StoredAs.STORED))
    return one


@given(st.permutations(range(1, 9)))
def test_in_any_order_of_arrival_the_end_is_contiguous(order: list[int]) -> None:
    one = branch()
    for number in order:
        assert one.judge(header(number), sha(number)).judgement is Judgement.NEW
        one.add(Stone.of(header(number), sha(number), StoredAs.STORED))
    assert (one.contiguous_no, one.contiguous_sha256, one.complete_until) == (8, sha(8), UNTIL)


def test_the_same_number_with_another_hash_is_a_fork() -> None:
    assert branch(1, 2).judge(header(2), sha(2, "b")).judgement is Judgement.FORK


def test_a_hash_broken_against_either_neighbour_is_a_fork() -> None:
    assert branch(1, 3).judge(header(2, prev=sha(1, "b")), sha(2)).judgement is Judgement.FORK
    assert branch(1, 3).judge(header(2), sha(2, "b")).judgement is Judgement.FORK


def test_the_first_batch_has_no_predecessor() -> None:
    assert branch().judge(header(1, prev=sha(9)), sha(1)).judgement is Judgement.FORK


def test_rows_must_fit_between_neighbours() -> None:
    assert branch(1).judge(header(2, first_seq=10), sha(2)).judgement is Judgement.FORK
    assert branch(1).judge(header(4, first_seq=12), sha(4)).judgement is Judgement.FORK
    assert branch(1).judge(header(4, first_seq=13), sha(4)).judgement is Judgement.NEW
    assert branch(1).judge(header(4, first_seq=5_000), sha(4)).judgement is Judgement.FORK


def test_once_forked_only_what_continues_the_ledgers_branch_is_taken() -> None:
    one = branch(1, 2)
    one.conflicts.add(sha(2, "b"))
    assert one.judge(header(3), sha(3)).judgement is Judgement.NEW
    assert one.judge(header(3, prev=sha(2, "b")), sha(3, "b")).judgement is Judgement.FORK
    assert one.judge(header(5), sha(5)).judgement is Judgement.TOO_EARLY


def test_a_batch_held_whole_is_stepped_over_by_number() -> None:
    one = branch(1)
    one.add(Stone(2, sha(2), StoredAs.PARTLY_QUARANTINED))
    one.add(Stone.of(header(3), sha(3), StoredAs.STORED))
    assert one.contiguous_no == 3
    one.forget_whole(frozenset({sha(2)}))
    assert one.judge(header(2), sha(2)).judgement is Judgement.NEW


def test_an_ack_names_what_lies_beyond_the_contiguous_batches() -> None:
    ack = branch(1, 2, 4, 6).acknowledge([], ledger_id="ledger", position=7)
    assert (ack.contiguous_no, ack.contiguous_sha256, ack.position) == (2, sha(2), 7)
    assert [extra.batch_no for extra in ack.extra] == [4, 6]
