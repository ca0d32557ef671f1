"""A run as files: each gateway's sealed batches, one a line, and all records as one parquet table."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from simulators.warehouse.flow import NO_LOT, Ints, Kind
from simulators.warehouse.gateways import SealedBatch
from simulators.warehouse.layout import Layout, gtin, sscc
from simulators.warehouse.scenario import Scenario
from simulators.warehouse.truth import lot_code


def write_batches(scenario: Scenario, directory: Path) -> list[SealedBatch]:
    """Write ``GATEWAY.jsonl``: a sealed batch is one line, byte for byte.

    Args:
        scenario: The run.
        directory: An existing directory.

    Returns:
        Every batch, gateway by gateway.
    """
    batches: list[SealedBatch] = []
    for identity, sealer in scenario.sealers().items():
        with (directory / f"{identity.gateway}.jsonl").open("wb") as file:
            for batch in sealer.seal_all():
                file.write(batch.sealed.body + b"\n")
                batches.append(batch)
    return batches


def write_parquet(scenario: Scenario, path: Path) -> None:
    """Write every record of a run as one row.

    Args:
        scenario: The run.
        path: File to write.
    """
    flow = scenario.flow
    kinds = [kind.name.lower() for kind in Kind]
    gtins = [gtin(item) for item in range(scenario.layout.items)]
    lots = [*map(lot_code, range(int(flow.lot.max(initial=NO_LOT)) + 1)), None]
    columns = {
        "kind": pa.array(_looked_up(kinds, flow.kind)),
        "occurred_at": pa.array(flow.at_us, pa.timestamp("us", "UTC")),
        "site": pa.array(_looked_up(scenario.sites, flow.site)),
        "gateway": pa.array(_looked_up([i.gateway for i in scenario.identities], flow.gateway)),
        "gtin": pa.array(_looked_up(gtins, flow.item)),
        "lot": pa.array(_looked_up(lots, flow.lot)),
        "quantity": pa.array(flow.quantity),
        "source": pa.array(_named(scenario.layout, flow.source)),
        "destination": pa.array(_named(scenario.layout, flow.destination)),
    }
    pq.write_table(pa.table(columns), path)


def _looked_up(words: Sequence[str | None], numbers: Ints) -> npt.NDArray[np.object_]:
    return np.asarray(words, dtype=object)[numbers]


def _named(layout: Layout, places: Ints) -> npt.NDArray[np.object_]:
    distinct, index = np.unique(places, return_inverse=True)
    codes = layout.places
    names = [
        codes[place] if place < layout.unit_base else sscc(place - layout.unit_base)
        for place in distinct.tolist()
    ]
    return _looked_up(names, index)
