"""Looks into an outbox from outside, without changing anything: a file in, totals and records out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from edge_agent.outbox.domain import Epoch
from edge_agent.outbox.draft import number
from edge_agent.outbox.salvage import quarantined
from edge_agent.outbox.store import Store


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
        )
    finally:
        store.close()


def export(path: Path) -> Iterator[bytes]:
    """Read every record that the outbox still holds, acknowledged ones included.

    Args:
        path: The outbox file.

    Yields:
        One JSON object per record: the record with its epoch, batch number and state; a record that is in
        no batch yet has batch number null and state ``unsealed``.

    Raises:
        OutboxError: If it cannot be read.
    """
    store = Store.open_readonly(path)
    try:
        epochs = {epoch.epoch_no: epoch for epoch in (Epoch(*row[:-1]) for row in store.rows("epochs"))}
        for epoch_no, batch_no, state, body in store.each("all_batches"):
            where = {"epoch": epochs[epoch_no].epoch, "batch_no": batch_no, "state": state}
            for record in orjson.loads(body)["records"]:
                yield orjson.dumps(where | record)
        in_order = sorted(epochs.values(), key=lambda epoch: epoch.epoch_no)
        for id_, body in store.each("all_records"):
            epoch = next(each for each in reversed(in_order) if each.base < id_)
            record = orjson.loads(number(body, id_ - epoch.base))
            yield orjson.dumps({"epoch": epoch.epoch, "batch_no": None, "state": "unsealed"} | record)
    finally:
        store.close()
