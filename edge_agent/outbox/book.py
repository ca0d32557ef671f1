"""The outbox's book-keeping: every transaction on its file. Only the writer thread calls it."""

import secrets
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from contracts.batch import MAX_ROWS, MAX_SEALED_BYTES, BatchHeader, FrameError, decode_header, seal
from edge_agent.outbox.domain import Cursor, Epoch, Lane, SealedBatch, from_us, to_us
from edge_agent.outbox.draft import number
from edge_agent.outbox.errors import StoreCorruptError, WrongGatewayError
from edge_agent.outbox.store import Store

HEADER_ROOM: Final = 1024
"""Bytes of a batch that are kept for its header."""
LARGEST_RECORD: Final = MAX_SEALED_BYTES - HEADER_ROOM - 32
_NO_ID: Final = 2**62
_EPOCHS_PER_FILE: Final = 1_000_000

Row = tuple[int, int, bytes]
"""Claimed time in microseconds since 1970 (0 where the clock was not believed), CRC-32, encoded draft."""

Memory = tuple[str, bytes]
"""A device, and what it must know after a restart: it becomes durable together with the rows beside it."""


class Book:
    """One open file with the few numbers of it that are needed all the time."""

    def __init__(self, store: Store, *, site: str, gateway: str, agent: str, boot_id: str) -> None:
        """Read the file's state, and give a new file its identity and first epoch.

        Batches that are another branch to the ledger go out once more, lest a decision was not heard.

        Args:
            store: An open, migrated store.
            site: Site id.
            gateway: Gateway id.
            agent: Version of this agent, for the batches it seals.
            boot_id: The machine's boot, kept to tell a power cut from a damaged file.

        Raises:
            WrongGatewayError: If the file belongs to another gateway.
        """
        self.store = store
        self._site, self._gateway, self._agent = site, gateway, agent
        known = store.row("read_identity")
        if known is not None:
            self._check_owner(*known)
        with store.transaction():
            crc32 = _owner_checksum(site, gateway)
            store.run("write_identity", site=site, gateway=gateway, boot_id=boot_id, crc32=crc32)
            store.run("ask_about_conflicts")
        self.epochs: list[Epoch] = []
        for *values, crc32 in store.rows("epochs"):
            epoch = Epoch(*values)
            if epoch.checksum != crc32:
                raise StoreCorruptError(f"{store.path}: epoch {epoch.epoch!r} is not what was written")
            self.epochs.append(epoch)
        if store.row("stray_batch") is not None:
            raise StoreCorruptError(f"{store.path}: a batch is of an epoch that the file does not have")
        newest_record_id = store.rows("last_record_id")[0][0] or 0
        self.newest_id = max(newest_record_id, self.live.sealed_id, self.live.base) if self.epochs else 0

    @property
    def live(self) -> Epoch:
        """The epoch that new rows join."""
        return self.epochs[-1]

    def append(self, rows: Sequence[Row], memories: Sequence[Memory] = ()) -> int:
        """Store rows and what devices must remember, durably, in one transaction.

        Args:
            rows: At least one, unless there is something to remember.
            memories: The last one of a device replaces those before.

        Returns:
            The seq of the first; the others follow it without a gap, in the live epoch.
        """
        with self.store.transaction():
            self.add_rows(rows)
            self.store.run_many("remember", [(device, body, zlib.crc32(body)) for device, body in memories])
        first_seq = self.newest_id + 1 - self.live.base
        self.newest_id += len(rows)
        return first_seq

    def add_rows(self, rows: Sequence[Row]) -> None:
        """Write rows within the caller's transaction; the caller moves ``newest_id`` on after the commit.

        Args:
            rows: At least one.
        """
        numbered = enumerate(rows, self.newest_id + 1)
        self.store.run_many("add_records", [(id_, *row) for id_, row in numbered])

    def recall(self, device: str) -> bytes | None:
        """Read what a device must know.

        Args:
            device: The device.

        Returns:
            What was last stored for it; None if nothing was, or if it is damaged.
        """
        found = self.store.row("recall", device=device)
        if found is None or not isinstance(found[0], bytes) or zlib.crc32(found[0]) != found[1]:
            return None
        return found[0]

    def oldest_unsealed(self) -> bytes | None:
        """Read the first row of the live epoch that is in no batch; rows of closed ones wait beside it.

        Returns:
            The body of its draft; None if no row waits.

        Raises:
            StoreCorruptError: If the row is not what was stored.
        """
        found = self.store.row("oldest_unsealed", after=self.live.sealed_id)
        if found is None:
            return None
        body, crc32 = found
        if zlib.crc32(body) != crc32:
            raise StoreCorruptError(f"{self.store.path}: the oldest row that waits is not what was stored")
        return bytes(body)

    def open_first_epoch(self, damaged_files: int) -> None:
        """Open the first epoch of a new file.

        Args:
            damaged_files: How many files came before. After one, ids and epoch numbers begin somewhere
                else, so that they meet none of the old file's.
        """
        self.newest_id = secrets.randbits(56) if damaged_files else 0
        self._open(1 + damaged_files * _EPOCHS_PER_FILE, "salvage" if damaged_files else "new")

    def open_epoch(self, because: str) -> None:
        """Close the live epoch to new rows, and open a new one for the rows to come.

        Args:
            because: ``split``, ``resend`` or ``fork``.
        """
        self._open(self.live.epoch_no + 1, because)

    def _open(self, epoch_no: int, because: str) -> None:
        fresh = Epoch(epoch_no, secrets.token_hex(8), base=self.newest_id, sealed_id=self.newest_id)
        fresh.complete_until_us = self._delivered_until_us() if self.epochs else 0
        with self.store.transaction():
            if self.epochs:
                closed = replace(self.live, last_id=self.newest_id)
                self.store.run(
                    "close_epoch", epoch_no=closed.epoch_no, last_id=closed.last_id, crc32=closed.checksum
                )
            self._add_epoch(fresh, because)
        if self.epochs:
            self.live.last_id = self.newest_id
        self.epochs.append(fresh)

    def adopt_epoch(self, name: str) -> Epoch:
        """Give a salvaged epoch a place before all others, within the caller's transaction.

        Args:
            name: Its name on the wire.

        Returns:
            The epoch, closed.
        """
        epoch = Epoch(self.epochs[0].epoch_no - 1, name, base=0, last_id=0)
        self._add_epoch(epoch, "salvage")
        self.epochs.insert(0, epoch)
        return epoch

    def _add_epoch(self, epoch: Epoch, because: str) -> None:
        self.store.run(
            "add_epoch",
            epoch_no=epoch.epoch_no,
            epoch=epoch.epoch,
            base=epoch.base,
            last_id=epoch.last_id,
            sealed_id=epoch.sealed_id,
            last_batch_no=epoch.last_batch_no,
            last_sha256=epoch.last_sha256,
            complete_until_us=epoch.complete_until_us,
            opened_because=because,
            crc32=epoch.checksum,
        )

    def _check_owner(self, site: str, gateway: str, _boot_id: str, crc32: int) -> None:
        if crc32 != _owner_checksum(site, gateway):
            raise StoreCorruptError(f"{self.store.path}: the file's owner is not what was written")
        if (site, gateway) != (self._site, self._gateway):
            raise WrongGatewayError(
                f"{self.store.path} belongs to gateway {gateway!r} of site {site!r}, "
                f"the configuration says {self._gateway!r} of {self._site!r}"
            )

    def next_batch(self, lane: Lane, after: Cursor, complete_at_us: int) -> SealedBatch | None:
        """Find the next batch to send, sealing one if need be.

        Args:
            lane: Live rows, or what an outage left behind.
            after: Where the caller stands in this lane.
            complete_at_us: Up to when everything is stored, if no row is left; 0 when not known. A batch
                claims it only while no other epoch owes the ledger anything.

        Returns:
            The batch, or None if the lane has nothing more.

        Raises:
            StoreCorruptError: If rows are not what was stored.
        """
        if lane is Lane.LIVE:
            after = max(after, Cursor(self.live.epoch_no))
            epochs, upto = [self.live], self.live.epoch_no
        else:
            epochs, upto = self.epochs[:-1], self.live.epoch_no - 1
        found = self.store.row(
            "next_unacked", after_epoch_no=after.epoch_no, after_id=after.batch_id, upto_epoch_no=upto
        )
        for epoch in epochs:
            if found is not None and found[1] <= epoch.epoch_no:
                break
            if epoch.has_unsealed(self.newest_id):
                return self._seal(epoch, complete_at_us)
        return None if found is None else self._checked(found)

    def unacked_batch(self, cursor: Cursor) -> SealedBatch | None:
        """Read a batch again, to send it again.

        Args:
            cursor: Its place.

        Returns:
            The batch, or None if it has been acknowledged meanwhile.
        """
        found = self.store.row("unacked_batch", id=cursor.batch_id, epoch_no=cursor.epoch_no)
        return None if found is None else self._checked(found)

    def epoch_named(self, name: str) -> Epoch | None:
        """Find an epoch by its wire name.

        Args:
            name: 16 hexadecimal digits.

        Returns:
            The epoch, or None if this file has none of that name.
        """
        return next((epoch for epoch in self.epochs if epoch.epoch == name), None)

    def complete_until(self, complete_at_us: int) -> datetime:
        """Tell up to when all rows are in sealed batches.

        Args:
            complete_at_us: Up to when everything is stored; 0 when not known.

        Returns:
            An instant that never goes back; 1970 while nothing is known.
        """
        known_us = self.live.complete_until_us
        is_all_told = not (self.live.has_unsealed(self.newest_id) or self._owes_beside(self.live))
        return from_us(max(known_us, complete_at_us) if is_all_told else known_us)

    def _owes_beside(self, epoch: Epoch) -> bool:
        """Tell whether the ledger may lack rows of another epoch, which it may never have heard of."""
        others = (each for each in self.epochs if each.epoch_no != epoch.epoch_no)
        return any(each.has_unsealed(self.newest_id) for each in others) or bool(
            self.store.rows("unacked_beside", epoch_no=epoch.epoch_no)
        )

    def _delivered_until_us(self) -> int:
        """Tell up to when the live epoch is complete in the ledger, as far as it has acknowledged."""
        owed = self.store.row("batch_before_first_owed", epoch_no=self.live.epoch_no)
        if owed is None:
            return self.live.complete_until_us
        (body,) = owed
        try:
            return 0 if body is None else to_us(decode_header(body).complete_until)
        except FrameError as error:
            raise StoreCorruptError(f"{self.store.path}: an acknowledged batch is unreadable") from error

    def _seal(self, epoch: Epoch, complete_at_us: int) -> SealedBatch:
        taken, oldest_us, next_us = self._take(epoch)
        last_id = epoch.sealed_id + len(taken)
        if self._owes_beside(epoch):
            complete_at_us = 0
        known_us = complete_at_us if next_us is None else min(next_us, complete_at_us)
        complete_us = max(epoch.complete_until_us, known_us)
        header = BatchHeader(
            site=self._site,
            gateway=self._gateway,
            epoch=epoch.epoch,
            batch_no=epoch.last_batch_no + 1,
            prev_sha256=epoch.last_sha256,
            first_seq=epoch.sealed_id + 1 - epoch.base,
            last_seq=last_id - epoch.base,
            complete_until=from_us(complete_us),
            final=last_id == epoch.last_id,
            agent=self._agent,
        )
        sealed = seal(header, taken)
        after = replace(
            epoch,
            sealed_id=last_id,
            last_batch_no=header.batch_no,
            last_sha256=sealed.sha256,
            complete_until_us=complete_us,
        )
        with self.store.transaction():
            self.store.run("drop_records", first_id=epoch.sealed_id + 1, last_id=last_id)
            self.store.run(
                "add_batch",
                epoch_no=epoch.epoch_no,
                batch_no=header.batch_no,
                state="unacked",
                first_id=epoch.sealed_id + 1,
                last_id=last_id,
                oldest_us=oldest_us,
                acked_us=None,
                sha256=sealed.sha256,
                body=sealed.body,
            )
            self.store.run(
                "note_sealed",
                epoch_no=epoch.epoch_no,
                sealed_id=last_id,
                last_batch_no=header.batch_no,
                last_sha256=sealed.sha256,
                complete_until_us=complete_us,
                crc32=after.checksum,
            )
            batch_id = self.store.rows("last_batch_id")[0][0]
        self.epochs[self.epochs.index(epoch)] = after
        cursor = Cursor(epoch.epoch_no, batch_id)
        return SealedBatch(cursor, epoch.epoch, header.batch_no, len(taken), sealed.sha256, sealed.body)

    def _take(self, epoch: Epoch) -> tuple[list[bytes], int, int | None]:
        upto = _NO_ID if epoch.last_id is None else epoch.last_id
        room = MAX_SEALED_BYTES - HEADER_ROOM
        taken: list[bytes] = []
        oldest_us = 0
        for id_, us, crc32, body in self.store.each(
            "records_after", after=epoch.sealed_id, upto=upto, limit=MAX_ROWS + 1
        ):
            expected_id = epoch.sealed_id + len(taken) + 1
            if id_ != expected_id or zlib.crc32(body) != crc32:
                raise StoreCorruptError(
                    f"{self.store.path}: found record {id_}, expected record {expected_id} as it was stored"
                )
            text = number(body, id_ - epoch.base)
            room -= len(text) + 1
            if room < 0 or len(taken) == MAX_ROWS:
                return taken, oldest_us, us
            taken.append(text)
            oldest_us = oldest_us or us
        if not taken:
            raise StoreCorruptError(f"{self.store.path}: records after {epoch.sealed_id} are missing")
        return taken, oldest_us, None

    def _checked(self, row: tuple[int, int, int, int, int, int, str, bytes]) -> SealedBatch:
        batch_id, epoch_no, batch_no, first_id, last_id, _, stored_sha256, body = row
        found = sha256(body).hexdigest()
        if found != stored_sha256:
            raise StoreCorruptError(
                f"{self.store.path}: batch {batch_no} of epoch number {epoch_no} hashes to {found}, "
                f"expected {stored_sha256}"
            )
        epoch = next(epoch for epoch in self.epochs if epoch.epoch_no == epoch_no)
        cursor = Cursor(epoch_no, batch_id)
        return SealedBatch(cursor, epoch.epoch, batch_no, last_id - first_id + 1, stored_sha256, body)


def _owner_checksum(site: str, gateway: str) -> int:
    return zlib.crc32(f"{site}/{gateway}".encode())
