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


@pytest.fixture(scope="module")
def log_of_two_frames_last(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("wal") / "some.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (body BLOB)")
    connection.execute("INSERT INTO t VALUES (?)", (bytes(9000),))
    content = Path(f"{path}-wal").read_bytes()
    connection.close()
    return content


def test_damage_across_the_last_transaction_looks_like_a_power_cut(log_of_two_frames_last: bytes) -> None:
    log = log_of_two_frames_last
    assert judge(flipped(log, len(log) - FRAME - 5)).state is WalState.TORN


def test_a_page_never_written_before_an_older_generation_is_unfinished_and_unused(log: bytes) -> None:
    last, older = 32 + FRAME * 4, log[32 : 32 + FRAME]
    generation = (int.from_bytes(older[8:12], "big") - 1) % 2**32
    salts_of_old = older[:8] + generation.to_bytes(4, "big") + b"olds" + older[16:]
    kill = log[: last + 24] + log[56 : 56 + 4096] + salts_of_old
    verdict = judge(kill)
    assert verdict.state is WalState.UNFINISHED
    assert verdict.pages == judge(log[:last]).pages


def test_a_flip_in_the_last_frame_of_a_log_that_ends_there_is_no_unfinished_write(log: bytes) -> None:
    assert judge(flipped(log, len(log) - 5)).state is WalState.TORN


@pytest.mark.parametrize("bit_at", range(8, 16))
def test_a_flip_in_a_frames_salt_does_not_hide_the_frames_behind_it(log: bytes, bit_at: int) -> None:
    frames = (len(log) - 32) // FRAME
    for number in range(1, frames):
        state = judge(flipped(log, 32 + FRAME * number + bit_at)).state
        assert state in {WalState.TORN, WalState.DAMAGED}
        assert state is WalState.DAMAGED or number >= frames - 3, "only the last transaction may be torn"


def test_a_log_cut_anywhere_is_no_damage(log: bytes) -> None:
    for length in range(0, len(log), 1111):
        assert judge(log[:length]).state is WalState.CLEAN


def test_an_empty_log_is_clean_and_rubbish_is_damage() -> None:
    assert judge(b"").state is WalState.CLEAN
    assert judge(bytes(64)).state is WalState.CLEAN
    assert judge(b"rubbish!" * 8).state is WalState.DAMAGED
