"""Truth against ledger: how much is lost, doubled or wrong, counted by queries that share no code with it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import psycopg

from contracts.base import epoch_to_int
from simulators.warehouse.truth import Cell, SealedRange, Truth

_SHOWN: Final = 5

_ROWS: Final = """
SELECT g.name, m.epoch, count(*), count(DISTINCT m.seq)
FROM movement m JOIN gateway g USING (gateway_id)
WHERE g.kind = 'edge' GROUP BY g.name, m.epoch
"""
_BATCHES: Final = """
SELECT g.name, b.epoch, b.batch_no, b.sha256 FROM batch b JOIN gateway g USING (gateway_id)
"""
_BALANCES: Final = """
SELECT c.site_id, i.value, l.code, coalesce(c.lot, ''), coalesce(c.disposition, ''), b.quantity
FROM balance b
JOIN cell c USING (cell_id)
JOIN location l USING (location_id)
JOIN identifier i ON i.item_id = c.item_id AND i.scheme = 'gtin'
WHERE b.quantity <> 0
"""


@dataclass(frozen=True, slots=True)
class Discrepancies:
    """What is not as the truth says."""

    lost: int
    """Movements that the ledger lacks."""
    duplicated: int
    """Movements that it holds more than once."""
    mismatched: int
    """Cells whose balance differs, and batches with another hash."""
    examples: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether the ledger equals the truth."""
        return self.lost == self.duplicated == self.mismatched == 0


def compare(dsn: str, truth: Truth) -> Discrepancies:
    """Hold a ledger that holds one run, and nothing else, against that run's truth.

    Args:
        dsn: Connection of a role that may read the ledger's tables.
        truth: What was sealed and what it adds up to.

    Returns:
        The differences.
    """
    with psycopg.connect(dsn) as connection:
        connection.execute("SET ROLE dockledger_owner")
        stored = {
            (gateway, epoch): (total, distinct)
            for gateway, epoch, total, distinct in connection.execute(_ROWS).fetchall()
        }
        batches = {
            (gateway, epoch, number): sha for gateway, epoch, number, sha in connection.execute(_BATCHES)
        }
        balances = {Cell(*row[:5]): row[5] for row in connection.execute(_BALANCES)}
    expected = _movements_by_epoch(truth.batches)
    lost = sum(max(expected[key] - stored.get(key, (0, 0))[1], 0) for key in expected)
    surplus = sum(max(distinct - expected[key], 0) for key, (_, distinct) in stored.items())
    doubled = sum(total - distinct for total, distinct in stored.values())
    wrong = [
        f"batch {batch.batch_no} of {batch.gateway} has sha256 {found}, expected {batch.sha256}"
        for batch in truth.batches
        if (found := batches.get((batch.gateway, epoch_to_int(batch.epoch), batch.batch_no))) != batch.sha256
    ]
    wrong += [
        f"{cell} holds {balances.get(cell, 0)}, expected {truth.balances.get(cell, 0)}"
        for cell in balances.keys() | truth.balances.keys()
        if balances.get(cell, 0) != truth.balances.get(cell, 0)
    ]
    return Discrepancies(lost, surplus + doubled, len(wrong), tuple(wrong[:_SHOWN]))


def _movements_by_epoch(batches: Iterable[SealedRange]) -> Counter[tuple[str, int]]:
    expected: Counter[tuple[str, int]] = Counter()
    for batch in batches:
        expected[batch.gateway, epoch_to_int(batch.epoch)] += batch.movements
    return expected
