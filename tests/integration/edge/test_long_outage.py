"""F8: three days without a link. What waited drains in minutes; what is scanned meanwhile goes first."""

import os
import re
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from contracts.batch import Frame, decode_header
from contracts.feedback import Ack
from contracts.records import WorkflowEvent
from edge_agent.clock import Clock, Stamp
from edge_agent.outbox.draft import draft
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from tests.conftest import Broker
from tests.integration.edge.scripted_ledger import Books, EpochBooks, ScriptedLedger
from tests.integration.edge.test_agent import GATEWAY, SITE, Terminal, start, status_of

ROWS = 1_300_000
"""Of 72 h at five a second."""
GROUP = 500
MOST_RESIDENT_KB = 150 * 1024
MOST_DRAIN_S = 300
MOST_LIVE_S = 5
SCANS = 8


class CountingBooks(Books):
    """Keeps hashes and counts, for there are too many rows to keep."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = 0
        self.seen_at_s: dict[str, float] = {}

    @override
    def take(self, frame: Frame) -> Ack:
        header = decode_header(frame.body)
        books = self.epochs.setdefault(header.epoch, EpochBooks())
        if header.batch_no not in books.batches:
            self.position += 1
            self.rows += header.last_seq - header.first_seq + 1
            books.batches[header.batch_no] = (frame.header.sha256, b"")
            for name in re.findall(rb'"PO-(\d+)"', frame.body):
                self.seen_at_s.setdefault(name.decode(), time.monotonic())
        return self.ack(header.gateway, header.epoch)


def preload(path: Path, rows: int) -> None:
    """Fill an outbox with what was scanned in the last three days."""
    clock = Clock(is_synchronised=lambda: True)
    options = OutboxOptions(path, SITE, GATEWAY, "test", quota_bytes=4 * 1024**3)
    with closing(Outbox(options, clock)) as outbox:
        began = clock.now()
        for first in range(0, rows, GROUP):
            happened = began.at - timedelta(hours=72) * (1 - first / rows)
            stamp = Stamp(happened, began.mono_ns, began.boot_id, clock_ok=True)
            event = draft(WorkflowEvent, stamp, workflow="w", step="s", device="d", note="n" * 80)
            outbox.append([event] * GROUP)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_three_days_of_rows_drain_in_five_minutes_and_live_scans_do_not_wait(
    tmp_path: Path, broker: Broker
) -> None:
    rows = int(os.environ.get("OUTAGE_ROWS", ROWS))
    preload(tmp_path / "outbox.db", rows)
    scanner, books = Terminal(), CountingBooks()
    config = tmp_path / "agent.toml"
    config.write_text(
        f'site = "{SITE}"\ngateway = "{GATEWAY}"\nbroker_url = "{broker.admit(SITE, GATEWAY)}"\n'
        f'clock = "assumed"\n[[scanner]]\nid = "scan-1"\nport = "{scanner.port}"\n'
        'profile = "generic_terminal"\n[workflow]\nstaging = "STAGING"\nreturns = "RETURNS"\n'
        'badge_required = false\nitem_pattern = "[0-9]{5}[A-Z]*"\n'
    )
    ledger = ScriptedLedger(broker.url, SITE, books=books)
    process = start(config)
    began_s, scanned_at_s = time.monotonic(), dict[str, float]()
    try:
        scanner.scan()
        for number in map(str, range(SCANS)):
            share = int(number) / SCANS
            ledger.wait_until(has_drained(share * rows), timeout_s=MOST_DRAIN_S * 4)
            scanned_at_s[number] = time.monotonic()
            scanner.write(f"$RECEIVE/PO-{number}", "85123A", "$DONE")
        ledger.wait_until(has_drained(rows), timeout_s=MOST_DRAIN_S * 4)
        drained_s = time.monotonic() - began_s
        ledger.wait_until(lambda _: len(books.seen_at_s) == SCANS, timeout_s=30)
        most_resident_kb = int(status_of(process.pid)["VmHWM"].split()[0])
    finally:
        process.terminate()
        process.wait(30)
        ledger.close()
        scanner.close()
    slowest_s = max(books.seen_at_s[number] - at_s for number, at_s in scanned_at_s.items())
    figures = f"{rows} rows in {drained_s:.0f} s, {most_resident_kb >> 10} MB, live within {slowest_s:.2f} s"
    print(figures)  # noqa: T201  a campaign's figures
    assert books.rows >= rows
    assert drained_s <= MOST_DRAIN_S
    assert most_resident_kb <= MOST_RESIDENT_KB
    assert slowest_s <= MOST_LIVE_S


def has_drained(rows: float) -> Callable[[ScriptedLedger], bool]:
    def look(ledger: ScriptedLedger) -> bool:
        assert isinstance(ledger.books, CountingBooks)
        return ledger.books.rows >= rows

    return look
