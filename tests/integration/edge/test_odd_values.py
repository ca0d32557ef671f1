"""F21: damage that SQLite's own check lets pass, a value of another kind in a column: service goes on."""

import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from contracts.records import Gap, WorkflowEvent
from edge_agent.clock import Clock
from edge_agent.outbox.domain import Cursor, Lane
from edge_agent.outbox.draft import Draft, draft
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from tests.integration.edge.conftest import ack
from tests.integration.edge.scripted_ledger import Books
from tests.integration.edge.test_damage import drain_into

BOOT: Final = "boot-before-the-cut"
ODD: Final = (None, "text", "", b"bytes", 1.5, -1, 0, 2**62 + 5, 2**63 - 1)
COLUMNS: Final = {
    "batch": "epoch_no batch_no state first_id last_id oldest_us acked_us sha256 body",
    "record": "claimed_us crc32 body",
    "device_memory": "device body crc32",
    "epoch": "epoch base last_id sealed_id last_batch_no last_sha256 complete_until_us opened_because "
    "ack_position resend_answered crc32",
    "salvage": "file rows_upto is_done",
    "identity": "site gateway boot_id crc32",
    "ledger": "ledger_id is_current",
}
PLACES: Final = [(table, column) for table, columns in COLUMNS.items() for column in columns.split()]
SPOIL_EPOCHS: Final = "UPDATE epoch SET crc32 = crc32 + 1"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give an outbox: a batch acknowledged, two that wait, four rows in none, and what a scanner knows."""
    path = tmp_path_factory.mktemp("whole") / "outbox.db"
    with closing(opened(path)) as outbox:
        cursor = Cursor()
        for first in (0, 3, 6):
            outbox.append([row(number) for number in range(first, first + 3)], ("scanner", b"state"))
            batch = outbox.next_batch(Lane.LIVE, cursor)
            assert batch is not None
            cursor = batch.cursor
            if first == 0:
                outbox.acknowledge(ack(batch))
        outbox.append([row(number) for number in range(9, 13)])
    with closing(sqlite3.connect(path)) as disk, disk:
        disk.execute("INSERT INTO salvage VALUES ('outbox.db.damaged-000000-x', 5, 0)")
    return path.read_bytes()


OWED: Final = {str(number) for number in range(3, 13)}


def opened(path: Path) -> Outbox:
    clock = Clock(boot_id=BOOT, is_synchronised=lambda: True)
    return Outbox(OutboxOptions(path, "leeds", "gw-1", "test", ballast_bytes=65536), clock)


def row(device: object) -> Draft:
    now = Clock(boot_id=BOOT, is_synchronised=lambda: True).now()
    return draft(WorkflowEvent, now, workflow="w", step="s", device=str(device))


def write(path: Path, table: str, column: str, value: object, *more: str) -> None:
    """Write a value that the table's rules forbid, as damage does, into its newest row."""
    with closing(sqlite3.connect(path, isolation_level=None)) as disk:
        (rules,) = disk.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        lax = rules.replace("NOT NULL", "").replace("INTEGER,", "BLOB,").replace("TEXT", "BLOB")
        for text in (lax, rules):
            disk.execute("PRAGMA writable_schema = ON")
            disk.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (text, table))
            disk.execute("PRAGMA writable_schema = RESET")
            if text == lax:
                disk.execute("PRAGMA ignore_check_constraints = ON")
                newest = f"(SELECT max(rowid) FROM {table})"
                disk.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = {newest}", (value,))
                for statement in more:
                    disk.execute(statement)


def expect_service(path: Path, what: str) -> None:
    """Let an outbox work: what is new arrives once, what was owed once at most, or its loss is told."""
    books = Books()
    with closing(opened(path)) as outbox:
        outbox.append([row("new")])
        assert outbox.recall("scanner") in {b"state", None}, what
        drain_into(books, outbox)
        counted = outbox.stats().counters
    devices = Counter(device for device in books.devices() if device is not None)
    assert devices["new"] == 1, what
    assert max(devices.values()) == 1, f"{what}: {devices}"
    lost = OWED - devices.keys()
    is_told = any(isinstance(record, Gap) for _, record in books.records())
    assert not lost or (counted["files_quarantined"] and is_told), f"{what}: {lost} vanished"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "share", [1, pytest.param(len(ODD), marks=pytest.mark.soak)], ids=["some", "all of them"]
)
def test_a_value_of_another_kind_in_any_column_ends_nothing_and_loses_nothing_in_silence(
    tmp_path: Path, whole: bytes, share: int
) -> None:
    chance = random.Random(6)
    for table, column in PLACES:
        for odd in chance.sample(ODD, share):
            for more in chance.sample([(), (SPOIL_EPOCHS,)], 1 if share == 1 else 2):
                directory = tmp_path / f"{table}-{column}-{ODD.index(odd)}-{len(more)}"
                directory.mkdir()
                path = directory / "outbox.db"
                path.write_bytes(whole)
                write(path, table, column, odd, *more)
                expect_service(path, f"{table}.{column} = {odd!r}, {more}")
