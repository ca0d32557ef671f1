import threading

from edge_agent.supervisor import Supervisor


class Flaky:
    """A member whose first two lives end by an error."""

    lives = 0

    def __init__(self) -> None:
        Flaky.lives += 1
        self.has_failed = Flaky.lives <= 2
        self.is_stopped = False
        if not self.has_failed:
            is_healthy.set()

    def start(self) -> None:
        """Nothing to start: the test looks at lives only."""

    def stop(self) -> None:
        self.is_stopped = True


is_healthy = threading.Event()


def test_a_dead_reader_is_replaced_until_it_lives_and_each_death_is_counted() -> None:
    supervisor: Supervisor[Flaky] = Supervisor(lambda member: member.has_failed)
    supervisor.start()
    supervisor.replace_all({"scan-1": Flaky})
    assert is_healthy.wait(20)
    (member,) = supervisor.members()
    supervisor.stop()
    assert supervisor.restarts() == 2
    assert member.is_stopped
    assert supervisor.members() == []
