from cloud.ingest.pace import LEAST_BYTES, MOST_BYTES, TARGET_S, Pace


def test_a_transaction_grows_and_shrinks_with_what_writing_costs() -> None:
    for cost_s, budget in ((1e-9, MOST_BYTES), (1.0, LEAST_BYTES), (TARGET_S / 100_000, 100_000)):
        pace = Pace()
        for _ in range(100):
            pace.note(pace.budget_bytes, cost_s * pace.budget_bytes)
        assert abs(pace.budget_bytes - budget) <= budget / 1000


def test_a_lone_batch_whose_commit_was_slow_does_not_make_the_next_group_small() -> None:
    pace = Pace()
    before = pace.budget_bytes
    pace.note(500, 2.0)
    assert pace.budget_bytes == before
