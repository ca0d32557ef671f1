"""Saves what a damaged outbox file still holds: its intact batches and rows go into a new file."""

import shutil
import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from contracts.batch import MAX_ROWS, BatchHeader, FrameError, decode_header
from edge_agent.outbox.book import Book, Row
from edge_agent.outbox.domain import Epoch, to_us
from edge_agent.outbox.errors import OutboxError, StoreCorruptError
from edge_agent.outbox.quarantine import damaged_before, log_of
from edge_agent.outbox.shape import LARGEST_ID, misshapen
from edge_agent.outbox.store import PAGE_BYTES, Store
from edge_agent.outbox.wal import judge

CHUNK: Final = 50
EPOCH_DIGITS: Final = 16
_STATES: Final = frozenset({"unacked", "acked", "conflict"})
ALL_ROWS: Final = LARGEST_ID
"""As the last row taken over of a file: none of its rows is taken over any more."""
_UNKNOWN_US: Final = 0
_MOST_PROBES: Final = 20_000
"""Ids looked up one by one in the middle of a damaged stretch."""
_FORMAT_AT: Final = 18
_NOT_WAL: Final = b"\x01\x01"
"""The header's two format bytes of a file that needs no log beside it."""
_PAGE_COUNT_AT: Final = 28


class Hole(NamedTuple):
    """A stretch of time of which not everything is known any more."""

    after_us: int
    """In microseconds since 1970; 0: from the beginning."""
    before_us: int
    """0: up to when the damage was found."""


@dataclass(slots=True)
class SalvageReport:
    """What became of a damaged file's content."""

    batches: int = 0
    rows: int = 0
    lost_batches: int = 0
    """Batches that could be read but whose bytes are not what was sealed; they go out as bytes."""
    lost_rows: int = 0
    """Rows that are not what was stored, which go out as bytes too, or that could not be read at all."""
    hole: Hole | None = None
    """When what is lost happened, as far as its neighbours tell; None if nothing is lost."""
    files_given_up: tuple[str, ...] = ()
    """Earlier files whose rows in no batch are left where they are: only a person can take them over."""

    def lose(self, after_us: int, before_us: int) -> None:
        """Widen the hole.

        Args:
            after_us: When what comes before happened; 0 if that is not known.
            before_us: When what comes after happened; 0 if that is not known.
        """
        other = self.hole or Hole(after_us, before_us)
        self.hole = Hole(min(other.after_us, after_us), _latest(other.before_us, before_us))


def salvage(damaged: Path, book: Book, report: SalvageReport) -> Generator[None, None, None]:
    """Carry over, a chunk at a time, what is provably as it was written.

    Sealed batches keep their identity and bytes, so the ledger knows those it has. Rows that were in no
    batch were never sent: they get new numbers in the live epoch. What is no longer what it was goes out
    as bytes, for the ledger's quarantine. A salvage that was cut short goes on where it stopped; it is
    over with ``finish``. Of several files the newest comes first: it tells what it took over of those before.

    Args:
        damaged: A quarantined file.
        book: The new file's books; called on the writer's thread only.
        report: Filled as the work goes on.

    Yields:
        After each chunk, so that the writer can serve others in between.
    """
    with book.store.transaction():
        book.store.run("add_salvage", file=damaged.name)
    copy = damaged.with_name(damaged.name + ".copy")
    try:
        _mend(damaged, copy)
        patient = Store.open_readonly(copy, is_patient=True)
        try:
            _heed_notes(patient, book, damaged, report)
            newest_sealed_id = yield from _salvage_batches(patient, book, damaged.name, report)
            _salvage_memories(patient, book)
            yield from _salvage_rows(patient, book, damaged.name, newest_sealed_id, report)
        finally:
            patient.close()
    finally:
        copy.unlink(missing_ok=True)


def finish(damaged: Path, book: Book, last_words: Sequence[Row]) -> None:
    """End a salvage for good: no later start does it again.

    Args:
        damaged: The file, salvaged to its end.
        book: The new file's books.
        last_words: What is to be said of it; durable together with the end, hence said once.
    """
    with book.store.transaction():
        book.add_rows(last_words)
        book.store.run("finish_salvage", file=damaged.name)
    book.newest_id += len(last_words)


def _heed_notes(patient: Store, book: Book, damaged: Path, report: SalvageReport) -> None:
    """Know what a file took over of those damaged before it: that comes with it, and must not come twice."""
    try:
        notes = [_sound_note(row) for row in patient.rows("salvages")]
    except OutboxError:
        report.files_given_up = tuple(each.name for each in damaged_before(damaged))
        notes = [(file, ALL_ROWS, False) for file in report.files_given_up]
        if notes:  # perhaps not all of their rows were taken over: nobody can tell which
            report.lose(_UNKNOWN_US, _UNKNOWN_US)
    with book.store.transaction():
        for file, rows_upto, is_done in notes:
            book.store.run("heed_salvage", file=file, rows_upto=rows_upto, is_done=is_done)


def _sound_note(row: Sequence[object]) -> tuple[str, int, bool]:
    if wrong := misshapen(("file", "rows_upto", "is_done"), row):
        raise StoreCorruptError(f"what was taken over before: {wrong}")
    file, rows_upto, is_done = row
    return str(file), int(str(rows_upto)), bool(is_done)


def _salvage_batches(
    patient: Store, book: Book, file: str, report: SalvageReport
) -> Generator[None, None, int]:
    newest_sealed_id = upto_us = 0
    for chunk in _chunks(_readable(patient, "batch")):
        broken: list[bytes] = []
        with book.store.transaction():
            for _, state, first_id, last_id, oldest_us, acked_us, stored_sha256, body in chunk:
                header = _intact_header(body, stored_sha256)
                ids = _ids(first_id, last_id, header)
                newest_sealed_id = max(newest_sealed_id, ids[1])
                if header is None:
                    report.lost_batches += 1
                    if state != "acked":
                        report.lose(upto_us, 0)
                        broken += [body] if isinstance(body, bytes) else []
                    continue
                upto_us = to_us(header.complete_until)
                epoch = book.epoch_named(header.epoch) or book.adopt_epoch(header.epoch)
                report.batches += book.store.run(
                    "adopt_batch",
                    epoch_no=epoch.epoch_no,
                    batch_no=header.batch_no,
                    state=state if state in _STATES else "unacked",
                    first_id=ids[0],
                    last_id=ids[1],
                    oldest_us=_sound("oldest_us", oldest_us) or _UNKNOWN_US,
                    acked_us=_sound("acked_us", acked_us),
                    sha256=stored_sha256,
                    body=body,
                )
            _send_as_bytes(book, file, broken)
        yield
    return newest_sealed_id


def _ids(first_id: object, last_id: object, header: BatchHeader | None) -> tuple[int, int]:
    """Give the ids of a batch's rows, or numbers that stand for as many if those are not what they were."""
    if header is None:
        rows, otherwise = range(MAX_ROWS), (1, 0)
    else:
        width = header.last_seq - header.first_seq
        rows, otherwise = range(width, width + 1), (header.first_seq, header.last_seq)
    first, last = _sound("first_id", first_id), _sound("last_id", last_id)
    return (first, last) if first is not None and last is not None and last - first in rows else otherwise


def _sound(column: str, value: object) -> int | None:
    return value if isinstance(value, int) and not misshapen((column,), (value,)) else None


def _send_as_bytes(book: Book, file: str, broken: Iterable[bytes]) -> None:
    """Put up what is no longer what it was, in an epoch of its own: the ledger quarantines it as it is."""
    for body in broken:
        name = sha256(file.encode()).hexdigest()[:EPOCH_DIGITS]
        epoch = book.epoch_named(name) or book.adopt_epoch(name)
        book.store.run("send_as_bytes", epoch_no=epoch.epoch_no, sha256=sha256(body).hexdigest(), body=body)


def _salvage_memories(patient: Store, book: Book) -> None:
    with suppress(OutboxError):
        remembered = patient.rows("salvage_memory")
        with book.store.transaction():
            for device, body, crc32 in remembered:
                if isinstance(device, str) and isinstance(body, bytes) and zlib.crc32(body) == crc32:
                    book.store.run("adopt_memory", device=device, body=body, crc32=crc32)


def _salvage_rows(
    patient: Store, book: Book, file: str, newest_sealed_id: int, report: SalvageReport
) -> Iterator[None]:
    unsealed = _unsealed_windows(patient) or [_last_window(patient, newest_sealed_id, report)]
    found = book.store.row("salvaged_upto", file=file)
    upto = found[0] if found else 0
    before_id = before_us = 0
    for chunk in _chunks(_readable(patient, "record")):
        rows: list[Row] = []
        broken: list[bytes] = []
        for id_, said_us, crc32, body in chunk:
            claimed_us = _sound("claimed_us", said_us) or _UNKNOWN_US
            window = next((each for each in unsealed if each[0] < id_ <= each[1]), None)
            if window is None:
                continue
            unreadable = id_ - max(before_id, window[0]) - 1
            is_broken = not isinstance(body, bytes) or zlib.crc32(body) != crc32
            if unreadable or is_broken:
                report.lost_rows += unreadable + is_broken
                report.lose(before_us, 0 if is_broken else claimed_us)
            before_id, before_us = id_, before_us if is_broken else claimed_us
            if id_ <= upto:
                continue
            if is_broken:
                broken += [body] if isinstance(body, bytes) else []
            else:
                rows.append((claimed_us, crc32, body))
        with book.store.transaction():
            if rows:
                book.add_rows(rows)
            if broken:
                _send_as_bytes(book, file, [b"\n".join(broken)])
            book.store.run("note_salvaged_upto", file=file, upto=max(upto, chunk[-1][0]))
        book.newest_id += len(rows)
        report.rows += len(rows)
        yield


def _unsealed_windows(patient: Store) -> list[tuple[int, int]]:
    try:
        epochs = [Epoch(*row[:-1]) for row in patient.rows("epochs") if Epoch(*row[:-1]).checksum == row[-1]]
    except OutboxError:
        return []
    return [(epoch.sealed_id, LARGEST_ID if epoch.last_id is None else epoch.last_id) for epoch in epochs]


def _last_window(patient: Store, newest_sealed_id: int, report: SalvageReport) -> tuple[int, int]:
    """Guess what was in no batch without the epochs: a file that replaced another begins with any number."""
    first = next(_readable(patient, "record"), None)
    if newest_sealed_id or first is None or first[0] == 1:
        return newest_sealed_id, LARGEST_ID
    report.lose(0, _sound("claimed_us", first[1]) or _UNKNOWN_US)
    return first[0] - 1, LARGEST_ID


def _intact_header(body: object, stored_sha256: str) -> BatchHeader | None:
    if not isinstance(body, bytes) or sha256(body).hexdigest() != stored_sha256:
        return None
    try:
        return decode_header(body)
    except FrameError:
        return None


def _readable(patient: Store, table: Literal["batch", "record"]) -> Iterator[tuple[Any, ...]]:
    """Read a table in order of id, past pages that cannot be read."""
    first = 0
    try:
        for row in patient.each(f"salvage_{table}", first=0, last=LARGEST_ID):
            yield row
            first = row[0] + 1
    except OutboxError:
        pass
    else:
        return
    tail = LARGEST_ID
    try:
        for (id_,) in patient.each(f"salvage_{table}_backwards", first=first, last=LARGEST_ID):
            tail = id_
    except OutboxError:
        pass
    for id_ in range(first, min(tail, first + _MOST_PROBES)):
        with suppress(OutboxError):
            yield from patient.rows(f"salvage_{table}", first=id_, last=id_)
    with suppress(OutboxError):
        yield from patient.each(f"salvage_{table}", first=tail, last=LARGEST_ID)


def _chunks(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _mend(damaged: Path, copy: Path) -> None:
    """Copy a file, apply its log, and replace a first page that SQLite cannot read."""
    shutil.copyfile(damaged, copy)
    log = log_of(damaged)
    pages = judge(log.read_bytes()).pages if log.exists() else {}
    most = copy.stat().st_size // PAGE_BYTES + len(pages)
    with copy.open("r+b") as file:
        for page_no, page in pages.items():
            if 0 < page_no <= most and len(page) == PAGE_BYTES:  # else its number is what is damaged
                file.seek((page_no - 1) * PAGE_BYTES)
                file.write(page)
        file.seek(_FORMAT_AT)
        file.write(_NOT_WAL)
    if not _has_schema(copy):
        _transplant_first_page(copy)


def _has_schema(path: Path) -> bool:
    try:
        store = Store.open_readonly(path, is_patient=True)
    except OutboxError:
        return False
    try:
        store.rows("ledgers")
        return store.used_bytes() > 0
    except OutboxError:
        return False
    finally:
        store.close()


def _transplant_first_page(path: Path) -> None:
    """Take the first page of a fresh file: it holds the schema, whose places are the same in every file."""
    donor = path.with_name(path.name + "-donor")
    Store.create_or_open(donor).close()
    page = bytearray(donor.read_bytes()[:PAGE_BYTES])
    donor.unlink()
    pages = path.stat().st_size // PAGE_BYTES
    page[_FORMAT_AT : _FORMAT_AT + 2] = _NOT_WAL
    page[_PAGE_COUNT_AT : _PAGE_COUNT_AT + 4] = pages.to_bytes(4, "big")
    with path.open("r+b") as file:
        file.write(page)


def _latest(one_us: int, other_us: int) -> int:
    return max(one_us, other_us) if one_us and other_us else 0
