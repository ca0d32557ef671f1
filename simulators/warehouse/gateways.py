"""Gateways with real epochs, sequence numbers and hash chains: from a flow to sealed batches."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from contracts.base import NO_PREDECESSOR, EpochId, GatewayId, SiteId
from contracts.batch import BatchHeader, FrameHeader, Sealed, encode_frame, seal
from simulators.warehouse.encode import Clock, RecordEncoder
from simulators.warehouse.flow import Flow
from simulators.warehouse.truth import SealedRange

AGENT: Final = "warehouse-sim"
DEFAULT_BATCH_ROWS: Final = 100
_MINUTE_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class GatewayIdentity:
    """Who a simulated gateway is."""

    site: SiteId
    gateway: GatewayId
    epoch: EpochId
    boot_id: str


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """One batch as it is stored and sent again and again."""

    identity: GatewayIdentity
    sealed: Sealed
    range: SealedRange

    def frame(self, sent_mono_ns: int) -> bytes:
        """Write the payload of one publish.

        Args:
            sent_mono_ns: The gateway's monotonic clock now, in nanoseconds.

        Returns:
            The frame.
        """
        header = FrameHeader(
            site=self.identity.site,
            gateway=self.identity.gateway,
            epoch=self.identity.epoch,
            batch_no=self.range.batch_no,
            sha256=self.sealed.sha256,
            boot_id=self.identity.boot_id,
            sent_mono_ns=sent_mono_ns,
        )
        return encode_frame(header, self.sealed.body)


def identities(*, gateways: int, sites: int, seed: str) -> list[GatewayIdentity]:
    """Name the gateways of a run. The same seed names the same epochs: a run can be sent twice.

    Args:
        gateways: Number of gateways, at least one per site.
        sites: Number of sites; gateway n stands in site n modulo it.
        seed: Seed of the run.

    Returns:
        The gateways, by number.

    Raises:
        ValueError: If there are fewer gateways than sites, or no site.
    """
    if not 1 <= sites <= gateways:
        raise ValueError(f"{gateways} gateways cannot serve {sites} sites: expected 1 <= sites <= gateways")
    epochs = [hashlib.sha256(f"{seed}/{n}".encode()).hexdigest()[:16] for n in range(gateways)]
    return [
        GatewayIdentity(
            SiteId(f"sim-{n % sites + 1}"), GatewayId(f"sim-gw-{n + 1}"), EpochId(epoch), f"boot-{epoch[:8]}"
        )
        for n, epoch in enumerate(epochs)
    ]


def assigned(flow: Flow, *, gateways: int, sites: int, seed: int) -> Flow:
    """Give every record to one of its site's gateways.

    Args:
        flow: Records of ``sites`` sites.
        gateways: Number of gateways.
        sites: Number of sites.
        seed: Fixes the choice.

    Returns:
        The same records, ``gateway`` set.
    """
    per_site = (gateways - flow.site + sites - 1) // sites
    drawn = np.random.default_rng((seed, gateways)).integers(0, 2**31, len(flow))
    return flow.with_column("gateway", flow.site + sites * (drawn % per_site))


class Sealer:
    """Seals one gateway's records in order, as they fall due."""

    def __init__(
        self,
        identity: GatewayIdentity,
        flow: Flow,
        encoder: RecordEncoder,
        *,
        batch_rows: int = DEFAULT_BATCH_ROWS,
    ) -> None:
        """Take one gateway's part of a flow.

        Args:
            identity: The gateway.
            flow: All its records, dated.
            encoder: Writes the records.
            batch_rows: Rows of a full batch, in [1, 300].
        """
        self._identity = identity
        self._flow = flow
        self._encoder = encoder
        self._batch_rows = batch_rows
        self._sealed_rows = 0
        self._batch_no = 0
        self._prev_sha256 = NO_PREDECESSOR
        self.clock = Clock(identity.boot_id, int(flow.at_us[0]) - _MINUTE_US if len(flow) else 0)

    @property
    def is_exhausted(self) -> bool:
        """Whether every record is sealed."""
        return self._sealed_rows == len(self._flow)

    def seal_all(self) -> Iterator[SealedBatch]:
        """Seal the rest in full batches.

        Yields:
            Batches in order.
        """
        while not self.is_exhausted:
            yield self._seal(min(self._sealed_rows + self._batch_rows, len(self._flow)))

    def seal_due(self, now_us: int) -> SealedBatch | None:
        """Seal what has happened by now, if anything new has.

        Args:
            now_us: Microseconds since 1970.

        Returns:
            At most one batch.
        """
        due = int(np.searchsorted(self._flow.at_us, now_us, side="right"))
        end = min(due, self._sealed_rows + self._batch_rows)
        return self._seal(end) if end > self._sealed_rows else None

    def _seal(self, end: int) -> SealedBatch:
        rows = self._flow.take(slice(self._sealed_rows, end))
        first_seq, last_seq = self._sealed_rows + 1, end
        self._batch_no += 1
        header = BatchHeader(
            site=self._identity.site,
            gateway=self._identity.gateway,
            epoch=self._identity.epoch,
            batch_no=self._batch_no,
            prev_sha256=self._prev_sha256,
            first_seq=first_seq,
            last_seq=last_seq,
            complete_until=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(rows.at_us[-1])),
            final=end == len(self._flow),
            agent=AGENT,
        )
        sealed = seal(header, self._encoder.encode(rows, first_seq=first_seq, clock=self.clock))
        self._sealed_rows, self._prev_sha256 = end, sealed.sha256
        sealed_range = SealedRange(
            gateway=self._identity.gateway,
            epoch=self._identity.epoch,
            batch_no=self._batch_no,
            first_seq=first_seq,
            last_seq=last_seq,
            movements=int(rows.moves.sum()),
            sha256=sealed.sha256,
        )
        return SealedBatch(self._identity, sealed, sealed_range)
