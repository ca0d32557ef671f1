"""An edge without an outbox: seals chained batches of movements and frames them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cloud.ingest.arrival import Arrival, Delivery, Unpostable, read
from contracts.base import NO_PREDECESSOR
from contracts.batch import BatchHeader, FrameHeader, Sealed, encode_frame, encode_record, seal
from contracts.records import Identifier, Movement, Record, Side
from contracts.topics import Channel, topic

NOW = datetime.now(UTC).replace(microsecond=0)
BOOT = "boot-1"


def movement(
    seq: int, *, item: str = "ITEM-1", quantity: str = "1", source: str = "@supplier", into: str = "A-1"
) -> Movement:
    return Movement(
        seq=seq,
        occurred_at_claimed=NOW - timedelta(seconds=60),
        mono_ns=seq * 1_000_000,
        boot_id=BOOT,
        clock_ok=True,
        device="scanner-1",
        actor="ada",
        identifier=Identifier(scheme="sku", value=item),
        quantity_seen=quantity,
        source=Side(location=source),
        destination=Side(location=into),
    )


@dataclass
class Forge:
    """One epoch of one gateway."""

    site: str = "leeds"
    gateway: str = "gw-1"
    epoch: str = "00000000000000a1"
    next_no: int = 1
    next_seq: int = 1
    prev_sha256: str = NO_PREDECESSOR
    sealed: list[tuple[BatchHeader, Sealed]] = field(default_factory=list)

    def fork(self) -> "Forge":
        """Give a clone that knows the same past and makes its own future."""
        return Forge(
            self.site,
            self.gateway,
            self.epoch,
            self.next_no,
            self.next_seq,
            self.prev_sha256,
            list(self.sealed),
        )

    def batch(
        self, records: Sequence[Record] | None = None, *, rows: int = 3, final: bool = False
    ) -> Delivery:
        """Seal the next batch, of given records or of plain receipts."""
        whole = records or [movement(self.next_seq + place) for place in range(rows)]
        return self.raw_batch([encode_record(record) for record in whole], final=final)

    def raw_batch(self, encoded: Sequence[bytes], *, final: bool = False) -> Delivery:
        """Seal the next batch of rows in any bytes."""
        header = BatchHeader(
            site=self.site,
            gateway=self.gateway,
            epoch=self.epoch,
            batch_no=self.next_no,
            prev_sha256=self.prev_sha256,
            first_seq=self.next_seq,
            last_seq=self.next_seq + len(encoded) - 1,
            complete_until=NOW - timedelta(seconds=30) + timedelta(milliseconds=self.next_no),
            final=final,
            agent="test",
        )
        sealed = seal(header, encoded)
        self.sealed.append((header, sealed))
        self.next_no += 1
        self.next_seq += len(encoded)
        self.prev_sha256 = sealed.sha256
        return self.send(header.batch_no)

    def send(self, batch_no: int, *, sent_mono_ns: int = 10**12) -> Delivery:
        """Publish a sealed batch, perhaps once more."""
        header, sealed = next(each for each in self.sealed if each[0].batch_no == batch_no)
        return self.frame(header, sealed.body, sealed.sha256, sent_mono_ns)

    def frame(self, header: BatchHeader, body: bytes, sha256: str, sent_mono_ns: int = 10**12) -> Delivery:
        frame = FrameHeader(
            site=header.site,
            gateway=header.gateway,
            epoch=header.epoch,
            batch_no=header.batch_no,
            sha256=sha256,
            boot_id=BOOT,
            sent_mono_ns=sent_mono_ns,
        )
        return Delivery(
            topic(self.site, self.gateway, Channel.RECORDS), encode_frame(frame, body), datetime.now(UTC)
        )


def readings(deliveries: Sequence[Delivery]) -> list[Arrival | Unpostable]:
    return [read(delivery) for delivery in deliveries]


def shuffled(deliveries: Sequence[Delivery], seed: int) -> list[Delivery]:
    """Give every delivery once or twice, in any order."""
    source = random.Random(seed)
    several = [delivery for delivery in deliveries for _ in range(source.choice((1, 1, 2)))]
    source.shuffle(several)
    return several
