"""A run of the warehouse, whole: building, records, gateways, and the truth they add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from simulators.warehouse import calendar, gateways, stationary, stories
from simulators.warehouse.encode import RecordEncoder
from simulators.warehouse.flow import Flow
from simulators.warehouse.gateways import DEFAULT_BATCH_ROWS, GatewayIdentity, SealedBatch, Sealer
from simulators.warehouse.layout import Layout
from simulators.warehouse.truth import Truth, fold

ITEMS = 2_000
BINS = 6_000


@dataclass(frozen=True, slots=True)
class Crew:
    """Who sends a run's records."""

    gateways: int
    sites: int
    seed: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """Dated records, each assigned to one of the run's gateways."""

    layout: Layout
    flow: Flow
    identities: tuple[GatewayIdentity, ...]

    @classmethod
    def plausible(
        cls, crew: Crew, *, count: int, start_at: datetime, end_at: datetime, is_year: bool = False
    ) -> Self:
        """Tell a warehouse's life: receipts, put-aways, moves, picks, shipments, returns, counts.

        Args:
            crew: Gateways, sites and seed.
            count: Number of records, >= 1.
            start_at: Instant of the first.
            end_at: Instant of the last.
            is_year: Whether shifts, weeks and seasons show; else the stream is even.

        Returns:
            The run.
        """
        layout = Layout(ITEMS, BINS)
        told = stories.tell(layout, count=count, sites=crew.sites, seed=crew.seed)
        return cls._of(crew, layout, calendar.dated(told, start_at=start_at, end_at=end_at, is_year=is_year))

    @classmethod
    def stationary(cls, crew: Crew, *, count: int, cells: int, start_at: datetime, end_at: datetime) -> Self:
        """Draw movements over a fixed set of cells by Zipf's law, after one opening for each cell.

        Args:
            crew: Gateways, sites and seed.
            count: Number of records after the openings.
            cells: Number of stock cells over all sites, a multiple of 10.
            start_at: Instant of the first.
            end_at: Instant of the last.

        Returns:
            The run, of ``cells + count`` records.
        """
        layout, drawn = stationary.draw(count=count, cells=cells, sites=crew.sites, seed=crew.seed)
        return cls._of(crew, layout, calendar.dated(drawn, start_at=start_at, end_at=end_at, is_year=False))

    @classmethod
    def _of(cls, crew: Crew, layout: Layout, flow: Flow) -> Self:
        began = int(flow.at_us[0]) if len(flow) else 0
        named = gateways.identities(gateways=crew.gateways, sites=crew.sites, seed=f"{crew.seed}/{began}")
        shared = gateways.assigned(flow, gateways=crew.gateways, sites=crew.sites, seed=crew.seed)
        return cls(layout, shared, tuple(named))

    @property
    def sites(self) -> list[str]:
        """Names of the sites, by number."""
        return list(dict.fromkeys(identity.site for identity in self.identities))

    def sealers(self, batch_rows: int = DEFAULT_BATCH_ROWS) -> dict[GatewayIdentity, Sealer]:
        """Make each gateway's sealer; gateways without records have none.

        Args:
            batch_rows: Rows of a full batch, in [1, 300].

        Returns:
            Sealers by gateway.
        """
        encoder = RecordEncoder(self.layout)
        parts = {
            identity: self.flow.take(self.flow.gateway == n) for n, identity in enumerate(self.identities)
        }
        return {
            identity: Sealer(identity, part, encoder, batch_rows=batch_rows)
            for identity, part in parts.items()
            if len(part)
        }

    def truth(self, batches: Sequence[SealedBatch]) -> Truth:
        """Say what the ledger must hold once all is stored.

        Args:
            batches: Every batch that was sealed of this run.

        Returns:
            Final balances and the identity of every row.
        """
        balances = fold(self.flow, self.layout, self.sites)
        return Truth(balances, tuple(batch.range for batch in batches))
