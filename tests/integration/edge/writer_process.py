"""Fills an outbox as fast as it can and says, in a second file, what it was promised; then stops dead.

Run as ``python writer_process.py OUTBOX PROMISES ROUNDS LINK_LOST_AFTER``: from that round on nothing is
acknowledged, and from twice that round on nothing is sealed. The promises are lines of JSON, each
written after the outbox's call returned: rows that are durable, batches that may have been sent, and
acknowledgements that were taken.
"""

import json
import os
import sys
from pathlib import Path

from contracts.feedback import Ack
from contracts.records import WorkflowEvent
from edge_agent.clock import Clock
from edge_agent.outbox.domain import Cursor, Lane
from edge_agent.outbox.draft import draft
from edge_agent.outbox.outbox import Outbox, OutboxOptions


def main(path: Path, promises: int, rounds: int, link_lost_after: int) -> None:
    clock = Clock(is_synchronised=lambda: True, boot_id="boot-before-the-cut")
    outbox = Outbox(OutboxOptions(path, "leeds", "gw-1", "test", ballast_bytes=65536), clock)

    def promise(**fact: object) -> None:
        os.write(promises, json.dumps(fact).encode() + b"\n")

    promise(kind="opened")
    cursor, number = Cursor(), 0
    for turn in range(rounds):
        count = 1 + turn % 4
        drafts = [
            draft(WorkflowEvent, clock.now(), workflow="w", step="s", device=str(number + n), note="x" * 200)
            for n in range(count)
        ]
        stored = outbox.append(drafts, ("scanner", str(turn).encode()))
        promise(kind="stored", epoch=stored.epoch, seq=stored.first_seq, number=number, count=count)
        number += count
        if turn % 5 == 4 and turn < 2 * link_lost_after:
            batch = outbox.next_batch(Lane.LIVE, cursor)
            assert batch is not None
            cursor = batch.cursor
            promise(kind="sent", epoch=batch.epoch, batch_no=batch.batch_no, sha256=batch.sha256)
            if turn % 15 == 14 and turn < link_lost_after:
                outbox.acknowledge(
                    Ack(
                        ledger_id="ledger-1",
                        gateway="gw-1",
                        epoch=batch.epoch,
                        position=batch.batch_no,
                        contiguous_no=batch.batch_no,
                        contiguous_sha256=batch.sha256,
                    )
                )
    os._exit(0)


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        int(sys.argv[3]),
        int(sys.argv[4]),
    )
