"""A line of demand counts once, its latest revision only; what cannot be stored is told whole."""

from asking import Demand, line, outcome


def test_the_same_batch_twice_counts_once(demand: Demand) -> None:
    batch = [line("2", number=str(number)) for number in range(1, 6)]
    assert outcome(demand.tell(*batch)) == (5, 0, 0, 0)
    assert outcome(demand.tell(*batch)) == (0, 0, 0, 5)
    assert demand.of_tea("2026-03-01", "2026-03-03") == {"2026-03-02": 10}
