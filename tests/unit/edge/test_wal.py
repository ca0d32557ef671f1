import sqlite3
from pathlib import Path

import pytest

from edge_agent.outbox.wal import WalState, judge

FRAME = 4096 + 24


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("wal") / "some.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (body BLOB)")
    for number in range(10):
        connection.execute("INSERT INTO t VALUES (?)", (bytes([number]) * 3000,))
    content = Path(f"{path}-wal").read_bytes()
    connection.close()
    return content


def flipped(log: bytes, at: int) -> bytes:
    content = bytearray(log)
    content[at] ^= 4
    return bytes(content)


def test_a_whole_log_is_clean_and_gives_its_pages(log: bytes) -> None:
    verdict = judge(log)
    assert verdict.state is WalState.CLEAN
    assert set(verdict.pages) == set(range(1, max(verdict.pages) + 1))


def test_a_flip_that_sqlite_would_stop_at_in_silence_is_damage(log: bytes) -> None:
    assert judge(flipped(log, 32 + FRAME * 3 + 500)).state is WalState.DAMAGED


def test_a_flip_in_the_last_transaction_looks_like_a_power_cut(log: bytes) -> None:
    assert judge(flipped(log, len(log) - 5)).state is WalState.TORN


def test_a_log_cut_anywhere_is_no_damage(log: bytes) -> None:
    for length in range(0, len(log), 1111):
        assert judge(log[:length]).state is WalState.CLEAN


def test_an_empty_log_is_clean_and_rubbish_is_damage() -> None:
    assert judge(b"").state is WalState.CLEAN
    assert judge(bytes(64)).state is WalState.CLEAN
    assert judge(b"rubbish!" * 8).state is WalState.DAMAGED
