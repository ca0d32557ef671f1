"""Truth against ledger: how much is lost, doubled or wrong, counted by queries that share no code with it."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import psycopg

from contracts.base import epoch_to_int
from simulators.warehouse.truth import Cell, SealedRange, Truth

_SHOWN: Final = 5

_ROWS: Final = """
SELECT g.name, m.epoch, count(*), count(DISTINCT m.seq)
FROM movement m JOIN gateway g USING (gateway_id)
WHERE g.name = ANY(%s) GROUP BY g.name, m.epoch
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

_SCANNED: Final = """
SELECT m.identifier, lf.code, lt.code, m.detail #>> '{documents,0,id}', m.detail #>> '{documents,0,line}',
       m.quantity_seen
FROM movement m
JOIN gateway g USING (gateway_id)
JOIN cell f ON f.cell_id = m.from_cell JOIN location lf ON lf.location_id = f.location_id
JOIN cell t ON t.cell_id = m.to_cell JOIN location lt ON lt.location_id = t.location_id
WHERE g.name = ANY(%s)
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
    """Hold a ledger against the truth of the one generated run in it; other gateways may have added theirs.

    Args:
        dsn: Connection of the schema's owner.
        truth: What was sealed and what it adds up to.

    Returns:
        The differences.
    """
    with psycopg.connect(dsn) as connection:
        connection.execute("SET ROLE dockledger_owner")
        stored = {
            (gateway, epoch): (total, distinct)
            for gateway, epoch, total, distinct in connection.execute(
                _ROWS, [sorted({batch.gateway for batch in truth.batches})]
            ).fetchall()
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


def compare_scans(dsn: str, truth_paths: Iterable[Path], gateways: Iterable[str]) -> Discrepancies:
    """Hold what scanners' gateways put into the ledger against what `warehouse-sim scan-pos` scanned.

    Args:
        dsn: Connection of the schema's owner.
        truth_paths: The truth files of every `scan-pos`.
        gateways: Names of all gateways that posted what they scanned.

    Returns:
        The differences, movement by movement: item, quantity, both places, document and line.
    """
    told = [
        line
        for path in truth_paths
        for line in map(json.loads, path.read_text("utf-8").splitlines())
        if line["kind"] == "movement"
    ]
    names = ("item", "source", "destination", "document")
    expected = Counter(
        (*(line[name] for name in names), str(line["line"]), Decimal(line["quantity"])) for line in told
    )
    with psycopg.connect(dsn) as connection:
        connection.execute("SET ROLE dockledger_owner")
        stored = Counter(connection.execute(_SCANNED, [sorted(gateways)]).fetchall())
    missing, surplus = expected - stored, stored - expected
    is_known = {row[:-1] for row in expected}
    wrong = Counter({row: n for row, n in surplus.items() if row[:-1] not in is_known})
    return Discrepancies(
        lost=missing.total(),
        duplicated=surplus.total() - wrong.total(),
        mismatched=wrong.total(),
        examples=tuple(f"{sign}{row}" for sign, rows in (("-", missing), ("+", surplus)) for row in rows)[
            :_SHOWN
        ],
    )


def _movements_by_epoch(batches: Iterable[SealedRange]) -> Counter[tuple[str, int]]:
    expected: Counter[tuple[str, int]] = Counter()
    for batch in batches:
        expected[batch.gateway, epoch_to_int(batch.epoch)] += batch.movements
    return expected
