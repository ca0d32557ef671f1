import threading
from functools import partial

from edge_agent.supervisor import Recipe, Supervisor
from tests.patience import PATIENCE_S


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
    supervisor.replace_all({"scan-1": Recipe("settings", Flaky)})
    assert is_healthy.wait(PATIENCE_S)
    (member,) = supervisor.members()
    supervisor.stop()
    assert supervisor.restarts() == 2
    assert member.is_stopped
    assert supervisor.members() == []


class Steady:
    """A member that notes what is done to it."""

    def __init__(self, name: str, story: list[str]) -> None:
        self._name, self._story = name, story

    def start(self) -> None:
        self._story.append(f"{self._name} starts")

    def stop(self) -> None:
        self._story.append(f"{self._name} stops")


def test_members_whose_settings_stay_are_not_touched() -> None:
    story: list[str] = []
    supervisor: Supervisor[Steady] = Supervisor(lambda _member: False)

    def recipe(name: str, power_dbm: int) -> Recipe[Steady]:
        return Recipe(power_dbm, partial(Steady, f"{name} at {power_dbm}", story))

    supervisor.replace_all({"r1": recipe("r1", 27), "r2": recipe("r2", 27), "r3": recipe("r3", 27)})
    story.clear()
    supervisor.replace_all({"r1": recipe("r1", 27), "r2": recipe("r2", 30)})
    assert sorted(story[:2]) == ["r2 at 27 stops", "r3 at 27 stops"]
    assert story[2:] == ["r2 at 30 starts"]
