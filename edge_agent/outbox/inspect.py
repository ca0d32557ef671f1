"""Looks into an outbox from outside, without changing anything: a file in, totals and records out."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from edge_agent.outbox.domain import Epoch, from_us
from edge_agent.outbox.draft import number
from edge_agent.outbox.errors import OutboxError
from edge_agent.outbox.keeper import LOCK_SUFFIX
from edge_agent.outbox.quarantine import quarantined
from edge_agent.outbox.salvage import ALL_ROWS
from edge_agent.outbox.store import Store

SMALL_BYTES: Final = 64 * 1024 * 1024
LOCKS: Final = Path("/proc/locks")


@dataclass(frozen=True, slots=True)
class StateTotal:
    """Batches in one state."""

    state: str
    batches: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one outbox file holds."""

    site: str
    gateway: str
    schema_version: int
    epochs: tuple[Epoch, ...]
    unsealed_rows: int
    totals: tuple[StateTotal, ...]
    used_bytes: int
    ledger_id: str | None
    former_ledgers: tuple[str, ...]
    damaged_files: tuple[str, ...]
    given_up_files: tuple[str, ...]
    """Of these, those that a later damaged file had begun to take over: nobody can tell how far."""


def inspect(path: Path) -> Inspection:
    """Count what an outbox holds; the agent may be running.

    Args:
        path: The outbox file.

    Returns:
        The totals.

    Raises:
        OutboxError: If it cannot be read.
    """
    store = Store.open_readonly(path)
    try:
        site, gateway, *_ = store.rows("read_identity")[0]
        ledgers = store.rows("ledgers")
        current = [ledger_id for ledger_id, is_current in ledgers if is_current]
        return Inspection(
            site=site,
            gateway=gateway,
            schema_version=store.schema_version(),
            epochs=tuple(Epoch(*row[:-1]) for row in store.rows("epochs")),
            unsealed_rows=store.rows("record_count")[0][0],
            totals=tuple(StateTotal(*row) for row in store.rows("count_by_state")),
            used_bytes=store.used_bytes(),
            ledger_id=current[0] if current else None,
            former_ledgers=tuple(ledger_id for ledger_id, is_current in ledgers if not is_current),
            damaged_files=tuple(each.name for each in quarantined(path)),
            given_up_files=_given_up(store),
        )
    finally:
        store.close()


def _given_up(store: Store) -> tuple[str, ...]:
    try:
        salvages = store.rows("salvages")
    except OutboxError:
        return ()  # a file of a release that had none
    return tuple(str(file) for file, rows_upto, _ in salvages if rows_upto == ALL_ROWS)


@dataclass(frozen=True, slots=True)
class Condition:
    """How an outbox file is, and how long it waits already."""

    fault: str | None
    """What ``quick_check`` found; None if the file is sound, or too large to be read while the agent runs."""
    is_checked: bool
    unacked_rows: int
    oldest_unacked_at: datetime | None
    """By the clock that claimed it; None if nothing waits, or its clock was not believed."""
    conflict_batches: int


def examine(path: Path, *, is_in_use: bool) -> Condition:
    """Check an outbox; the agent may be running, and is not kept waiting.

    Args:
        path: The outbox file.
        is_in_use: Whether it runs: then only a small file is read whole, for a long read keeps its log long.

    Returns:
        How it is.

    Raises:
        OutboxError: If it cannot be read.
    """
    store = Store.open_readonly(path)
    try:
        is_checked = not is_in_use or path.stat().st_size <= SMALL_BYTES
        (_, sealed_rows, oldest_sealed_us) = store.rows("unacked_totals")[0]
        unsealed = store.row("oldest_record_us")
        oldest_us = [us for us in (oldest_sealed_us, unsealed[0] if unsealed else None) if us]
        return Condition(
            fault=store.fault() if is_checked else None,
            is_checked=is_checked,
            unacked_rows=sealed_rows + store.rows("record_count")[0][0],
            oldest_unacked_at=from_us(min(oldest_us)) if oldest_us else None,
            conflict_batches=store.rows("conflict_count")[0][0],
        )
    finally:
        store.close()


def is_in_use(path: Path) -> bool:
    """Tell whether a process has an outbox open, without touching its lock.

    Args:
        path: The outbox file.

    Returns:
        True if somebody holds its lock.
    """
    try:
        inode = path.with_name(path.name + LOCK_SUFFIX).stat().st_ino
        held = LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        return False
    return any("FLOCK" in line and f":{inode} " in line for line in held)


def export(path: Path) -> Iterator[bytes]:
    """Read every record that the outbox still holds, acknowledged ones included.

    Args:
        path: The outbox file.

    Yields:
        One JSON object per record: the record with its epoch, batch number and state; a record that is in
        no batch yet has batch number null and state ``unsealed``. What a salvage found broken has kind
        ``broken`` and its bytes as base64.

    Raises:
        OutboxError: If it cannot be read.
    """
    store = Store.open_readonly(path)
    try:
        epochs = {epoch.epoch_no: epoch for epoch in (Epoch(*row[:-1]) for row in store.rows("epochs"))}
        for epoch_no, batch_no, state, body in store.each("all_batches"):
            where = {"epoch": epochs[epoch_no].epoch, "batch_no": batch_no, "state": state}
            for record in _records_of(body, epochs[epoch_no].epoch, batch_no):
                yield orjson.dumps(where | record)
        in_order = sorted(epochs.values(), key=lambda epoch: epoch.epoch_no)
        for id_, body in store.each("all_records"):
            epoch = next(each for each in reversed(in_order) if each.base < id_)
            record = orjson.loads(number(body, id_ - epoch.base))
            yield orjson.dumps({"epoch": epoch.epoch, "batch_no": None, "state": "unsealed"} | record)
    finally:
        store.close()


def _records_of(body: bytes, epoch: str, batch_no: int) -> list[dict[str, Any]]:
    """Give a batch's records; what a salvage put up as bytes names another batch, if anything."""
    try:
        sealed = orjson.loads(body)
        if (sealed["epoch"], sealed["batch_no"]) == (epoch, batch_no):
            return list(sealed["records"])
    except (ValueError, KeyError, TypeError):
        pass
    return [{"kind": "broken", "bytes": base64.b64encode(body).decode()}]
