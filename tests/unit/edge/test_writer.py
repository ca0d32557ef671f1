"""The writer thread: whoever waits for it is answered, whatever happens to it."""

import pytest

from edge_agent.outbox.errors import OutboxClosedError
from edge_agent.outbox.writer import Writer


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_dies_leaves_nobody_waiting() -> None:
    def die() -> bool:
        raise RuntimeError("a fault of ours")

    writer = Writer(lambda _rows, _memories: ("0" * 16, 1), die)
    with pytest.raises(OutboxClosedError):
        append_for_ever(writer)
    with pytest.raises(OutboxClosedError):
        writer.call(lambda: None)
    writer.close()


def append_for_ever(writer: Writer) -> None:
    while True:
        writer.append([(0, 0, b"{}")])
