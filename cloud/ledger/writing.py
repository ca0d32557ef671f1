"""Entries in, rows in the database out, and beside each batch what of it was refused."""

from collections.abc import Sequence
from typing import Final

import orjson

from cloud.db import Connection
from cloud.ledger import store
from cloud.ledger.domain import AcceptedBatch, Claim, NotPostableError, RefusedRow
from cloud.ledger.entries import Entry, Gateways
from cloud.ledger.naming import Named, resolve_names
from cloud.ledger.rows import COUNT, COUNT_LINE, TABLE_OF_KIND, TABLES, Renderer, Row, Table
from cloud.master.domain import UnresolvableError
from cloud.master.resolver import Resolver
from contracts.records import Movement, RowRef

REVERSAL: Final = "reversal"


def reversal_claim(ref: RowRef) -> Claim:
    """Name the claim that a reversal makes, so that a row is reversed once.

    Args:
        ref: The row that is reversed.

    Returns:
        The claim.
    """
    return Claim(REVERSAL, f"{ref.gateway}/{ref.epoch}/{ref.seq}")


class Writer:
    """Writes the rows of one posting."""

    def __init__(
        self,
        conn: Connection,
        posting_id: int,
        resolver: Resolver,
        gateways: Gateways,
        batches: Sequence[AcceptedBatch],
    ) -> None:
        """Start with what the batches' decoding refused already.

        Args:
            conn: A connection inside the posting.
            posting_id: The posting.
            resolver: Remembers names between postings.
            gateways: Those registered that the posting names.
            batches: Of the posting.
        """
        self.refused: list[list[RefusedRow]] = [list(batch.refused) for batch in batches]
        self._conn = conn
        self._posting_id = posting_id
        self._resolver = resolver
        self._gateways = gateways
        self._batches = batches

    def write(self, entries: Sequence[Entry], adjustment_id: int | None) -> None:
        """Store entries; those of batches that cannot be stored are refused, those of statements fail.

        Args:
            entries: All rows of the posting.
            adjustment_id: The adjustment that the movements carry out.

        Raises:
            NotPostableError: If a statement cannot be stored as it is.
        """
        entries = self._claim_reversals(entries)
        names, storable = resolve_names(self._conn, self._resolver, self._posting_id, entries, self._refuse)
        renderer = Renderer(self._posting_id, names, self._gateways, adjustment_id)
        stored: dict[Table, tuple[list[Named], list[Row]]] = {table: ([], []) for table in TABLES}
        for named in storable:
            try:
                row = renderer.row(named)
            except UnresolvableError as error:
                self._refuse(named.entry, error)
                continue
            of_table, rows = stored[TABLE_OF_KIND[named.entry.row.record.kind]]
            of_table.append(named)
            rows.append(row)
        for table, (of_table, rows) in stored.items():
            not_taken = {write.index: write for write in store.copy_rows(self._conn, table, rows)}
            for index, write in not_taken.items():
                self._refuse(of_table[index].entry, UnresolvableError(write.reason, write.message))
            if table is COUNT:
                counts = [named for index, named in enumerate(of_table) if index not in not_taken]
                lines = [line for named in counts for line in renderer.count_lines(named)]
                store.copy_rows(self._conn, COUNT_LINE, lines)

    def _claim_reversals(self, entries: Sequence[Entry]) -> list[Entry]:
        """Let each row be reversed once; who comes later is refused."""
        wanted = {
            reversal_claim(entry.row.record.reverses): entry
            for entry in reversed(entries)
            if isinstance(entry.row.record, Movement) and entry.row.record.reverses is not None
        }
        if not wanted:
            return list(entries)
        made = store.add_claims(self._conn, self._posting_id, sorted(wanted, key=lambda claim: claim.target))
        kept = []
        for entry in entries:
            record = entry.row.record
            if isinstance(record, Movement) and record.reverses is not None:
                claim = reversal_claim(record.reverses)
                if claim not in made or wanted[claim] is not entry:
                    self._refuse(
                        entry,
                        UnresolvableError("already_reversed", f"row {claim.target} has been reversed before"),
                    )
                    continue
            kept.append(entry)
        return kept

    def _refuse(self, entry: Entry, error: UnresolvableError) -> None:
        if entry.batch is None:
            raise NotPostableError(str(error))
        batch = self._batches[entry.batch]
        record = orjson.loads(batch.body)["records"][entry.seq - batch.header.first_seq]
        refused = RefusedRow(entry.seq, error.reason, str(error), orjson.dumps(record))
        self.refused[entry.batch].append(refused)
