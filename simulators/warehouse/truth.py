"""What must stand in the ledger at the end: a fold that shares no code with the ledger, and its file."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from contracts.vocabulary import Disposition
from simulators.warehouse.books import balances_of
from simulators.warehouse.flow import NO_LOT, Flow
from simulators.warehouse.layout import Layout, gtin, sscc


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """What has a balance, in the words of the wire."""

    site: str
    item: str
    """The GTIN."""
    place: str
    """A location code or the SSCC of a unit."""
    lot: str = ""
    disposition: str = ""


@dataclass(frozen=True, slots=True)
class SealedRange:
    """One batch: the identities ``first_seq`` to ``last_seq`` and the hash of what they say."""

    gateway: str
    epoch: str
    batch_no: int
    first_seq: int
    last_seq: int
    movements: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Truth:
    """Final balances that are not zero, and the identity of everything that was sealed."""

    balances: dict[Cell, int]
    batches: tuple[SealedRange, ...]

    @property
    def movements(self) -> int:
        """How many movements the ledger must hold, once each."""
        return sum(batch.movements for batch in self.batches)

    def write(self, path: Path) -> None:
        """Write one JSON object a line: the summary, the cells, the batches.

        Args:
            path: File to write.
        """
        summary = {"movements": self.movements, "batches": len(self.batches), "cells": len(self.balances)}
        with path.open("w", encoding="utf-8") as file:
            for line in self._lines(summary):
                file.write(json.dumps(line) + "\n")

    def _lines(self, summary: dict[str, int]) -> Iterator[dict[str, object]]:
        yield {"truth": summary}
        for cell, quantity in sorted(self.balances.items()):
            yield {"cell": asdict(cell), "quantity": quantity}
        for batch in self.batches:
            yield {"batch": asdict(batch)}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what ``write`` wrote.

        Args:
            path: A truth file.

        Returns:
            The truth.
        """
        balances: dict[Cell, int] = {}
        batches: list[SealedRange] = []
        with path.open(encoding="utf-8") as file:
            for line in map(json.loads, file):
                if "cell" in line:
                    balances[Cell(**line["cell"])] = line["quantity"]
                elif "batch" in line:
                    batches.append(SealedRange(**line["batch"]))
        return cls(balances, tuple(batches))


def fold(flow: Flow, layout: Layout, sites: Iterable[str]) -> dict[Cell, int]:
    """Add up every movement per cell.

    Args:
        flow: Records; unit positions and counts move nothing and are passed over.
        layout: The building the flow's numbers refer to.
        sites: Names of the flow's sites, by number.

    Returns:
        Balances in base units, those of zero left out.
    """
    cells, totals = balances_of(flow.take(flow.moves))
    site_names = tuple(sites)
    places = layout.places
    return {
        Cell(
            site=site_names[site],
            item=gtin(item),
            place=places[place] if place < layout.unit_base else sscc(place - layout.unit_base),
            lot="" if lot == NO_LOT else lot_code(lot),
            disposition=Disposition.RETURNED.value if is_returned else "",
        ): int(total)
        for (site, item, place, lot, is_returned), total in zip(cells.T.tolist(), totals, strict=True)
        if total
    }


def lot_code(lot: int) -> str:
    """Name a lot.

    Args:
        lot: Lot number, >= 0.

    Returns:
        Its code.

    Examples:
        >>> lot_code(12)
        'L0000012'
    """
    return f"L{lot:07d}"
