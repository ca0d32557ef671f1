"""F21: bytes of the outbox or its log go bad. Service goes on; what can be read arrives, once."""

import base64
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from contracts.batch import FrameHeader, decode_frame, encode_frame
from contracts.records import Gap, WorkflowEvent
from contracts.vocabulary import GapCause
from edge_agent.clock import Clock
from edge_agent.doctor.gateway import about_outbox
from edge_agent.outbox.domain import Cursor, Lane
from edge_agent.outbox.draft import draft
from edge_agent.outbox.inspect import export
from edge_agent.outbox.keeper import Keeper
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from tests.integration.edge.scripted_ledger import Books
from tests.integration.edge.test_doctor import settings

PROGRAM = Path(__file__).with_name("writer_process.py")
ROUNDS = 200
ROWS = sum(1 + turn % 4 for turn in range(ROUNDS))
CYCLES = 40
SOAK_CYCLES = 200
PAGE = 4096
WAL_HEADER, WAL_FRAME_HEADER = 32, 24
BOOT = "boot-before-the-cut"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give an outbox that was killed: its file and its log."""
    directory = tmp_path_factory.mktemp("patient")
    arguments = [sys.executable, str(PROGRAM), str(directory / "outbox.db"), str(directory / "promises")]
    subprocess.run([*arguments, str(ROUNDS), str(ROUNDS // 3)], check=True, cwd=Path.cwd())
    return {name: (directory / name).read_bytes() for name in ("outbox.db", "outbox.db-wal")}


def drain_into(books: Books, outbox: Outbox) -> None:
    """Drain until nothing is left, also when damage is found, and salvaged, on the way."""
    is_done = False
    while not is_done:
        drain_once(books, outbox)
        stats = outbox.stats()
        is_done = not stats.is_salvaging and not (stats.unacked_rows or stats.unacked_batches)


def drain_once(books: Books, outbox: Outbox) -> None:
    for lane in Lane:
        cursor = Cursor()
        while (batch := outbox.next_batch(lane, cursor)) is not None:
            cursor = batch.cursor
            header = FrameHeader.model_validate(
                {
                    "site": "leeds",
                    "gateway": "gw-1",
                    "epoch": batch.epoch,
                    "batch_no": batch.batch_no,
                    "sha256": batch.sha256,
                    "boot_id": BOOT,
                    "sent_mono_ns": 1,
                }
            )
            outbox.acknowledge(books.take(decode_frame(encode_frame(header, batch.body))))


def open_damaged(path: Path) -> tuple[Outbox, float]:
    clock = Clock(boot_id=BOOT, is_synchronised=lambda: True)
    began = time.monotonic()
    outbox = Outbox(OutboxOptions(path, "leeds", "gw-1", "test", ballast_bytes=65536), clock)
    outbox.append([draft(WorkflowEvent, clock.now(), workflow="w", step="s", device="new")])
    up_after_s = time.monotonic() - began
    while outbox.stats().is_salvaging:
        os.sched_yield()
    return outbox, up_after_s


def damage(files: dict[str, bytes], chance: random.Random) -> dict[str, bytes]:
    name = chance.choice(sorted(files))
    content = bytearray(files[name])
    for _ in range(chance.choice([1, 1, 3])):
        at = chance.randrange(len(content))
        if chance.random() < 0.7:
            content[at] ^= 1 << chance.randrange(8)
        else:
            start = at - at % PAGE
            content[start : start + PAGE] = chance.randbytes(len(content[start : start + PAGE]))
    return files | {name: bytes(content)}


def test_undamaged_the_killed_outbox_gives_every_row(tmp_path: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    outbox, _ = open_damaged(tmp_path / "outbox.db")
    books = Books()
    drain_into(books, outbox)
    outbox.close()
    kept = {str(number) for number in range(ROWS)}
    acknowledged_before = kept - set(books.devices())
    assert outbox._keeper.counters["files_quarantined"] == 0
    assert 0 < len(acknowledged_before) < ROWS


@pytest.mark.parametrize(
    "cycles", [CYCLES, pytest.param(SOAK_CYCLES, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]
)
def test_damaged_bytes_never_stop_service_nor_duplicate_a_row(
    tmp_path: Path, files: dict[str, bytes], cycles: int
) -> None:
    chance = random.Random(3)
    healthy = Books()
    whole = tmp_path / "whole"
    whole.mkdir()
    for name, content in files.items():
        (whole / name).write_bytes(content)
    outbox, _ = open_damaged(whole / "outbox.db")
    drain_into(healthy, outbox)
    outbox.close()
    expected = set(healthy.devices()) - {"new"}
    missing = quarantined = 0
    for cycle in range(cycles):
        directory = tmp_path / str(cycle)
        directory.mkdir()
        broken = damage(files, chance)
        for name, content in broken.items():
            (directory / name).write_bytes(content)
        outbox, up_after_s = open_damaged(directory / "outbox.db")
        assert up_after_s <= 10
        books = Books()
        drain_into(books, outbox)
        outbox.close()
        counts = Counter(device for device in books.devices() if device is not None)
        gaps = [record for _, record in books.records() if isinstance(record, Gap)]
        assert max(counts.values()) == 1, f"cycle {cycle}: {counts.most_common(3)} arrived twice"
        assert counts["new"] == 1
        lost = expected - counts.keys()
        missing += len(lost)
        if outbox._keeper.counters["files_quarantined"]:
            quarantined += 1
            assert any(directory.glob("outbox.db.damaged-*"))
            assert not outbox._keeper.counters["rows_lost"] or gaps, f"cycle {cycle}: a hole without a gap"
        else:
            assert not lost, f"cycle {cycle}: {len(lost)} rows vanished in silence"
    assert quarantined > cycles / 4
    assert missing <= 0.15 * len(expected) * quarantined, f"{missing} rows in {quarantined} damaged files"


@pytest.mark.parametrize("page_no", [0, 2**31], ids=["none", "far behind the end"])
def test_a_log_that_names_a_page_which_cannot_be_is_salvaged_without_that_page(
    tmp_path: Path, files: dict[str, bytes], page_no: int
) -> None:
    path, log = tmp_path / "outbox.db", bytearray(files["outbox.db-wal"])
    frame = WAL_HEADER + 3 * (WAL_FRAME_HEADER + PAGE)
    log[frame : frame + 4] = page_no.to_bytes(4, "big")
    path.write_bytes(files["outbox.db"])
    (tmp_path / "outbox.db-wal").write_bytes(log)
    outbox, _ = open_damaged(path)
    books = Books()
    drain_into(books, outbox)
    counted = outbox.stats().counters
    outbox.close()
    devices = Counter(device for device in books.devices() if device is not None)
    assert (counted["files_quarantined"], counted.get("housekeeping_failed", 0)) == (1, 0)
    assert max(devices.values()) == devices["new"] == 1
    assert len(devices) > ROWS / 2


def test_what_is_broken_goes_to_quarantine_as_bytes_and_the_hole_is_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    clock = Clock(boot_id=BOOT, is_synchronised=lambda: True)
    options = OutboxOptions(path, "leeds", "gw-1", "test", ballast_bytes=65536)
    outbox = Outbox(options, clock)
    cursor, sealed = Cursor(), []
    for number in range(4):
        rows = [
            draft(WorkflowEvent, clock.now(), workflow="w", step="s", device=f"{number}-{place}")
            for place in range(3)
        ]
        outbox.append(rows)
        batch = outbox.next_batch(Lane.LIVE, cursor)
        assert batch is not None
        cursor, sealed = batch.cursor, [*sealed, batch]
    outbox.append(
        [draft(WorkflowEvent, clock.now(), workflow="w", step="s", device=f"u-{n}") for n in range(3)]
    )
    outbox.close()
    broken = sealed[1].body.replace(b"1-1", b"?-?")
    with closing(sqlite3.connect(path)) as disk, disk:
        disk.execute("UPDATE batch SET body = ? WHERE batch_no = 2", (broken,))
        disk.execute("UPDATE record SET body = 'garbled' WHERE id = (SELECT min(id) + 1 FROM record)")
    found_at = clock.now().at
    outbox, _ = open_damaged(path)
    books = Books()
    drain_into(books, outbox)
    outbox.close()
    devices = [device for device in books.devices() if device is not None]
    whole = [f"{number}-{place}" for number in (0, 2, 3) for place in range(3)]
    assert sorted(devices) == sorted([*whole, "u-0", "u-2", "new"])
    sent = {sha256 for held in books.epochs.values() for sha256, _ in held.batches.values()}
    assert {batch.sha256 for number, batch in enumerate(sealed) if number != 1} <= sent, "the same bytes"
    assert books.quarantine == [broken]
    (gap,) = (record for _, record in books.records() if isinstance(record, Gap))
    assert (gap.gap_device, gap.cause) == ("gw-1", GapCause.DOWN)
    assert gap.to_at is not None
    assert gap.from_at <= found_at <= gap.to_at
    counted = outbox._keeper.counters
    assert (counted["batches_salvaged"], counted["batches_lost"], counted["rows_lost"]) == (3, 1, 1)
    for start in (2, 3):
        outbox, _ = open_damaged(path)
        drain_into(books, outbox)
        outbox.close()
        again = Counter(device for device in books.devices() if device is not None)
        assert again == Counter(devices) + Counter(new=start - 1), f"start {start} salvaged once more"
        assert sum(isinstance(record, Gap) for _, record in books.records()) == 1
    lines = [orjson.loads(line) for line in export(path)]
    assert [base64.b64decode(line["bytes"]) for line in lines if line["kind"] == "broken"] == [broken]


def test_a_salvage_cut_short_goes_on_where_it_stopped_and_says_its_hole_once(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    clock = Clock(boot_id=BOOT, is_synchronised=lambda: True)
    options = OutboxOptions(path, "leeds", "gw-1", "test", ballast_bytes=65536)
    outbox = Outbox(options, clock)
    outbox.append(
        [draft(WorkflowEvent, clock.now(), workflow="w", step="s", device=f"u-{n}") for n in range(130)]
    )
    outbox.close()
    with closing(sqlite3.connect(path)) as disk, disk:
        disk.execute("UPDATE record SET body = 'garbled' WHERE id = 7")
        disk.execute("UPDATE epoch SET crc32 = crc32 + 1")
    for steps in (1, 2, 9, 9):
        keeper = Keeper(options, clock, None)
        for _ in range(steps):
            keeper.tick()
        is_salvaging = keeper.is_salvaging
        keeper.close()
        assert is_salvaging == (steps < 9)
    outbox, _ = open_damaged(path)
    books = Books()
    drain_into(books, outbox)
    outbox.close()
    devices = Counter(device for device in books.devices() if device is not None)
    assert devices == Counter(["new", *(f"u-{n}" for n in range(130) if n != 6)])
    assert sum(isinstance(record, Gap) for _, record in books.records()) == 1


def test_a_file_that_does_not_open_again_during_its_salvage_is_tried_until_it_does(tmp_path: Path) -> None:
    path, away = tmp_path / "outbox.db", tmp_path / "away"
    away.mkdir()
    clock = Clock(boot_id=BOOT, is_synchronised=lambda: True)
    options = OutboxOptions(path, "leeds", "gw-1", "test", ballast_bytes=65536)
    rows = [draft(WorkflowEvent, clock.now(), workflow="w", step="s", device=f"u-{n}") for n in range(130)]
    with closing(Outbox(options, clock)) as outbox:
        outbox.append(rows)
    spoil(path, EPOCH_SPOILT)
    keeper = Keeper(options, clock, None)
    (patient,) = (each for each in tmp_path.glob("outbox.db.damaged-*") if not each.name.endswith("-wal"))
    patient.rename(away / patient.name)
    path.rename(away / path.name)
    path.mkdir()
    keeper.tick()
    keeper.tick()
    assert keeper.is_salvaging
    assert keeper.counters["housekeeping_failed"] == 2
    path.rmdir()
    for each in away.iterdir():
        each.rename(tmp_path / each.name)
    while keeper.is_salvaging:
        keeper.tick()
    keeper.close()
    outbox, _ = open_damaged(path)
    books = Books()
    drain_into(books, outbox)
    outbox.close()
    assert sorted(device for device in books.devices() if device) == sorted(
        ["new", *(f"u-{n}" for n in range(130))]
    )


EPOCH_SPOILT = "UPDATE epoch SET crc32 = crc32 + 1"
OWNER_SPOILT = "UPDATE identity SET crc32 = crc32 + 1"
NOTES_SPOILT = "UPDATE salvage SET rows_upto = rows_upto"


def spoil(path: Path, how: str) -> None:
    """Damage what a statement writes, and for the notes of salvages the page that it stands on."""
    with closing(sqlite3.connect(path, isolation_level=None)) as disk:
        disk.execute(how)
        (page_no,) = disk.execute("SELECT rootpage FROM sqlite_master WHERE name = 'salvage'").fetchone()
        disk.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if how == NOTES_SPOILT:
        content = bytearray(path.read_bytes())
        content[(page_no - 1) * PAGE : page_no * PAGE] = random.Random(1).randbytes(PAGE)
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("steps", "second_damage", "gaps"),
    [
        (1, OWNER_SPOILT, 0),
        (2, OWNER_SPOILT, 0),
        (9, OWNER_SPOILT, 0),
        (9, EPOCH_SPOILT, 1),
        (2, NOTES_SPOILT, 1),
        (9, NOTES_SPOILT, 1),
    ],
)
def test_what_the_second_of_two_damaged_files_took_over_comes_once(
    tmp_path: Path, steps: int, second_damage: str, gaps: int
) -> None:
    path = tmp_path / "outbox.db"
    clock = Clock(boot_id=BOOT, is_synchronised=lambda: True)
    options = OutboxOptions(path, "leeds", "gw-1", "test", ballast_bytes=65536)
    outbox = Outbox(options, clock)
    outbox.append(
        [draft(WorkflowEvent, clock.now(), workflow="w", step="s", device=f"u-{n}") for n in range(130)]
    )
    outbox.close()
    for damage_done in (OWNER_SPOILT, second_damage):
        spoil(path, damage_done)
        keeper = Keeper(options, clock, None)
        for _ in range(steps if damage_done == OWNER_SPOILT else 0):
            keeper.tick()
        keeper.close()
        assert not list(tmp_path.glob("*.copy")), "what is worked on is closed with the outbox"
    outbox, _ = open_damaged(path)
    books = Books()
    drain_into(books, outbox)
    outbox.close()
    devices = Counter(device for device in books.devices() if device is not None)
    assert max(devices.values()) == 1, f"{devices.most_common(3)}"
    assert outbox._keeper.counters["rows_lost"] < 200
    is_given_up = second_damage == NOTES_SPOILT
    assert outbox._keeper.counters["files_given_up"] == is_given_up
    told = about_outbox(settings(path), is_running=False, now=datetime.now(UTC))
    assert sum("was given up" in each.text and each.weight == "problem" for each in told) == is_given_up
    assert sum(isinstance(record, Gap) for _, record in books.records()) == gaps
    if second_damage != NOTES_SPOILT:
        assert devices == Counter(["new", *(f"u-{n}" for n in range(130))])
